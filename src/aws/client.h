/*
 * client.h
 *	  What the parts of the client share: the client, its queue, and a call.
 *
 * A call lives through states.  It is QUEUED in its bucket; when its turn
 * comes and its credentials are not at hand, it waits for KEYS and is queued
 * again; FLYING, it takes one of the client's places; an answer ends it, puts
 * it to SLEEP before the next try, or brings the next page: QUEUED again, or
 * PAUSED while its user has pages to take.
 *
 * Buckets with calls are served in turn, one call at a time, each bucket in
 * order of arrival.  So a thousand calls to one service do not
 * hold up one call to another, and every step takes the same time however
 * many calls wait.
 */
#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "aws/model.h"
#include "aws/request.h"
#include "aws/response.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "aws/timer.h"

#include <sys/queue.h>

typedef TAILQ_HEAD(AwsCallQueue, AwsCall) AwsCallQueue;

/* Calls of one (credentials, region, service). */
typedef struct AwsBucket
{
	LIST_ENTRY(AwsBucket) all;
	TAILQ_ENTRY(AwsBucket) turn;
	const AwsModel *model;
	uint64_t credentials; /* their id; 0: unsigned */
	char *region;
	AwsCallQueue queue;
	int calls;		/* that belong here, in any state */
	bool has_turn;	/* waits among those to be served */
	AwsTimer timer; /* when pacing lets the next one go */
	AwsClient *client;
	AwsRetryBucket retry;
} AwsBucket;

typedef enum AwsCallState
{
	AWS_CALL_QUEUED,
	AWS_CALL_KEYS,
	AWS_CALL_FLYING,
	AWS_CALL_SLEEPING,
	AWS_CALL_PAUSED,
	AWS_CALL_DONE
} AwsCallState;

struct AwsCall
{
	AwsClient *client; /* NULL once the client is gone */
	LIST_ENTRY(AwsCall) all;
	TAILQ_ENTRY(AwsCall) queue; /* in a bucket or among those that wait for keys */
	TAILQ_ENTRY(AwsCall) note;	/* among those that aws_client_next gives */
	bool noted;
	AwsCallState state;

	const AwsModel *model;
	const AwsOp *op;
	AwsBucket *bucket;
	AwsCallQueue *waiting; /* of the fetch, while it waits for keys */
	AwsCredentials *credentials;
	char *region;
	char *endpoint_url;
	bool allow_http;
	AwsCallOptions options;
	char *items;
	void (*on_done)(void *arg, AwsCall *call); /* of the client's own calls, which aws_client_next hides */
	void *on_done_arg;

	/* the request, one for all tries of a page */
	AwsRequest request;
	AwsEndpoint endpoint;
	char payload_hash[AWS_SHA256_HEX];

	/* the tries of a page */
	AwsTransfer *transfer;
	AwsReply *reply; /* being read */
	AwsTimer timer;
	int64_t deadline;	/* 0: has not begun */
	int64_t sent_at;	/* the last try */
	uint64_t keys_used; /* generation of the keys that signed the last try */
	int tries;
	int price;		 /* taken from the bucket's quota for retries */
	bool renewed;	 /* has tried again with fresh keys */
	bool adjusted;	 /* has tried again with the clock set */
	bool redirected; /* has tried again in the region that S3 told; this lasts for all pages */

	/* pages */
	AwsReply *page;		 /* whose items are being taken */
	AwsReply *last_page; /* of the chain that starts with 'page' */
	int pages;
	int pages_waiting;
	char *token; /* that brought the page in hand, or NULL */
	char *token_mark;

	/* the whole call */
	int attempts;
	bool sent;
	bool maybe_executed;
	AwsError error;
	char *request_id;
};

struct AwsClient
{
	AwsHttp *http;
	AwsTimers timers;
	AwsLimits limits; /* none is 0, but max_attempts, whose default is the service's */
	AwsModel *models; /* that are open */
	LIST_HEAD(AwsBucketList, AwsBucket) buckets;
	TAILQ_HEAD(AwsBucketQueue, AwsBucket) turns; /* of buckets with calls */
	LIST_HEAD(AwsCallList, AwsCall) calls;
	AwsCallQueue noted;
	AwsCall *noted_next; /* what aws_client_next gives next */
	LIST_HEAD(AwsFetchList, AwsFetch) fetches;
	int bucket_count;
	int in_flight;
	uint64_t requests;		  /* sent, by all calls */
	unsigned short random[3]; /* of erand48 */
	int64_t clock_ahead;	  /* seconds by which AWS's clock is ahead of ours */
	char model_dir[];
};

/* ---- client.c ---- */

/* An open model, kept by the client; NULL and the error of aws_model_open. */
extern const AwsModel *aws_client_model(AwsClient *client, const char *service, AwsError *error);

/* Seconds since 1970 as AWS's clock has them, as far as answers told. */
extern int64_t aws_client_clock(const AwsClient *client);

/* Gives a new call its place among all and its bucket; false for lack of memory. */
extern bool aws_client_enter(AwsClient *client, AwsCall *call);

/* Takes a call out of everything. */
extern void aws_client_leave(AwsCall *call);

/* Puts a call into its bucket's queue, at its end or, for one that was there before, at its head. */
extern void aws_client_queue(AwsCall *call, bool ahead);

/* Takes a call, in whatever state, out of queue, wait, sleep or flight. */
extern void aws_client_unqueue(AwsCall *call);

/* Lets aws_client_next give a call. */
extern void aws_client_note(AwsCall *call);

/* Fits a call's state to a transfer that ended. */
extern void aws_client_landed(AwsCall *call);

/* ---- call.c ---- */

/* Makes one try. */
extern void aws_call_send(AwsCall *call);

/* Ends a call; 'error' is taken over, NULL for success.  The call may be gone afterwards. */
extern void aws_call_end(AwsCall *call, AwsError *error);

/* Has a function called at the end, in place of aws_client_next. */
extern void aws_call_on_done(AwsCall *call, void (*on_done)(void *arg, AwsCall *call), void *arg);

/* Frees what a call holds of its client, which is about to go. */
extern void aws_call_orphan(AwsCall *call);

/* Hashes the body of a request that was built; false with the error. */
extern bool aws_call_hash(AwsCall *call, AwsError *error);

/* ---- page.c ---- */

/* A page came whole, in call->reply: ends the call or goes for the next page.  The call may be gone afterwards. */
extern void aws_page_finished(AwsCall *call);

/* Frees the pages, taken or not. */
extern void aws_pages_free(AwsCall *call);

#endif /* AWS_CLIENT_H */
