/*
 * progress.c
 *	  What an operation tells while it waits: other sessions by the view
 *	  iasql_progress and NOTIFY iasql, both the recorder's work, and the caller
 *	  by a NOTICE when nothing ended for long.
 */
#include "postgres.h"

#include "engine/engine.h"

#define INTERVAL_MS 1000
#define RUNNING_SHOWN 10

/*
 * Reports how far the plan's actions are, at most once a second: '*last' is
 * when that was done last, 0 at first.  'doing' says what a running action
 * does or waits for.
 */
void
progress_report(Session *session, const Plan *plan, TimestampTz *last, const char *(*doing)(const Action *action))
{
	static const char *const verbs[] = {"create", "update", "replace", "delete"};
	TimestampTz now = GetCurrentTimestamp();
	int done = 0;
	int failed = 0;
	int total = 0;
	int running = 0;
	StringInfoData json;
	StringInfoData names;
	ListCell *cell;

	if (*last != 0 && !TimestampDifferenceExceeds(*last, now, INTERVAL_MS))
		return;
	*last = now;
	initStringInfo(&json);
	initStringInfo(&names);
	foreach (cell, plan->actions)
	{
		const Action *action = lfirst(cell);
		char *name;

		if (action->row_only)
			continue;
		total += action->reported;
		done += action->reported && action->state == ACTION_DONE;
		failed += action->reported && (action->state == ACTION_FAILED || action->state == ACTION_SKIPPED);
		if (action->state != ACTION_RUNNING || ++running > RUNNING_SHOWN)
			continue;
		name = psprintf("%s %s: %s", verbs[action->kind], object_describe(action->object), doing(action));
		appendStringInfoString(&names, names.len ? ", " : "");
		json_append_string(&names, name, strlen(name));
	}
	appendStringInfo(&json, "{\"done\": %d, \"failed\": %d, \"total\": %d, \"running\": [%s], \"throttled\": %s}", done,
					 failed, total, names.data, cloud_paces());
	journal_progress(session, json.data);
}

/*
 * Says what a running action waits for, if the last NOTICE was at '*last' and
 * that is PROGRESS_SILENCE_MS ago.
 */
void
progress_wait(const Plan *plan, TimestampTz *last, const char *(*doing)(const Action *action))
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell *cell;

	if (!TimestampDifferenceExceeds(*last, now, PROGRESS_SILENCE_MS))
		return;
	*last = now;
	foreach (cell, plan->actions)
	{
		const Action *action = lfirst(cell);

		if (action->state != ACTION_RUNNING)
			continue;
		ereport(NOTICE, (errmsg("waiting for %s: %s", object_describe(action->object), doing(action))));
		return;
	}
}
