/*
 * aws.h
 *	  What test programs of src/aws share: counting, models, and waiting as a user does.
 */
#ifndef TEST_AWS_H
#define TEST_AWS_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/model.h"

static int passed;
static int failed;

static inline void
check(bool good, const char *what, const char *got)
{
	if (good)
		passed++;
	else
	{
		failed++;
		printf("not ok: %s: %s\n", what, got != NULL ? got : "nothing");
	}
}

static inline void
is(const char *what, const char *got, const char *wanted)
{
	check(got != NULL && strcmp(got, wanted) == 0, what, got);
}

static inline void
is_number(const char *what, long got, long wanted)
{
	char text[80];

	snprintf(text, sizeof(text), "%ld, wanted %ld", got, wanted);
	check(got == wanted, what, text);
}

/* Prints the result line; the program's exit status. */
static inline int
result(void)
{
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}

/* For what must work before anything can be tested. */
static inline void *
must(void *made, const AwsError *error)
{
	if (made == NULL)
	{
		printf("cannot go on: %s\n", error->message);
		exit(1);
	}
	return made;
}

/* Waits once and drives. */
static inline void
turn(AwsClient *client)
{
	struct pollfd wait = {.fd = aws_client_fd(client), .events = POLLIN};

	poll(&wait, 1, (int) aws_client_timeout(client));
	aws_client_drive(client);
}

/* A model, which stays open, or NULL; without a name all are closed. */
static inline const AwsModel *
model_named(const char *folder, const char *name)
{
	static AwsModel *models[4096];
	static int count;
	AwsError error = {0};

	for (int i = 0; i < count; i++)
		if (name == NULL)
			aws_model_close(models[i]);
		else if (strcmp(aws_model_string(models[i], models[i]->header->service), name) == 0)
			return models[i];
	if (name == NULL)
		return NULL;
	models[count] = aws_model_open(folder, name, &error);
	aws_error_clear(&error);
	return models[count] != NULL ? models[count++] : NULL;
}

#endif /* TEST_AWS_H */
