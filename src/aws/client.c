/*
 * client.c
 *	  The client: its queue of calls, its clock and its descriptor.
 */
#include "aws/client.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/random.h>

#include "aws/error.h"
#include "aws/reply.h"

#define IDLE_BUCKETS 256 /* kept for what they know of the service's rate */
#define ROUNDS 64		 /* of one drive, so that quick answers cannot hold its caller */

static const AwsLimits default_limits = {
	.max_concurrency = 64,
	.connect_timeout_ms = 10 * 1000,
	.request_timeout_ms = 60 * 1000,
	.deadline_ms = 300 * 1000,
	.max_pages = 100000,
	.max_depth = 128,
	.max_reply_bytes = (size_t) 256 << 20,
};

AwsClient *
aws_client_new(const char *model_dir, AwsError *error)
{
	size_t len = strlen(model_dir);
	AwsClient *client = calloc(1, sizeof(*client) + len + 1);

	if (client == NULL)
	{
		aws_error_memory(error);
		return NULL;
	}
	memcpy(client->model_dir, model_dir, len);
	client->limits = default_limits;
	TAILQ_INIT(&client->turns);
	TAILQ_INIT(&client->noted);
	if (getrandom(client->random, sizeof(client->random), 0) < 0)
		client->random[0] = (unsigned short) aws_now_ms(); /* jitter needs to be uneven, not secret */
	client->http = aws_http_new(error);
	if (client->http == NULL)
	{
		free(client);
		return NULL;
	}
	return client;
}

static void
free_bucket(AwsBucket *bucket)
{
	LIST_REMOVE(bucket, all);
	aws_timer_remove(&bucket->client->timers, &bucket->timer);
	bucket->client->bucket_count--;
	free(bucket->region);
	free(bucket);
}

void
aws_client_free(AwsClient *client)
{
	if (client == NULL)
		return;
	aws_fetches_free(client);
	while (!LIST_EMPTY(&client->calls))
		aws_call_orphan(LIST_FIRST(&client->calls));
	aws_http_free(client->http);
	for (AwsBucket *bucket = LIST_FIRST(&client->buckets), *next; bucket != NULL; bucket = next)
	{
		next = LIST_NEXT(bucket, all);
		free_bucket(bucket);
	}
	for (AwsModel *model = client->models, *next; model != NULL; model = next)
	{
		next = model->next;
		aws_model_close(model);
	}
	aws_timers_free(&client->timers);
	free(client);
}

void
aws_client_set_limits(AwsClient *client, const AwsLimits *limits)
{
#define LIMIT(member) client->limits.member = limits->member > 0 ? limits->member : default_limits.member
	LIMIT(max_concurrency);
	LIMIT(connect_timeout_ms);
	LIMIT(request_timeout_ms);
	LIMIT(deadline_ms);
	LIMIT(max_attempts);
	LIMIT(max_pages);
	LIMIT(max_depth);
	LIMIT(max_reply_bytes);
#undef LIMIT
}

int
aws_client_fd(const AwsClient *client)
{
	return aws_http_fd(client->http);
}

int64_t
aws_client_clock(const AwsClient *client)
{
	return (int64_t) time(NULL) + client->clock_ahead;
}

const AwsModel *
aws_client_model(AwsClient *client, const char *service, AwsError *error)
{
	AwsModel *model = client->models;

	while (model != NULL && strcmp(aws_model_string(model, model->header->service), service) != 0)
		model = model->next;
	if (model == NULL && (model = aws_model_open(client->model_dir, service, error)) != NULL)
	{
		model->next = client->models;
		client->models = model;
	}
	return model;
}

/* ---- buckets ---- */

/* Forgets buckets without calls once there are many, as when credentials come and go. */
static void
drop_idle_buckets(AwsClient *client)
{
	for (AwsBucket *bucket = LIST_FIRST(&client->buckets), *next;
		 client->bucket_count >= IDLE_BUCKETS && bucket != NULL; bucket = next)
	{
		next = LIST_NEXT(bucket, all);
		if (bucket->calls == 0 && !bucket->has_turn)
			free_bucket(bucket);
	}
}

static void bucket_awake(void *arg);

static AwsBucket *
bucket_of(AwsClient *client, const AwsCall *call)
{
	uint64_t credentials = call->credentials != NULL ? call->credentials->id : 0;
	AwsBucket *bucket;

	LIST_FOREACH(bucket, &client->buckets, all)
	{
		if (bucket->model != call->model || bucket->credentials != credentials ||
			strcmp(bucket->region, call->region) != 0)
			continue;
		LIST_REMOVE(bucket, all); /* to the front: calls come in groups */
		LIST_INSERT_HEAD(&client->buckets, bucket, all);
		return bucket;
	}
	drop_idle_buckets(client);
	bucket = calloc(1, sizeof(*bucket));
	if (bucket == NULL)
		return NULL;
	bucket->region = strdup(call->region);
	if (bucket->region == NULL || !aws_timer_add(&client->timers, &bucket->timer))
	{
		free(bucket->region);
		free(bucket);
		return NULL;
	}
	bucket->client = client;
	bucket->model = call->model;
	bucket->credentials = credentials;
	bucket->timer.fire = bucket_awake;
	bucket->timer.arg = bucket;
	TAILQ_INIT(&bucket->queue);
	aws_retry_init(&bucket->retry, aws_model_string(call->model, call->model->header->service), aws_now_ms() / 1000.0);
	LIST_INSERT_HEAD(&client->buckets, bucket, all);
	client->bucket_count++;
	return bucket;
}

bool
aws_client_pace(const AwsClient *client, int n, AwsPace *pace)
{
	const AwsBucket *bucket;

	LIST_FOREACH(bucket, &client->buckets, all)
	{
		if (!bucket->retry.paced || n-- > 0)
			continue;
		pace->service = aws_model_string(bucket->model, bucket->model->header->service);
		pace->region = bucket->region;
		pace->rate = bucket->retry.rate;
		return true;
	}
	return false;
}

/* Gives a bucket its turn after all others. */
static void
give_turn(AwsBucket *bucket)
{
	if (!bucket->has_turn)
		TAILQ_INSERT_TAIL(&bucket->client->turns, bucket, turn);
	bucket->has_turn = true;
}

static void
bucket_awake(void *arg)
{
	AwsBucket *bucket = arg;

	if (!TAILQ_EMPTY(&bucket->queue))
		give_turn(bucket);
}

/* ---- calls ---- */

bool
aws_client_enter(AwsClient *client, AwsCall *call)
{
	AwsBucket *bucket = bucket_of(client, call);

	if (bucket == NULL || !aws_timer_add(&client->timers, &call->timer))
		return false;
	bucket->calls++;
	call->bucket = bucket;
	call->client = client;
	LIST_INSERT_HEAD(&client->calls, call, all);
	return true;
}

/* Takes a call from those that aws_client_next gives. */
static void
unnote(AwsCall *call)
{
	AwsClient *client = call->client;

	if (!call->noted)
		return;
	call->noted = false;
	if (client->noted_next == call)
		client->noted_next = TAILQ_NEXT(call, note);
	TAILQ_REMOVE(&client->noted, call, note);
}

void
aws_client_leave(AwsCall *call)
{
	AwsClient *client = call->client;

	aws_client_unqueue(call);
	unnote(call);
	aws_timer_remove(&client->timers, &call->timer);
	call->bucket->calls--;
	LIST_REMOVE(call, all);
	call->client = NULL;
}

void
aws_client_queue(AwsCall *call, bool ahead)
{
	AwsBucket *bucket = call->bucket;

	call->state = AWS_CALL_QUEUED;
	if (ahead)
		TAILQ_INSERT_HEAD(&bucket->queue, call, queue);
	else
		TAILQ_INSERT_TAIL(&bucket->queue, call, queue);
	if (bucket->timer.slot == 0)
		give_turn(bucket);
}

void
aws_client_unqueue(AwsCall *call)
{
	switch (call->state)
	{
		case AWS_CALL_QUEUED:
			TAILQ_REMOVE(&call->bucket->queue, call, queue);
			break;
		case AWS_CALL_KEYS:
			TAILQ_REMOVE(call->waiting, call, queue);
			break;
		case AWS_CALL_FLYING:
			if (call->transfer != NULL)
			{
				call->sent |= aws_transfer_sent(call->transfer);
				aws_http_cancel(call->transfer);
				aws_client_landed(call);
			}
			break;
		case AWS_CALL_SLEEPING:
		case AWS_CALL_PAUSED:
		case AWS_CALL_DONE:
			break;
	}
	aws_timer_cancel(&call->client->timers, &call->timer);
	call->state = AWS_CALL_PAUSED;
}

void
aws_client_landed(AwsCall *call)
{
	call->transfer = NULL;
	call->client->in_flight--;
}

/*
 * Sends what may go out.  A bucket whose first call must wait for keys, or
 * that is paced, gives its turn to the next.
 */
static bool
dispatch(AwsClient *client)
{
	bool any = false;

	while (client->in_flight < client->limits.max_concurrency && !TAILQ_EMPTY(&client->turns))
	{
		AwsBucket *bucket = TAILQ_FIRST(&client->turns);
		AwsCall *call = TAILQ_FIRST(&bucket->queue);
		double wait = 0;

		TAILQ_REMOVE(&client->turns, bucket, turn);
		bucket->has_turn = false;
		bucket->calls++; /* keeps it, whatever ends meanwhile */
		if (call != NULL && aws_credentials_ready(call))
		{
			int64_t now = aws_now_ms();

			wait = aws_retry_pace(&bucket->retry, (double) now / 1000);
			if (wait > 0)
				aws_timer_set(&client->timers, &bucket->timer, now + 1 + (int64_t) (wait * 1000));
			else
			{
				aws_client_unqueue(call);
				aws_call_send(call);
			}
			any = true;
		}
		bucket->calls--;
		if (wait == 0 && !TAILQ_EMPTY(&bucket->queue))
			give_turn(bucket);
	}
	return any;
}

void
aws_client_note(AwsCall *call)
{
	AwsClient *client = call->client;

	if (call->noted)
		return;
	call->noted = true;
	TAILQ_INSERT_TAIL(&client->noted, call, note);
}

AwsCall *
aws_client_next(AwsClient *client)
{
	AwsCall *call;

	while ((call = client->noted_next) != NULL)
	{
		client->noted_next = TAILQ_NEXT(call, note);
		if (call->state == AWS_CALL_DONE || (call->last_page != NULL && !call->last_page->drained))
			return call;
		unnote(call);
	}
	return NULL;
}

long
aws_client_timeout(AwsClient *client)
{
	int64_t next = aws_timers_next(&client->timers);
	int64_t wait;

	if (!TAILQ_EMPTY(&client->turns) && client->in_flight < client->limits.max_concurrency)
		return 0;
	if (aws_http_next(client->http) < next)
		next = aws_http_next(client->http);
	if (next == INT64_MAX)
		return -1;
	wait = next - aws_now_ms();
	return wait > 0 ? (long) wait : 0;
}

void
aws_client_drive(AwsClient *client)
{
	bool more = true;

	for (int round = 0; round < ROUNDS && more; round++)
	{
		aws_timers_fire(&client->timers, aws_now_ms());
		more = dispatch(client);
		more |= aws_http_drive(client->http);
	}
	client->noted_next = TAILQ_FIRST(&client->noted);
}
