/*
 * call.c
 *	  The AWS client on behalf of SQL.
 *
 * A backend has one client, made when it is first needed and kept, so that
 * connections and open models serve later statements too.  What belongs to
 * one operation belongs to its Session.memory: the credentials, and every
 * call, which lives in a memory context of its own below it.  A callback on
 * that context frees the client's half of the call, so an error anywhere ends
 * whatever was under way.
 *
 * All waiting is done here, in cloud_next: on the latch, the client's
 * descriptor and the death of the postmaster, with interrupts processed in
 * this frame only, never inside of a library.  Another operation may run
 * inside of one (a trigger that calls AWS), so ends of calls are put aside for
 * the operation that they belong to.
 */
#include "postgres.h"

#include <fnmatch.h>

#include "lib/ilist.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "aws/aws.h"
#include "engine/spi.h"
#include "engine/engine.h"

/* of libpq/libpq.h, which wants Kerberos' headers on servers that were built with it */
extern bool pq_check_connection(void);

#define CONNECTION_CHECK_MS 1000
#define MAX_DEADLINE_MS (300 * 1000) /* of one call with its retries */

typedef struct Account
{
	AwsCredentials *credentials;
	const char *identity; /* tells credentials apart; holds no secret */
	bool asked;			  /* who they belong to, and not yet told */
	dlist_head ended;	  /* of CloudCall, for cloud_next */
	MemoryContextCallback callback;
} Account;

struct CloudCall
{
	MemoryContext memory;
	MemoryContext scratch;
	Account *account;
	AwsCall *call; /* NULL once it has ended */
	bool queued;   /* in account->ended */
	dlist_node node;
	CallItem each; /* takes the items as they come, in .scratch, which is reset after each */
	void *each_arg;
	CallEnd end; /* takes the ended call, in place of cloud_next */
	void *end_arg;
	void *user;
	List *items;
	const char *result;
	const char *request_id;
	CloudError *error;
	MemoryContextCallback callback;
};

static AwsClient *client = NULL;

/* -------------------------------------------------------------- errors */

/*
 * AWS's codes to SQLSTATEs; the first pattern that matches counts.  There is
 * no list of all codes: each service has its own, but their forms are few.
 */
static const struct
{
	const char *pattern;
	int sqlstate;
} codes[] = {
	{"AuthFailure", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"InvalidClientTokenId", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"InvalidAccessKeyId", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"InvalidToken*", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"InvalidSignature*", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"SignatureDoesNotMatch", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"IncompleteSignature*", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"MissingAuthenticationToken*", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"UnrecognizedClient*", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"ExpiredToken*", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},
	{"RequestExpired", ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION},

	{"Unauthorized*", ERRCODE_INSUFFICIENT_PRIVILEGE},
	{"AccessDenied*", ERRCODE_INSUFFICIENT_PRIVILEGE},
	{"NotAuthorized*", ERRCODE_INSUFFICIENT_PRIVILEGE},
	{"AuthorizationError*", ERRCODE_INSUFFICIENT_PRIVILEGE},
	{"*Forbidden*", ERRCODE_INSUFFICIENT_PRIVILEGE},

	{"*Throttl*", ERRCODE_INSUFFICIENT_RESOURCES},
	{"TooManyRequests*", ERRCODE_INSUFFICIENT_RESOURCES},
	{"Request*LimitExceeded", ERRCODE_INSUFFICIENT_RESOURCES},
	{"ProvisionedThroughputExceeded*", ERRCODE_INSUFFICIENT_RESOURCES},
	{"BandwidthLimitExceeded", ERRCODE_INSUFFICIENT_RESOURCES},
	{"Insufficient*Capacity", ERRCODE_INSUFFICIENT_RESOURCES},
	{"SlowDown", ERRCODE_INSUFFICIENT_RESOURCES},
	{"*LimitExceeded*", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED},
	{"*Quota*", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED},
	{"TooMany*", ERRCODE_CONFIGURATION_LIMIT_EXCEEDED},

	{"DependencyViolation", ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST},
	{"DeleteConflict*", ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST},
	{"*InUse*", ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST},
	{"*NotEmpty*", ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST},
	{"*Contains*Exception", ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST},
	{"*Duplicate*", ERRCODE_DUPLICATE_OBJECT},
	{"*AlreadyExist*", ERRCODE_DUPLICATE_OBJECT},
	{"*AlreadyOwnedByYou", ERRCODE_DUPLICATE_OBJECT},
	{"*NotFound*", ERRCODE_UNDEFINED_OBJECT},
	{"*NoSuch*", ERRCODE_UNDEFINED_OBJECT},
	{"*NotExist*", ERRCODE_UNDEFINED_OBJECT},
	{"Incorrect*State*", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE},
	{"*InvalidState*", ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE},

	{"*Invalid*", ERRCODE_INVALID_PARAMETER_VALUE},
	{"Validation*", ERRCODE_INVALID_PARAMETER_VALUE},
	{"Malformed*", ERRCODE_INVALID_PARAMETER_VALUE},
	{"Missing*", ERRCODE_INVALID_PARAMETER_VALUE},
	{"UnknownParameter*", ERRCODE_INVALID_PARAMETER_VALUE},
	{"SerializationException", ERRCODE_INVALID_PARAMETER_VALUE},
};

/* The same for what went wrong before, or without, an answer of AWS. */
static const int kinds[] = {
	[AWS_BAD_INPUT] = ERRCODE_INVALID_PARAMETER_VALUE,
	[AWS_BAD_MODEL] = ERRCODE_CONFIG_FILE_ERROR,
	[AWS_NO_CREDENTIALS] = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
	[AWS_NO_ENDPOINT] = ERRCODE_INVALID_PARAMETER_VALUE,
	[AWS_UNREACHABLE] = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
	[AWS_LOST] = ERRCODE_CONNECTION_FAILURE,
	[AWS_REFUSED] = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION,
	[AWS_BAD_REPLY] = ERRCODE_PROTOCOL_VIOLATION,
	[AWS_DEADLINE] = ERRCODE_CONNECTION_FAILURE,
	[AWS_NO_MEMORY] = ERRCODE_OUT_OF_MEMORY,
};

static const struct
{
	int sqlstate;
	const char *hint;
} hints[] = {
	{ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, "The credentials in aws_account may be wrong or have expired."},
	{ERRCODE_INSUFFICIENT_PRIVILEGE, "The credentials in aws_account lack a permission that this call needs."},
	{ERRCODE_INSUFFICIENT_RESOURCES, "Repeat it later, or lower iasql.max_concurrency."},
	{ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "Ask AWS for a higher quota, or delete what is not needed."},
	{ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION,
	 "Check the region, the server's network and iasql.endpoint_url."},
	{ERRCODE_CONFIG_FILE_ERROR, "Install the extension anew: its service models are damaged or missing."},
};

int
sqlstate_of(const CloudError *error)
{
	if (error->kind == AWS_REFUSED)
	{
		for (size_t i = 0; error->code != NULL && i < lengthof(codes); i++)
			if (fnmatch(codes[i].pattern, error->code, 0) == 0)
				return codes[i].sqlstate;
		if (error->http_status >= 500)
			return ERRCODE_CONNECTION_FAILURE;
		if (error->code == NULL && (error->http_status == 401 || error->http_status == 403))
			return error->http_status == 401 ? ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION
											 : ERRCODE_INSUFFICIENT_PRIVILEGE;
	}
	return error->kind > 0 && error->kind < (int) lengthof(kinds) ? kinds[error->kind] : ERRCODE_INTERNAL_ERROR;
}

/*
 * Raises a call's error: AWS's message, where it came from in DETAIL, and what
 * is likely to help in HINT.
 */
void
cloud_raise(const CloudError *error)
{
	int sqlstate = sqlstate_of(error);
	const char *hint = error->hint;
	StringInfoData detail;

	for (size_t i = 0; hint == NULL && error->kind != AWS_NO_CREDENTIALS && i < lengthof(hints); i++)
		if (hints[i].sqlstate == sqlstate)
			hint = hints[i].hint;
	if (hint == NULL && error->operation != NULL && strcmp(error->operation, "AssumeRole") == 0)
		hint = "Check role_arn, external_id and keys in aws_account, and whom the role's trust policy admits.";

	initStringInfo(&detail);
	appendStringInfo(&detail, "The call was %s %s", error->service ? error->service : "AWS",
					 error->operation ? error->operation : "");
	if (error->code != NULL)
		appendStringInfo(&detail, ", the code %s", error->code);
	if (error->http_status != 0)
		appendStringInfo(&detail, ", the HTTP status %d", error->http_status);
	if (error->request_id != NULL)
		appendStringInfo(&detail, ", the request id %s", error->request_id);
	appendStringInfoChar(&detail, '.');

	ereport(ERROR, (errcode(sqlstate), errmsg_internal("%s", error->message),
					error->operation != NULL ? errdetail_internal("%s", detail.data) : 0,
					hint != NULL ? errhint("%s", hint) : 0));
}

/* The same in one line, to stand as a reason. */
char *
cloud_error_text(const CloudError *error)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s of %s: ", error->operation, error->service);
	if (error->code != NULL)
		appendStringInfo(&text, "%s: ", error->code);
	appendStringInfoString(&text, error->message);
	if (error->request_id != NULL)
		appendStringInfo(&text, " (request %s)", error->request_id);
	return text.data;
}

/* Whether 'codes' (see resource.h) names this code, with its part of the message where it gives one. */
bool
codes_match(const char *codes, const char *code, const char *message)
{
	if (codes == NULL || code == NULL)
		return false;
	while (*codes != '\0')
	{
		size_t len = strcspn(codes, "|");
		size_t name = strcspn(codes, "|:");

		if (strlen(code) == name && strncmp(codes, code, name) == 0)
		{
			char *part = name < len ? pnstrdup(codes + name + 1, len - name - 1) : NULL;

			if (part == NULL || (message != NULL && strstr(message, part) != NULL))
				return true;
		}
		codes += len + (codes[len] == '|');
	}
	return false;
}

/* A foreign text as the database can show it: what it cannot hold becomes '?'. */
static char *
shown(const char *text)
{
	char *copy;

	if (text == NULL || text[0] == '\0')
		return NULL;
	copy = pstrdup(text);
	if (GetDatabaseEncoding() != PG_UTF8 || !pg_verify_mbstr(PG_UTF8, copy, strlen(copy), true))
		for (char *c = copy; *c != '\0'; c++)
			if (IS_HIGHBIT_SET(*c))
				*c = '?';
	return copy;
}

/* A palloc'd copy of the client's error, never without a message. */
static CloudError *
copy_error(const AwsError *error, const char *service, const char *operation)
{
	CloudError *copy = palloc0(sizeof(CloudError));

	copy->kind = error->kind;
	copy->http_status = error->http_status;
	copy->maybe_executed = error->maybe_executed;
	copy->code = shown(error->code);
	copy->message = shown(error->message);
	copy->hint = shown(error->hint);
	copy->request_id = shown(error->request_id);
	copy->service = shown(error->service ? error->service : service);
	copy->operation = shown(error->operation ? error->operation : operation);
	if (copy->message == NULL)
		copy->message = copy->code ? copy->code : "AWS refused the call and gave no reason";
	return copy;
}

void
cloud_raise_client(AwsError *error)
{
	CloudError *copy = copy_error(error, NULL, NULL);

	aws_error_clear(error);
	cloud_raise(copy);
}

/* ------------------------------------------------- client and credentials */

static void
client_exit(int code, Datum arg)
{
	aws_client_free(client);
	client = NULL;
}

const char *
cloud_paces(void)
{
	List *paces = NIL;
	AwsPace pace;

	for (int n = 0; client != NULL && aws_client_pace(client, n, &pace); n++)
		paces = lappend(paces, psprintf("%s in %s: %.1f requests a second", pace.service, pace.region, pace.rate));
	return paces ? sorted_json_array(paces) : "[]";
}

/* The backend's client; limits follow the settings. */
AwsClient *
cloud_client(void)
{
	AwsLimits limits = {
		.max_concurrency = iasql_max_concurrency,
		.connect_timeout_ms = iasql_connect_timeout,
		.request_timeout_ms = iasql_request_timeout,
		.deadline_ms = Min(iasql_wait_timeout, MAX_DEADLINE_MS),
		.max_pages = iasql_max_pages,
		.max_depth = iasql_max_depth,
		.max_reply_bytes = (size_t) iasql_max_reply * 1024,
	};

	if (client == NULL)
	{
		AwsError error = {0};
		char share[MAXPGPATH];
		char *models;

		get_share_path(my_exec_path, share);
		models = psprintf("%s/extension/iasql/models", share);
		client = aws_client_new(models, &error);
		if (client == NULL)
			cloud_raise_client(&error);
		on_proc_exit(client_exit, (Datum) 0);
		pfree(models);
	}
	aws_client_set_limits(client, &limits);
	return client;
}

/* Reads columns of the row of aws_account into texts, those without a value left as they are; false: no row. */
static bool
read_account_columns(Session *session, const char *columns, const char **into[], int n)
{
	bool found;
	int nest = pin_settings();

	SPI_connect();
	run_sql(
		SPI_OK_SELECT,
		psprintf("SELECT %s FROM %s LIMIT 1", columns, quote_qualified_identifier(session->schema_name, "aws_account")),
		0, NULL, NULL);
	found = SPI_processed > 0;
	for (int i = 0; found && i < n; i++)
	{
		char *text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1);

		if (text == NULL || text[0] == '\0')
			continue;
		*into[i] = MemoryContextStrdup(session->memory, text);
		explicit_bzero(text, strlen(text));
	}
	if (found)
		explicit_bzero(SPI_tuptable->vals[0]->t_data, SPI_tuptable->vals[0]->t_len);
	SPI_finish();
	unpin_settings(nest);
	return found;
}

/*
 * The row of aws_account, as far as there is one.  What is no secret is read
 * with the caller's rights: who may read that may act with the key.  The
 * secrets are read as the table's owner, so that nobody else needs them.
 */
static bool
read_account(Session *session, AwsCredentialSource *source)
{
	const char **into[] = {&source->access_key_id, &source->profile, &source->role_arn, &source->external_id,
						   &source->region};
	const char **secrets[] = {&source->secret_access_key, &source->session_token};
	Oid table = OidIsValid(session->schema) ? get_relname_relid("aws_account", session->schema) : InvalidOid;
	SavedUser saved;

	if (!OidIsValid(table) ||
		!read_account_columns(session, "access_key_id, profile, role_arn, external_id, region", into, lengthof(into)))
		return false;
	saved = become_table_owner(table);
	(void) read_account_columns(session, "secret_access_key, session_token", secrets, lengthof(secrets));
	become_caller(saved);
	return true;
}

/* Wipes the copy of a secret that the client has taken over. */
static void
wipe(const char *secret)
{
	if (secret != NULL)
		explicit_bzero(unconstify(char *, secret), strlen(secret));
}

static void
account_reset(void *arg)
{
	Account *account = arg;

	aws_credentials_free(account->credentials);
}

/*
 * Opens the workspace's account: its credentials come from the row of
 * aws_account, or are the server's own where a superuser allows that.  Raises
 * 28000 where there are none; no request is sent yet.  Kept as
 * session->account, freed with session->memory.
 */
struct Account *
account_open(Session *session)
{
	AwsCredentialSource source = {0};
	AwsError error = {0};
	MemoryContext old = MemoryContextSwitchTo(session->memory);
	Account *account;
	bool row;

	if (session->account != NULL)
	{
		MemoryContextSwitchTo(old);
		return session->account;
	}
	row = read_account(session, &source);
	if (source.access_key_id == NULL && !iasql_use_server_credentials)
	{
		if (source.profile != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
					 errmsg("profile \"%s\" cannot be used", source.profile),
					 errdetail("Profiles are in the server's own files, and iasql.use_server_credentials is off."),
					 errhint("Give aws_account an access key, or let a superuser set iasql.use_server_credentials.")));
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION), errmsg("there are no AWS credentials"),
			 row ? errdetail("The row of aws_account has no access key, and iasql.use_server_credentials is off.")
				 : errdetail("There is no row in aws_account, and iasql.use_server_credentials is off."),
			 errhint(
				 "Insert a row with region, access_key_id and secret_access_key into aws_account, or let a superuser set iasql.use_server_credentials.")));
	}
	source.allow_http = iasql_allow_http;
	source.use_chain = source.access_key_id == NULL && source.profile == NULL;
	source.role_session_name = source.role_arn ? "iasql" : NULL;
	if (iasql_endpoint_url != NULL && iasql_endpoint_url[0] != '\0')
		source.endpoint_url = iasql_endpoint_url;

	account = palloc0(sizeof(Account));
	dlist_init(&account->ended);
	account->identity = psprintf("%s\n%s\n%s\n%s", source.access_key_id ? source.access_key_id : "",
								 source.profile ? source.profile : "", source.role_arn ? source.role_arn : "",
								 source.endpoint_url ? source.endpoint_url : "");
	(void) cloud_client();
	account->callback.func = account_reset;
	account->callback.arg = account;
	MemoryContextRegisterResetCallback(session->memory, &account->callback);
	account->credentials = aws_credentials_new(&source, &error);
	wipe(source.secret_access_key);
	wipe(source.session_token);
	if (account->credentials == NULL)
		cloud_raise_client(&error);
	session->account = account;
	MemoryContextSwitchTo(old);
	return account;
}

/* ---------------------------------------------------------------- calls */

/* Forgets a call: what is in flight is cut off. */
static void
call_reset(void *arg)
{
	CloudCall *call = arg;

	if (call->call != NULL)
		aws_call_free(call->call);
	if (call->queued)
		dlist_delete(&call->node);
}

/* A call has ended: hands it to whom it belongs, or puts it aside for cloud_next. */
static void
give_end(CloudCall *call)
{
	if (call->end != NULL)
	{
		call->end(call->end_arg, call);
		return;
	}
	Assert(!call->queued);
	dlist_push_tail(&call->account->ended, &call->node);
	call->queued = true;
}

CloudCall *
cloud_start(Session *session, const char *service, const char *operation, const char *region, const char *input,
			const char *items, bool lost_is_final, void *user)
{
	Account *account = account_open(session);
	MemoryContext memory = AllocSetContextCreate(session->memory, "AWS call", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	CloudCall *call = palloc0(sizeof(CloudCall));
	AwsCallOptions options = {.items = items, .lost_is_final = lost_is_final, .user = call};
	AwsTarget target = {.region = region, .allow_http = iasql_allow_http, .credentials = account->credentials};
	AwsError error = {0};
	const char *utf8 = pg_server_to_any(input, strlen(input), PG_UTF8);

	if (iasql_endpoint_url != NULL && iasql_endpoint_url[0] != '\0')
		target.endpoint_url = iasql_endpoint_url;
	call->memory = memory;
	call->account = account;
	call->user = user;
	call->callback.func = call_reset;
	call->callback.arg = call;
	MemoryContextRegisterResetCallback(memory, &call->callback);
	call->call = aws_call_start(cloud_client(), &target, service, operation, utf8, strlen(utf8), &options, &error);
	if (call->call == NULL)
	{
		call->error = copy_error(&error, service, operation);
		aws_error_clear(&error);
		give_end(call);
	}
	MemoryContextSwitchTo(old);
	return call;
}

void
cloud_each(CloudCall *call, CallItem each, void *arg)
{
	call->each = each;
	call->each_arg = arg;
}

void
cloud_on_end(CloudCall *call, CallEnd end, void *arg)
{
	call->end = end;
	call->end_arg = arg;
	if (call->queued)
	{
		dlist_delete(&call->node);
		call->queued = false;
		end(arg, call);
	}
}

/* Takes over all that an ended call has to say, and frees the client's half. */
static void
take_end(CloudCall *call)
{
	MemoryContext old = MemoryContextSwitchTo(call->memory);
	const AwsError *error = aws_call_error(call->call);
	AwsCall *ended = call->call;
	const char *result;
	size_t len;

	call->request_id = shown(aws_call_request_id(ended));
	if (error != NULL)
	{
		call->error = copy_error(error, "aws", "call");
		call->error->maybe_executed |= error->kind == AWS_LOST;
	}
	else if ((result = aws_call_result(ended, &len)) != NULL)
		call->result = pnstrdup(result, len);
	call->call = NULL;
	aws_call_free(ended);
	MemoryContextSwitchTo(old);
	give_end(call);
}

/* Lets the client work, and takes what has come. */
static void
drive(void)
{
	AwsCall *next;

	aws_client_drive(client);
	while ((next = aws_client_next(client)) != NULL)
	{
		CloudCall *call = aws_call_user(next);
		MemoryContext old = MemoryContextSwitchTo(call->memory);
		const char *json;
		size_t len;

		while ((json = aws_call_item(next, &len)) != NULL)
		{
			if (call->each != NULL)
			{
				if (call->scratch == NULL)
					call->scratch = AllocSetContextCreate(call->memory, "AWS item", ALLOCSET_DEFAULT_SIZES);
				MemoryContextSwitchTo(call->scratch);
				call->each(call->each_arg, json, len);
				MemoryContextSwitchTo(call->memory);
				MemoryContextReset(call->scratch);
			}
			else
				call->items = lappend(call->items, pnstrdup(json, len));
		}
		MemoryContextSwitchTo(old);
		if (aws_call_done(next))
			take_end(call);
	}
}

/* A client that has gone needs no answer: raises the standard error by way of the interrupts. */
static void
check_connection(void)
{
	static TimestampTz checked = 0;
	TimestampTz now = GetCurrentTimestamp();

	if (MyProcPort == NULL || !WaitEventSetCanReportClosed() ||
		!TimestampDifferenceExceeds(checked, now, CONNECTION_CHECK_MS))
		return;
	checked = now;
	if (!pq_check_connection())
	{
		ClientConnectionLost = true;
		InterruptPending = true;
	}
}

/* Waits until there is work for the client, at most 'timeout' ms (-1: any); false if the latch was set. */
static bool
wait_for_work(long timeout)
{
	long due = aws_client_timeout(client);
	int events;

	check_connection();
	CHECK_FOR_INTERRUPTS();
	timeout = timeout < 0 ? CONNECTION_CHECK_MS : Min(timeout, CONNECTION_CHECK_MS);
	if (due >= 0)
		timeout = Min(timeout, due);
	events = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							   aws_client_fd(client), timeout, PG_WAIT_EXTENSION);
	if ((events & WL_LATCH_SET) == 0)
		return true;
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	return false;
}

void
cloud_turn(void)
{
	(void) wait_for_work(-1);
	drive();
}

void
cloud_send(void)
{
	aws_client_drive(client);
}

CloudCall *
cloud_next(Session *session, long timeout)
{
	Account *account = account_open(session);
	TimestampTz began = GetCurrentTimestamp();

	CHECK_FOR_INTERRUPTS();
	for (;;)
	{
		long left = -1;

		drive(); /* fill freed slots before the next answer is dealt with */
		if (!dlist_is_empty(&account->ended))
		{
			CloudCall *call = dlist_container(CloudCall, node, dlist_pop_head_node(&account->ended));

			call->queued = false;
			return call;
		}
		if (timeout >= 0)
		{
			left = timeout - TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
			if (left <= 0)
				return NULL;
		}
		if (!wait_for_work(left))
			return NULL;
	}
}

void *
cloud_user(CloudCall *call)
{
	return call->user;
}

List *
cloud_items(CloudCall *call)
{
	return call->items;
}

const char *
cloud_result(CloudCall *call)
{
	return call->result;
}

const CloudError *
cloud_error(CloudCall *call)
{
	return call->error;
}

const char *
cloud_request_id(CloudCall *call)
{
	return call->request_id;
}

void
cloud_free(CloudCall *call)
{
	MemoryContextDelete(call->memory);
}

CloudCall *
cloud_call(Session *session, const char *service, const char *operation, const char *region, const char *input,
		   const char *items, CallItem each, void *arg)
{
	CloudCall *call = cloud_start(session, service, operation, region, input, items, false, NULL);

	cloud_each(call, each, arg);
	while (!call->queued)
		cloud_turn();
	dlist_delete(&call->node);
	call->queued = false;
	return call;
}

/* ------------------------------------------------------------- identity */

/* Who the credentials belong to, as far as this backend was told. */
static char *known_identity = NULL;
static char *known_id = NULL;

static bool
id_is_known(const Account *account)
{
	return known_id != NULL && strcmp(known_identity, account->identity) == 0;
}

static void
take_id(void *arg, CloudCall *call)
{
	Account *account = arg;
	JsonbValue reply;
	JsonbValue id;

	account->asked = false;
	if (call->error == NULL)
	{
		json_parse(call->result, strlen(call->result), &reply);
		if (path_find(&reply, "Account", strlen("Account"), &id))
		{
			if (known_id != NULL)
			{
				pfree(known_id);
				pfree(known_identity);
				known_id = NULL;
			}
			known_identity = MemoryContextStrdup(TopMemoryContext, account->identity);
			known_id = MemoryContextStrdup(TopMemoryContext, json_text(&id));
		}
	}
	cloud_free(call);
}

/* Asks what account_id will want to know, unless that is known, and goes on. */
void
account_ask(Session *session)
{
	Account *account = account_open(session);
	const char *region = session->world && session->world->nregions > 0 ? session->world->regions[0] : "us-east-1";

	if (account->asked || id_is_known(account))
		return;
	account->asked = true;
	cloud_on_end(cloud_start(session, "sts", "GetCallerIdentity", region, "{}", NULL, false, NULL), take_id, account);
}

/*
 * The number of the account that the credentials belong to, asked once per
 * backend and credentials; NULL if the answer was refused.  Becomes the
 * world's.
 */
const char *
account_id(Session *session)
{
	Account *account = account_open(session);

	account_ask(session);
	while (account->asked)
		cloud_turn();
	if (!id_is_known(account))
		return NULL;
	if (session->world != NULL && session->world->account == NULL)
		session->world->account = MemoryContextStrdup(session->memory, known_id);
	return MemoryContextStrdup(session->memory, known_id);
}
