/*
 * stop.c
 *	  Places where a test can stop an operation, to kill it there.
 *
 * iasql.test_stop = 'PLACE:N' makes the backend wait, interruptibly and
 * without end, when it comes to the place for the N-th time in an operation.
 * Only a superuser can set it, and it is empty by default.  The places, in the
 * order in which a call passes them:
 *
 *	intent		before the intent is handed to the recorder
 *	durable		it is durable, nothing was sent
 *	sent		the request is under way
 *	answer		the answer has come, its outcome is not recorded
 *	outcome		it is handed to the recorder
 *	poll		a wait looks at its object
 *	write		all calls are done, nothing is written to rows
 *	commit		all is written, the caller's transaction is open
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/engine.h"

char *iasql_test_stop;

static int passed;

/* Begins to count anew: an operation begins. */
void
test_stop_reset(void)
{
	passed = 0;
}

void
test_stop(const char *place)
{
	Size len = strlen(place);

	if (iasql_test_stop == NULL || strncmp(iasql_test_stop, place, len) != 0 || iasql_test_stop[len] != ':' ||
		++passed != atoi(iasql_test_stop + len + 1))
		return;
	ereport(WARNING, (errmsg("stopped at %s in process %d", iasql_test_stop, MyProcPid)));
	for (;;)
		pause_ms(1000);
}
