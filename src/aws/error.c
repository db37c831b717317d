/*
 * error.c
 *	  The life of an AwsError.
 */
#include "aws/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
aws_error_clear(AwsError *error)
{
	free(error->service);
	free(error->operation);
	free(error->code);
	free(error->message);
	free(error->hint);
	free(error->request_id);
	*error = (AwsError){0};
}

bool
aws_error_set(AwsError *error, AwsErrorKind kind, const char *format, ...)
{
	va_list arguments;
	char *message = NULL;
	int len;

	if (error == NULL)
		return false;
	va_start(arguments, format);
	len = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (len >= 0)
		message = malloc((size_t) len + 1);
	if (message != NULL)
	{
		/* Before the old message is freed: it may be an argument. */
		va_start(arguments, format);
		vsnprintf(message, (size_t) len + 1, format, arguments);
		va_end(arguments);
	}
	error->kind = kind;
	free(error->message);
	error->message = message;
	aws_error_hint(error, NULL);
	return false;
}

bool
aws_error_memory(AwsError *error)
{
	return aws_error_set(error, AWS_NO_MEMORY, "out of memory");
}

void
aws_error_at(AwsError *error, const char *service, const char *operation)
{
	if (error == NULL)
		return;
	if (error->service == NULL && service != NULL)
		error->service = strdup(service);
	if (error->operation == NULL && operation != NULL)
		error->operation = strdup(operation);
}

void
aws_error_hint(AwsError *error, char *hint)
{
	if (error == NULL)
	{
		free(hint);
		return;
	}
	free(error->hint);
	error->hint = hint;
}

static char *
error_string(const char *string)
{
	return string != NULL ? strdup(string) : NULL;
}

void
aws_error_copy(AwsError *to, const AwsError *from)
{
	*to = *from;
	to->service = error_string(from->service);
	to->operation = error_string(from->operation);
	to->code = error_string(from->code);
	to->message = error_string(from->message);
	to->hint = error_string(from->hint);
	to->request_id = error_string(from->request_id);
}
