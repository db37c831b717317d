/*
 * jmespath.c
 *	  Fuzz target: expressions on hostile documents.
 *
 * The input: a byte that chooses from the waiters W0, W1, ... of the model
 * "jmespath", whose acceptors hold the expressions; the document as JSON.
 */
#include "fuzz.h"

#include <json-c/json.h>

#include "aws/jmespath.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	FuzzInput input = {data, len};
	const AwsModel *model = fuzz_model("jmespath");
	unsigned number = fuzz_byte(&input) % model->header->waiters.count;
	char *text = fuzz_rest(&input, &len);
	json_object *document = json_tokener_parse(text);
	const AwsWaiter *waiter;
	json_object *result;
	char name[16];
	int count;

	snprintf(name, sizeof(name), "W%u", number);
	waiter = aws_model_waiter(model, name);
	FUZZ_CHECK(waiter != NULL);
	FUZZ_CHECK(aws_jmespath(model, aws_model_acceptors(model, waiter, &count)->expression, document, &result));
	json_object_put(document);
	FUZZ_CHECK(json_object_to_json_string(result) != NULL);
	json_object_put(result);
	free(text);
	return 0;
}
