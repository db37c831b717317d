/*
 * suggest.c
 *	  The known names that are nearest to one that is not known.
 *
 * Distance is Levenshtein's, without regard to case, in which a change of
 * case costs nothing: "describevpcs" is nearest to "DescribeVpcs".  A name
 * that has the wanted one as its beginning counts as two away, since people
 * leave out endings.  What is more than a third of its length away is no
 * suggestion.
 */
#include "aws/error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "aws/buffer.h"

/* Longer names are not compared; the longest in AWS's models has 63 bytes. */
#define SUGGEST_MAX 128

static int
suggest_lower(char c)
{
	return tolower((unsigned char) c);
}

static int
suggest_distance(const char *a, const char *b)
{
	size_t la = strlen(a);
	size_t lb = strlen(b);
	int row[SUGGEST_MAX + 1];

	if (la > SUGGEST_MAX || lb > SUGGEST_MAX)
		return SUGGEST_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (int) j;
	for (size_t i = 1; i <= la; i++)
	{
		int diagonal = row[0];

		row[0] = (int) i;
		for (size_t j = 1; j <= lb; j++)
		{
			int best = diagonal + (suggest_lower(a[i - 1]) != suggest_lower(b[j - 1]));

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb] > 2 && la >= 3 && strncmp(a, b, la) == 0 ? 2 : row[lb];
}

void
aws_suggest_try(AwsSuggest *suggest, const char *name)
{
	int distance = suggest_distance(suggest->wanted, name);
	int at;

	if (distance > (int) strlen(suggest->wanted) / 3 + 1)
		return;
	if (suggest->count < AWS_SUGGESTIONS)
		at = suggest->count++;
	else if (distance < suggest->distance[AWS_SUGGESTIONS - 1])
		at = AWS_SUGGESTIONS - 1;
	else
		return;
	for (; at > 0 && suggest->distance[at - 1] > distance; at--)
	{
		suggest->distance[at] = suggest->distance[at - 1];
		memcpy(suggest->best[at], suggest->best[at - 1], sizeof(suggest->best[at]));
	}
	suggest->distance[at] = distance;
	snprintf(suggest->best[at], sizeof(suggest->best[at]), "%s", name);
}

char *
aws_suggest_hint(const AwsSuggest *suggest)
{
	AwsBuffer hint = {0};

	if (suggest->count == 0)
		return NULL;
	aws_buffer_string(&hint, "Did you mean ");
	for (int i = 0; i < suggest->count; i++)
		aws_buffer_format(&hint, "%s\"%s\"", i == 0 ? "" : i + 1 < suggest->count ? ", " : " or ", suggest->best[i]);
	aws_buffer_char(&hint, '?');
	return aws_buffer_take(&hint);
}
