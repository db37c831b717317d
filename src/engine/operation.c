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
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "engine/spi.h"

#include "engine/engine.h"

/* As iasql_operation shows them; the names of 0.0.18. */
static const char *const verb_names[] = {
	[VERB_APPLY] = "APPLY",		[VERB_PREVIEW_APPLY] = "PLAN_APPLY",
	[VERB_SYNC] = "SYNC",		[VERB_PREVIEW_SYNC] = "PLAN_SYNC",
	[VERB_INSTALL] = "INSTALL", [VERB_UNINSTALL] = "UNINSTALL",
	[VERB_REFRESH] = "REFRESH",
};

/* How often a plan is made when rows change under it. */
#define MOST_PLANS 5

bool
is_sync(const Session *session)
{
	return session->verb == VERB_SYNC || session->verb == VERB_PREVIEW_SYNC;
}

static bool
is_preview(const Session *session)
{
	return session->verb == VERB_PREVIEW_APPLY || session->verb == VERB_PREVIEW_SYNC;
}

static void
list_begin(Session *session)
{
	Bitmapset *kinds = session->world->looked_at = scope_kinds(session);

	if (kinds == NULL)
		return;
	if (session->verb == VERB_APPLY)
		account_ask(session); /* the guard will */
	cloud_list_begin(session, kinds);
}

/*
 * Reads all three sides, rows while the cloud's answers are on their way.
 * Returns until when a call in doubt may still change what is seen, or 0.
 */
static TimestampTz
look(Session *session)
{
	session->world = world_open(session);
	if (!session->changed_only)
		list_begin(session);
	if (!is_sync(session) && session->verb != VERB_INSTALL && session->verb != VERB_REFRESH && !XactReadOnly)
		world_prepare(session);
	world_read_rows(session);
	state_read(session);
	if (session->changed_only)
		list_begin(session);
	cloud_list_end(session);
	return settle_world(session);
}

/* Waits until calls in doubt have come into effect, or will not any more. */
static void
wait_until_told(TimestampTz told)
{
	long ms;

	ereport(NOTICE, (errmsg("waiting for calls of an earlier operation whose answers were lost")));
	while ((ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), told)) > 0)
		pause_ms(ms);
}

/* Looks, binds and plans; nothing is written but by Resource.prepare. */
static Plan *
look_and_plan(Session *session)
{
	TimestampTz told;
	Plan *plan;

	while ((told = look(session)) != 0 && !is_preview(session) && session->verb != VERB_REFRESH)
		wait_until_told(told);
	bind_world(session);
	if (session->verb == VERB_REFRESH)
		return palloc0(sizeof(Plan));
	plan = is_sync(session) ? plan_sync(session) : plan_apply(session);
	if (!is_sync(session))
		guard_check(session, plan);
	graph_build(session, plan);
	return plan;
}

static void
plan_only(void *arg)
{
	Session *session = arg;

	session->plan = look_and_plan(session);
}

static Plan *
preview(Session *session)
{
	subtransaction_undone(plan_only, session);
	session->imported = list_length(session->plan->imports);
	return session->plan;
}

/* What became of the plan, for iasql_operation: counts by action. */
static char *
result_json(const Session *session, const Plan *plan)
{
	int counts[4] = {0};
	int failed = 0;
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);

		if (action->state == ACTION_FAILED || action->state == ACTION_SKIPPED)
			failed++;
		else if (action->reported)
			counts[action->kind]++;
	}
	return psprintf("{\"create\": %d, \"update\": %d, \"replace\": %d, \"delete\": %d, \"failed\": %d, \"import\": %d}",
					counts[ACTION_CREATE], counts[ACTION_UPDATE], counts[ACTION_REPLACE], counts[ACTION_DELETE], failed,
					session->imported);
}

static void
append_member(StringInfo json, const char *name, const char *text)
{
	if (text == NULL)
		return;
	appendStringInfo(json, "%s\"%s\": ", json->len > 1 ? ", " : "", name);
	escape_json(json, text);
}

static char *
error_json(const ErrorData *error)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	append_member(&json, "message", error->message);
	append_member(&json, "detail", error->detail);
	append_member(&json, "hint", error->hint);
	append_member(&json, "sqlstate", unpack_sql_state(error->sqlerrcode));
	appendStringInfoChar(&json, '}');
	return json.data;
}

/*
 * Locks the plan's rows, and writes those that only follow the cloud.  False
 * if it has to be planned again: a row was changed since it was read, or a new
 * one leaves to AWS what only now has a row, as the default VPC of a region
 * that was just enabled.
 */
static bool
rows_written(Session *session, Plan *plan)
{
	if (!rows_lock(session, plan))
		return false;
	write_dropped(session, plan->dropped);
	if (plan->imports == NIL)
		return true;
	import_objects(session, plan->imports);
	session->imported += list_length(plan->imports);
	return is_sync(session) || !world_prepare(session);
}

static Plan *
run(Session *session)
{
	Plan *plan;

	if (is_preview(session))
		return preview(session);
	session_check_may_act(session);
	session_lock(session);
	test_stop_reset();
	plan = look_and_plan(session);
	if (session->verb != VERB_REFRESH)
	{
		for (int tries = 1; !rows_written(session, plan); tries++)
		{
			if (tries == MOST_PLANS)
				ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
								errmsg("rows were changed while they were read, %d times", tries),
								errhint("Call it again when nobody writes.")));
			plan = look_and_plan(session);
		}
		if (!is_sync(session))
			execute_plan(session, plan);
		test_stop("write");
		conclude(session, plan);
	}
	look_record(session);
	if (session->verb == VERB_APPLY)
		audit_expire(session);
	test_stop("commit");
	return plan;
}

/*
 * Runs 'body' as the session's operation: it is recorded whether it succeeds
 * or not.  Where no worker can run, it goes on without being recorded.
 */
void
operation_record(Session *session, void (*body)(Session *session, void *arg), void *arg)
{
	PG_TRY();
	{
		if (!XactReadOnly)
			journal_operation_begin(session, verb_names[session->verb], session->params ? session->params : "{}");
		body(session, arg);
		journal_operation_end(session, session->plan ? result_json(session, session->plan) : NULL, NULL);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(session->memory);
		error = CopyErrorData();
		journal_operation_end(session, NULL, error_json(error));
		FreeErrorData(error);
		PG_RE_THROW();
	}
	PG_END_TRY();
	journal_close(session);
}

static void
run_plan(Session *session, void *arg)
{
	session->plan = run(session);
}

/*
 * Runs the session's operation and returns its plan; for acting ones the plan
 * was carried out.  Session.plan is set as well.  It is recorded, unless it is
 * part of an operation whose record has begun.
 */
Plan *
operation_run(Session *session)
{
	MemoryContext old = MemoryContextSwitchTo(session->memory);

	if (session->operation != 0)
		run_plan(session, NULL);
	else
		operation_record(session, run_plan, NULL);
	MemoryContextSwitchTo(old);
	return session->plan;
}
