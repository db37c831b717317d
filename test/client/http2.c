/*
 * http2.c
 *	  Where endpoint and libcurl speak HTTP/2, calls do, and all are answered:
 *
 *	  http2 MODEL_DIRECTORY CERTIFICATE URL
 *
 * The server's certificate is trusted by way of a wrapped function, since
 * nothing in the client can be told to trust another than the system does.
 */
#include <curl/curl.h>

#include "aws/aws.h"
#include "aws/error.h"
#include "../aws.h"

#define CALLS 40

static const char *certificate;

extern CURLMcode __real_curl_multi_add_handle(CURLM *multi, CURL *easy);
extern CURLMcode __wrap_curl_multi_add_handle(CURLM *multi, CURL *easy);

CURLMcode
__wrap_curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_CAINFO, certificate);
	return __real_curl_multi_add_handle(multi, easy);
}

static void
take(AwsClient *client, AwsCall *call)
{
	const char *item;
	size_t len;

	while ((item = aws_call_item(call, &len)) == NULL && !aws_call_done(call))
		turn(client);
	/* libcurl's own before 8.0.0 is not used: calls could hang */
	is("the version of HTTP", item,
	   curl_version_info(CURLVERSION_NOW)->version_num >= 0x080000 ? "{\"logGroupName\":\"2.0\"}"
																   : "{\"logGroupName\":\"1.1\"}");
	aws_call_free(call);
}

int
main(int argc, char **argv)
{
	AwsCredentialSource source = {.access_key_id = "AKIDEXAMPLE", .secret_access_key = "secret"};
	AwsError error = {0};
	AwsCredentials *credentials;
	AwsClient *client;
	AwsCall *calls[CALLS];
	AwsTarget target = {.region = "us-east-1"};
	AwsCallOptions options = {.items = "logGroups"};

	if (argc != 4)
		return 2;
	certificate = argv[2];
	client = must(aws_client_new(argv[1], &error), &error);
	credentials = must(aws_credentials_new(&source, &error), &error);
	target.credentials = credentials;
	target.endpoint_url = argv[3];
	/* the first one alone, which shows what the server speaks and leaves a connection; then all others at once */
	for (int i = 0; i < CALLS; i++)
	{
		calls[i] =
			must(aws_call_start(client, &target, "logs", "DescribeLogGroups", "{}", 2, &options, &error), &error);
		if (i == 0)
			take(client, calls[i]);
	}
	for (int i = 1; i < CALLS; i++)
		take(client, calls[i]);
	aws_client_free(client);
	aws_credentials_free(credentials);
	return result();
}
