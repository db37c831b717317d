/*
 * parse.c
 *	  How fast answers become JSON: the client's real path from the bytes of an
 *	  answer to the texts of its items, without a network.
 *
 *	  parse MODEL_DIRECTORY
 *
 * Prints, for each protocol, the MB of answers read in a second of CPU time,
 * the best of some rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/error.h"
#include "aws/response.h"

#define ITEMS 20000
#define ROUNDS 7
#define CHUNK (16 * 1024) /* as libcurl hands it over */

typedef struct Case
{
	const char *name;
	const char *service;
	const char *operation;
	const char *before;
	const char *item;
	const char *separator;
	const char *after;
} Case;

static const Case cases[] = {
	{"ec2", "ec2", "DescribeSecurityGroupRules",
	 "<DescribeSecurityGroupRulesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>"
	 "<securityGroupRuleSet>",
	 "<item><securityGroupRuleId>sgr-0123456789abcdef0</securityGroupRuleId><groupId>sg-0123456789abcdef0</groupId>"
	 "<groupOwnerId>123456789012</groupOwnerId><isEgress>false</isEgress><ipProtocol>tcp</ipProtocol>"
	 "<fromPort>443</fromPort><toPort>443</toPort><cidrIpv4>10.0.0.0/8</cidrIpv4><description>from inside</description>"
	 "<tagSet><item><key>Name</key><value>a rule &amp; its tag</value></item></tagSet></item>\n",
	 "", "</securityGroupRuleSet></DescribeSecurityGroupRulesResponse>"},
	{"query", "iam", "ListRoles",
	 "<ListRolesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListRolesResult>"
	 "<IsTruncated>false</IsTruncated><Roles>",
	 "<member><Path>/</Path><RoleName>a-role</RoleName><RoleId>AROA0123456789ABCDEF</RoleId>"
	 "<Arn>arn:aws:iam::123456789012:role/a-role</Arn><CreateDate>2024-01-01T00:00:00Z</CreateDate>"
	 "<AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"
	 "</AssumeRolePolicyDocument><Description>what it is for</Description>"
	 "<MaxSessionDuration>3600</MaxSessionDuration></member>\n",
	 "", "</Roles></ListRolesResult></ListRolesResponse>"},
	{"json", "logs", "DescribeLogGroups", "{\"logGroups\": [",
	 "{\"logGroupName\": \"a-log-group\", \"creationTime\": 1700000000000, \"metricFilterCount\": 0, \"arn\": "
	 "\"arn:aws:logs:us-east-1:123456789012:log-group:a-log-group:*\", \"storedBytes\": 1234}",
	 ",", "]}"},
};

static double
cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Reads one answer as the client does; the bytes of JSON that came out. */
static size_t
read_answer(const AwsModel *model, const AwsOp *op, const char *answer, size_t len, int *items)
{
	AwsError error = {0};
	AwsReply *reply = aws_reply_new(model, op, "", NULL, &error);
	size_t out = 0;
	size_t n;

	*items = 0;
	if (reply == NULL)
		return 0;
	aws_reply_head(reply, 200);
	for (size_t at = 0; at < len; at += CHUNK)
	{
		if (!aws_reply_feed(reply, answer + at, len - at < CHUNK ? len - at : CHUNK))
			break;
		while (aws_reply_item(reply, &n) != NULL)
		{
			out += n;
			++*items;
		}
	}
	if (!aws_reply_finish(reply, &error))
		fprintf(stderr, "%s\n", error.message);
	while (aws_reply_item(reply, &n) != NULL)
	{
		out += n;
		++*items;
	}
	aws_error_clear(&error);
	aws_reply_free(reply);
	return out;
}

int
main(int argc, char **argv)
{
	if (argc < 2)
	{
		fprintf(stderr, "usage: %s MODEL_DIRECTORY\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const Case *this = &cases[i];
		AwsError error = {0};
		AwsModel *model = aws_model_open(argv[1], this->service, &error);
		const AwsOp *op = model ? aws_model_op(model, this->operation, &error) : NULL;
		size_t size = strlen(this->before) + ITEMS * (strlen(this->item) + 1) + strlen(this->after) + 1;
		char *answer = malloc(size);
		size_t len;
		double best = 0;

		if (op == NULL || answer == NULL)
		{
			fprintf(stderr, "%s: %s\n", this->name, error.message ? error.message : "no memory");
			return 1;
		}
		len = snprintf(answer, size, "%s", this->before);
		for (int n = 0; n < ITEMS; n++)
			len += snprintf(answer + len, size - len, "%s%s", n ? this->separator : "", this->item);
		len += snprintf(answer + len, size - len, "%s", this->after);
		for (int round = 0; round < ROUNDS; round++)
		{
			double start = cpu();
			int items;
			double rate;

			if (read_answer(model, op, answer, len, &items) == 0 || items != ITEMS)
			{
				fprintf(stderr, "%s: %d items\n", this->name, items);
				return 1;
			}
			rate = len / (cpu() - start) / 1e6;
			best = rate > best ? rate : best;
		}
		printf("%s %.0f\n", this->name, best);
		free(answer);
		aws_model_close(model);
	}
	return 0;
}
