/*
 * fuzz.c
 *	  Taking inputs apart, and the models and operations that they choose.
 */
#include "fuzz.h"

#include "../aws.h"

#include <libgen.h>

#define MAX_OPERATIONS 4096

typedef struct Operation
{
	const AwsModel *model;
	const AwsOp *op;
} Operation;

static char *folder;
static Operation operations[MAX_OPERATIONS];
static int operation_count;

unsigned
fuzz_byte(FuzzInput *input)
{
	if (input->len == 0)
		return 0;
	input->len--;
	return *input->data++;
}

static char *
take(FuzzInput *input, size_t len)
{
	char *text = malloc(len + 1);

	FUZZ_CHECK(text != NULL);
	if (len > 0)
		memcpy(text, input->data, len);
	text[len] = '\0';
	input->data += len;
	input->len -= len;
	return text;
}

char *
fuzz_rest(FuzzInput *input, size_t *len)
{
	*len = input->len;
	return take(input, input->len);
}

char *
fuzz_line(FuzzInput *input)
{
	const uint8_t *end = input->len > 0 ? memchr(input->data, '\n', input->len) : NULL;
	char *line = take(input, end != NULL ? (size_t) (end - input->data) : input->len);

	if (end != NULL)
		fuzz_byte(input);
	return line;
}

const AwsModel *
fuzz_model(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/models", folder);
	return model_named(path, name);
}

const AwsOp *
fuzz_operation(FuzzInput *input, const AwsModel **model)
{
	unsigned low = fuzz_byte(input);
	const Operation *chosen = &operations[(low | fuzz_byte(input) << 8) % (unsigned) operation_count];

	*model = chosen->model;
	return chosen->op;
}

bool
fuzz_is_clean(const char *text, size_t len, const char *others)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char) text[i] < ' ' || text[i] == 0x7f || strchr(others, text[i]) != NULL)
			return false;
	return true;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char path[4096];
	char model[64];
	char name[128];
	FILE *list;

	(void) argc;
	snprintf(path, sizeof(path), "%s.operations", (*argv)[0]);
	folder = dirname(strdup((*argv)[0]));
	list = fopen(path, "r");
	while (list != NULL && fscanf(list, "%63s %127s", model, name) == 2)
	{
		Operation *next = &operations[operation_count++];

		FUZZ_CHECK(operation_count <= MAX_OPERATIONS);
		next->model = fuzz_model(model);
		next->op = aws_model_op(next->model, name, NULL);
		FUZZ_CHECK(next->op != NULL);
	}
	if (list != NULL)
		fclose(list);
	return 0;
}
