/*
 * sigv4.c
 *	  Signs AWS's vectors, stage by stage.
 *
 *	  sigv4 < VECTORS
 *
 * A vector is a line of JSON, as vectors.py prints it.
 */
#include <json-c/json.h>

#include "../aws.h"
#include "aws/sigv4.h"

static const char *
text(json_object *vector, const char *key)
{
	return json_object_get_string(json_object_object_get(vector, key));
}

static void
judge(json_object *vector, const char *stage, const char *got)
{
	char what[200];

	snprintf(what, sizeof(what), "%s: %s", text(vector, "name"), stage);
	if (text(vector, stage) != NULL)
		is(what, got, text(vector, stage));
}

static void
sign(json_object *vector)
{
	AwsBuffer headers = {0};
	json_object *list = json_object_object_get(vector, "headers");
	const char *body = text(vector, "body");
	char hash[AWS_SHA256_HEX];
	char signature[AWS_SHA256_HEX];
	AwsSigRequest request = {.method = text(vector, "method"),
							 .path = text(vector, "path"),
							 .query = text(vector, "query"),
							 .headers = &headers,
							 .payload_hash = hash,
							 .normalize_path = json_object_get_boolean(json_object_object_get(vector, "normalize")),
							 .double_encode = json_object_get_boolean(json_object_object_get(vector, "double_encode"))};
	AwsSigScope scope = {text(vector, "access_key_id"), text(vector, "secret_access_key"), text(vector, "region"),
						 text(vector, "service"), text(vector, "timestamp")};
	AwsBuffer canonical = {0};
	AwsBuffer names = {0};
	AwsBuffer string = {0};
	AwsBuffer authorization = {0};

	for (size_t i = 0; i < json_object_array_length(list); i++)
	{
		json_object *pair = json_object_array_get_idx(list, i);

		aws_headers_add(&headers, json_object_get_string(json_object_array_get_idx(pair, 0)),
						json_object_get_string(json_object_array_get_idx(pair, 1)));
	}
	aws_sha256_hex(body, strlen(body), hash);
	aws_sigv4_canonical(&request, &canonical, &names);
	judge(vector, "canonical", aws_buffer_text(&canonical));
	aws_sigv4_string_to_sign(&scope, &canonical, &string);
	judge(vector, "string_to_sign", aws_buffer_text(&string));
	if (aws_sigv4_signature(&scope, &string, signature))
		judge(vector, "signature", signature);
	check(aws_sigv4_authorization(&request, &scope, &authorization) && strstr(authorization.data, signature) != NULL &&
			  strstr(authorization.data, names.data) != NULL,
		  text(vector, "name"), aws_buffer_text(&authorization));
	aws_buffer_free(&canonical);
	aws_buffer_free(&names);
	aws_buffer_free(&string);
	aws_buffer_free(&authorization);
	aws_buffer_free(&headers);
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0)
	{
		json_object *vector = json_tokener_parse(line);

		sign(vector);
		json_object_put(vector);
	}
	free(line);
	return result();
}
