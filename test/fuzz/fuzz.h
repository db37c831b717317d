/*
 * fuzz.h
 *	  What the fuzz targets share.
 *
 * A target is a file with one LLVMFuzzerTestOneInput.  Its input starts with
 * bytes that choose (which operation, which way of reading); the rest is the
 * hostile text.  corpus.py writes seeds of that form and, for targets that
 * choose operations, the list of them.  Beside the sanitizers a target judges
 * what it gets with FUZZ_CHECK.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/buffer.h"
#include "aws/model.h"

/* What is left of an input. */
typedef struct FuzzInput
{
	const uint8_t *data;
	size_t len;
} FuzzInput;

/* A promise of the code under test. */
#define FUZZ_CHECK(promise)                                                               \
	do                                                                                    \
	{                                                                                     \
		if (!(promise))                                                                   \
		{                                                                                 \
			fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #promise); \
			abort();                                                                      \
		}                                                                                 \
	} while (0)

/* Takes a byte, 0 at the end. */
extern unsigned fuzz_byte(FuzzInput *input);

/* Takes the rest, or a line of it, as a malloc'ed string: NULs become line ends or '0'. */
extern char *fuzz_rest(FuzzInput *input, size_t *len);
extern char *fuzz_line(FuzzInput *input);

/* Takes two bytes that choose from PROGRAM.operations. */
extern const AwsOp *fuzz_operation(FuzzInput *input, const AwsModel **model);

/* A model of the folder "models" beside the program; stays open. */
extern const AwsModel *fuzz_model(const char *name);

/* Whether a text is free of control characters, and of those in 'others'. */
extern bool fuzz_is_clean(const char *text, size_t len, const char *others);

extern int LLVMFuzzerInitialize(int *argc, char ***argv);
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif /* FUZZ_H */
