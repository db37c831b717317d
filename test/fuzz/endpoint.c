/*
 * endpoint.c
 *	  Fuzz target: endpoint rules with hostile parameters.
 *
 * The input: the operation; a byte, even: the rules alone, odd: what a call
 * does; a JSON object with the rules' parameters or, of a call, its input
 * together with its settings.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "aws/endpoint.h"

/* What DynamoDB's own rules give for the region "local". */
#define DYNAMODB_LOCAL "http://localhost:8000"

static const char *
text_of(json_object *object, const char *name)
{
	return json_object_get_string(json_object_object_get(object, name));
}

static void
resolve(const AwsModel *model, const AwsOp *op, json_object *object)
{
	const char *region = text_of(object, "Region");
	const char *url = text_of(object, "Endpoint");
	AwsEndpoint endpoint = {0};
	AwsError error = {0};

	if (aws_endpoint_resolve(model, op, region != NULL ? region : "", url, object, &endpoint, &error))
	{
		const char *host = strstr(endpoint.url, "://");

		/* Where AWS's rules say where to go, no parameter can say it in their place. */
		if (url == NULL)
		{
			size_t host_len;

			FUZZ_CHECK(host != NULL);
			host_len = strcspn(host + 3, "/:");
			FUZZ_CHECK(strncmp(endpoint.url, "https://", 8) == 0 || strcmp(endpoint.url, DYNAMODB_LOCAL) == 0);
			FUZZ_CHECK(fuzz_is_clean(endpoint.url, strlen(endpoint.url), " ?#"));
			FUZZ_CHECK(host_len > 0 && strspn(host + 3, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
														"-._") == host_len);
		}
		FUZZ_CHECK(endpoint.signing_region == NULL ||
				   fuzz_is_clean(endpoint.signing_region, strlen(endpoint.signing_region), " /"));
		aws_endpoint_free(&endpoint);
	}
	else
		FUZZ_CHECK((error.kind == AWS_NO_ENDPOINT || error.kind == AWS_BAD_INPUT) && error.message != NULL);
	aws_error_clear(&error);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	FuzzInput input = {data, len};
	const AwsModel *model;
	const AwsOp *op = fuzz_operation(&input, &model);
	unsigned mode = fuzz_byte(&input);
	char *text = fuzz_rest(&input, &len);
	json_object *object = json_tokener_parse(text);
	AwsError error = {0};

	if (json_object_is_type(object, json_type_object) && mode & 1)
		resolve(model, op, object);
	else if (json_object_is_type(object, json_type_object))
	{
		json_object *outcome = aws_endpoint_evaluate(model, object, &error);

		FUZZ_CHECK(outcome != NULL || (error.kind != AWS_OK && error.message != NULL));
		json_object_put(outcome);
	}
	aws_error_clear(&error);
	json_object_put(object);
	free(text);
	return 0;
}
