/*
 * memory.c
 *	  A listing, again and again: each time another allocation of src/aws fails.
 *
 *	  memory MODEL_DIRECTORY PATH [IGNORED] PORT
 *
 * With AWS_PROFILE set, the keys are that profile's.
 * Linked so that malloc and its kin are wrapped for src/aws alone.  Whatever
 * fails, the call ends or is refused with an error, and the sanitizers find
 * nothing wrong and nothing left.
 */
#include "check.h"

static long countdown; /* allocations until one fails; 0: none does */
static bool failed_one;

static bool
fails(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	failed_one = true;
	return true;
}

extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t count, size_t size);
extern void *__real_realloc(void *old, size_t size);
extern char *__real_strdup(const char *string);
extern void *__wrap_malloc(size_t size);
extern void *__wrap_calloc(size_t count, size_t size);
extern void *__wrap_realloc(void *old, size_t size);
extern char *__wrap_strdup(const char *string);

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *
__wrap_strdup(const char *string)
{
	return fails() ? NULL : __real_strdup(string);
}

/* One listing; how it ended. */
static AwsErrorKind
list(const char *models, const char *url, const char *port, const char *profile, int *items)
{
	static const AwsCredentialSource given = {.access_key_id = "given", .secret_access_key = "secret"};
	AwsCredentialSource source = profile != NULL ? (AwsCredentialSource){.profile = profile} : given;
	AwsTarget target = {.region = "us-east-1", .endpoint_url = url};
	AwsCallOptions options = {.items = "logGroups"};
	AwsLimits limits = {.max_attempts = 1};
	AwsErrorKind kind = AWS_OK;
	AwsError error = {0};
	AwsClient *client = aws_client_new(models, &error);
	AwsCall *call = NULL;
	char sts[60];

	snprintf(sts, sizeof(sts), "http://127.0.0.1:%s", port);
	source.endpoint_url = sts;
	if (client != NULL)
		aws_client_set_limits(client, &limits);
	if (client != NULL && (target.credentials = aws_credentials_new(&source, &error)) != NULL)
		call = aws_call_start(client, &target, "logs", "DescribeLogGroups", "{}", 2, &options, &error);
	*items = 0;
	while (call != NULL && !aws_call_done(call))
	{
		size_t len;

		turn(client);
		while (aws_call_item(call, &len) != NULL)
			(*items)++;
	}
	if (call == NULL)
		kind = error.kind;
	else if (aws_call_error(call) != NULL)
		kind = aws_call_error(call)->kind;
	aws_call_free(call);
	aws_credentials_free(target.credentials);
	aws_client_free(client);
	aws_error_clear(&error);
	return kind;
}

int
main(int argc, char **argv)
{
	char url[100];
	int all;
	int items;

	if (argc < 4)
		return 2;
	snprintf(url, sizeof(url), "http://127.0.0.1:%s/%s", argv[argc - 1], argv[2]);
	is_number("nothing fails", list(argv[1], url, argv[argc - 1], getenv("AWS_PROFILE"), &all), AWS_OK);
	check(all > 0, "there are items", NULL);
	for (long n = 1;; n++)
	{
		AwsErrorKind kind;
		char what[60];

		countdown = n;
		failed_one = false;
		kind = list(argv[1], url, argv[argc - 1], getenv("AWS_PROFILE"), &items);
		countdown = 0;
		if (!failed_one)
			break;
		/* what is only for messages or for speed may be missing */
		snprintf(what, sizeof(what), "allocation %ld fails: %d, %d items", n, kind, items);
		check(kind == AWS_OK ? items == all : items <= all, what, NULL);
	}
	return result();
}
