/*
 * retry.h
 *	  Whether, and when, to send a request again.
 *
 * AWS's retry mode 'standard': exponential backoff with full jitter, and a
 * quota of retries per bucket, so that a service in trouble is not buried
 * under retries.  A bucket that was throttled also paces its sending as mode
 * 'adaptive' does: the rate falls once for each burst that was throttled and
 * climbs back along a cubic curve.  A bucket is one (credentials, region, service), which
 * is what AWS counts by.
 *
 * Pure: time and chance are arguments.
 *
 * Source: "Retry behavior" in the AWS SDKs and Tools Reference Guide; the
 * constants are those of botocore 1.44.
 */
#ifndef AWS_RETRY_H
#define AWS_RETRY_H

#include "aws/model.h"

typedef enum AwsRetryClass
{
	AWS_RETRY_NEVER,	  /* the answer would be the same */
	AWS_RETRY_TRANSIENT,  /* may work at once */
	AWS_RETRY_THROTTLING, /* works later */
	AWS_RETRY_SKEW,		  /* a signature that the clock may have spoilt */
	AWS_RETRY_EXPIRED	  /* the keys are too old */
} AwsRetryClass;

/* Begun by aws_retry_init; times are seconds of any steady clock. */
typedef struct AwsRetryBucket
{
	int quota;	 /* what is left for retries */
	bool paced;	 /* has been throttled, or began with a rate */
	double rate; /* requests a second that may go out */
	double tokens;
	double filled_at;
	double measured_rate; /* smoothed, of requests sent */
	double measured_at;	  /* start of the half second that is counted */
	int measured_count;
	double best_rate; /* when it was last throttled */
	double throttled_at;
} AwsRetryBucket;

/* A bucket of a service, with the rate that it is known to admit, if it is. */
extern void aws_retry_init(AwsRetryBucket *bucket, const char *service, double now);

/* Seconds until a request may go out: 0 is now, and takes the right to send one. */
extern double aws_retry_pace(AwsRetryBucket *bucket, double now);

/*
 * Tells the bucket what came of a request that was sent at 'sent'.  What was
 * sent before the rate last fell says nothing of the new rate.
 */
extern void aws_retry_answered(AwsRetryBucket *bucket, double sent, double now, bool throttled);

/* Takes the price of a retry from the quota and returns it; 0 if there is too little. */
extern int aws_retry_take(AwsRetryBucket *bucket, AwsRetryClass class);

/* A call succeeded: its retries' price comes back, or a little if it needed none. */
extern void aws_retry_give(AwsRetryBucket *bucket, int price);

/* What an error means; 'shape' is its code's in the model, or NULL. */
extern AwsRetryClass aws_retry_class(const AwsError *error, const AwsShape *shape);

/*
 * Milliseconds before retry number 'retry' (from 0), 'chance' being a random
 * number from [0, 1).  'server_ms' is what the answer asked for, or -1; it
 * counts up to five seconds above the backoff itself.
 */
extern int aws_retry_delay(AwsRetryClass class, int retry, int base_ms, double chance, int server_ms);

#define AWS_RETRY_BASE_MS 50
#define AWS_RETRY_BASE_DYNAMODB_MS 25

#endif /* AWS_RETRY_H */
