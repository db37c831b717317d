/*
 * memory.c
 *	  Each part of the AWS client, again and again: each time another allocation fails.
 *
 *	  memory MODEL_DIRECTORY [PATH [IGNORED] PORT]
 *
 * The program's malloc and its kin stand before those of the sanitizer, so
 * allocations of json-c, expat and OpenSSL fail as well.  A part may then say
 * AWS_NO_MEMORY, or do without what it wanted memory for (a hint, a cache) and
 * give what it always gives.  The sanitizers find nothing wrong and nothing left.
 *
 * With a port, the part is the whole client: a listing at a server's path, with
 * the keys of AWS_PROFILE if that is set.  Then only allocations of this
 * program fail, src/aws that is, because curl promises less.
 */
#include <errno.h>
#include <json-c/json.h>

#include "../aws.h"
#include "aws/config.h"
#include "aws/endpoint.h"
#include "aws/error.h"
#include "aws/jmespath.h"
#include "aws/provider.h"
#include "aws/request.h"
#include "aws/response.h"
#include "aws/sigv4.h"

/* ---- failing allocations ---- */

static long countdown; /* allocations until one fails; 0: none does */
static bool failed_one;

static bool ours_only;

static bool
fails(const char *caller)
{
	extern const char __executable_start[], etext[];

	if (countdown == 0 || (ours_only && (caller < __executable_start || caller >= etext)) || --countdown > 0)
		return false;
	failed_one = true;
	errno = ENOMEM;
	return true;
}

#define FAILS() fails(__builtin_return_address(0))

extern void *__interceptor_malloc(size_t size);
extern void *__interceptor_calloc(size_t count, size_t size);
extern void *__interceptor_realloc(void *old, size_t size);
extern char *__real_strdup(const char *string);
extern char *__real_strndup(const char *string, size_t len);
extern char *__wrap_strdup(const char *string);
extern char *__wrap_strndup(const char *string, size_t len);

void *
malloc(size_t size)
{
	return FAILS() ? NULL : __interceptor_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return FAILS() ? NULL : __interceptor_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return FAILS() ? NULL : __interceptor_realloc(old, size);
}

char *
__wrap_strdup(const char *string)
{
	return FAILS() ? NULL : __real_strdup(string);
}

char *
__wrap_strndup(const char *string, size_t len)
{
	return FAILS() ? NULL : __real_strndup(string, len);
}

/* ---- the parts ---- */

static const char *model_dir;
static char outcome[20000]; /* of the part that was tried last */

static void
add(const char *text, size_t len)
{
	size_t used = strlen(outcome);

	if (text != NULL && used + len + 2 < sizeof(outcome))
	{
		memcpy(outcome + used, text, len);
		strcpy(outcome + used + len, "\n");
	}
}

static void
add_buffer(const AwsBuffer *buffer)
{
	add(aws_buffer_text(buffer), buffer->len);
}

typedef struct Case
{
	const char *what;
	bool (*try)(const struct Case *this, AwsError *error);
	const char *service;
	const char *operation;
	const char *text;  /* the input or the answer */
	AwsErrorKind ends; /* when nothing fails */
	int status;
	const char *items;
} Case;

static const AwsModel *
model_of(const Case *this, const AwsOp **op)
{
	const AwsModel *model = model_named(model_dir, this->service);

	*op = aws_model_op(model, this->operation, NULL);
	return model;
}

static bool
try_request(const Case *this, AwsError *error)
{
	const AwsOp *op;
	const AwsModel *model = model_of(this, &op);
	AwsRequest request = {0};
	bool done = aws_request_build(model, op, this->text, strlen(this->text), &request, error);

	if (done)
	{
		add_buffer(&request.path);
		add_buffer(&request.query);
		add_buffer(&request.host_prefix);
		add_buffer(&request.body);
		for (const char *name = NULL; (name = aws_headers_next(&request.headers, name)) != NULL;)
		{
			add(name, strlen(name));
			add(aws_header_value(name), strlen(aws_header_value(name)));
		}
	}
	aws_request_free(&request);
	return done;
}

static bool
try_reply(const Case *this, AwsError *error)
{
	const AwsOp *op;
	const AwsModel *model = model_of(this, &op);
	AwsReply *reply = aws_reply_new(model, op, this->items, NULL, error);
	bool done = false;
	const char *text;
	size_t len;

	if (reply == NULL)
		return false;
	aws_reply_head(reply, this->status != 0 ? this->status : 200);
	aws_reply_header(reply, "x-amzn-RequestId", 16, "request", 7);
	aws_reply_header(reply, "x-amz-meta-a", 12, "metadata", 8);
	for (const char *at = this->text; *at != '\0' && aws_reply_feed(reply, at, 1); at++)
		while ((text = aws_reply_item(reply, &len)) != NULL)
			add(text, len);
	if (aws_reply_finish(reply, error))
	{
		done = true;
		text = aws_reply_result(reply, &len);
		add(text, len);
		for (int i = 0; aws_reply_token(reply, i) != NULL; i++)
			add(aws_reply_token(reply, i), strlen(aws_reply_token(reply, i)));
	}
	aws_reply_free(reply);
	return done;
}

static bool
try_model(const Case *this, AwsError *error)
{
	AwsModel *model = aws_model_open(model_dir, this->service, error);
	const AwsOp *op = model != NULL ? aws_model_op(model, this->operation, error) : NULL;
	bool done = op != NULL;

	aws_model_close(model);
	return done;
}

static bool
try_endpoint(const Case *this, AwsError *error)
{
	const AwsOp *op;
	const AwsModel *model = model_of(this, &op);
	AwsEndpoint endpoint;
	long running = countdown;
	json_object *input;
	bool done;

	countdown = 0;
	input = json_tokener_parse(this->text);
	countdown = running;
	done = aws_endpoint_resolve(model, op, this->items, NULL, input, &endpoint, error);
	if (done)
	{
		add(endpoint.url, strlen(endpoint.url));
		add(endpoint.signing_region, strlen(endpoint.signing_region));
		aws_endpoint_free(&endpoint);
	}
	json_object_put(input);
	return done;
}

/* The acceptors of all waiters of a service on a document. */
static bool
try_jmespath(const Case *this, AwsError *error)
{
	const AwsOp *op;
	const AwsModel *model = model_of(this, &op);
	long running = countdown;
	json_object *document;
	bool done = true;

	countdown = 0;
	document = json_tokener_parse(this->text);
	countdown = running;
	for (uint32_t i = 0; i < model->header->waiters.count && done; i++)
	{
		int count;
		const AwsAcceptor *acceptors = aws_model_acceptors(model, &model->waiters[i], &count);

		for (int k = 0; k < count && done; k++)
		{
			json_object *value = NULL;

			done = acceptors[k].expression == 0 || aws_jmespath(model, acceptors[k].expression, document, &value);
			if (done)
			{
				const char *text;

				running = countdown;
				countdown = 0;
				text = json_object_to_json_string(value);
				add(text, strlen(text));
				countdown = running;
			}
			json_object_put(value);
		}
	}
	json_object_put(document);
	return done || aws_error_memory(error);
}

static bool
try_signature(const Case *this, AwsError *error)
{
	static char text[] = "Host\0example.amazonaws.com\0X-Amz-Date\00020150830T123600Z\0My-Header\0a   b";
	AwsBuffer headers = {.data = text, .len = sizeof(text)};
	AwsSigRequest request = {"GET", "/a/../b c/", "b=1&a=2&a=1", &headers, "UNSIGNED-PAYLOAD", true, true};
	AwsSigScope scope = {"AKIDEXAMPLE", this->text, "us-east-1", "service", "20150830T123600Z"};
	AwsBuffer out = {0};
	bool done = aws_sigv4_authorization(&request, &scope, &out);

	if (done)
		add_buffer(&out);
	aws_buffer_free(&out);
	return done || aws_error_memory(error);
}

static bool
try_config(const Case *this, AwsError *error)
{
	AwsConfig config = {0};
	char text[2000];
	char **words;
	bool done;

	snprintf(text, sizeof(text), "%s", this->text);
	done = aws_config_parse(&config, text, false);
	for (size_t i = 0; i < config.count && done; i++)
		add(config.settings[i].value, strlen(config.settings[i].value));
	aws_config_free(&config);
	snprintf(text, sizeof(text), "%s", this->text);
	words = done ? aws_split_command(text) : NULL;
	done &= words != NULL;
	for (int i = 0; done && words[i] != NULL; i++)
		add(words[i], strlen(words[i]));
	free(words);
	return done || aws_error_memory(error);
}

/* Lists what a server has at a path, or fails in whatever way. */
static const char *path;
static const char *port;

static bool
try_listing(const Case *this, AwsError *error)
{
	const char *profile = getenv("AWS_PROFILE");
	char sts[60], url[100];
	AwsCredentialSource source = {.profile = profile, .endpoint_url = sts};
	AwsTarget target = {.region = "us-east-1", .endpoint_url = url};
	AwsCallOptions options = {.items = this->items};
	AwsLimits limits = {.max_attempts = 1};
	AwsClient *client = aws_client_new(model_dir, error);
	AwsCall *call = NULL;
	bool done = false;
	const char *item;
	size_t len;

	if (profile == NULL)
		source.access_key_id = source.secret_access_key = "given";
	snprintf(sts, sizeof(sts), "http://127.0.0.1:%s", port);
	snprintf(url, sizeof(url), "%s/%s", sts, path);
	if (client != NULL)
		aws_client_set_limits(client, &limits);
	if (client != NULL && (target.credentials = aws_credentials_new(&source, error)) != NULL)
		call = aws_call_start(client, &target, this->service, this->operation, "{}", 2, &options, error);
	while (call != NULL && !done)
	{
		done = aws_call_done(call);
		while ((item = aws_call_item(call, &len)) != NULL)
			add(item, len);
		if (!done)
			turn(client);
	}
	if (done && aws_call_error(call) != NULL)
	{
		error->kind = AWS_NO_MEMORY; /* keys that cannot be fetched are another kind */
		done = false;
	}
	aws_call_free(call);
	aws_credentials_free(target.credentials);
	aws_client_free(client);
	return done;
}

static const Case listing = {"a listing", try_listing, "logs", "DescribeLogGroups", .items = "logGroups"};

#define EC2_ANSWER                                                                                                 \
	"<R><requestId>i</requestId><securityGroupSet><item><groupId>sg-1</groupId><tagSet><item><key>a</key><value>b" \
	"</value></item></tagSet></item><item><groupId>sg-2</groupId></item></securityGroupSet><nextToken>t</nextToken></R>"
#define S3_ANSWER                                                                                                \
	"<R><Version><Key>a</Key></Version><DeleteMarker><Key>b</Key></DeleteMarker><Version><Key>c</Key></Version>" \
	"<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker></R>"
#define LOGS_ANSWER \
	"{\"logGroups\": [{\"logGroupName\": \"\\u00e9\\n\", \"creationTime\": 12}, {}], \"nextToken\": \"t\"}"
#define ITEM_ANSWER "{\"Item\": {\"a\": {\"S\": \"x\"}, \"b\": {\"L\": [{\"N\": \"1\"}, {\"B\": \"YQ==\"}]}}}"
#define DISTRIBUTION                                                                                                 \
	"{\"DistributionConfig\": {\"CallerReference\": \"r\", \"Origins\": {\"Quantity\": 0, \"Items\": []}, "          \
	"\"DefaultCacheBehavior\": {\"TargetOriginId\": \"t\", \"ViewerProtocolPolicy\": \"p\"}, \"Comment\": \"<&>\", " \
	"\"Enabled\": true}}"
#define CONFIG                                                                                            \
	"[default]\nregion = us-east-1\n[profile a]\nrole_arn = r\nsource_profile = 'b c' d\\ e \"f\\\"g\"\n" \
	"[sso-session s]\nsso_region = us-east-1\n"

static const Case cases[] = {
	{"an ec2 request", try_request, "ec2", "RunInstances",
	 "{\"MinCount\": 1, \"MaxCount\": 1, \"ClientToken\": \"c\", \"UserData\": \"data\", \"SecurityGroupIds\": [\"a\", "
	 "\"b\"]}"},
	{"a query request", try_request, "iam", "CreateRole",
	 "{\"RoleName\": \"r\", \"AssumeRolePolicyDocument\": \"{}\", \"Tags\": [{\"Key\": \"a\", \"Value\": \"&=\"}]}"},
	{"a json request", try_request, "logs", "CreateLogGroup",
	 "{\"logGroupName\": \"g\", \"tags\": {\"a\": \"\\u00e9\"}}"},
	{"a rest-json request", try_request, "lambda", "Invoke",
	 "{\"FunctionName\": \"a/b\", \"Payload\": \"e30=\", \"Qualifier\": \"q q\"}"},
	{"a rest-xml request", try_request, "cloudfront", "CreateDistribution", DISTRIBUTION},
	{"a request with headers and a checksum", try_request, "s3", "PutBucketTagging",
	 "{\"Bucket\": \"b\", \"Tagging\": {\"TagSet\": [{\"Key\": \"a\", \"Value\": \"b\"}]}}"},
	{"metadata of an object", try_request, "s3", "PutObject",
	 "{\"Bucket\": \"b\", \"Key\": \"a/b\", \"Body\": \"YQ==\", \"Metadata\": {\"a\": \"b\"}, \"Expires\": "
	 "\"2020-01-01T00:00:00Z\"}"},
	{"an unknown member", try_request, "ec2", "RunInstances", "{\"MinCounts\": 1}", AWS_BAD_INPUT},
	{"a member of a wrong type", try_request, "ec2", "RunInstances", "{\"MinCount\": {\"a\": []}}", AWS_BAD_INPUT},
	{"broken JSON", try_request, "ec2", "RunInstances", "{\"MinCount\": ", AWS_BAD_INPUT},
	{"an ec2 answer", try_reply, "ec2", "DescribeSecurityGroups", EC2_ANSWER},
	{"items of an ec2 answer", try_reply, "ec2", "DescribeSecurityGroups", EC2_ANSWER, .items = ""},
	{"a query answer", try_reply, "iam", "GetRole",
	 "<R><GetRoleResult><Role><RoleName>r</RoleName><AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument>"
	 "<CreateDate>2020-01-01T00:00:00Z</CreateDate></Role></GetRoleResult></R>"},
	{"a rest-xml answer", try_reply, "s3", "ListObjectVersions", S3_ANSWER},
	{"items of a rest-xml answer", try_reply, "s3", "ListObjectVersions", S3_ANSWER, .items = "Versions"},
	{"an object", try_reply, "s3", "GetObject", "bytes"},
	{"a json answer", try_reply, "logs", "DescribeLogGroups", LOGS_ANSWER},
	{"items of a json answer", try_reply, "logs", "DescribeLogGroups", LOGS_ANSWER, .items = "logGroups"},
	{"maps", try_reply, "dynamodb", "GetItem", ITEM_ANSWER},
	{"entries of a map", try_reply, "dynamodb", "GetItem", ITEM_ANSWER, .items = "Item"},
	{"no such items", try_reply, "dynamodb", "GetItem", ITEM_ANSWER, AWS_BAD_INPUT, .items = "Itens"},
	{"an XML error", try_reply, "ec2", "DescribeVpcs",
	 "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>none</Message></Error></Errors><RequestID>r"
	 "</RequestID></Response>",
	 AWS_REFUSED, 400},
	{"a JSON error", try_reply, "logs", "DescribeLogGroups", "{\"__type\": \"a#B\", \"message\": \"none\"}",
	 AWS_REFUSED, 400},
	{"broken XML", try_reply, "ec2", "DescribeVpcs", "<R><vpcSet></R>", AWS_BAD_REPLY},
	{"a broken JSON answer", try_reply, "logs", "DescribeLogGroups", "{\"logGroups\": [}", AWS_BAD_REPLY},
	{"an endpoint", try_endpoint, "ec2", "DescribeVpcs", "{}", .items = "us-east-1"},
	{"an endpoint of a bucket", try_endpoint, "s3", "GetObject", "{\"Bucket\": \"bucket\", \"Key\": \"k\"}",
	 .items = "eu-central-1"},
	{"an endpoint of an access point", try_endpoint, "s3", "GetObject",
	 "{\"Bucket\": \"arn:aws:s3:us-west-2:123456789012:accesspoint:myendpoint\", \"Key\": \"k\"}",
	 .items = "us-west-2"},
	{"an endpoint of an account", try_endpoint, "dynamodb", "BatchGetItem", "{\"RequestItems\": {\"t\": {}}}",
	 .items = "us-east-1"},
	{"an endpoint of a stream", try_endpoint, "kinesis", "DescribeStream",
	 "{\"StreamARN\": \"arn:aws:kinesis:us-east-1:123456789012:stream/s\"}", .items = "us-east-1"},
	{"no endpoint", try_endpoint, "ec2", "DescribeVpcs", "{}", AWS_BAD_INPUT, .items = "us/east"},
	{"expressions", try_jmespath, "ecs", "DescribeServices",
	 "{\"failures\": [{\"reason\": \"MISSING\"}], \"services\": [{\"status\": \"ACTIVE\", \"deployments\": [1], "
	 "\"runningCount\": 1, \"desiredCount\": 2}], \"tasks\": [{\"lastStatus\": \"RUNNING\"}]}"},
	{"a model", try_model, "sts", "GetCallerIdentity"},
	{"an unknown service", try_model, "stx", "GetCallerIdentity", .ends = AWS_BAD_INPUT},
	{"an unknown operation", try_model, "sts", "GetCaller", .ends = AWS_BAD_INPUT},
	{"a signature", try_signature, NULL, NULL, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
	{"a long key", try_signature, NULL, NULL,
	 "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEYwJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
	{"a shared file", try_config, NULL, NULL, CONFIG},
};

/* Tries a case; how it ended. */
static AwsErrorKind
attempt(const Case *this, long n)
{
	AwsError error = {0};
	AwsErrorKind kind;
	bool done;

	outcome[0] = '\0';
	failed_one = false;
	countdown = n;
	done = this->try(this, &error);
	countdown = 0;
	kind = error.kind;
	check(done == (kind == AWS_OK), this->what, "the error and the result disagree");
	aws_error_clear(&error);
	return kind;
}

/* Tries a case with each allocation failing in turn. */
static void
try_case(const Case *this)
{
	AwsErrorKind kind = attempt(this, 0);
	static char wanted[sizeof(outcome)];

	memcpy(wanted, outcome, sizeof(wanted));
	check(kind == this->ends && (kind != AWS_OK || *wanted != '\0' || this->try == try_model), this->what, wanted);
	for (long n = 1; kind = attempt(this, n), failed_one; n++)
	{
		char what[100];

		snprintf(what, sizeof(what), "%s: allocation %ld fails: %d", this->what, n, kind);
		check(kind == AWS_NO_MEMORY || (kind == this->ends && (kind != AWS_OK || strcmp(outcome, wanted) == 0)), what,
			  outcome);
	}
}

int
main(int argc, char **argv)
{
	model_dir = argc > 1 ? argv[1] : ".";
	if (argc > 2)
	{
		ours_only = true;
		path = argv[2];
		port = argv[argc - 1];
		try_case(&listing);
	}
	for (size_t i = 0; argc <= 2 && i < sizeof(cases) / sizeof(cases[0]); i++)
		try_case(&cases[i]);
	model_named(NULL, NULL);
	return result();
}
