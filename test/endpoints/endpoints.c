/*
 * endpoints.c
 *	  Runs the cases that cases.py wrote, and a few of the client's own settings.
 *
 *	  endpoints FOLDER
 */
#include <json-c/json.h>

#include "../aws.h"
#include "aws/endpoint.h"
#include "aws/error.h"
#include "aws/jmespath.h"

#define EU "eu-central-1"
#define OWN "http://127.0.0.1:5000"

static const char *folder;
static int seen[3];
static const char *const kinds[3] = {"rules", "operation", "jmespath"};

/* Equal, numbers by value: the reference prints some integers as 1.0. */
static bool
same(json_object *a, json_object *b)
{
	if ((json_object_is_type(a, json_type_int) || json_object_is_type(a, json_type_double)) &&
		(json_object_is_type(b, json_type_int) || json_object_is_type(b, json_type_double)))
		return json_object_get_double(a) == json_object_get_double(b);
	return json_object_equal(a, b) != 0;
}

static void
judge(const char *name, json_object *got, json_object *wanted)
{
	check(same(got, wanted), name, json_object_to_json_string(got));
}

/* An outcome in the form of the cases: always with properties and headers, or an error. */
static json_object *
outcome_of(const AwsModel *model, json_object *parameters)
{
	AwsError error = {0};
	json_object *outcome = aws_endpoint_evaluate(model, parameters, &error);

	if (outcome == NULL)
	{
		outcome = json_object_new_object();
		json_object_object_add(outcome, "error", json_object_new_string(error.message));
	}
	else
		for (int i = 0; i < 2; i++)
		{
			static const char *const parts[2] = {"properties", "headers"};

			if (!json_object_object_get_ex(outcome, parts[i], NULL))
				json_object_object_add(outcome, parts[i], json_object_new_object());
		}
	aws_error_clear(&error);
	return outcome;
}

static void
run_case(json_object *fields)
{
	const char *kind = json_object_get_string(json_object_array_get_idx(fields, 0));
	const char *name = json_object_get_string(json_object_array_get_idx(fields, 1));
	const AwsModel *model = model_named(folder, json_object_get_string(json_object_array_get_idx(fields, 2)));
	json_object *third = json_object_array_get_idx(fields, 3);
	json_object *fourth = json_object_array_get_idx(fields, 4);
	json_object *result = NULL;
	int n = strcmp(kind, kinds[0]) == 0 ? 0 : strcmp(kind, kinds[1]) == 0 ? 1 : 2;

	seen[n]++;
	if (n == 0)
	{
		result = outcome_of(model, third);
		judge(name, result, fourth);
	}
	else if (n == 1)
	{
		const AwsOp *op = aws_model_op(model, json_object_get_string(third), NULL);
		json_object *parameters =
			op != NULL ? aws_endpoint_parameters(model, op, fourth, json_object_array_get_idx(fields, 5)) : NULL;

		result = outcome_of(model, parameters);
		judge(name, result, json_object_array_get_idx(fields, 6));
		json_object_put(parameters);
	}
	else
	{
		const AwsWaiter *waiter = aws_model_waiter(model, json_object_get_string(third));
		int count;

		aws_jmespath(model, aws_model_acceptors(model, waiter, &count)->expression, fourth, &result);
		judge(name, result, json_object_array_get_idx(fields, 5));
	}
	json_object_put(result);
}

/* What a call gets: "URL name region" or the error's message. */
static void
try_call(const char *service, const char *operation, const char *input, const char *region, const char *url,
		 const char *wanted)
{
	const AwsModel *model = model_named(folder, service);
	const AwsOp *op = aws_model_op(model, operation, NULL);
	json_object *document = json_tokener_parse(input);
	AwsEndpoint endpoint = {0};
	AwsError error = {0};
	char got[1024];

	if (aws_endpoint_resolve(model, op, region, url, document, &endpoint, &error))
		snprintf(got, sizeof(got), "%s %s %s%s", endpoint.url, endpoint.signing_name, endpoint.signing_region,
				 endpoint.disable_double_encoding ? " once" : "");
	else
		snprintf(got, sizeof(got), "%s", error.message);
	is(operation, got, wanted);
	json_object_put(document);
	aws_endpoint_free(&endpoint);
	aws_error_clear(&error);
}

static void
try_calls(void)
{
	static const struct
	{
		const char *service, *operation, *input, *region, *url, *wanted;
	} calls[] = {
		{"ec2", "DescribeVpcs", "{}", EU, NULL, "https://ec2.eu-central-1.amazonaws.com ec2 eu-central-1"},
		{"ec2", "DescribeVpcs", "{}", EU, OWN, "http://127.0.0.1:5000 ec2 eu-central-1"},
		{"elbv2", "DescribeListeners", "{}", EU, NULL,
		 "https://elasticloadbalancing.eu-central-1.amazonaws.com elasticloadbalancing eu-central-1"},
		{"iam", "ListRoles", "{}", EU, NULL, "https://iam.amazonaws.com iam us-east-1"},
		{"iam", "ListRoles", "{}", EU, OWN, "http://127.0.0.1:5000 iam eu-central-1"},
		{"iam", "ListRoles", "{}", "cn-north-1", NULL, "https://iam.cn-north-1.amazonaws.com.cn iam cn-north-1"},
		{"s3", "GetObject", "{\"Bucket\": \"b-1\", \"Key\": \"k\"}", EU, NULL,
		 "https://b-1.s3.eu-central-1.amazonaws.com s3 eu-central-1 once"},
		{"s3", "GetObject", "{\"Bucket\": \"b.1\", \"Key\": \"k\"}", EU, NULL,
		 "https://s3.eu-central-1.amazonaws.com/b.1 s3 eu-central-1 once"},
		{"s3", "GetObject", "{\"Bucket\": \"b-1\", \"Key\": \"k\"}", EU, OWN,
		 "http://127.0.0.1:5000/b-1 s3 eu-central-1 once"},
		{"dynamodb", "GetItem", "{\"TableName\": \"t\"}", EU, NULL,
		 "https://dynamodb.eu-central-1.amazonaws.com dynamodb eu-central-1"},
		{"sts", "GetCallerIdentity", "{}", "us-east-1", NULL, "https://sts.us-east-1.amazonaws.com sts us-east-1"},
		{"kinesis", "DescribeStream", "{\"StreamId\": \"af4lwng4k017/6835071-xyz\"}", EU, NULL,
		 "the endpoint rules give no URL for these parameters"},
		{"ec2", "DescribeVpcs", "{}", "a.evil.example/", NULL, "\"a.evil.example/\" cannot be an AWS region"},
		{"ec2", "DescribeVpcs", "{}", "", NULL, "\"\" cannot be an AWS region"},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		try_call(calls[i].service, calls[i].operation, calls[i].input, calls[i].region, calls[i].url, calls[i].wanted);
}

int
main(int argc, char **argv)
{
	char path[4096];
	char *line = NULL;
	size_t size = 0;
	FILE *file;

	folder = argc > 1 ? argv[1] : ".";
	snprintf(path, sizeof(path), "%s/cases", folder);
	file = fopen(path, "r");
	while (file != NULL && getline(&line, &size, file) > 0)
	{
		json_object *fields = json_tokener_parse(line);

		run_case(fields);
		json_object_put(fields);
	}
	free(line);
	if (file != NULL)
		fclose(file);
	try_calls();
	model_named(NULL, NULL);
	is_number("cases of rules", seen[0], 14589);
	check(seen[1] >= 500 && seen[2] >= 1500, "cases of operations and expressions", "fewer");
	return result();
}
