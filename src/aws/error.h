/*
 * error.h
 *	  Filling an AwsError, and names to suggest for one that is not known.
 *
 * The setters keep what is set already where that says more: a message is
 * replaced, service and operation stay once given.  Lack of memory leaves a
 * string NULL, never the kind unset.
 */
#ifndef AWS_ERROR_H
#define AWS_ERROR_H

#include "aws/aws.h"

/*
 * Sets kind and message; the hint of an earlier error goes.  'error' may be
 * NULL: nobody asks.  Returns false, so that a failure is "return aws_error_set(...)".
 */
extern bool aws_error_set(AwsError *error, AwsErrorKind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets AWS_NO_MEMORY; returns false. */
extern bool aws_error_memory(AwsError *error);

/* Says which service and operation it was, either may be NULL, unless the error says so already. */
extern void aws_error_at(AwsError *error, const char *service, const char *operation);

/* Gives the error a hint, a malloc'ed string that it then owns, or NULL. */
extern void aws_error_hint(AwsError *error, char *hint);

/* Copies an error with its strings; 'to' must be zeroed or cleared. */
extern void aws_error_copy(AwsError *to, const AwsError *from);

/* ---- nearest names (suggest.c) ---- */

#define AWS_SUGGESTIONS 3

/* The best candidates so far.  Start with {.wanted = name}. */
typedef struct AwsSuggest
{
	const char *wanted;
	char best[AWS_SUGGESTIONS][64]; /* nearest first; no name in AWS's models is longer */
	int distance[AWS_SUGGESTIONS];
	int count;
} AwsSuggest;

/* Considers one known name. */
extern void aws_suggest_try(AwsSuggest *suggest, const char *name);

/* "Did you mean ...?" as a malloc'ed string, or NULL when nothing is near. */
extern char *aws_suggest_hint(const AwsSuggest *suggest);

#endif /* AWS_ERROR_H */
