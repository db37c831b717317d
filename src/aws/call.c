/*
 * call.c
 *	  A call: its request, its tries, and what is made of the answers.
 *
 * The request is built once, with its idempotency token; every try signs it
 * anew, sends it and parses the answer as it arrives.  Whether a failed try is
 * repeated depends on what the failure means (retry.c), on how much trouble
 * the service is in (the bucket), on the deadline, and on whether the call
 * bears to be executed twice.
 */
#include "aws/client.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/error.h"
#include "aws/timestamp.h"

#define MAX_ATTEMPTS 3
#define MAX_ATTEMPTS_DYNAMODB 4
#define MAX_ATTEMPTS_THROTTLED 10 /* AWS's own clients give up sooner, but the rate goes down meanwhile */
#define MIN_SKEW_S 240			  /* AWS accepts signatures five minutes old */
#define USER_AGENT "iasql"

/* ---- the request ---- */

/* The host of a URL, from 'start' to 'end', as the header has it: without the scheme's own port. */
static bool
host_of(const char *url, size_t start, size_t end, AwsBuffer *host, AwsError *error)
{
	const char *port = strncmp(url, "https:", 6) == 0 ? ":443" : ":80";
	size_t len = end - start;

	if (len == 0 || memchr(url + start, '@', len) != NULL)
		return aws_error_set(error, AWS_BAD_INPUT, "an endpoint must be a URL with a host and no user name");
	if (len > strlen(port) && strncmp(url + end - strlen(port), port, strlen(port)) == 0)
		len -= strlen(port);
	aws_buffer_append(host, url + start, len);
	return true;
}

bool
aws_call_hash(AwsCall *call, AwsError *error)
{
	return aws_sha256_hex(aws_buffer_text(&call->request.body), call->request.body.len, call->payload_hash) ||
		   aws_error_memory(error);
}

/*
 * Appends the URL of the request and where in it host, path and query start.
 * The model's host prefix is for AWS's own hosts: a given endpoint has one name.
 */
static void
append_url(const AwsCall *call, AwsBuffer *url, size_t *host, size_t *path, size_t *query)
{
	const char *endpoint = call->endpoint.url;
	const char *scheme_end = strstr(endpoint, "://");
	size_t scheme_len = scheme_end != NULL ? scheme_end + 3 - endpoint : 0;
	size_t host_len = strcspn(endpoint + scheme_len, "/?#");

	*host = scheme_len;
	aws_buffer_append(url, endpoint, scheme_len);
	if (call->endpoint_url == NULL)
		aws_buffer_string(url, aws_buffer_text(&call->request.host_prefix));
	aws_buffer_append(url, endpoint + scheme_len, host_len);
	*path = url->len;
	aws_buffer_string(url, endpoint + scheme_len + host_len);
	if (call->request.path.len > 0 && url->len > *path && url->data[url->len - 1] == '/')
		aws_buffer_cut(url, url->len - 1);
	aws_buffer_string(url, aws_buffer_text(&call->request.path));
	if (url->len == *path)
		aws_buffer_char(url, '/');
	*query = url->len;
	if (call->request.query.len > 0)
		aws_buffer_format(url, "?%s", aws_buffer_text(&call->request.query));
}

static const AwsHttpEvents call_events;

/* Signs and starts the transfer of one try. */
static bool
start_transfer(AwsCall *call, AwsError *error)
{
	AwsClient *client = call->client;
	const AwsRequest *request = &call->request;
	const AwsLimits *limits = &client->limits;
	const AwsKeys *keys = call->credentials != NULL && !request->no_auth ? &call->credentials->keys : NULL;
	bool s3 = (call->model->header->flags & AWS_MODEL_S3) != 0;
	const char *payload_hash = call->payload_hash;
	AwsBuffer url = {0};
	AwsBuffer host = {0};
	AwsBuffer authorization = {0};
	AwsBuffer path_text = {0};
	AwsBuffer headers = {0};
	size_t host_start, path, query;
	char date[sizeof("20150830T123600Z")];
	time_t clock = (time_t) aws_client_clock(client);
	struct tm parts;
	int64_t time_left = call->deadline - aws_now_ms();
	bool ok;

	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", gmtime_r(&clock, &parts));
	append_url(call, &url, &host_start, &path, &query);
	ok = !url.failed;
	if (ok && !host_of(url.data, host_start, path, &host, error))
		goto out;
	aws_buffer_append(&headers, request->headers.data, request->headers.len);
	if (call->endpoint.headers != NULL)
	{
		json_object_object_foreach(call->endpoint.headers, name, values)
		{
			const char *value = json_object_get_string(json_object_array_get_idx(values, 0));

			if (value != NULL)
				aws_headers_add(&headers, name, value);
		}
	}
	aws_headers_add(&headers, "User-Agent", USER_AGENT);
	aws_headers_add(&headers, "Host", aws_buffer_text(&host));
	if (request->unsigned_body && strncmp(aws_buffer_text(&url), "https:", 6) == 0)
		payload_hash = "UNSIGNED-PAYLOAD";
	if (request->hash_header || payload_hash != call->payload_hash)
		aws_headers_add(&headers, "X-Amz-Content-Sha256", payload_hash);
	if (ok && keys != NULL)
	{
		AwsSigScope scope = {keys->access_key_id, keys->secret_access_key, call->endpoint.signing_region,
							 call->endpoint.signing_name, date};
		AwsSigRequest signed_request = {.method = request->method,
										.query = aws_buffer_text(&request->query),
										.headers = &headers,
										.payload_hash = payload_hash,
										.normalize_path = !s3,
										.double_encode = !call->endpoint.disable_double_encoding && !s3};

		call->keys_used = call->credentials->generation;
		aws_headers_add(&headers, "X-Amz-Date", date);
		if (keys->session_token != NULL)
		{
			aws_buffer_reserve(&headers, strlen(keys->session_token) + 1024); /* is not moved from here on */
			aws_headers_add(&headers, "X-Amz-Security-Token", keys->session_token);
		}
		aws_buffer_append(&path_text, url.data + path, query - path);
		signed_request.path = aws_buffer_text(&path_text);
		ok = !path_text.failed && aws_sigv4_authorization(&signed_request, &scope, &authorization);
		aws_headers_add(&headers, "Authorization", aws_buffer_text(&authorization));
	}
	ok = ok && !host.failed && !headers.failed;
	if (!ok)
		aws_error_memory(error);
	else
	{
		int64_t timeout = (int64_t) limits->connect_timeout_ms + limits->request_timeout_ms;
		AwsHttpRequest http = {.method = request->method,
							   .url = url.data,
							   .headers = &headers,
							   .body = request->body.data,
							   .body_len = request->body.len,
							   .allow_http = call->allow_http,
							   .decompress = (call->op->flags & AWS_OP_STREAM_OUTPUT) == 0,
							   .connect_timeout_ms = limits->connect_timeout_ms,
							   .timeout_ms = (int) (timeout < time_left ? timeout : time_left),
							   .max_bytes = limits->max_reply_bytes};

		if (http.timeout_ms < 1)
			http.timeout_ms = 1;
		call->transfer = aws_http_start(client->http, &http, &call_events, call, error);
	}
out:
	aws_buffer_free(&url);
	aws_buffer_free(&host);
	aws_buffer_free(&authorization);
	aws_buffer_free(&path_text);
	aws_secret_buffer_free(&headers); /* holds the session token */
	return call->transfer != NULL;
}

void
aws_call_send(AwsCall *call)
{
	AwsClient *client = call->client;
	AwsError error = {0};

	if (call->deadline == 0)
		call->deadline = aws_now_ms() + client->limits.deadline_ms;
	call->reply = aws_reply_new(call->model, call->op, call->items, &client->limits, &error);
	if (call->reply == NULL || !start_transfer(call, &error))
	{
		aws_call_end(call, &error);
		return;
	}
	call->state = AWS_CALL_FLYING;
	call->sent_at = aws_now_ms();
	client->in_flight++;
}

/* ---- the answer ---- */

static void
answer_head(void *arg, int status)
{
	aws_reply_head(((AwsCall *) arg)->reply, status);
}

static void
answer_header(void *arg, const char *name, size_t name_len, const char *value, size_t value_len)
{
	aws_reply_header(((AwsCall *) arg)->reply, name, name_len, value, value_len);
}

static bool
answer_body(void *arg, const char *bytes, size_t len)
{
	return aws_reply_feed(((AwsCall *) arg)->reply, bytes, len);
}

/* A header as a number, or -1. */
static int
header_number(const AwsReply *reply, const char *name)
{
	const char *value = aws_reply_header_value(reply, name);
	char *end;
	long number;

	if (value == NULL)
		return -1;
	number = strtol(value, &end, 10);
	return *value != '\0' && *end == '\0' && number >= 0 && number < 1000000 ? (int) number : -1;
}

/* How long the service wants to be left alone, in ms, or -1. */
static int
asked_delay(const AwsReply *reply)
{
	int ms = header_number(reply, "x-amz-retry-after");
	int seconds = header_number(reply, "Retry-After");

	return ms >= 0 ? ms : seconds >= 0 && seconds < 1000 ? seconds * 1000 : -1;
}

/*
 * Sets the clock by an answer that minds a signature.  False if the clock was
 * right, or the answer came from a cache.
 */
static bool
adjust_clock(AwsClient *client, const AwsReply *reply)
{
	const char *date = aws_reply_header_value(reply, "Date");
	int64_t seconds;
	int nanos;

	if (date == NULL || aws_reply_header_value(reply, "Age") != NULL ||
		!aws_timestamp_parse(date, strlen(date), &seconds, &nanos) ||
		llabs((long long) (seconds - aws_client_clock(client))) < MIN_SKEW_S)
		return false;
	client->clock_ahead = seconds - (int64_t) time(NULL);
	return true;
}

/* DynamoDB's tries are more and closer, as in AWS's own clients. */
static bool
is_dynamodb(const AwsCall *call)
{
	return strncmp(aws_model_string(call->model, call->model->header->service), "dynamodb", 8) == 0;
}

static int
max_attempts(const AwsCall *call, AwsRetryClass class)
{
	if (call->client->limits.max_attempts > 0)
		return call->client->limits.max_attempts;
	if (class == AWS_RETRY_THROTTLING)
		return MAX_ATTEMPTS_THROTTLED;
	return is_dynamodb(call) ? MAX_ATTEMPTS_DYNAMODB : MAX_ATTEMPTS;
}

/* Whether a failed try is repeated; then the call is queued or asleep. */
static bool
try_again(AwsCall *call, AwsRetryClass class, bool maybe_executed)
{
	AwsClient *client = call->client;
	int64_t wake;

	if (call->options.lost_is_final && maybe_executed)
		return false;
	switch (class)
	{
		case AWS_RETRY_NEVER:
			return false;
		case AWS_RETRY_SKEW:
		case AWS_RETRY_EXPIRED:
			if (!call->adjusted && adjust_clock(client, call->reply))
				call->adjusted = true;
			else if (class == AWS_RETRY_EXPIRED && !call->renewed && call->credentials != NULL &&
					 aws_credentials_expire(call->credentials, call->keys_used))
				call->renewed = true;
			else
				return false;
			aws_client_queue(call, true);
			aws_timer_set(&client->timers, &call->timer, call->deadline);
			return true;
		case AWS_RETRY_TRANSIENT:
		case AWS_RETRY_THROTTLING:
			break;
	}
	if (call->tries >= max_attempts(call, class))
		return false;
	wake = aws_now_ms() + aws_retry_delay(class, call->tries - 1,
										  is_dynamodb(call) ? AWS_RETRY_BASE_DYNAMODB_MS : AWS_RETRY_BASE_MS,
										  erand48(client->random), asked_delay(call->reply));
	if (wake >= call->deadline)
		return false;
	call->price = aws_retry_take(&call->bucket->retry, class);
	if (call->price == 0)
		return false;
	call->state = AWS_CALL_SLEEPING;
	aws_timer_set(&client->timers, &call->timer, wake);
	return true;
}

/*
 * S3 refuses a request that was signed for another region than the bucket's,
 * and says which that is: once the call goes there instead.  The region comes
 * from outside, so it must look like one before it gets into a host's name.
 * Source: botocore's S3RegionRedirectorv2.
 */
static bool
follow_bucket(AwsCall *call, int status)
{
	const AwsModel *model = call->model;
	const char *region = aws_reply_header_value(call->reply, "x-amz-bucket-region");
	AwsEndpoint endpoint = {0};

	if ((model->header->flags & AWS_MODEL_S3) == 0 || call->redirected || region == NULL ||
		(status != 301 && status != 302 && status != 307 && status != 400) || *region == '\0' || strlen(region) > 63 ||
		region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0' ||
		strcmp(region, call->endpoint.signing_region) == 0 ||
		!aws_endpoint_resolve(model, call->op, region, call->endpoint_url, call->request.input, &endpoint, NULL))
		return false;
	aws_endpoint_free(&call->endpoint);
	call->endpoint = endpoint;
	call->redirected = true;
	aws_client_queue(call, true);
	aws_timer_set(&call->client->timers, &call->timer, call->deadline);
	return true;
}

/*
 * Whether a failed try may have been executed all the same.  A gateway that
 * gave up says nothing about the service behind it, and AWS's 500 is 'for an
 * unknown error'.
 */
static bool
may_be_executed(const AwsError *error)
{
	return error->kind == AWS_LOST || error->http_status == 500 || error->http_status == 502 ||
		   error->http_status == 504 || error->kind == AWS_BAD_REPLY;
}

static void
tell_bucket(AwsCall *call, bool throttled)
{
	aws_retry_answered(&call->bucket->retry, (double) call->sent_at / 1000, (double) aws_now_ms() / 1000, throttled);
}

static void
answer_done(void *arg, const AwsHttpResult *result)
{
	AwsCall *call = arg;
	AwsClient *client = call->client;
	AwsError error = {0};
	AwsRetryClass class;
	const char *request_id;
	bool again;

	aws_client_landed(call);
	call->state = AWS_CALL_PAUSED;
	call->sent |= result->sent;
	call->tries++;
	if (result->sent)
	{
		call->attempts++;
		client->requests++;
	}

	if (result->kind != AWS_OK)
		aws_error_set(&error, result->kind, "%s", result->message);
	else if (!aws_reply_finish(call->reply, &error) && error.kind == AWS_OK)
		aws_error_memory(&error);
	if ((request_id = aws_reply_request_id(call->reply)) != NULL)
	{
		free(call->request_id);
		call->request_id = strdup(request_id);
	}
	if (error.kind == AWS_OK)
	{
		tell_bucket(call, false);
		aws_retry_give(&call->bucket->retry, call->price);
		aws_page_finished(call);
		return;
	}

	if (error.http_status == 0)
		error.http_status = result->status;
	if (may_be_executed(&error))
		call->maybe_executed = true;
	class = aws_retry_class(&error, error.code != NULL ? aws_model_error(call->model, call->op, error.code) : NULL);
	if (error.kind == AWS_REFUSED)
		tell_bucket(call, class == AWS_RETRY_THROTTLING);
	/* a 500 is an answer: what AWS says is sent again, like its own clients do */
	again = follow_bucket(call, error.http_status) ||
			try_again(call, class, may_be_executed(&error) && error.http_status != 500);
	if (!again)
	{
		aws_call_end(call, &error);
		return;
	}
	aws_reply_free(call->reply);
	call->reply = NULL;
	aws_error_clear(&call->error);
	call->error = error;
}

static const AwsHttpEvents call_events = {
	.head = answer_head,
	.header = answer_header,
	.body = answer_body,
	.done = answer_done,
};

/* ---- from start to end ---- */

/* A call's time has come: for the next try, or for giving up in queue or wait. */
static void
call_awake(void *arg)
{
	AwsCall *call = arg;
	AwsError error = {0};

	if (call->state == AWS_CALL_SLEEPING)
	{
		aws_client_queue(call, true);
		aws_timer_set(&call->client->timers, &call->timer, call->deadline);
		return;
	}
	aws_client_unqueue(call);
	if (call->error.kind != AWS_OK)
	{
		error = call->error; /* says more than that time is up */
		call->error = (AwsError){0};
	}
	else
		aws_error_set(&error, AWS_DEADLINE, "the deadline passed before the request could be sent");
	aws_call_end(call, &error);
}

void
aws_call_end(AwsCall *call, AwsError *error)
{
	aws_error_clear(&call->error);
	if (error != NULL)
	{
		if (error->kind == AWS_OK) /* what failed could not even say so */
			aws_error_memory(error);
		aws_error_at(error, aws_model_string(call->model, call->model->header->service),
					 aws_model_string(call->model, call->op->name));
		if (error->request_id == NULL && call->request_id != NULL)
			error->request_id = strdup(call->request_id);
		error->attempts = call->attempts;
		error->maybe_executed = call->maybe_executed;
		call->error = *error;
		*error = (AwsError){0};
	}
	aws_timer_cancel(&call->client->timers, &call->timer);
	call->state = AWS_CALL_DONE;
	if (call->on_done != NULL)
		call->on_done(call->on_done_arg, call);
	else
		aws_client_note(call);
}

void
aws_call_on_done(AwsCall *call, void (*on_done)(void *arg, AwsCall *call), void *arg)
{
	call->on_done = on_done;
	call->on_done_arg = arg;
}

static bool
copy_target(AwsCall *call, const AwsTarget *target, const AwsCallOptions *options)
{
	if (options != NULL)
		call->options = *options;
	call->region = strdup(target->region != NULL ? target->region : "");
	call->endpoint_url = target->endpoint_url != NULL ? strdup(target->endpoint_url) : NULL;
	call->items = call->options.items != NULL ? strdup(call->options.items) : NULL;
	call->options.items = NULL;
	call->allow_http = target->allow_http;
	call->credentials = target->credentials != NULL ? aws_credentials_share(target->credentials) : NULL;
	return call->region != NULL && (call->endpoint_url != NULL) == (target->endpoint_url != NULL) &&
		   (call->items != NULL) == (options != NULL && options->items != NULL);
}

/* Builds the request and finds out where it goes. */
static bool
prepare(AwsCall *call, const AwsLimits *limits, const char *input, size_t len, AwsError *error)
{
	const AwsModel *model = call->model;
	/* a list that the output does not have is an error before anything is sent */
	AwsReply *trial = aws_reply_new(model, call->op, call->items, limits, error);

	aws_reply_free(trial);
	return trial != NULL && aws_request_build(model, call->op, input, len, &call->request, error) &&
		   aws_endpoint_resolve(model, call->op, call->region, call->endpoint_url, call->request.input, &call->endpoint,
								error) &&
		   aws_call_hash(call, error);
}

AwsCall *
aws_call_start(AwsClient *client, const AwsTarget *target, const char *service, const char *operation,
			   const char *input, size_t input_len, const AwsCallOptions *options, AwsError *error)
{
	const AwsModel *model = aws_client_model(client, service, error);
	const AwsOp *op = model != NULL ? aws_model_op(model, operation, error) : NULL;
	AwsCall *call = op != NULL ? calloc(1, sizeof(*call)) : NULL;

	if (call != NULL)
	{
		call->model = model;
		call->op = op;
		call->timer.fire = call_awake;
		call->timer.arg = call;
		if (!copy_target(call, target, options))
			aws_error_memory(error);
		else if (prepare(call, &client->limits, input, input_len, error) &&
				 (aws_client_enter(client, call) || aws_error_memory(error)))
		{
			aws_client_queue(call, false);
			return call;
		}
		aws_call_free(call);
	}
	else if (op != NULL)
		aws_error_memory(error);
	aws_error_at(error, service, operation);
	return NULL;
}

void
aws_call_orphan(AwsCall *call)
{
	bool was_done = call->state == AWS_CALL_DONE;

	aws_client_leave(call);
	aws_pages_free(call);
	aws_reply_free(call->reply);
	call->reply = NULL;
	if (!was_done)
		aws_error_set(&call->error, call->sent ? AWS_LOST : AWS_UNREACHABLE, "the client was closed");
	call->state = AWS_CALL_DONE;
}

void
aws_call_free(AwsCall *call)
{
	if (call == NULL)
		return;
	if (call->client != NULL)
		aws_call_orphan(call);
	aws_request_free(&call->request);
	aws_endpoint_free(&call->endpoint);
	aws_credentials_free(call->credentials);
	aws_error_clear(&call->error);
	free(call->region);
	free(call->endpoint_url);
	free(call->items);
	free(call->token);
	free(call->token_mark);
	free(call->request_id);
	free(call);
}

void *
aws_call_user(const AwsCall *call)
{
	return call->options.user;
}

bool
aws_call_done(const AwsCall *call)
{
	return call->state == AWS_CALL_DONE;
}

const AwsError *
aws_call_error(const AwsCall *call)
{
	return call->state == AWS_CALL_DONE && call->error.kind != AWS_OK ? &call->error : NULL;
}

const char *
aws_call_request_id(const AwsCall *call)
{
	return call->request_id;
}
