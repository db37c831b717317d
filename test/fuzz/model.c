/*
 * model.c
 *	  Fuzz target: a damaged model whose checksum is right.
 *
 * The input is the file.  It is refused, or all that it holds can be used.
 */
#include "fuzz.h"

#include "../models/use.h"
#include "aws/request.h"
#include "aws/response.h"

#define MAX_OPERATIONS_TRIED 8

/* A request and an answer of each kind; outcomes are the model's business. */
static void
call(const AwsModel *model, const AwsOp *op)
{
	static const char *const inputs[2] = {"{}",
										  "{\"Bucket\": \"b\", \"Filters\": [{\"Name\": \"a\", \"Values\": [\"b\"]}]}"};
	static const char *const bodies[2] = {
		"{\"Items\": [{\"a\": 1}], \"__type\": \"Missing\"}",
		"<R><Items><member><a>1</a></member></Items><Error><Code>Missing</Code></Error></R>"};

	for (int i = 0; i < 4; i++)
	{
		AwsRequest request = {0};
		AwsReply *reply = aws_reply_new(model, op, i % 2 ? "" : NULL, NULL, NULL);

		aws_request_build(model, op, inputs[i % 2], strlen(inputs[i % 2]), &request, NULL);
		aws_request_free(&request);
		if (reply == NULL)
			continue;
		aws_reply_head(reply, i / 2 ? 400 : 200);
		for (int k = 0; k < 2; k++)
			aws_reply_feed(reply, bodies[k], strlen(bodies[k]));
		aws_reply_finish(reply, NULL);
		aws_reply_free(reply);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AwsError error = {0};
	/* A block of exactly this size, aligned, so that reading past its end is seen. */
	char *copy = malloc(len);
	AwsModel *model;

	FUZZ_CHECK(copy != NULL || len == 0);
	if (len > 0)
		memcpy(copy, data, len);
	if (len > offsetof(AwsModelHeader, offsets))
		seal_model(copy, len);
	model = aws_model_attach(copy, len, &error);
	if (model != NULL)
	{
		use_model(model);
		for (uint32_t i = 0; i < model->header->ops.count && i < MAX_OPERATIONS_TRIED; i++)
			call(model, &model->ops[i]);
		aws_model_close(model);
	}
	else
		FUZZ_CHECK(error.kind == AWS_BAD_MODEL && error.message != NULL);
	aws_error_clear(&error);
	free(copy);
	return 0;
}
