/*
 * aws.c
 *	  AWS as SQL functions: any operation of any service, its listings as rows,
 *	  and what services and operations there are.
 *
 * They act with the credentials of the workspace that search_path leads to;
 * outside of one, with the server's own where that is allowed.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "aws/aws.h"
#include "engine/spi.h"
#include "engine/engine.h"

PG_FUNCTION_INFO_V1(aws_call);
PG_FUNCTION_INFO_V1(aws_list);
PG_FUNCTION_INFO_V1(aws_identity);
PG_FUNCTION_INFO_V1(aws_services_list);
PG_FUNCTION_INFO_V1(aws_operations_list);

/* A context that everything about one function call lives in. */
static Session *
open_session(void)
{
	return session_for_calls(AllocSetContextCreate(CurrentMemoryContext, "AWS function", ALLOCSET_DEFAULT_SIZES));
}

static const char *
text_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument \"%s\" must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* The workspace's default region, read with the caller's rights; NULL: none. */
static const char *
default_region(const Session *session)
{
	const char *region = NULL;

	if (!OidIsValid(session->schema) || !OidIsValid(get_relname_relid("aws_regions", session->schema)))
		return NULL;
	SPI_connect();
	run_sql(SPI_OK_SELECT,
			psprintf("SELECT region FROM %s.aws_regions WHERE is_default", quote_identifier(session->schema_name)), 0,
			NULL, NULL);
	if (SPI_processed > 0)
		region = MemoryContextStrdup(session->memory, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	SPI_finish();
	return region;
}

static const char *
region_argument(FunctionCallInfo fcinfo, int n, const Session *session)
{
	const char *region = PG_ARGISNULL(n) ? default_region(session) : text_to_cstring(PG_GETARG_TEXT_PP(n));

	if (region == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no region is given, and there is no default"),
						errhint("Give it as the argument \"region\", or insert a row into aws_account.")));
	return region;
}

/* JSON text of the client as jsonb; raises where PostgreSQL cannot hold it. */
static Datum
json_to_jsonb(const char *json, Size len)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(pg_any_to_server(pnstrdup(json, len), len, PG_UTF8)));
}

/* Makes the call that arguments 0 to 3 tell; raises its error. */
static CloudCall *
call_of_arguments(FunctionCallInfo fcinfo, Session *session, const char *items, CallItem each, void *arg)
{
	const char *service = text_argument(fcinfo, 0, "service");
	const char *operation = text_argument(fcinfo, 1, "operation");
	const char *input = "{}";
	CloudCall *call;

	if (!PG_ARGISNULL(2))
	{
		Jsonb *doc = PG_GETARG_JSONB_P(2);

		input = JsonbToCString(NULL, &doc->root, VARSIZE(doc));
	}
	call = cloud_call(session, service, operation, region_argument(fcinfo, 3, session), input, items, each, arg);
	if (cloud_error(call) != NULL)
		cloud_raise(cloud_error(call));
	return call;
}

/*
 * aws_call(service text, operation text, input jsonb, region text) returns jsonb
 */
Datum
aws_call(PG_FUNCTION_ARGS)
{
	Session *session = open_session();
	CloudCall *call = call_of_arguments(fcinfo, session, NULL, NULL, NULL);
	const char *result = cloud_result(call);
	Datum value = json_to_jsonb(result, strlen(result));

	MemoryContextDelete(session->memory);
	return value;
}

/* Where rows of a result go. */
typedef struct Rows
{
	ReturnSetInfo *result;
	MemoryContext scratch;
	int64 count;
} Rows;

static void
put_item(void *arg, const char *json, Size len)
{
	Rows *rows = arg;
	MemoryContext old = MemoryContextSwitchTo(rows->scratch);
	Datum value = json_to_jsonb(json, len);
	bool isnull = false;

	tuplestore_putvalues(rows->result->setResult, rows->result->setDesc, &value, &isnull);
	rows->count++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(rows->scratch);
}

static bool
is_paginated(const char *service, const char *operation)
{
	AwsError error = {0};
	AwsOperationInfo info;

	for (int i = 0; aws_operation_info(cloud_client(), service, i, &info, &error); i++)
		if (strcmp(info.name, operation) == 0)
			return info.paginated;
	aws_error_clear(&error);
	return false;
}

/* The result of an operation without pages: its list gives the rows if it has just one, else it is the only row. */
static void
put_result(Rows *rows, const char *json)
{
	Jsonb *doc = DatumGetJsonbP(json_to_jsonb(json, strlen(json)));
	JsonbIterator *it = JsonbIteratorInit(&doc->root);
	JsonbIteratorToken token;
	JsonbValue value;
	JsonbContainer *list = NULL;
	int lists = 0;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_VALUE && value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data))
		{
			list = value.val.binary.data;
			lists++;
		}
	if (lists != 1)
	{
		put_item(rows, json, strlen(json));
		return;
	}
	it = JsonbIteratorInit(list);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_ELEM)
		{
			StringInfoData text;

			initStringInfo(&text);
			json_append(&text, &value);
			put_item(rows, text.data, text.len);
		}
}

/*
 * aws_list(service text, operation text, input jsonb, region text) returns setof jsonb
 *
 * Items go into the result page by page, as they arrive.
 */
Datum
aws_list(PG_FUNCTION_ARGS)
{
	Session *session;
	CloudCall *call;
	Rows rows = {.result = (ReturnSetInfo *) fcinfo->resultinfo};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	session = open_session();
	rows.scratch = AllocSetContextCreate(session->memory, "AWS item", ALLOCSET_DEFAULT_SIZES);
	call = call_of_arguments(fcinfo, session, "", put_item, &rows);
	if (rows.count == 0 && !is_paginated(text_argument(fcinfo, 0, "service"), text_argument(fcinfo, 1, "operation")))
		put_result(&rows, cloud_result(call));
	MemoryContextDelete(session->memory);
	return (Datum) 0;
}

static void
put_row(ReturnSetInfo *result, int n, const Datum *values)
{
	bool nulls[8];

	for (int i = 0; i < n; i++)
		nulls[i] = values[i] == (Datum) 0 && !TupleDescAttr(result->setDesc, i)->attbyval;
	tuplestore_putvalues(result->setResult, result->setDesc, unconstify(Datum *, values), nulls);
}

static Datum
text_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? CStringGetTextDatum(text) : (Datum) 0;
}

/*
 * aws_identity() returns table (account text, arn text, user_id text)
 */
Datum
aws_identity(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"Account", "Arn", "UserId"};
	Datum values[lengthof(members)];
	Session *session;
	CloudCall *call;
	const char *region;
	Jsonb *reply;

	InitMaterializedSRF(fcinfo, 0);
	session = open_session();
	region = default_region(session);
	call = cloud_call(session, "sts", "GetCallerIdentity", region ? region : "us-east-1", "{}", NULL, NULL, NULL);
	if (cloud_error(call) != NULL)
		cloud_raise(cloud_error(call));
	reply = DatumGetJsonbP(json_to_jsonb(cloud_result(call), strlen(cloud_result(call))));
	for (int i = 0; i < (int) lengthof(members); i++)
		values[i] = text_or_null(path_text(reply, members[i]));
	put_row((ReturnSetInfo *) fcinfo->resultinfo, lengthof(members), values);
	MemoryContextDelete(session->memory);
	return (Datum) 0;
}

/* A service's name, as the client gives them in a frame that must not raise. */
typedef struct ServiceName
{
	struct ServiceName *next;
	char text[FLEXIBLE_ARRAY_MEMBER];
} ServiceName;

typedef struct ServiceNames
{
	ServiceName *first;
	ServiceName **last;
	bool incomplete; /* for lack of memory */
} ServiceNames;

static void
keep_name(void *arg, const char *text)
{
	ServiceNames *names = arg;
	Size size = strlen(text) + 1;
	ServiceName *name = palloc_extended(offsetof(ServiceName, text) + size, MCXT_ALLOC_NO_OOM);

	names->incomplete |= name == NULL;
	if (name == NULL)
		return;
	memcpy(name->text, text, size);
	name->next = NULL;
	*names->last = name;
	names->last = &name->next;
}

/*
 * aws_services() returns table (service text, service_id text, protocol text, api_version text, operations integer)
 */
Datum
aws_services_list(PG_FUNCTION_ARGS)
{
	AwsClient *client = cloud_client();
	AwsError error = {0};
	ServiceNames names = {.last = &names.first};

	InitMaterializedSRF(fcinfo, 0);
	if (!aws_services(client, keep_name, &names, &error))
		cloud_raise_client(&error);
	if (names.incomplete)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	for (const ServiceName *name = names.first; name != NULL; name = name->next)
	{
		AwsServiceInfo info;

		if (!aws_service_info(client, name->text, &info, &error))
			cloud_raise_client(&error);
		put_row((ReturnSetInfo *) fcinfo->resultinfo, 5,
				(Datum[]){CStringGetTextDatum(name->text), text_or_null(info.service_id), text_or_null(info.protocol),
						  text_or_null(info.api_version), Int32GetDatum(info.operations)});
	}
	return (Datum) 0;
}

/*
 * aws_operations(service text) returns table (operation text, method text, paginated boolean,
 *	idempotency_token boolean, items text, page_size text)
 */
Datum
aws_operations_list(PG_FUNCTION_ARGS)
{
	const char *service = text_argument(fcinfo, 0, "service");
	AwsClient *client = cloud_client();
	AwsError error = {0};
	AwsServiceInfo service_info;
	AwsOperationInfo info;

	InitMaterializedSRF(fcinfo, 0);
	if (!aws_service_info(client, service, &service_info, &error))
		cloud_raise_client(&error);
	for (int i = 0; i < service_info.operations && aws_operation_info(client, service, i, &info, &error); i++)
		put_row((ReturnSetInfo *) fcinfo->resultinfo, 6,
				(Datum[]){CStringGetTextDatum(info.name), text_or_null(info.method), BoolGetDatum(info.paginated),
						  BoolGetDatum(info.has_token), text_or_null(info.result_key),
						  text_or_null(info.page_size_key)});
	if (error.kind != AWS_OK)
		cloud_raise_client(&error);
	return (Datum) 0;
}
