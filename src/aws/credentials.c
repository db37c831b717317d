/*
 * credentials.c
 *	  Keys: kept, shared, refreshed; and the machine that fetches them.
 */
#include "aws/credentials.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/error.h"
#include "aws/json.h"
#include "aws/provider.h"
#include "aws/timestamp.h"

#define REFRESH_AHEAD_S 300 /* instance roles have new keys five minutes before the old ones end */
#define REFRESH_AGAIN_S 30	/* after a refresh that failed or gave the same keys */
#define MARGIN_S 5			/* keys that live no longer are not used any more */
#define CONNECT_TIMEOUT_MS 1000
#define MAX_BODY (64 * 1024)
#define SESSION_NAME "iasql"

/* ---- keys ---- */

void
aws_keys_clear(AwsKeys *keys)
{
	aws_secret_free(keys->access_key_id);
	aws_secret_free(keys->secret_access_key);
	aws_secret_free(keys->session_token);
	*keys = (AwsKeys){0};
}

bool
aws_keys_set(AwsKeys *keys, const char *access_key_id, const char *secret_access_key, const char *token,
			 int64_t expires)
{
	AwsKeys copy = {strdup(access_key_id), strdup(secret_access_key),
					token != NULL && *token != '\0' ? strdup(token) : NULL, expires};
	bool ok = copy.access_key_id != NULL && copy.secret_access_key != NULL &&
			  (copy.session_token != NULL) == (token != NULL && *token != '\0');

	aws_keys_clear(keys);
	if (ok)
		*keys = copy;
	else
		aws_keys_clear(&copy);
	return ok;
}

static bool
keys_usable(const AwsKeys *keys, int64_t now)
{
	return keys->access_key_id != NULL && (keys->expires == 0 || now + MARGIN_S < keys->expires);
}

/* ---- credentials ---- */

static char *
copy_string(const char *string, bool *ok)
{
	char *copy = string != NULL && *string != '\0' ? strdup(string) : NULL;

	if (copy == NULL && string != NULL && *string != '\0')
		*ok = false;
	return copy;
}

AwsCredentials *
aws_credentials_new(const AwsCredentialSource *source, AwsError *error)
{
	static uint64_t last_id = 0;
	AwsCredentials *credentials = calloc(1, sizeof(*credentials));
	AwsCredentialSource *own;
	bool ok = true;

	if (credentials == NULL)
	{
		aws_error_memory(error);
		return NULL;
	}
	credentials->references = 1;
	credentials->id = ++last_id;
	own = &credentials->source;
	own->use_chain = source->use_chain;
	own->allow_http = source->allow_http;
#define COPY(member) own->member = copy_string(source->member, &ok)
	COPY(access_key_id);
	COPY(secret_access_key);
	COPY(session_token);
	COPY(profile);
	COPY(role_arn);
	COPY(external_id);
	COPY(role_session_name);
	COPY(region);
	COPY(endpoint_url);
#undef COPY
	if (!ok)
		aws_error_memory(error);
	else if ((own->access_key_id == NULL) != (own->secret_access_key == NULL))
		ok = aws_error_set(error, AWS_BAD_INPUT, "an access key id and a secret access key belong together");
	else if (own->access_key_id == NULL && own->profile == NULL && !own->use_chain)
		ok = aws_error_set(error, AWS_NO_CREDENTIALS, "there are neither keys nor a profile");
	else if (own->access_key_id != NULL && own->role_arn == NULL)
	{
		ok = aws_keys_set(&credentials->keys, own->access_key_id, own->secret_access_key, own->session_token, 0) ||
			 aws_error_memory(error);
		credentials->generation = 1;
	}
	if (ok)
		return credentials;
	aws_credentials_free(credentials);
	return NULL;
}

AwsCredentials *
aws_credentials_share(AwsCredentials *credentials)
{
	credentials->references++;
	return credentials;
}

void
aws_credentials_free(AwsCredentials *credentials)
{
	AwsCredentialSource *source;

	if (credentials == NULL || --credentials->references > 0)
		return;
	source = &credentials->source;
	aws_secret_free((char *) source->access_key_id);
	aws_secret_free((char *) source->secret_access_key);
	aws_secret_free((char *) source->session_token);
	aws_secret_free((char *) source->external_id);
	free((char *) source->profile);
	free((char *) source->role_arn);
	free((char *) source->role_session_name);
	free((char *) source->region);
	free((char *) source->endpoint_url);
	aws_keys_clear(&credentials->keys);
	free(credentials);
}

static bool
can_be_fetched(const AwsCredentials *credentials)
{
	return credentials->source.access_key_id == NULL || credentials->source.role_arn != NULL;
}

bool
aws_credentials_expire(AwsCredentials *credentials, uint64_t generation)
{
	if (generation != credentials->generation)
		return true;
	if (!can_be_fetched(credentials))
		return false;
	credentials->expired = true;
	return true;
}

/* ---- a fetch, from outside ---- */

static const AwsProvider *const given_only[];
static void fetch_go(AwsFetch *fetch, AwsProvide outcome);

static AwsFetch *
fetch_of(AwsClient *client, const AwsCredentials *credentials)
{
	AwsFetch *fetch;

	LIST_FOREACH(fetch, &client->fetches, all)
	{
		if (fetch->credentials == credentials)
			break;
	}
	return fetch;
}

static AwsFetch *
fetch_new(AwsClient *client, AwsCredentials *credentials)
{
	const AwsCredentialSource *source = &credentials->source;
	AwsFetch *fetch = calloc(1, sizeof(*fetch));

	if (fetch == NULL)
		return NULL;
	fetch->client = client;
	fetch->credentials = aws_credentials_share(credentials);
	TAILQ_INIT(&fetch->waiting);
	LIST_INSERT_HEAD(&client->fetches, fetch, all);
	aws_fetch_default_region(fetch, source->region);
	aws_fetch_from(fetch, source->access_key_id != NULL ? given_only
						  : source->profile != NULL		? aws_provider_profile_only
														: aws_provider_chain);
	return fetch;
}

void
aws_fetch_from(AwsFetch *fetch, const AwsProvider *const *providers)
{
	fetch->providers = fetch->first_provider = providers;
}

static void
fetch_run(AwsFetch *fetch)
{
	const AwsCredentialSource *source = &fetch->credentials->source;

	fetch->credentials->no_refresh_before = aws_client_clock(fetch->client) + REFRESH_AGAIN_S;
	if (source->role_arn != NULL &&
		!aws_fetch_push_role(fetch, source->role_arn, source->external_id, source->role_session_name, 0))
		fetch_go(fetch, AWS_PROVIDE_FAILED);
	else
		fetch_go(fetch, fetch->providers[0]->start(fetch));
}

/* Ends whatever is in progress. */
static void
fetch_stop(AwsFetch *fetch)
{
	AwsCall *call = fetch->call;

	fetch->call = NULL;
	if (fetch->transfer != NULL)
		aws_http_cancel(fetch->transfer);
	fetch->transfer = NULL;
	aws_process_free(fetch->process);
	fetch->process = NULL;
	aws_call_free(call);
	aws_secret_buffer_free(&fetch->body);
}

static void
fetch_free(AwsFetch *fetch)
{
	fetch_stop(fetch);
	for (int i = 0; i < AWS_MAX_ROLES; i++)
	{
		free(fetch->roles[i].arn);
		aws_secret_free(fetch->roles[i].external_id);
		free(fetch->roles[i].session_name);
	}
	aws_credentials_free(fetch->credentials);
	aws_keys_clear(&fetch->keys);
	aws_error_clear(&fetch->error);
	aws_secret_free(fetch->note);
	free(fetch->region);
	free(fetch);
}

static void
fetch_await(AwsFetch *fetch, AwsCall *call)
{
	aws_client_unqueue(call);
	call->state = AWS_CALL_KEYS;
	call->waiting = &fetch->waiting;
	TAILQ_INSERT_TAIL(&fetch->waiting, call, queue);
	if (call->deadline == 0)
		call->deadline = aws_now_ms() + fetch->client->limits.deadline_ms;
	aws_timer_set(&fetch->client->timers, &call->timer, call->deadline);
}

bool
aws_credentials_ready(AwsCall *call)
{
	AwsClient *client = call->client;
	AwsCredentials *credentials = call->credentials;
	int64_t now = aws_client_clock(client);
	AwsFetch *fetch;
	bool usable, started;

	if (credentials == NULL || call->request.no_auth)
		return true;
	usable = !credentials->expired && keys_usable(&credentials->keys, now);
	if (usable && (credentials->keys.expires == 0 || now + REFRESH_AHEAD_S < credentials->keys.expires ||
				   now < credentials->no_refresh_before))
		return true;

	fetch = fetch_of(client, credentials);
	started = fetch != NULL;
	if (fetch == NULL)
		fetch = fetch_new(client, credentials);
	if (fetch == NULL && !usable)
	{
		AwsError error = {0};

		aws_client_unqueue(call);
		aws_error_memory(&error);
		aws_call_end(call, &error);
	}
	else if (!usable)
		fetch_await(fetch, call);
	if (fetch != NULL && !started)
		fetch_run(fetch);
	return usable;
}

void
aws_fetches_free(AwsClient *client)
{
	while (!LIST_EMPTY(&client->fetches))
	{
		AwsFetch *fetch = LIST_FIRST(&client->fetches);

		LIST_REMOVE(fetch, all);
		while (!TAILQ_EMPTY(&fetch->waiting))
			aws_client_unqueue(TAILQ_FIRST(&fetch->waiting));
		fetch_free(fetch);
	}
}

/* ---- the machine ---- */

/* Ends a fetch: with keys, its calls go on; without, they end. */
static void
fetch_end(AwsFetch *fetch, bool ok)
{
	AwsClient *client = fetch->client;
	AwsCredentials *credentials = fetch->credentials;

	LIST_REMOVE(fetch, all);
	if (ok && !keys_usable(&fetch->keys, aws_client_clock(client)))
	{
		aws_fetch_fail(fetch, "the credentials have expired");
		ok = false;
	}
	if (ok)
	{
		aws_keys_clear(&credentials->keys);
		credentials->keys = fetch->keys;
		fetch->keys = (AwsKeys){0};
		credentials->generation++;
		credentials->expired = false;
	}
	while (!TAILQ_EMPTY(&fetch->waiting))
	{
		AwsCall *call = TAILQ_FIRST(&fetch->waiting);

		aws_client_unqueue(call);
		if (ok)
		{
			if (call->tries == 0)
				call->deadline = 0;
			aws_client_queue(call, false);
			if (call->tries > 0)
				aws_timer_set(&client->timers, &call->timer, call->deadline);
		}
		else
		{
			AwsError error = {0};

			aws_error_copy(&error, &fetch->error);
			aws_call_end(call, &error);
		}
	}
	fetch_free(fetch);
}

static AwsProvide assume_role(AwsFetch *fetch);

/* No provider had keys.  Says where they were looked for. */
static AwsProvide
found_none(AwsFetch *fetch)
{
	const AwsProvider *const *tried = fetch->first_provider;
	AwsBuffer names = {0};
	AwsProvide outcome;

	for (int i = 0; tried[i] != NULL; i++)
		aws_buffer_format(&names, "%s%s", i == 0 ? "" : tried[i + 1] != NULL ? ", " : " or ", tried[i]->name);
	outcome = aws_fetch_fail(fetch, "no credentials were found in %s", aws_buffer_text(&names));
	aws_buffer_free(&names);
	return outcome;
}

static void
fetch_go(AwsFetch *fetch, AwsProvide outcome)
{
	for (;;)
	{
		switch (outcome)
		{
			case AWS_PROVIDE_LATER:
				return;
			case AWS_PROVIDE_FAILED:
				fetch_end(fetch, false);
				return;
			case AWS_PROVIDE_KEYS:
				fetch_stop(fetch);
				if (fetch->role_count == 0)
				{
					fetch_end(fetch, true);
					return;
				}
				outcome = assume_role(fetch);
				break;
			case AWS_PROVIDE_ABSENT:
				fetch_stop(fetch);
				fetch->providers++;
				if (fetch->providers[0] != NULL)
					outcome = fetch->providers[0]->start(fetch);
				else
					outcome = found_none(fetch);
				break;
		}
	}
}

AwsProvide
aws_fetch_fail(AwsFetch *fetch, const char *format, ...)
{
	char message[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	aws_error_set(&fetch->error, AWS_NO_CREDENTIALS, "%s", message);
	return AWS_PROVIDE_FAILED;
}

void
aws_fetch_default_region(AwsFetch *fetch, const char *region)
{
	if (fetch->region == NULL && region != NULL && *region != '\0')
		fetch->region = strdup(region);
}

bool
aws_fetch_push_role(AwsFetch *fetch, const char *arn, const char *external_id, const char *session_name, int duration)
{
	AwsRole *role = &fetch->roles[fetch->role_count];
	bool ok = true;

	if (fetch->role_count == AWS_MAX_ROLES)
	{
		aws_fetch_fail(fetch, "more than %d roles are to be assumed one after another", AWS_MAX_ROLES);
		return false;
	}
	*role = (AwsRole){copy_string(arn, &ok), copy_string(external_id, &ok), copy_string(session_name, &ok), duration};
	fetch->role_count++;
	return ok || aws_error_memory(&fetch->error);
}

static AwsProvide
provide_given(AwsFetch *fetch)
{
	const AwsCredentialSource *source = &fetch->credentials->source;

	if (aws_keys_set(&fetch->keys, source->access_key_id, source->secret_access_key, source->session_token, 0))
		return AWS_PROVIDE_KEYS;
	return aws_fetch_fail(fetch, "out of memory");
}

static const AwsProvider given = {"the given keys", NULL, provide_given};
static const AwsProvider *const given_only[] = {&given, NULL};

/* ---- things that take time ---- */

static void
fetch_head(void *arg, int status)
{
	((AwsFetch *) arg)->status = status;
}

static bool
fetch_body(void *arg, const char *bytes, size_t len)
{
	aws_buffer_append(&((AwsFetch *) arg)->body, bytes, len);
	return !((AwsFetch *) arg)->body.failed;
}

static void
fetch_done(void *arg, const AwsHttpResult *result)
{
	AwsFetch *fetch = arg;

	fetch->transfer = NULL;
	if (result->kind != AWS_OK || result->stopped)
		fetch->status = 0;
	fetch_go(fetch, fetch->step(fetch));
}

AwsProvide
aws_fetch_http(AwsFetch *fetch, const char *method, AwsBuffer *url, AwsBuffer *headers, int timeout_ms,
			   AwsProvideStep step)
{
	static const AwsHttpEvents events = {.head = fetch_head, .body = fetch_body, .done = fetch_done};
	AwsHttpRequest request = {.method = method,
							  .url = aws_buffer_text(url),
							  .headers = headers,
							  .allow_link_local = true,
							  .connect_timeout_ms = CONNECT_TIMEOUT_MS,
							  .timeout_ms = timeout_ms,
							  .max_bytes = MAX_BODY};

	fetch_stop(fetch);
	aws_buffer_reserve(&fetch->body, MAX_BODY); /* never moved, so that no copy is left behind */
	fetch->status = 0;
	fetch->step = step;
	if (url->failed)
		aws_error_memory(&fetch->error);
	else
		fetch->transfer = aws_http_start(fetch->client->http, &request, &events, fetch, &fetch->error);
	aws_buffer_free(url);
	aws_secret_buffer_free(headers);
	if (fetch->transfer != NULL)
		return AWS_PROVIDE_LATER;
	fetch->error.kind = AWS_NO_CREDENTIALS;
	return AWS_PROVIDE_FAILED;
}

static void
fetch_called(void *arg, AwsCall *call)
{
	AwsFetch *fetch = arg;

	(void) call;
	fetch_go(fetch, fetch->step(fetch));
}

AwsProvide
aws_fetch_call(AwsFetch *fetch, const char *service, const char *operation, const char *region, const AwsBuffer *input,
			   const AwsKeys *keys, AwsProvideStep step)
{
	const AwsCredentialSource *own = &fetch->credentials->source;
	AwsTarget target = {.region = region, .endpoint_url = own->endpoint_url, .allow_http = own->allow_http};
	AwsCredentials *temporary = NULL;

	fetch_stop(fetch);
	if (keys != NULL)
	{
		AwsCredentialSource source = {.access_key_id = keys->access_key_id,
									  .secret_access_key = keys->secret_access_key,
									  .session_token = keys->session_token};

		temporary = aws_credentials_new(&source, &fetch->error);
		target.credentials = temporary;
	}
	if (input->failed)
		aws_error_memory(&fetch->error);
	else if (fetch->error.kind == AWS_OK)
		fetch->call =
			aws_call_start(fetch->client, &target, service, operation, input->data, input->len, NULL, &fetch->error);
	aws_credentials_free(temporary);
	if (fetch->call == NULL)
	{
		fetch->error.kind = AWS_NO_CREDENTIALS;
		return AWS_PROVIDE_FAILED;
	}
	fetch->step = step;
	aws_call_on_done(fetch->call, fetch_called, fetch);
	return AWS_PROVIDE_LATER;
}

static void
fetch_exited(void *arg, int status)
{
	AwsFetch *fetch = arg;

	fetch->status = status;
	fetch_go(fetch, fetch->step(fetch));
}

AwsProvide
aws_fetch_process(AwsFetch *fetch, const char *command, AwsProvideStep step)
{
	fetch_stop(fetch);
	aws_buffer_reserve(&fetch->body, MAX_BODY);
	fetch->step = step;
	fetch->process = aws_process_start(fetch->client, command, &fetch->body, fetch_exited, fetch);
	if (fetch->process == NULL)
		return aws_fetch_fail(fetch, "could not start the credential process: %s", strerror(errno));
	return AWS_PROVIDE_LATER;
}

/* ---- reading keys ---- */

/* A string member in any of the cases that AWS writes it in, or NULL. */
static const char *
member(json_object *object, const char *name)
{
	json_object_object_foreach(object, key, value)
	{
		if (strcasecmp(key, name) == 0 && json_object_get_type(value) != json_type_object)
			return json_object_get_string(value);
	}
	return NULL;
}

/* Seconds since 1970, from ISO 8601 or from the milliseconds of SSO; 0: never or not readable. */
static int64_t
expiration(const char *text)
{
	int64_t seconds;
	int nanos;

	if (text == NULL)
		return 0;
	if (strspn(text, "0123456789") == strlen(text))
		return strtoll(text, NULL, 10) / 1000;
	return aws_timestamp_parse(text, strlen(text), &seconds, &nanos) ? seconds : 0;
}

AwsProvide
aws_fetch_read_keys(AwsFetch *fetch, const char *object)
{
	const AwsError *error = fetch->call != NULL ? aws_call_error(fetch->call) : NULL;
	size_t len = fetch->body.len;
	const char *text = fetch->call != NULL && error == NULL ? aws_call_result(fetch->call, &len) : fetch->body.data;
	json_object *json = NULL;
	json_object *keys = NULL;
	const char *id = NULL;
	const char *secret = NULL;
	const char *token = NULL;
	const char *why;
	bool ok = false;

	if (error != NULL)
	{
		aws_error_copy(&fetch->error, error);
		fetch->error.kind = AWS_NO_CREDENTIALS; /* what was refused or lost is not the waiting calls' own request */
		return AWS_PROVIDE_FAILED;
	}
	if (text != NULL)
		aws_json_tree(text, len, AWS_JSON_MAX_DEPTH, &json, &why);
	if (object == NULL)
		keys = json;
	else if (json_object_is_type(json, json_type_object))
		json_object_object_get_ex(json, object, &keys);
	if (json_object_is_type(keys, json_type_object))
	{
		id = member(keys, "AccessKeyId");
		secret = member(keys, "SecretAccessKey");
		token = member(keys, "SessionToken");
		if (token == NULL)
			token = member(keys, "Token");
		ok = id != NULL && secret != NULL &&
			 aws_keys_set(&fetch->keys, id, secret, token, expiration(member(keys, "Expiration")));
	}
	if (secret != NULL)
		OPENSSL_cleanse((char *) secret, strlen(secret));
	if (token != NULL)
		OPENSSL_cleanse((char *) token, strlen(token));
	json_object_put(json);
	if (fetch->call != NULL && text != NULL)
		OPENSSL_cleanse((char *) text, len);
	return ok ? AWS_PROVIDE_KEYS : aws_fetch_fail(fetch, "%s gave no keys that can be read", fetch->providers[0]->name);
}

/* ---- roles ---- */

static AwsProvide
role_assumed(AwsFetch *fetch)
{
	return aws_fetch_read_keys(fetch, "Credentials");
}

static const char *
role_region(const AwsFetch *fetch)
{
	const char *region = fetch->region;

	if (region == NULL)
		region = aws_environment("AWS_REGION");
	if (region == NULL)
		region = aws_environment("AWS_DEFAULT_REGION");
	return region != NULL ? region : "us-east-1";
}

/* Trades the keys in hand for those of the role that is next. */
static AwsProvide
assume_role(AwsFetch *fetch)
{
	const AwsRole *role = &fetch->roles[--fetch->role_count];
	AwsBuffer input = {0};
	AwsKeys keys = fetch->keys;
	AwsProvide outcome;

	fetch->keys = (AwsKeys){0};
	aws_buffer_member(&input, "RoleArn", role->arn);
	aws_buffer_member(&input, "RoleSessionName", role->session_name != NULL ? role->session_name : SESSION_NAME);
	aws_buffer_member(&input, "ExternalId", role->external_id);
	if (role->duration > 0)
		aws_buffer_format(&input, ",\"DurationSeconds\":%d", role->duration);
	aws_buffer_char(&input, '}');
	outcome = aws_fetch_call(fetch, "sts", "AssumeRole", role_region(fetch), &input, &keys, role_assumed);
	aws_keys_clear(&keys);
	aws_secret_buffer_free(&input);
	return outcome;
}

AwsProvide
aws_fetch_web_identity(AwsFetch *fetch, const char *role_arn, const char *session_name, const char *token_file)
{
	AwsBuffer token = {0};
	AwsBuffer input = {0};
	AwsProvide outcome;

	if (!aws_read_file(token_file, &token))
		return aws_fetch_fail(fetch, "could not read the web identity token \"%s\": %s", token_file, strerror(errno));
	while (token.len > 0 && strchr(" \t\r\n", token.data[token.len - 1]) != NULL)
		aws_buffer_cut(&token, token.len - 1);
	aws_buffer_member(&input, "RoleArn", role_arn);
	aws_buffer_member(&input, "RoleSessionName", session_name != NULL ? session_name : SESSION_NAME);
	aws_buffer_member(&input, "WebIdentityToken", aws_buffer_text(&token));
	aws_buffer_char(&input, '}');
	aws_secret_buffer_free(&token);
	outcome = aws_fetch_call(fetch, "sts", "AssumeRoleWithWebIdentity", role_region(fetch), &input, NULL, role_assumed);
	aws_secret_buffer_free(&input);
	return outcome;
}
