/*
 * timer.h
 *	  Things to do at a time: a heap of timers that live inside their owners.
 *
 * A timer takes its place in the heap when it is added, so that setting one
 * never fails.  Times are milliseconds of the monotonic clock.
 */
#ifndef AWS_TIMER_H
#define AWS_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct AwsTimer
{
	int64_t at;
	size_t slot;			 /* 1 + place in the heap; 0: not set */
	void (*fire)(void *arg); /* may set, add and remove any timer */
	void *arg;
} AwsTimer;

typedef struct AwsTimers
{
	AwsTimer **heap; /* the earliest first */
	size_t count;	 /* that are set */
	size_t added;	 /* timers that may be set */
	size_t size;
} AwsTimers;

/* Now, by the monotonic clock. */
extern int64_t aws_now_ms(void);

/* Makes room for a timer; false for lack of memory.  Its fire and arg are to be filled. */
extern bool aws_timer_add(AwsTimers *timers, AwsTimer *timer);

/* Gives the room back; for a timer that was added. */
extern void aws_timer_remove(AwsTimers *timers, AwsTimer *timer);

/* Sets a timer, or moves it. */
extern void aws_timer_set(AwsTimers *timers, AwsTimer *timer, int64_t at);

/* Takes a timer back, if it is set. */
extern void aws_timer_cancel(AwsTimers *timers, AwsTimer *timer);

/* The earliest time, or INT64_MAX. */
extern int64_t aws_timers_next(const AwsTimers *timers);

/* Fires what is due. */
extern void aws_timers_fire(AwsTimers *timers, int64_t now);

extern void aws_timers_free(AwsTimers *timers);

#endif /* AWS_TIMER_H */
