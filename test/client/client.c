/*
 * client.c
 *	  The client against a server that misbehaves (server.py).
 *
 *	  client MODEL_DIRECTORY TLS_PORT PORT
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aws/client.h"
#include "../aws.h"

#define MANY 200
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static const char *base;
static const char *model_dir;
static AwsCredentials *credentials;

static AwsClient *
new_client(const AwsLimits *limits)
{
	AwsError error = {0};
	AwsClient *client = must(aws_client_new(model_dir, &error), &error);

	if (limits != NULL)
		aws_client_set_limits(client, limits);
	return client;
}

static AwsCall *
start_at(AwsClient *client, const char *endpoint, const char *items, bool lost_is_final)
{
	AwsTarget target = {.region = "us-east-1", .endpoint_url = endpoint, .credentials = credentials};
	AwsCallOptions options = {.items = items, .lost_is_final = lost_is_final};
	AwsError error = {0};

	return must(aws_call_start(client, &target, "logs", "DescribeLogGroups", "{}", 2, &options, &error), &error);
}

static AwsCall *
start(AwsClient *client, const char *items, const char *path, ...)
{
	char how[100];
	char url[200];
	va_list args;

	va_start(args, path);
	vsnprintf(how, sizeof(how), path, args);
	va_end(args);
	snprintf(url, sizeof(url), "%s/%s", base, how);
	return start_at(client, url, items, false);
}

static void
finish(AwsClient *client, const AwsCall *call)
{
	while (!aws_call_done(call))
		turn(client);
}

/* Drives a listing to its end; all names with commas, also those that came before a failure. */
static const char *
names(AwsClient *client, AwsCall *call)
{
	static char text[5000];
	size_t used = 0;
	bool done;

	text[0] = '\0';
	do
	{
		const char *item;
		size_t len;

		done = aws_call_done(call);
		while ((item = aws_call_item(call, &len)) != NULL)
		{
			const char *name = memchr(item, ':', len);

			if (name != NULL && used < sizeof(text))
				used += snprintf(text + used, sizeof(text) - used, "%s%.*s", used > 0 ? "," : "",
								 (int) (item + len - name - 4), name + 2);
		}
		if (!done)
			turn(client);
	} while (!done);
	return text;
}

static AwsErrorKind
kind_of(const AwsCall *call)
{
	return aws_call_error(call) != NULL ? aws_call_error(call)->kind : AWS_OK;
}

/* Whether a byte of a call may have reached the endpoint. */
static bool
was_sent(const AwsCall *call)
{
	return call->sent || (call->transfer != NULL && aws_transfer_sent(call->transfer));
}

/* ---- the cases ---- */

/* One call: what it gives, how it ends, and after how many requests. */
static void
outcomes(void)
{
	static const struct
	{
		const char *what;
		const char *path;
		const char *names;
		AwsErrorKind kind;
		int status;
		const char *code;
		int requests;
		bool maybe_executed;
		bool lost_is_final;
		AwsLimits limits;
	} cases[] = {
		{"a call", "ok", "ok", .requests = 1},
		{"headers", "headers", "right", .requests = 1},
		{"500 twice", "fail/2", "3", .requests = 3},
		{"500 for ever", "fail", "", AWS_REFUSED, 500, "InternalFailure", 3, true},
		{"HTML in a 500", "html", "", AWS_REFUSED, 500, NULL, 3, true},
		{"500 is an answer to a call that is not to be repeated", "fail/1", "2", .requests = 2, .lost_is_final = true},
		{"502 is none", "gateway", "", AWS_REFUSED, 502, NULL, 1, true, true},
		{"throttled once", "throttle/1", "2", .requests = 2},
		{"refused", "refuse/InvalidParameterException", "", AWS_REFUSED, 400, "InvalidParameterException", 1},
		{"expired keys that were given", "refuse/ExpiredTokenException", "", AWS_REFUSED, 400, "ExpiredTokenException",
		 1},
		{"a bad signature while the clock is right", "refuse/InvalidSignatureException", "", AWS_REFUSED, 400,
		 "InvalidSignatureException", 1},
		{"asked to wait", "later/1", "2", .requests = 2},
		{"hung up once", "hang_up/1", "2", .requests = 2},
		{"hung up for ever", "hang_up", "", AWS_LOST, 0, NULL, 3, true},
		{"hung up, not to be repeated", "hang_up/2", "", AWS_LOST, 0, NULL, 1, true, true},
		{"hung up, then refused", "hang_up_then_refuse", "", AWS_REFUSED, 400, "InvalidParameterException", 2, true},
		{"truncated once: no item twice", "truncate/1", "a,b", .requests = 2},
		{"truncated for ever", "truncate", "", AWS_LOST, 200, NULL, 3, true},
		{"three pages", "pages/3", "1,1+,2,2+,3,3+", .requests = 3},
		{"more pages than wait at once", "pages/12",
		 "1,1+,2,2+,3,3+,4,4+,5,5+,6,6+,7,7+,8,8+,9,9+,10,10+,11,11+,12,12+", .requests = 12},
		{"the same token again", "cycle/1", "x,x", AWS_BAD_REPLY, 0, NULL, 2},
		{"a redirect", "redirect", "", AWS_REFUSED, 302, NULL, 1},
		{"a clock that is wrong", "skew", "2", .requests = 2},
		{"gzip", "gzip/5", "xxxxx", .requests = 1},
		{"many headers", "many_headers/50", "ok", .requests = 1},
		{"too many headers", "many_headers/400", "", AWS_BAD_REPLY, 200, NULL, 1, true},
		{"an answer that ends early", "garbage", "", AWS_BAD_REPLY, 200, NULL, 1, true},
		{"more pages than allowed", "pages/9", "1,1+,2,2+", AWS_BAD_REPLY, 0, NULL, 2, .limits = {.max_pages = 2}},
		{"tokens that come round again", "cycle/5", "x,x,x,x,x,x,x,x,x,x,x,x,x", AWS_BAD_REPLY, 0, NULL, 13},
		{"an answer that swells", "gzip/10000000", "", AWS_BAD_REPLY, 200, NULL, 1, true,
		 .limits = {.max_reply_bytes = 100 * 1000}},
		{"an answer that never comes", "stall", "", AWS_LOST, 0, NULL, 2, true,
		 .limits = {.connect_timeout_ms = 1000, .request_timeout_ms = 200, .max_attempts = 2}},
		{"a wait beyond the deadline", "later/20", "", AWS_REFUSED, 503, "ServiceUnavailableException", 1,
		 .limits = {.deadline_ms = 5000}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		AwsClient *client = new_client(&cases[i].limits);
		char url[200];
		AwsCall *call;
		const AwsError *error;
		char what[300];

		snprintf(url, sizeof(url), "%s/%s", base, cases[i].path);
		call = start_at(client, url, "logGroups", cases[i].lost_is_final);
		is(cases[i].what, names(client, call), cases[i].names);
		error = aws_call_error(call);
		snprintf(what, sizeof(what), "%s: how it ends: %s", cases[i].what, error != NULL ? error->message : "well");
		is_number(what, kind_of(call), cases[i].kind);
		is_number(what, (long) client->requests, cases[i].requests);
		if (error != NULL)
		{
			is_number(what, error->http_status, cases[i].status);
			is_number(what, error->maybe_executed, cases[i].maybe_executed);
			is_number(what, error->attempts, cases[i].requests);
			check(cases[i].code == NULL || (error->code != NULL && strcmp(error->code, cases[i].code) == 0), what,
				  error->code);
			is(what, error->service, "logs");
			is(what, error->operation, "DescribeLogGroups");
			if (cases[i].code != NULL)
				is(what, error->request_id, "id-1");
			check(error->message != NULL && strstr(error->message, SECRET) == NULL, what, error->message);
		}
		aws_call_free(call);
		aws_client_free(client);
	}
}

/* Where requests may not go, and where nobody is. */
static void
unreachable(const char *tls_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int deaf = socket(AF_INET, SOCK_STREAM, 0); /* bound and never listening: connecting is refused */
	char closed[60];
	char tls[60];
	const struct
	{
		const char *what;
		const char *url;
		const char *says;
	} cases[] = {
		{"connection refused", closed, ""},
		{"a certificate that nobody vouches for", tls, "certificate"},
		{"plain http to another host", "http://192.0.2.1:9/", "plain http"},
		{"link-local", "https://169.254.169.254/", "link-local"},
		{"link-local, as IPv6", "https://[::ffff:169.254.169.254]/", "link-local"},
		{"a name that does not exist", "https://nowhere.invalid/", ""},
	};

	if (bind(deaf, (struct sockaddr *) &address, sizeof(address)) != 0 ||
		getsockname(deaf, (struct sockaddr *) &address, &len) != 0)
		printf("cannot bind\n");
	snprintf(closed, sizeof(closed), "http://127.0.0.1:%d", ntohs(address.sin_port));
	snprintf(tls, sizeof(tls), "https://localhost:%s", tls_port);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		AwsLimits limits = {.max_attempts = 2};
		AwsClient *client = new_client(&limits);
		AwsCall *call = start_at(client, cases[i].url, NULL, true);
		const AwsError *error;

		finish(client, call);
		error = aws_call_error(call);
		is_number(cases[i].what, kind_of(call), AWS_UNREACHABLE);
		is_number(cases[i].what, (long) client->requests, 0);
		check(!was_sent(call), cases[i].what, "sent");
		check(error != NULL && !error->maybe_executed && strstr(error->message, cases[i].says) != NULL, cases[i].what,
			  error != NULL ? error->message : NULL);
		aws_call_free(call);
		aws_client_free(client);
	}
	close(deaf);
}

/* What is wrong is said before anything is sent. */
static void
bad_input(void)
{
	static const struct
	{
		const char *service;
		const char *operation;
		const char *input;
		const char *items;
		const char *url;
		AwsErrorKind kind;
		const char *hint;
	} cases[] = {
		{"log", "DescribeLogGroups", "{}", NULL, NULL, AWS_BAD_INPUT, "logs"},
		{"logs", "DescribeLogGroup", "{}", NULL, NULL, AWS_BAD_INPUT, "DescribeLogGroups"},
		{"logs", "DescribeLogGroups", "{\"limits\": 1}", NULL, NULL, AWS_BAD_INPUT, "limit"},
		{"logs", "DescribeLogGroups", "{", NULL, NULL, AWS_BAD_INPUT, NULL},
		{"logs", "DescribeLogGroups", "{}", "nothing", NULL, AWS_BAD_INPUT, NULL},
		{"logs", "StartLiveTail", "{\"logGroupIdentifiers\": [\"a\"]}", NULL, NULL, AWS_BAD_INPUT, NULL},
	};
	AwsClient *client = new_client(NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		AwsTarget target = {.region = "us-east-1", .endpoint_url = cases[i].url, .credentials = credentials};
		AwsCallOptions options = {.items = cases[i].items};
		AwsError error = {0};
		AwsCall *call = aws_call_start(client, &target, cases[i].service, cases[i].operation, cases[i].input,
									   strlen(cases[i].input), &options, &error);

		check(call == NULL && error.kind == cases[i].kind && error.message != NULL, cases[i].input, error.message);
		check(cases[i].hint == NULL || (error.hint != NULL && strstr(error.hint, cases[i].hint) != NULL),
			  cases[i].operation, error.hint);
		is(cases[i].input, error.service, cases[i].service);
		aws_error_clear(&error);
	}
	is_number("nothing was sent", (long) client->requests, 0);
	aws_client_free(client);
}

/* Retries have a price, and a service in trouble soon gets no more of them: 500 / 14 = 35. */
static void
quota(void)
{
	AwsClient *client = new_client(NULL);
	AwsCall *calls[40];

	for (int i = 0; i < 40; i++)
		calls[i] = start(client, NULL, "fail");
	for (int i = 0; i < 40; i++)
		finish(client, calls[i]);
	is_number("retries are limited together", (long) client->requests, 40 + 35);
	for (int i = 0; i < 40; i++)
		aws_call_free(calls[i]);
	aws_client_free(client);
}

/* How many of the process's connections hold back small packets (Nagle's algorithm), or do not. */
static int
connections(bool held_back)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
	{
		struct sockaddr_storage peer;
		int at_once = 0;

		if (getpeername(fd, (struct sockaddr *) &peer, &(socklen_t){sizeof(peer)}) == 0 &&
			getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, &(socklen_t){sizeof(at_once)}) == 0)
			n += (at_once == 0) == held_back;
	}
	return n;
}

/* One connection serves call after call. */
static void
reuse(void)
{
	AwsClient *client = new_client(NULL);
	char first[100] = "";

	for (int i = 0; i < 20; i++)
	{
		AwsCall *call = start(client, "logGroups", "connection");
		const char *number = names(client, call);

		if (i == 0)
			snprintf(first, sizeof(first), "%s", number);
		else
			is("the connection is kept", number, first);
		aws_call_free(call);
	}
	check(connections(false) > 0, "requests are sent at once", "no connection");
	is_number("and none is held back", connections(true), 0);
	aws_client_free(client);
}

/*
 * A connection that was kept breaks under a request.  curl would send it again
 * by itself; here each request is one that is known of.
 */
static void
broken_connection(void)
{
	AwsClient *client = new_client(NULL);
	char url[200];
	AwsCall *call = start(client, "", "ok");

	names(client, call);
	aws_call_free(call);
	call = start(client, "", "hang_up/1/kept");
	is("repeated", names(client, call), "2");
	is_number("each request is counted", (long) client->requests, 3);
	aws_call_free(call);
	snprintf(url, sizeof(url), "%s/hang_up/1/final", base);
	call = start_at(client, url, "", true);
	names(client, call);
	is_number("not repeated", kind_of(call), AWS_LOST);
	is_number("not repeated", aws_call_error(call)->attempts, 1);
	is("and it says why", aws_call_error(call)->message, "the connection was closed before an answer came");
	aws_call_free(call);
	aws_client_free(client);
}

/* The rules of retry.c by themselves, where time and chance are numbers. */
static void
retry_rules(void)
{
	AwsRetryBucket bucket;
	AwsError error = {.kind = AWS_REFUSED, .http_status = 429};
	AwsShape shape = {0};
	double now = 1000;
	int sent = 0;

	is_number("no wait by chance", aws_retry_delay(AWS_RETRY_TRANSIENT, 0, 50, 0, -1), 0);
	is_number("the first wait", aws_retry_delay(AWS_RETRY_TRANSIENT, 0, 50, 0.5, -1), 25);
	is_number("it doubles", aws_retry_delay(AWS_RETRY_TRANSIENT, 3, 50, 0.5, -1), 200);
	is_number("throttled", aws_retry_delay(AWS_RETRY_THROTTLING, 1, 50, 0.5, -1), 1000);
	is_number("at most", aws_retry_delay(AWS_RETRY_THROTTLING, 500, 50, 0.5, -1), 10000);
	is_number("as asked", aws_retry_delay(AWS_RETRY_TRANSIENT, 0, 50, 0.5, 1234), 1234);
	is_number("as asked, within reason", aws_retry_delay(AWS_RETRY_TRANSIENT, 0, 50, 0.5, 60000), 5050);

	is_number("429", aws_retry_class(&error, NULL), AWS_RETRY_THROTTLING);
	is_number("429 of a known error", aws_retry_class(&error, &shape), AWS_RETRY_NEVER);
	shape.flags = AWS_SHAPE_RETRYABLE;
	is_number("as the model says", aws_retry_class(&error, &shape), AWS_RETRY_TRANSIENT);
	shape.flags |= AWS_SHAPE_THROTTLING;
	is_number("as the model says", aws_retry_class(&error, &shape), AWS_RETRY_THROTTLING);
	error.kind = AWS_BAD_REPLY;
	is_number("an answer that cannot be read", aws_retry_class(&error, NULL), AWS_RETRY_NEVER);

	/* a service that says what it admits: so many at once, then one by one, and faster while none is throttled */
	aws_retry_init(&bucket, "route53", now);
	while (aws_retry_pace(&bucket, now) == 0)
		sent++;
	is_number("as many at once as go in a second", sent, 5);
	check(aws_retry_pace(&bucket, now) > 0.19 && aws_retry_pace(&bucket, now + 0.21) == 0, "the next a fifth of a second later", "other");
	sent = 0;

	/* sending as fast as allowed for ten seconds, throttled at the start: below the old rate, and climbing */
	aws_retry_init(&bucket, "ec2", now);
	for (int i = 0; i < 100; i++)
	{
		is_number("not paced before it is throttled", aws_retry_pace(&bucket, now) > 0, 0);
		aws_retry_answered(&bucket, now, now, i == 99);
		now += 0.01;
	}
	for (double end = now + 1; now < end; now += 0.001)
		if (aws_retry_pace(&bucket, now) == 0)
		{
			aws_retry_answered(&bucket, now, now, false);
			sent++;
		}
	check(sent > 40 && sent < 100, "slower after throttling", "other");
	for (double end = now + 8; now < end; now += 0.001)
		if (aws_retry_pace(&bucket, now) == 0)
			aws_retry_answered(&bucket, now, now, false);
	check(bucket.rate > 100, "faster again", "other");
}

#define CALLS 1000
#define MOST_AT_ONCE 64
#define ROUND_TRIP 0.05

/*
 * A thousand calls to a service that lets through so many a second, and so
 * many at once: at least 90 % of its rate are used, and none of the calls
 * gives up.  Time is counted, not waited for.
 */
static void
fixed_rate(double rate, double burst)
{
	AwsRetryBucket bucket;
	struct
	{
		double at; /* is answered, or wakes */
		double sent;
		int tries;
		bool flying;
	} calls[CALLS] = {{0}};
	const double start = 1000;
	double now = start;
	double allowed = burst; /* by the service */
	int left = CALLS;
	int flying = 0;
	int most_tries = 0;

	aws_retry_init(&bucket, "ec2", start);
	for (; left > 0 && now < start + 2 * CALLS / rate; now += 0.001)
	{
		allowed = allowed + 0.001 * rate < burst ? allowed + 0.001 * rate : burst;
		for (int i = 0; i < CALLS; i++)
		{
			if (calls[i].at > now)
				continue;
			if (calls[i].flying)
			{
				bool throttled = allowed < 1;

				flying--;
				calls[i].flying = false;
				aws_retry_answered(&bucket, calls[i].sent, now, throttled);
				calls[i].at =
					now + aws_retry_delay(AWS_RETRY_THROTTLING, calls[i].tries - 1, 50, i % 7 / 7.0, -1) / 1000.0;
				if (throttled)
					continue;
				allowed--;
				left--;
				calls[i].at = 1e9; /* never */
			}
			else if (flying < MOST_AT_ONCE && aws_retry_pace(&bucket, now) == 0)
			{
				flying++;
				calls[i].flying = true;
				calls[i].sent = now;
				calls[i].at = now + ROUND_TRIP;
				if (++calls[i].tries > most_tries)
					most_tries = calls[i].tries;
			}
		}
	}
	is_number("all calls were let through", left, 0);
	check(most_tries < 10, "none is tried too often", "other");
	check(CALLS - burst > 0.9 * rate * (now - start), "at nine tenths of the service's rate or more", "other");
}

/* Many calls, few at once; each is given once a drive, and when it has ended. */
static void
many(void)
{
	AwsLimits eight = {.max_concurrency = 8};
	AwsClient *client = new_client(&eight);
	AwsCall *calls[MANY];
	AwsCall *other;
	int ended = 0;
	bool twice = false;

	for (int i = 0; i < MANY; i++)
		calls[i] = start(client, NULL, "slow");
	is_number("nothing is sent before the first drive", (long) client->requests, 0);
	while (ended < MANY)
	{
		AwsCall *call;
		AwsCall *before = NULL;

		turn(client);
		while ((call = aws_client_next(client)) != NULL)
		{
			size_t len;

			twice |= call == before;
			before = call;
			if (!aws_call_done(call))
				continue;
			check(aws_call_error(call) == NULL && aws_call_result(call, &len) != NULL && len > 2, "one of many", NULL);
			for (int i = 0; i < MANY; i++)
				if (calls[i] == call)
					calls[i] = NULL;
			aws_call_free(call);
			ended++;
		}
	}
	check(!twice, "each is given once", "twice");
	for (int i = 0; i < MANY; i++)
		check(calls[i] == NULL, "each was given", NULL);
	is_number("each is one request", (long) client->requests, MANY);
	other = start(client, "", "most");
	check(strtol(names(client, other), NULL, 10) <= 8, "no more at once than allowed", "more");
	aws_call_free(other);
	aws_client_free(client);
}

/* A thousand calls to one service do not hold up one to another. */
static void
fair(void)
{
	AwsLimits one = {.max_concurrency = 1};
	AwsClient *client = new_client(&one);
	AwsTarget elsewhere = {.region = "eu-west-1", .credentials = credentials};
	AwsCall *calls[MANY];
	AwsCall *other;
	char url[200];
	AwsError error = {0};

	snprintf(url, sizeof(url), "%s/ok", base);
	elsewhere.endpoint_url = url;
	for (int i = 0; i < MANY; i++)
		calls[i] = start(client, NULL, "ok");
	other = aws_call_start(client, &elsewhere, "logs", "DescribeLogGroups", "{}", 2, NULL, &error);
	finish(client, other);
	check(!aws_call_done(calls[MANY - 1]), "another region has its turn", "it waited for all");
	aws_call_free(other);
	for (int i = 0; i < MANY; i++)
		aws_call_free(calls[i]);
	aws_client_free(client);
}

/* Calls may be left in any state, and the client before its calls. */
static void
cut_off(void)
{
	AwsLimits two = {.max_concurrency = 2};
	AwsClient *client = new_client(&two);
	AwsCall *stalled = start(client, NULL, "stall");
	AwsCall *throttled = start(client, NULL, "throttle");
	AwsCall *queued[3];
	AwsCall *after;

	for (int i = 0; i < 3; i++)
		queued[i] = start(client, NULL, "stall");
	while (!was_sent(stalled) || !was_sent(throttled))
		turn(client);
	check(!aws_call_done(stalled), "a stalled call has not ended", "ended");
	aws_call_free(stalled);
	aws_call_free(queued[0]);
	after = start(client, "", "ok");
	aws_call_free(queued[1]);
	is("the client goes on", names(client, after), "ok");
	aws_client_free(client);
	check(aws_call_done(queued[2]) && kind_of(queued[2]) != AWS_OK, "a call ends with its client", "goes on");
	is_number("a finished call stays finished", kind_of(after), AWS_OK);
	aws_call_free(queued[2]);
	aws_call_free(throttled);
	aws_call_free(after);
}

/* A user who takes no items gets a few pages, and the rest when it does. */
static void
not_taken(void)
{
	AwsClient *client = new_client(NULL);
	AwsCall *call = start(client, "", "pages/10");

	do
		turn(client);
	while (aws_client_timeout(client) >= 0 || client->requests < 4);
	is_number("pages are fetched ahead, but few", (long) client->requests, 4);
	check(aws_client_next(client) == call && aws_client_next(client) == NULL, "it has items to take",
		  "it is not given");
	is("then the rest", names(client, call), "1,1+,2,2+,3,3+,4,4+,5,5+,6,6+,7,7+,8,8+,9,9+,10,10+");
	aws_call_free(call);
	aws_client_free(client);
}

/* A bucket in another region: asked again there, once. */
static void
redirected(void)
{
	static const struct
	{
		const char *path;
		AwsErrorKind kind;
		int requests;
	} cases[] = {
		{"us-east-1/301/us-east-1", AWS_OK, 1},			  {"eu-west-1/301/eu-west-1", AWS_OK, 2},
		{"eu-west-1/307/eu-west-1", AWS_OK, 2},			  {"eu-west-1/400/eu-west-1", AWS_OK, 2},
		{"eu-west-1/403/eu-west-1", AWS_REFUSED, 1},	  {"eu-west-1/301/us-east-1", AWS_REFUSED, 1},
		{"eu-west-1/301/eu-west-1.evil", AWS_REFUSED, 1}, {"lost/301/eu-west-", AWS_REFUSED, 2},
	};
	static const char input[] = "{\"Bucket\": \"bucket\"}";

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		AwsClient *client = new_client(NULL);
		char url[200];
		AwsTarget target = {.region = "us-east-1", .endpoint_url = url, .credentials = credentials};
		AwsError error = {0};
		AwsCall *call;

		snprintf(url, sizeof(url), "%s/bucket/%s", base, cases[i].path);
		call = must(aws_call_start(client, &target, "s3", "GetBucketVersioning", input, strlen(input), NULL, &error),
					&error);
		finish(client, call);
		is_number(cases[i].path, kind_of(call), cases[i].kind);
		is_number(cases[i].path, (long) client->requests, cases[i].requests);
		aws_call_free(call);
		aws_client_free(client);
	}
}

/* No keys: sent without a signature. */
static void
unsigned_call(void)
{
	AwsCredentials *kept = credentials;
	AwsClient *client = new_client(NULL);
	AwsCall *call;

	credentials = NULL;
	call = start(client, "", "unsigned");
	is("without keys", names(client, call), "unsigned");
	check(aws_call_user(call) == NULL, "no user data", "some");
	credentials = kept;
	aws_call_free(call);
	aws_client_free(client);
}

int
main(int argc, char **argv)
{
	AwsCredentialSource source = {
		.access_key_id = "AKIDEXAMPLE", .secret_access_key = SECRET, .session_token = "TOKEN"};
	AwsError error = {0};
	static char url[60];

	if (argc != 4)
		return 2;
	model_dir = argv[1];
	snprintf(url, sizeof(url), "http://127.0.0.1:%s", argv[3]);
	base = url;
	credentials = aws_credentials_new(&source, &error);
	outcomes();
	unreachable(argv[2]);
	bad_input();
	quota();
	reuse();
	broken_connection();
	retry_rules();
	fixed_rate(5, 10);
	fixed_rate(20, 40);
	fixed_rate(50, 25);
	fixed_rate(100, 100);
	many();
	fair();
	cut_off();
	not_taken();
	redirected();
	unsigned_call();
	aws_credentials_free(credentials);
	return result();
}
