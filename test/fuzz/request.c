/*
 * request.c
 *	  Fuzz target: requests from hostile input.
 *
 * The input: the operation; JSON.
 */
#include "fuzz.h"

#include "aws/json.h"
#include "aws/request.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	FuzzInput input = {data, len};
	const AwsModel *model;
	const AwsOp *op = fuzz_operation(&input, &model);
	AwsRequest request = {0};
	AwsError error = {0};
	char *text = fuzz_rest(&input, &len);

	if (aws_request_build(model, op, text, len, &request, &error))
	{
		/* Nothing of the input can end a line or a part of the request's first line. */
		FUZZ_CHECK(fuzz_is_clean(aws_buffer_text(&request.path), request.path.len, " ?#"));
		FUZZ_CHECK(fuzz_is_clean(aws_buffer_text(&request.query), request.query.len, " #"));
		FUZZ_CHECK(fuzz_is_clean(aws_buffer_text(&request.host_prefix), request.host_prefix.len, " /?#@:"));
		for (const char *name = NULL; (name = aws_headers_next(&request.headers, name)) != NULL;)
		{
			FUZZ_CHECK(*name != '\0' && fuzz_is_clean(name, strlen(name), " :"));
			FUZZ_CHECK(fuzz_is_clean(aws_header_value(name), strlen(aws_header_value(name)), ""));
			FUZZ_CHECK(aws_headers_get(&request.headers, name) != NULL);
		}
		FUZZ_CHECK(request.method != NULL && request.input != NULL);
		FUZZ_CHECK(aws_request_set(&request, "Marker", "\"x\"", &error));
		FUZZ_CHECK(aws_request_rebuild(model, op, &request, &error) || error.kind == AWS_BAD_INPUT);
	}
	else
		FUZZ_CHECK(error.kind == AWS_BAD_INPUT && error.message != NULL &&
				   aws_utf8_valid(error.message, strlen(error.message)));
	aws_request_free(&request);
	aws_error_clear(&error);
	free(text);
	return 0;
}
