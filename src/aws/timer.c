/*
 * timer.c
 *	  A binary heap in an array; each timer knows its place, so that taking one
 *	  out needs no search.
 */
#include "aws/timer.h"

#include <stdlib.h>
#include <time.h>

int64_t
aws_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool
aws_timer_add(AwsTimers *timers, AwsTimer *timer)
{
	if (timers->added == timers->size)
	{
		size_t size = timers->size > 0 ? timers->size * 2 : 64;
		AwsTimer **heap = realloc(timers->heap, size * sizeof(*heap));

		if (heap == NULL)
			return false;
		timers->heap = heap;
		timers->size = size;
	}
	timers->added++;
	timer->slot = 0;
	return true;
}

void
aws_timer_remove(AwsTimers *timers, AwsTimer *timer)
{
	aws_timer_cancel(timers, timer);
	timers->added--;
}

static void
place(AwsTimers *timers, AwsTimer *timer, size_t at)
{
	timers->heap[at] = timer;
	timer->slot = at + 1;
}

/* Puts a timer where it belongs, starting from a free place. */
static void
settle(AwsTimers *timers, AwsTimer *timer, size_t at)
{
	while (at > 0 && timers->heap[(at - 1) / 2]->at > timer->at)
	{
		place(timers, timers->heap[(at - 1) / 2], at);
		at = (at - 1) / 2;
	}
	for (;;)
	{
		size_t child = 2 * at + 1;

		if (child + 1 < timers->count && timers->heap[child + 1]->at < timers->heap[child]->at)
			child++;
		if (child >= timers->count || timers->heap[child]->at >= timer->at)
			break;
		place(timers, timers->heap[child], at);
		at = child;
	}
	place(timers, timer, at);
}

void
aws_timer_set(AwsTimers *timers, AwsTimer *timer, int64_t at)
{
	timer->at = at;
	settle(timers, timer, timer->slot > 0 ? timer->slot - 1 : timers->count++);
}

void
aws_timer_cancel(AwsTimers *timers, AwsTimer *timer)
{
	size_t slot = timer->slot;

	if (slot == 0)
		return;
	timer->slot = 0;
	timers->count--;
	if (slot - 1 < timers->count)
		settle(timers, timers->heap[timers->count], slot - 1);
}

int64_t
aws_timers_next(const AwsTimers *timers)
{
	return timers->count > 0 ? timers->heap[0]->at : INT64_MAX;
}

void
aws_timers_fire(AwsTimers *timers, int64_t now)
{
	while (aws_timers_next(timers) <= now)
	{
		AwsTimer *timer = timers->heap[0];

		aws_timer_cancel(timers, timer);
		timer->fire(timer->arg);
	}
}

void
aws_timers_free(AwsTimers *timers)
{
	free(timers->heap);
	*timers = (AwsTimers){0};
}
