/*
 * retry.c
 *	  Retry mode 'standard' and the pacing of mode 'adaptive'.
 */
#include "aws/retry.h"

#include <math.h>
#include <string.h>

#define QUOTA 500
#define PRICE 14
#define PRICE_THROTTLING 5
#define REFUND_FIRST_TRY 1
#define MAX_DELAY_MS 20000.0
#define THROTTLING_BASE_MS 1000
#define SERVER_DELAY_ABOVE_MS 5000

/* pacing */
#define MIN_RATE 0.5
#define SMOOTH 0.8		  /* weight of the newest measurement */
#define BETA 0.7		  /* what is left of the rate after throttling */
#define SCALE 0.4		  /* how steeply it climbs back */
#define MEASURE_EVERY 0.5 /* seconds */

/* What services admit in a second, where they say so for all accounts; the others pace nothing until they throttle. */
static const struct
{
	const char *service;
	double rate;
} first_rates[] = {
	{"route53", 5},
};

void
aws_retry_init(AwsRetryBucket *bucket, const char *service, double now)
{
	*bucket = (AwsRetryBucket){.quota = QUOTA};
	for (size_t i = 0; i < sizeof(first_rates) / sizeof(*first_rates); i++)
		if (strcmp(first_rates[i].service, service) == 0)
		{
			bucket->paced = true;
			bucket->rate = bucket->tokens = bucket->best_rate = first_rates[i].rate;
			bucket->filled_at = bucket->throttled_at = now;
		}
}

double
aws_retry_pace(AwsRetryBucket *bucket, double now)
{
	double capacity = fmax(bucket->rate, 1);

	if (!bucket->paced)
		return 0;
	bucket->tokens = fmin(capacity, bucket->tokens + (now - bucket->filled_at) * bucket->rate);
	bucket->filled_at = now;
	if (bucket->tokens < 1)
		return (1 - bucket->tokens) / bucket->rate;
	bucket->tokens -= 1;
	return 0;
}

/* Keeps the smoothed rate of requests, from counts of half a second each. */
static void
measure(AwsRetryBucket *bucket, double now)
{
	if (bucket->measured_at == 0)
		bucket->measured_at = now;
	bucket->measured_count++;
	if (now - bucket->measured_at >= MEASURE_EVERY)
	{
		double rate = bucket->measured_count / (now - bucket->measured_at);

		bucket->measured_rate = rate * SMOOTH + bucket->measured_rate * (1 - SMOOTH);
		bucket->measured_count = 0;
		bucket->measured_at = now;
	}
}

void
aws_retry_answered(AwsRetryBucket *bucket, double sent, double now, bool throttled)
{
	double rate;
	double recent;

	measure(bucket, now);
	/* a burst may be throttled before it was measured */
	recent = fmax(bucket->measured_rate, bucket->measured_count / MEASURE_EVERY);
	if (throttled && sent <= bucket->throttled_at)
		return;
	if (throttled)
	{
		bucket->best_rate = bucket->paced ? fmin(recent, bucket->rate) : recent;
		bucket->throttled_at = now;
		if (!bucket->paced)
			bucket->filled_at = now;
		bucket->paced = true;
		rate = bucket->best_rate * BETA;
	}
	else if (bucket->paced)
	{
		double until_best = cbrt(bucket->best_rate * (1 - BETA) / SCALE);

		rate = SCALE * pow(now - bucket->throttled_at - until_best, 3) + bucket->best_rate;
	}
	else
		return;
	bucket->rate = fmax(MIN_RATE, fmin(rate, 2 * recent));
	bucket->tokens = fmin(bucket->tokens, fmax(bucket->rate, 1));
}

int
aws_retry_take(AwsRetryBucket *bucket, AwsRetryClass class)
{
	int price = class == AWS_RETRY_THROTTLING ? PRICE_THROTTLING : PRICE;

	if (bucket->quota < price)
		return 0;
	bucket->quota -= price;
	return price;
}

void
aws_retry_give(AwsRetryBucket *bucket, int price)
{
	bucket->quota += price > 0 ? price : REFUND_FIRST_TRY;
	if (bucket->quota > QUOTA)
		bucket->quota = QUOTA;
}

/* What error codes mean, whatever the service; NULL ends. */
static const struct
{
	AwsRetryClass class;
	const char *codes[16];
} classes[] = {
	{AWS_RETRY_THROTTLING,
	 {"BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
	  "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
	  "SlowDown", "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
	  "TransactionInProgressException"}},
	{AWS_RETRY_TRANSIENT, {"IDPCommunicationError", "RequestTimeout", "RequestTimeoutException"}},
	{AWS_RETRY_SKEW,
	 {"AccessDeniedException", "AuthFailure", "InvalidSignatureException", "RequestInTheFuture", "RequestTimeTooSkewed",
	  "SignatureDoesNotMatch"}},
	/* EC2 says the last of keys, others of a signature: the caller looks at the clock first */
	{AWS_RETRY_EXPIRED, {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}},
};

AwsRetryClass
aws_retry_class(const AwsError *error, const AwsShape *shape)
{
	if (error->kind == AWS_UNREACHABLE || error->kind == AWS_LOST)
		return AWS_RETRY_TRANSIENT;
	/* a proxy's or load balancer's page in place of an answer */
	if (error->kind != AWS_REFUSED && !(error->kind == AWS_BAD_REPLY && error->http_status >= 500))
		return AWS_RETRY_NEVER;
	if (shape != NULL && (shape->flags & AWS_SHAPE_RETRYABLE))
		return shape->flags & AWS_SHAPE_THROTTLING ? AWS_RETRY_THROTTLING : AWS_RETRY_TRANSIENT;
	for (size_t i = 0; error->code != NULL && i < sizeof(classes) / sizeof(*classes); i++)
		for (const char *const *code = classes[i].codes; *code != NULL; code++)
			if (strcmp(error->code, *code) == 0)
				return classes[i].class;
	switch (error->http_status)
	{
		case 429:
			return shape == NULL ? AWS_RETRY_THROTTLING : AWS_RETRY_NEVER;
		case 500:
		case 502:
		case 503:
		case 504:
			return AWS_RETRY_TRANSIENT;
		default:
			return AWS_RETRY_NEVER;
	}
}

int
aws_retry_delay(AwsRetryClass class, int retry, int base_ms, double chance, int server_ms)
{
	double base = class == AWS_RETRY_THROTTLING ? THROTTLING_BASE_MS : base_ms;
	double most = fmin(ldexp(base, retry < 30 ? retry : 30), MAX_DELAY_MS);
	double delay = chance * most;

	if (server_ms > delay)
		delay = fmin(server_ms, most + SERVER_DELAY_ABOVE_MS);
	return (int) delay;
}
