/*
 * execute_wait.c
 *	  Steps that wait: objects are looked at, often at first, until they are
 *	  as the step wants them.  When one is due, all of its kind and region that
 *	  wait share the look.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "aws/aws.h"
#include "engine/execute.h"

/* Moves those that can share a look at 'first' from a list to the look, as far as there is room; returns the others. */
static List *
share_look(Poll *poll, const Object *first, List *waiting)
{
	ListCell *cell;

	foreach (cell, waiting)
	{
		Action *action = lfirst(cell);

		if (list_length(poll->actions) >= Max(first->kind->res->get_batch, 1))
			break;
		if (action->object->kind != first->kind || strcmp(action->object->region, first->region) != 0)
			continue;
		poll->actions = lappend(poll->actions, action);
		poll->objects = lappend(poll->objects, action->object);
		waiting = foreach_delete_current(waiting, cell);
	}
	return waiting;
}

/* Starts the looks that are due, many objects in one; returns ms until the next, -1 for none. */
long
polls_start(Executor *ex)
{
	TimestampTz now = GetCurrentTimestamp();
	List *due = NIL;
	long next = -1;
	ListCell *cell;

	foreach (cell, ex->polling)
		if (((Action *) lfirst(cell))->run->poll_at <= now)
		{
			due = lappend(due, lfirst(cell));
			ex->polling = foreach_delete_current(ex->polling, cell);
		}
	while (due != NIL)
	{
		const Object *first = ((Action *) linitial(due))->object;
		Poll *poll = palloc0(sizeof(Poll));

		due = share_look(poll, first, due);
		ex->polling = share_look(poll, first, ex->polling);
		poll->flight = FLIGHT_POLL;
		cloud_read_start(ex->session, poll->objects, poll);
		ex->in_flight++;
		test_stop("poll");
	}
	foreach (cell, ex->polling)
		next = sooner(next, TimestampDifferenceMilliseconds(now, ((Action *) lfirst(cell))->run->poll_at));
	return next;
}

/* The longest that a wait lets pass between two looks, in ms. */
static long
longest_delay(const Resource *res, const Call *call)
{
	int seconds = call->waiter ? aws_waiter_delay(cloud_client(), res->service, call->waiter, NULL) : -1;

	return seconds > 0 ? seconds * 1000L : LONGEST_DELAY_MS;
}

void
poll_ended(Executor *ex, Poll *poll, CloudCall *cloud)
{
	const CloudError *error = cloud_error(cloud);
	TimestampTz now = GetCurrentTimestamp();
	ListCell *cell;

	ex->in_flight--;
	cloud_read_finish(ex->session, cloud, poll->objects);
	foreach (cell, poll->actions)
	{
		Action *action = lfirst(cell);
		Object *object = action->object;
		Run *run = action->run;
		const Call *call = list_nth(run->steps, run->at);
		bool gone = object->presence == PRESENCE_ABSENT;
		CloudError failure = {.kind = error ? error->kind : AWS_REFUSED};

		if (strcmp(call->until, "gone") == 0 ? gone
											 : object->presence == PRESENCE_PRESENT && object->item != NULL &&
												   pattern_matches(object->item, call->until))
		{
			if (!gone)
				run->values = effective_values(object);
			step_done(ex, action);
			continue;
		}
		if (object->presence == PRESENCE_PRESENT && object->item != NULL && call->bad != NULL &&
			pattern_matches(object->item, call->bad))
			failure.message = psprintf("it ended in a state from which it does not become ready (%s)", call->bad);
		else if (TimestampDifferenceExceeds(run->wait_since, now, iasql_wait_timeout))
			failure.message = error ? error->message : "it did not become ready within iasql.wait_timeout";
		if (failure.message != NULL)
		{
			action_take_error(action, &failure);
			action_fail(ex, action);
			continue;
		}
		ex->polling = lappend(ex->polling, action);
		run->poll_at =
			TimestampTzPlusMilliseconds(now, look_delay(TimestampDifferenceMilliseconds(run->wait_since, now),
														longest_delay(object->kind->res, call)));
	}
	cloud_free(cloud);
}
