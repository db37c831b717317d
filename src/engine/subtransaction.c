/*
 * subtransaction.c
 *	  The one way to try something that may raise, and to go on.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "engine/engine.h"

/*
 * Runs 'body' in a subtransaction, which is kept or undone.  On an error that
 * 'caught' says yes to (NULL: any): false and the error; others, and cancels
 * and shutdowns always, are passed on.
 */
static bool
in_subtransaction(void (*body)(void *), void *arg, bool keep, bool (*caught)(int sqlstate), ErrorData **failure)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		body(arg);
		if (keep)
			ReleaseCurrentSubTransaction();
		else
			RollbackAndReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
			(caught != NULL && !caught(error->sqlerrcode)))
		{
			MemoryContextSwitchTo(context);
			CurrentResourceOwner = owner;
			ReThrowError(error);
		}
		*failure = error;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

bool
subtransaction(void (*body)(void *), void *arg, bool (*caught)(int sqlstate), ErrorData **failure)
{
	return in_subtransaction(body, arg, true, caught, failure);
}

static bool
caught_none(int sqlstate)
{
	return false;
}

void
subtransaction_undone(void (*body)(void *), void *arg)
{
	(void) in_subtransaction(body, arg, false, caught_none, NULL);
}
