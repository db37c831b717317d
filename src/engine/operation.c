/*
 * operation.c
 *	  The whole of an apply, a sync, an install's import, or their previews.
 *
 * Acting operations look, decide, write imports, act, and write what came of
 * it.  A preview does the same up to the decision, inside a subtransaction
 * that is rolled back: what prepares rows for the look leaves nothing behind.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "engine/spi.h"

#include "engine/engine.h"

static bool
is_sync(const Session *session)
{
	return session->verb == VERB_SYNC || session->verb == VERB_PREVIEW_SYNC;
}

static bool
is_preview(const Session *session)
{
	return session->verb == VERB_PREVIEW_APPLY || session->verb == VERB_PREVIEW_SYNC;
}

/* Kinds of the modules that an install brings; NULL for all. */
static Bitmapset *
kinds_looked_at(Session *session)
{
	Bitmapset *kinds = NULL;

	if (session->verb != VERB_INSTALL)
		return NULL;
	for (int k = 0; k < session->world->nkinds; k++)
	{
		const Module *module = module_of_table(session->world->kinds[k]->res->name);
		ListCell *cell;

		foreach (cell, session->modules)
			if (module != NULL && strcmp(module->name, lfirst(cell)) == 0)
				kinds = bms_add_member(kinds, k);
	}
	return kinds;
}

/* Reads all three sides, binds them and plans; nothing is written but by Resource.prepare. */
static Plan *
look_and_plan(Session *session)
{
	Bitmapset *kinds;
	Plan *plan;

	session->world = world_open(session);
	if (!is_sync(session) && session->verb != VERB_INSTALL && !XactReadOnly)
		world_prepare(session);
	world_read_rows(session);
	state_read(session);
	kinds = kinds_looked_at(session);
	if (session->world->nkinds > 0 && (session->verb != VERB_INSTALL || kinds != NULL))
	{
		account_open(session);
		cloud_list(session, kinds);
	}
	settle_world(session);
	bind_world(session);
	plan = is_sync(session) ? plan_sync(session) : plan_apply(session);
	if (!is_sync(session))
		guard_check(session, plan);
	graph_build(session, plan);
	return plan;
}

static Plan *
preview(Session *session)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Plan *plan;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		plan = look_and_plan(session);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return plan;
}

/* Rows for what the account holds and the tables lack; before any call that changes something. */
static void
import(Session *session, List *objects)
{
	List *agreed = NIL;
	ListCell *cell;

	write_imports(session, objects);
	foreach (cell, objects)
		if (((Object *) lfirst(cell))->base != NULL && ((Object *) lfirst(cell))->unmanaged == NULL)
			agreed = lappend(agreed, lfirst(cell));
	write_base(session, agreed);
}

static void
set_constraints_immediate(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	run_sql(SPI_OK_UTILITY, "SET CONSTRAINTS ALL IMMEDIATE", 0, NULL, NULL);
	SPI_finish();
}

/*
 * Runs the session's operation and returns its plan; for acting ones the plan
 * was carried out.  Session.plan is set as well.
 */
Plan *
operation_run(Session *session)
{
	MemoryContext old = MemoryContextSwitchTo(session->memory);
	Plan *plan;

	if (is_preview(session))
		plan = preview(session);
	else
	{
		session_check_may_act(session);
		session_lock(session);
		set_constraints_immediate();
		plan = look_and_plan(session);
		if (session->verb != VERB_REFRESH)
		{
			write_dropped(session, plan->dropped);
			if (plan->imports != NIL)
				import(session, plan->imports);
			if (!is_sync(session))
				execute_plan(session, plan);
			conclude(session, plan);
		}
	}
	session->plan = plan;
	MemoryContextSwitchTo(old);
	return plan;
}
