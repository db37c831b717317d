/*
 * execute.h
 *	  What the parts of execution share: execute.c takes actions from step to
 *	  step, execute_request.c sends a step's requests, execute_wait.c looks
 *	  until what a step waits for is so.
 */
#ifndef ENGINE_EXECUTE_H
#define ENGINE_EXECUTE_H

#include "engine/engine.h"

/* An action under way. */
typedef struct Run
{
	List *steps;		 /* of const Call * */
	int at;				 /* the step under way */
	int outstanding;	 /* requests of it that have not ended */
	TimestampTz poll_at; /* of a wait */
	TimestampTz wait_since;
	bool released;		 /* those that wait for it were told */
	const char *refusal; /* why a request of the step is repeated, or NULL */
	Value *values;		 /* effective */
	const char *lookup;	 /* what Resource.lookup found, as JSON */
	const char *held_by; /* what Resource.holders found, for the error; or NULL */
	bool held_for_good;	 /* some of it does not go by itself */
} Run;

/* What a call in flight is for: the first member of Request and Poll. */
typedef enum Flight
{
	FLIGHT_REQUEST,
	FLIGHT_POLL
} Flight;

/* One API call, for one action or a batch of them. */
typedef struct Request
{
	Flight flight;
	List *actions;
	List *intents; /* of int64 *, one an action; NIL: none was written since the last refusal */
	const Call *call;
	const char *service;
	const char *operation;
	char *input;
	char *masked; /* the same for the journal */
	char *token;
	TimestampTz not_before; /* a repeat waits until then */
	TimestampTz first;		/* when it was first tried */
	int repeats;
} Request;

/* Objects of one kind and region that are looked at together. */
typedef struct Poll
{
	Flight flight;
	List *actions;
	List *objects;
} Poll;

typedef struct Executor
{
	Session *session;
	Plan *plan;
	List *ready;	 /* of Action */
	List *batches;	 /* of Action: at a batched step, until the tick's end */
	List *requests;	 /* of Request: not in flight */
	List *polling;	 /* of Action: at a wait, between two looks */
	List *unwritten; /* of Action: done, and their rows may be written at once */
	bool rows_last;	 /* they are written when all calls have ended */
	int in_flight;
	int sent; /* of them in this tick */
	int requests_sent;
	int64 waited; /* us, by them all, until their intents were durable */
	int unfinished;
	int finished;
	int total;
	TimestampTz last_notice;
	TimestampTz last_report; /* of progress */
} Executor;

/* in execute.c */
extern void step_done(Executor *ex, Action *action);
/* keeps the first of an action's errors; it fails when its other requests have ended */
extern void action_take_error(Action *action, const CloudError *error);
extern void action_fail(Executor *ex, Action *action);

/* in execute_request.c */
extern bool removes_born(const Resource *res, const Call *call);
/* queues what a call of an action's step asks for; 'element' is $@, 'gathered' $#, each may be NULL */
extern void request_new(Executor *ex, List *actions, const Call *call, const char *element, const char *gathered);
/* makes requests of the actions that wait for company */
extern void batches_flush(Executor *ex);
/* sends what is durable and due; ms until the next is due, -1: none */
extern long requests_send(Executor *ex);
extern void request_ended(Executor *ex, Request *request, CloudCall *cloud);

/* in execute_wait.c */
/* starts the looks that are due, many objects in one; ms until the next, -1: none */
extern long polls_start(Executor *ex);
extern void poll_ended(Executor *ex, Poll *poll, CloudCall *cloud);

#define SHORTEST_DELAY_MS 100
#define LONGEST_DELAY_MS 5000

/* Delay before the n-th repeat of a request: doubled each time. */
static inline long
repeat_delay(int n)
{
	return n > 5 ? LONGEST_DELAY_MS : Min(SHORTEST_DELAY_MS << n, LONGEST_DELAY_MS);
}

/* Delay before the next look of a wait, in ms: half as long as it has lasted, so that a look that was early costs nothing. */
static inline long
look_delay(long waited, long longest)
{
	return Min(Max(waited / 2, SHORTEST_DELAY_MS), longest);
}

/* The smaller of two waits in ms; negative: none. */
static inline long
sooner(long a, long b)
{
	if (a < 0)
		return b;
	return b < 0 ? a : Min(a, b);
}

#endif /* ENGINE_EXECUTE_H */
