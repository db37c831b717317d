/*
 * reply.c
 *	  Fuzz targets xml and json: hostile answers, in one piece and in small ones.
 *
 * corpus.py lists the operations of each.  The input: the operation, a byte that chooses status, items and pieces,
 * header lines up to an empty one, and the body.
 */
#include "fuzz.h"

#include "aws/error.h"
#include "aws/json.h"
#include "aws/response.h"

/* Deeper than any answer may nest. */
#define DEPTH 512

/* A flag of the byte that chooses: few bytes are allowed. */
#define SMALL_LIMIT 32

static void
add(AwsBuffer *outcome, const char *what, const char *text)
{
	aws_buffer_format(outcome, "%s %s\n", what, text != NULL ? text : "-");
}

static void
add_json(AwsBuffer *outcome, const char *text, size_t len)
{
	const char *why;

	FUZZ_CHECK(aws_json_valid(text, len, DEPTH, &why));
	aws_buffer_append(outcome, text, len);
	aws_buffer_char(outcome, '\n');
}

static void
take_items(AwsReply *reply, AwsBuffer *outcome)
{
	const char *item;
	size_t len;

	while ((item = aws_reply_item(reply, &len)) != NULL)
		add_json(outcome, item, len);
}

static void
add_headers(AwsReply *reply, const char *lines)
{
	for (size_t len; *lines != '\0'; lines += len + 1)
	{
		const char *colon;

		len = strcspn(lines, "\n");
		colon = memchr(lines, ':', len);
		if (colon != NULL)
			aws_reply_header(reply, lines, (size_t) (colon - lines), colon + 1, len - (size_t) (colon + 1 - lines));
	}
}

static void
read_answer(const AwsModel *model, const AwsOp *op, unsigned mode, const char *headers, const char *body, size_t len,
			size_t piece, AwsBuffer *outcome)
{
	static const int statuses[4] = {200, 400, 503, 204};
	AwsLimits limits = {.max_depth = mode & 16 ? 8 : 0, .max_reply_bytes = mode & SMALL_LIMIT ? 1000 : 0};
	AwsError error = {0};
	AwsReply *reply = aws_reply_new(model, op, mode & 4 ? "" : NULL, &limits, &error);
	const char *result;
	bool open = true;
	bool finished;

	FUZZ_CHECK(reply != NULL);
	aws_reply_head(reply, statuses[mode % 4]);
	add_headers(reply, headers);
	for (size_t at = 0; at < len && open; at += piece)
	{
		/* a block of its own, so that reading beyond it is seen */
		size_t part = len - at < piece ? len - at : piece;
		char *copy = malloc(part);

		FUZZ_CHECK(copy != NULL);
		memcpy(copy, body + at, part);
		open = aws_reply_feed(reply, copy, part);
		free(copy);
		take_items(reply, outcome);
	}
	finished = aws_reply_finish(reply, &error);
	/* expat may keep the last markup back until the end, so items come then or before */
	take_items(reply, outcome);
	if (finished)
	{
		result = aws_reply_result(reply, &len);
		add_json(outcome, result, len);
		for (int i = 0; aws_reply_token(reply, i) != NULL; i++)
			add_json(outcome, aws_reply_token(reply, i), strlen(aws_reply_token(reply, i)));
		add(outcome, "more", aws_reply_more(reply) ? "yes" : "no");
	}
	else
	{
		FUZZ_CHECK(error.kind == AWS_REFUSED || error.kind == AWS_BAD_REPLY);
		FUZZ_CHECK(error.message != NULL);
		FUZZ_CHECK(aws_utf8_valid(error.message, strlen(error.message)));
		aws_buffer_format(outcome, "error %d %d\n", error.kind, error.http_status);
		add(outcome, "code", error.code);
		/* of several faults the parser may name another one */
		add(outcome, "message", error.kind == AWS_REFUSED ? error.message : NULL);
	}
	add(outcome, "request", aws_reply_request_id(reply));
	aws_reply_free(reply);
	aws_error_clear(&error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	FuzzInput input = {data, len};
	const AwsModel *model;
	const AwsOp *op = fuzz_operation(&input, &model);
	unsigned mode = fuzz_byte(&input);
	AwsBuffer headers = {0};
	AwsBuffer outcomes[2] = {{0}, {0}};
	char *line;
	char *body;

	while (*(line = fuzz_line(&input)) != '\0')
	{
		aws_buffer_string(&headers, line);
		aws_buffer_char(&headers, '\n');
		free(line);
	}
	free(line);
	body = fuzz_rest(&input, &len);
	read_answer(model, op, mode, aws_buffer_text(&headers), body, len, len + 1, &outcomes[0]);
	read_answer(model, op, mode, aws_buffer_text(&headers), body, len, mode & 8 ? 1 : 7, &outcomes[1]);
	/* what exceeds a limit is not read as far when it comes in larger pieces */
	if (!(mode & SMALL_LIMIT) && strcmp(aws_buffer_text(&outcomes[0]), aws_buffer_text(&outcomes[1])) != 0)
	{
		fprintf(stderr, "in one piece:\n%s\nin small ones:\n%s\n", aws_buffer_text(&outcomes[0]),
				aws_buffer_text(&outcomes[1]));
		abort();
	}
	aws_buffer_free(&outcomes[0]);
	aws_buffer_free(&outcomes[1]);
	aws_buffer_free(&headers);
	free(body);
	return 0;
}
