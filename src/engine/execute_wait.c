/*
 * execute_wait.c
 *	  Steps that wait: objects are looked at, often at first, until they are
 *	  as the step wants them.  All objects of one kind and region that are due
 *	  share a look.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "aws/aws.h"
#include "engine/execute.h"

/* Starts the looks that are due, many objects in one; returns ms until the next, -1 for none. */
long
polls_start(Executor *ex)
{
	TimestampTz now = GetCurrentTimestamp();
	List *due = NIL;
	long next = -1;
	ListCell *cell;

	foreach (cell, ex->polling)
	{
		Action *action = lfirst(cell);

		if (action->run->poll_at > now)
		{
			next = sooner(next, TimestampDifferenceMilliseconds(now, action->run->poll_at));
			continue;
		}
		due = lappend(due, action);
		ex->polling = foreach_delete_current(ex->polling, cell);
	}
	while (due != NIL)
	{
		Action *first = linitial(due);
		Poll *poll = palloc0(sizeof(Poll));
		int max = Max(first->object->kind->res->get_batch, 1);

		foreach (cell, due)
		{
			Action *action = lfirst(cell);

			if (action->object->kind != first->object->kind ||
				strcmp(action->object->region, first->object->region) != 0 || list_length(poll->actions) >= max)
				continue;
			poll->actions = lappend(poll->actions, action);
			poll->objects = lappend(poll->objects, action->object);
			due = foreach_delete_current(due, cell);
		}
		poll->flight = FLIGHT_POLL;
		cloud_read_start(ex->session, poll->objects, poll);
		ex->in_flight++;
		test_stop("poll");
	}
	return next;
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
		run->poll_at = TimestampTzPlusMilliseconds(now, repeat_delay(run->polls++));
	}
	cloud_free(cloud);
}
