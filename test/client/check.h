/*
 * check.h
 *	  What test programs of the client share: counting, and waiting as a user does.
 */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws.h"

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

#endif /* TEST_CHECK_H */
