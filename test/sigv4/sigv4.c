/*
 * sigv4.c
 *	  Signs AWS's vectors, stage by stage.
 *
 *	  sigv4 < VECTORS
 *
 * A vector is a line of JSON, as vectors.py prints it.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"

static int passed;
static int failed;

static const char *
text(json_object *vector, const char *key)
{
	return json_object_get_string(json_object_object_get(vector, key));
}

static void
check(json_object *vector, const char *stage, const char *got)
{
	const char *wanted = text(vector, stage);

	if (wanted == NULL)
		return;
	if (strcmp(got, wanted) == 0)
		passed++;
	else
	{
		failed++;
		printf("not ok: %s: %s\n  got:    %s\n  wanted: %s\n", text(vector, "name"), stage, got, wanted);
	}
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
	check(vector, "canonical", aws_buffer_text(&canonical));
	aws_sigv4_string_to_sign(&scope, &canonical, &string);
	check(vector, "string_to_sign", aws_buffer_text(&string));
	if (aws_sigv4_signature(&scope, &string, signature))
		check(vector, "signature", signature);
	if (!aws_sigv4_authorization(&request, &scope, &authorization) || strstr(authorization.data, signature) == NULL ||
		strstr(authorization.data, names.data) == NULL)
	{
		failed++;
		printf("not ok: %s: authorization %s\n", text(vector, "name"), aws_buffer_text(&authorization));
	}
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
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
