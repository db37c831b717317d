/*
 * execute.c
 *	  Runs a plan: every action whose predecessors have ended, at once.
 *
 * An action is a list of steps; a step becomes requests (execute_request.c) or
 * a wait (execute_wait.c).  One loop drives it all: it starts what is ready,
 * sends what is durable, polls what is waited for, and takes what has ended.
 * There are no phases and no threads.
 *
 * A failed action takes along those that need it; everything else goes on.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "engine/execute.h"

#define ROWS_EARLY 100 /* that are written at once while calls are in flight: less than a round trip's work */
#define SLOW_MS 500	   /* not again if that took longer, by a user's trigger, say: answers wait meanwhile */

static void start_step(Executor *ex, Action *action);

/* -------------------------------------------------------------- progress */

static void
tell(Executor *ex, const Action *action)
{
	static const char *const verbs[] = {"created", "updated", "replaced", "deleted"};
	TimestampTz now = GetCurrentTimestamp();

	if (!action->reported)
		return;
	ex->finished++;
	if (ex->finished > 100 && !TimestampDifferenceExceeds(ex->last_notice, now, 1000))
		return;
	ex->last_notice = now;
	if (action->state == ACTION_FAILED)
		ereport(NOTICE, (errmsg("%d/%d %s failed: %s", ex->finished, ex->total, object_describe(action->object),
								action->error)));
	else if (action->state == ACTION_DONE)
		ereport(NOTICE,
				(errmsg("%d/%d %s %s", ex->finished, ex->total, verbs[action->kind], object_describe(action->object))));
}

/* What a running action waits for. */
static const char *
doing(const Action *action)
{
	const Run *run = action->run;
	const Call *call = run != NULL && run->at < list_length(run->steps) ? list_nth(run->steps, run->at) : NULL;

	if (call == NULL)
		return "its end";
	if (call->until != NULL)
		return psprintf("waits until %s", call->until);
	return run->refusal ? psprintf("%s, repeated after %s", call->operation, run->refusal) : call->operation;
}

/* ------------------------------------------------------------ action end */

/* Those that wait for an action may begin, or will not be tried. */
static void
release(Executor *ex, Action *action)
{
	bool lost = action->state == ACTION_FAILED || action->state == ACTION_SKIPPED;
	ListCell *cell;

	if (action->run != NULL && action->run->released)
		return;
	if (action->run != NULL)
		action->run->released = true;
	foreach (cell, action->after)
	{
		Action *next = lfirst(cell);

		Assert(next->pending > 0);
		if (lost && next->state == ACTION_WAITING)
		{
			next->state = ACTION_SKIPPED;
			next->error = psprintf("not tried, since %s %s", object_describe(action->object),
								   action->state == ACTION_FAILED ? "failed" : "was not done");
			ex->unfinished--;
			tell(ex, next);
			release(ex, next);
		}
		else if (--next->pending == 0 && next->state == ACTION_WAITING)
			ex->ready = lappend(ex->ready, next);
	}
}

static void
action_done(Executor *ex, Action *action)
{
	Assert(action->state == ACTION_RUNNING && action->run->outstanding == 0);
	action->state = ACTION_DONE;
	ex->unfinished--;
	tell(ex, action);
	release(ex, action);
	if (concludes_early(action))
		ex->unwritten = lappend(ex->unwritten, action);
}

/* Writes rows of what was created while there is nothing to do but to wait, many at once; false: there are too few. */
static bool
write_early(Executor *ex)
{
	TimestampTz start = GetCurrentTimestamp();

	if (ex->rows_last || list_length(ex->unwritten) < ROWS_EARLY)
		return false;
	conclude_early(ex->session, list_copy_head(ex->unwritten, ROWS_EARLY));
	ex->unwritten = list_delete_first_n(ex->unwritten, ROWS_EARLY);
	ex->rows_last = TimestampDifferenceExceeds(start, GetCurrentTimestamp(), SLOW_MS);
	return true;
}

void
action_take_error(Action *action, const CloudError *error)
{
	if (action->error != NULL)
		return;
	action->error = error->code ? psprintf("%s: %s", error->code, error->message ? error->message : "")
								: pstrdup(error->message ? error->message : "unknown error");
	if (error->request_id != NULL)
		action->error = psprintf("%s (request %s)", action->error, error->request_id);
	action->sqlstate = sqlstate_of(error);
}

void
action_fail(Executor *ex, Action *action)
{
	Assert(action->state == ACTION_RUNNING && action->run->outstanding == 0 && action->error != NULL);
	action->state = ACTION_FAILED;
	ex->unfinished--;
	tell(ex, action);
	release(ex, action);
}

void
step_done(Executor *ex, Action *action)
{
	Run *run = action->run;

	run->at++;
	run->wait_since = 0;
	run->refusal = NULL;
	start_step(ex, action);
}

/* ----------------------------------------------------------------- steps */

/* Starts the step that an action is at, skipping those that do not apply. */
static void
start_step(Executor *ex, Action *action)
{
	Run *run = action->run;

	while (run->at < list_length(run->steps))
	{
		const Call *call = list_nth(run->steps, run->at);

		/* the object is there: what needs it does not wait until what came along with it has gone */
		if (run->at + 1 == list_length(run->steps) && removes_born(action->object->kind->res, call))
			release(ex, action);
		if (call->until != NULL)
		{
			ex->polling = lappend(ex->polling, action);
			run->wait_since = GetCurrentTimestamp();
			run->poll_at = run->wait_since;
			return;
		}
		if (pattern_matches_row(action->object, run->values, call->when) &&
			(call->needs == NULL || action_elements(action, run->values, call->needs) != NIL))
		{
			if (call->batch != NULL)
			{
				ex->batches = lappend(ex->batches, action);
				return;
			}
			if (call->each == NULL)
			{
				request_new(ex, list_make1(action), call, NULL, NULL);
				return;
			}
			else
			{
				List *elements = action_elements(action, run->values, call->each);
				ListCell *cell;

				foreach (cell, elements)
					request_new(ex, list_make1(action), call, lfirst(cell), NULL);
				if (elements != NIL)
					return;
			}
		}
		run->at++;
	}
	action_done(ex, action);
}

/* Whether it refers to what AWS makes along with another object, whose id no reply gave; not if it comes along itself. */
static bool
needs_unknown(const Action *action)
{
	const Object *object = action->object;

	if (action->born || object->desired == NULL)
		return false;
	for (int i = 0; i < object->kind->nattributes; i++)
		for (int r = 0; r < object->desired[i].nrefs; r++)
		{
			const Object *other = object->desired[i].refs[r];

			if (other->action != NULL && other->action->born && other->cloud_id == NULL)
				return true;
		}
	return false;
}

static void
start_action(Executor *ex, Action *action)
{
	Object *object = action->object;
	Run *run = palloc0(sizeof(Run));

	if (needs_unknown(action))
	{
		action->state = ACTION_SKIPPED;
		action->reported = false;
		ex->unfinished--;
		ereport(NOTICE,
				(errmsg("%s is left to the next iasql_apply()", object_describe(object)),
				 errdetail("The id of what it refers to, made by AWS along with something else, is not known.")));
		release(ex, action);
		return;
	}
	action->state = ACTION_RUNNING;
	action->run = run;
	run->steps = action_steps(ex->session, ex->plan, action);
	if ((action->kind == ACTION_CREATE && !action->adopted) || action->kind == ACTION_REPLACE)
	{
		object->actual = NULL;
		object->cloud_id = NULL;
		object->presence = PRESENCE_ABSENT;
	}
	if (object->desired != NULL)
		object_refresh(ex->session, object);
	run->values = effective_values(object);
	start_step(ex, action);
}

/* ------------------------------------------------------------------ loop */

/*
 * Runs all actions of the plan that call AWS.  Afterwards each is done, failed
 * or skipped.  Raises only for a cancel, a lost journal and the like.
 */
void
execute_plan(Session *session, Plan *plan)
{
	Executor ex = {.session = session,
				   .plan = plan,
				   .rows_last = plan->forgotten != NIL || plan->written != NIL,
				   .last_notice = GetCurrentTimestamp()};
	ListCell *cell;

	Assert(session_holds(session));
	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);

		/* a new row may have the key by which another one, gone or renamed, has yet to leave iasql_state */
		ex.rows_last |= action->kind != ACTION_CREATE;
		if (action->row_only)
		{
			action->state = ACTION_DONE;
			continue;
		}
		ex.unfinished++;
		if (action->reported)
			ex.total++;
		if (action->pending == 0)
			ex.ready = lappend(ex.ready, action);
	}
	if (ex.unfinished == 0)
		return;
	journal_open(session);
	while (ex.unfinished > 0)
	{
		long timeout;
		CloudCall *cloud;
		int starting = Min(list_length(ex.ready), iasql_max_concurrency); /* the others while these are in flight */

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < starting; i++)
			start_action(&ex, list_nth(ex.ready, i));
		ex.ready = list_delete_first_n(ex.ready, starting);
		if (ex.ready == NIL)
			batches_flush(&ex); /* all have come that may share a request */
		if (ex.unfinished == 0)
			break;
		progress_report(session, plan, &ex.last_report, doing);
		progress_wait(plan, &ex.last_notice, doing);
		timeout = sooner(sooner(requests_send(&ex), polls_start(&ex)), PROGRESS_SILENCE_MS);
		Assert(ex.in_flight > 0 || ex.requests != NIL || ex.polling != NIL || ex.ready != NIL);
		if (ex.sent > 0 || ex.ready != NIL)
			timeout = 0; /* get them under way, then come back to wait */
		else if (write_early(&ex))
			timeout = 0; /* an answer may have come meanwhile */
		while ((cloud = cloud_next(session, timeout)) != NULL)
		{
			void *user = cloud_user(cloud);

			if (*(Flight *) user == FLIGHT_POLL)
				poll_ended(&ex, user, cloud);
			else
				request_ended(&ex, user, cloud);
			timeout = 0;
		}
		for (; ex.sent > 0; ex.sent--)
			test_stop("sent");
	}
	ex.last_report = 0;
	progress_report(session, plan, &ex.last_report, doing);
	journal_flush(session);
	elog(DEBUG1, "%d requests waited for the journal, %.3f ms in all", ex.requests_sent, (double) ex.waited / 1000);
}
