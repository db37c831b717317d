/*
 * provider.c
 *	  The providers: where keys may come from, in the order of AWS's own tools.
 *
 * Source: "Standardized credential providers" in the AWS SDKs and Tools
 * Reference Guide; the order is botocore's.
 */
#include "aws/provider.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/error.h"
#include "aws/timestamp.h"

#define MAX_FILE (1024 * 1024)
#define CONTAINER_HOST "http://169.254.170.2"
#define CONTAINER_TIMEOUT_MS 5000
#define INSTANCE_HOST "http://169.254.169.254"
#define INSTANCE_TIMEOUT_MS 1000
#define INSTANCE_ROLES "/latest/meta-data/iam/security-credentials/"

const char *
aws_environment(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

/* Not a device or a pipe: those may never end. */
bool
aws_read_file(const char *path, AwsBuffer *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat info;
	ssize_t got = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, &info) == 0)
	{
		if (!S_ISREG(info.st_mode))
			errno = EINVAL;
		else if (info.st_size > MAX_FILE)
			errno = EFBIG;
		else if (!aws_buffer_reserve(text, info.st_size))
			errno = ENOMEM;
		else
			got = read(fd, text->data, info.st_size);
	}
	if (got >= 0)
		text->len = got;
	if (text->data != NULL)
		text->data[text->len] = '\0';
	close(fd);
	return got >= 0;
}

static AwsProvide
provide_environment(AwsFetch *fetch)
{
	const char *id = aws_environment("AWS_ACCESS_KEY_ID");
	const char *secret = aws_environment("AWS_SECRET_ACCESS_KEY");
	const char *expires = aws_environment("AWS_CREDENTIAL_EXPIRATION");
	int64_t seconds = 0;
	int nanos;

	if (id == NULL)
		return AWS_PROVIDE_ABSENT;
	if (secret == NULL)
		return aws_fetch_fail(fetch, "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY");
	if (expires != NULL && !aws_timestamp_parse(expires, strlen(expires), &seconds, &nanos))
		return aws_fetch_fail(fetch, "AWS_CREDENTIAL_EXPIRATION is no time");
	if (!aws_keys_set(&fetch->keys, id, secret, aws_environment("AWS_SESSION_TOKEN"), seconds))
		return aws_fetch_fail(fetch, "out of memory");
	return AWS_PROVIDE_KEYS;
}

static AwsProvide
provide_web_identity(AwsFetch *fetch)
{
	const char *file = aws_environment("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *role = aws_environment("AWS_ROLE_ARN");

	if (file == NULL || role == NULL)
		return AWS_PROVIDE_ABSENT;
	return aws_fetch_web_identity(fetch, role, aws_environment("AWS_ROLE_SESSION_NAME"), file);
}

/* ---- the container's endpoint ---- */

static AwsProvide
container_answered(AwsFetch *fetch)
{
	if (fetch->status == 200)
		return aws_fetch_read_keys(fetch, NULL);
	return aws_fetch_fail(fetch, "the container's credential endpoint %s",
						  fetch->status == 0 ? "could not be reached" : "answered with an error");
}

static AwsProvide
provide_container(AwsFetch *fetch)
{
	const char *relative = aws_environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = aws_environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *token_file = aws_environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = aws_environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	AwsBuffer url = {0};
	AwsBuffer headers = {0};
	AwsBuffer text = {0};

	if (relative == NULL && full == NULL)
		return AWS_PROVIDE_ABSENT;
	if (token_file != NULL)
	{
		if (!aws_read_file(token_file, &text))
			return aws_fetch_fail(fetch, "could not read the container's token \"%s\": %s", token_file,
								  strerror(errno));
		token = aws_buffer_text(&text);
	}
	if (token != NULL)
		aws_buffer_format(&headers, "Authorization%c%.*s%c", 0, (int) strcspn(token, "\r\n"), token, 0);
	aws_secret_buffer_free(&text);
	aws_buffer_format(&url, "%s%s", relative != NULL ? CONTAINER_HOST : "", relative != NULL ? relative : full);
	return aws_fetch_http(fetch, "GET", &url, &headers, CONTAINER_TIMEOUT_MS, container_answered);
}

/* ---- the instance's endpoint, version 2: with a session token ---- */

/* Asks for what lies under a path, with the session token, which is the note. */
static AwsProvide
instance_get(AwsFetch *fetch, const char *name, AwsProvideStep step)
{
	const char *host = aws_environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	AwsBuffer url = {0};
	AwsBuffer headers = {0};

	aws_buffer_format(&url, "%s" INSTANCE_ROLES, host != NULL ? host : INSTANCE_HOST);
	aws_buffer_url(&url, name, strlen(name), "");
	aws_headers_add(&headers, "X-aws-ec2-metadata-token", fetch->note);
	return aws_fetch_http(fetch, "GET", &url, &headers, INSTANCE_TIMEOUT_MS, step);
}

static AwsProvide
instance_keys(AwsFetch *fetch)
{
	if (fetch->status == 200)
		return aws_fetch_read_keys(fetch, NULL);
	return aws_fetch_fail(fetch, "the instance's metadata service gave no keys for its role");
}

static AwsProvide
instance_role(AwsFetch *fetch)
{
	size_t len = strcspn(aws_buffer_text(&fetch->body), "\r\n");
	char name[129]; /* IAM allows 64 characters */

	if (fetch->status != 200 || len == 0 || len >= sizeof(name))
		return AWS_PROVIDE_ABSENT; /* an instance without a role */
	memcpy(name, fetch->body.data, len);
	name[len] = '\0';
	return instance_get(fetch, name, instance_keys);
}

static AwsProvide
instance_token(AwsFetch *fetch)
{
	if (fetch->status != 200 || fetch->body.len == 0)
		return AWS_PROVIDE_ABSENT; /* not on an instance */
	aws_secret_free(fetch->note);
	fetch->note = strndup(fetch->body.data, strcspn(fetch->body.data, "\r\n"));
	if (fetch->note == NULL)
		return aws_fetch_fail(fetch, "out of memory");
	return instance_get(fetch, "", instance_role);
}

static AwsProvide
provide_instance(AwsFetch *fetch)
{
	const char *host = aws_environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *disabled = aws_environment("AWS_EC2_METADATA_DISABLED");
	AwsBuffer url = {0};
	AwsBuffer headers = {0};

	if (disabled != NULL && strcasecmp(disabled, "true") == 0)
		return AWS_PROVIDE_ABSENT;
	aws_buffer_format(&url, "%s/latest/api/token", host != NULL ? host : INSTANCE_HOST);
	aws_headers_add(&headers, "X-aws-ec2-metadata-token-ttl-seconds", "21600");
	return aws_fetch_http(fetch, "PUT", &url, &headers, INSTANCE_TIMEOUT_MS, instance_token);
}

/* ---- the table ---- */

static const AwsProvider environment = {"the environment", "Environment", provide_environment};
static const AwsProvider profile = {"the shared files", NULL, aws_profile_provide};
static const AwsProvider web_identity = {"web identity", NULL, provide_web_identity};
static const AwsProvider container = {"the container", "EcsContainer", provide_container};
static const AwsProvider instance = {"the instance", "Ec2InstanceMetadata", provide_instance};

const AwsProvider *const aws_provider_chain[] = {&environment, &profile, &web_identity, &container, &instance, NULL};
const AwsProvider *const aws_provider_profile_only[] = {&profile, NULL};

const AwsProvider *const *
aws_provider_by_source(const char *source)
{
	static const AwsProvider *const single[][2] = {{&environment, NULL}, {&container, NULL}, {&instance, NULL}};

	for (size_t i = 0; i < sizeof(single) / sizeof(*single); i++)
		if (strcmp(single[i][0]->source, source) == 0)
			return single[i];
	return NULL;
}
