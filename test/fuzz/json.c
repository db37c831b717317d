/*
 * json.c
 *	  Fuzz target: JSON answers.  reply.c does it; corpus.py lists the operations.
 */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	FuzzInput input = {data, len};

	fuzz_reply(&input);
	return 0;
}
