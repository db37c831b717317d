/*
 * begin.c
 *	  The verbs of 0.1.9: iasql_begin, iasql_commit, iasql_rollback,
 *	  iasql_preview and iasql_create_review.
 *
 * Between begin and commit a session holds the workspace's lock, so that no
 * other one applies or syncs; it is no SQL transaction, and others see the
 * rows as they are committed.  The lock is the session's: it goes with it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

#include "engine/spi.h"
#include "engine/engine.h"
#include "api/api.h"

PG_FUNCTION_INFO_V1(iasql_begin);
PG_FUNCTION_INFO_V1(iasql_commit);
PG_FUNCTION_INFO_V1(iasql_rollback);
PG_FUNCTION_INFO_V1(iasql_preview);
PG_FUNCTION_INFO_V1(iasql_create_review);

/* What this backend has begun, which counts only while it holds the lock. */
static int begun; /* workspace, 0: none */
static TimestampTz begun_at;

static Session *
session_for(Verb verb)
{
	return session_begin(verb, AllocSetContextCreate(CurrentMemoryContext, "iasql operation", ALLOCSET_DEFAULT_SIZES));
}

static bool
is_open(Session *session)
{
	return begun == session->workspace && session_holds(session);
}

static void
require_open(Session *session)
{
	if (!is_open(session))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("this session has no transaction of schema \"%s\" open", session->schema_name),
						errdetail("What iasql_begin() opens ends with the connection, and with DISCARD ALL."),
						errhint("Call iasql_begin() first. Behind a pooler that hands out connections by "
								"transaction, call both in one SQL transaction.")));
}

/* Lets this session edit rows while no other one applies or syncs. */
Datum
iasql_begin(PG_FUNCTION_ARGS)
{
	Session *session = session_for(VERB_APPLY);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	bool nulls[2] = {false};
	Datum values[2];

	InitMaterializedSRF(fcinfo, 0);
	if (is_open(session))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("this session has a transaction of schema \"%s\" open already", session->schema_name),
						errhint("Call iasql_commit() or iasql_rollback() first.")));
	session_hold(session);
	begun = session->workspace;
	begun_at = GetCurrentTimestamp();
	values[0] = CStringGetTextDatum("started");
	values[1] = CStringGetTextDatum(
		DatumGetCString(DirectFunctionCall1(uuid_out, DirectFunctionCall1(gen_random_uuid, (Datum) 0))));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	MemoryContextDelete(session->memory);
	return (Datum) 0;
}

/* Runs one operation and adds what it reports to the result. */
static void
operate(FunctionCallInfo fcinfo, Verb verb, const char *params)
{
	Session *session = session_for(verb);
	MemoryContext old = MemoryContextSwitchTo(session->memory);

	session->drift = DRIFT_IMPORT;
	session->changed_only = verb != VERB_SYNC;
	session->params = params;
	report_plan(fcinfo, operation_run(session), false);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(session->memory);
}

/* Runs operations one after the other; all but a preview end what iasql_begin opened, also when they fail. */
static Datum
run(FunctionCallInfo fcinfo, int n, const Verb *verbs, const char *params)
{
	Session *session = session_for(verbs[0]);

	InitMaterializedSRF(fcinfo, 0);
	require_open(session);
	PG_TRY();
	{
		for (int i = 0; i < n; i++)
			operate(fcinfo, verbs[i], params);
	}
	PG_FINALLY();
	{
		if (verbs[0] != VERB_PREVIEW_APPLY)
		{
			begun = 0;
			session_let_go(session);
		}
	}
	PG_END_TRY();
	MemoryContextDelete(session->memory);
	return (Datum) 0;
}

/* Applies what the user changed, and then imports the rest. */
Datum
iasql_commit(PG_FUNCTION_ARGS)
{
	StringInfoData params;

	initStringInfo(&params);
	appendStringInfoString(&params, "{\"function\": \"iasql_commit\"");
	if (!PG_ARGISNULL(0))
	{
		appendStringInfoString(&params, ", \"message\": ");
		escape_json(&params, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	}
	appendStringInfoChar(&params, '}');
	return run(fcinfo, 2, (const Verb[]){VERB_APPLY, VERB_SYNC}, params.data);
}

/* Takes back what the user changed since the last agreement with AWS. */
Datum
iasql_rollback(PG_FUNCTION_ARGS)
{
	return run(fcinfo, 1, (const Verb[]){VERB_SYNC}, "{\"function\": \"iasql_rollback\"}");
}

/* What iasql_commit would do. */
Datum
iasql_preview(PG_FUNCTION_ARGS)
{
	return run(fcinfo, 1, (const Verb[]){VERB_PREVIEW_APPLY}, "{\"function\": \"iasql_preview\"}");
}

/* A cell of a Markdown table. */
static void
append_cell(StringInfo out, const char *text)
{
	appendStringInfoString(out, " ");
	for (; text != NULL && *text != '\0'; text++)
	{
		if (*text == '|')
			appendStringInfoChar(out, '\\');
		appendStringInfoChar(out, *text == '\n' ? ' ' : *text);
	}
	appendStringInfoString(out, " |");
}

/* Appends the rows of a query, each after 'before' and its columns as cells if there are several. */
static void
append_rows(StringInfo out, const char *head, const char *sql, int nargs, const Oid *types, const Datum *values,
			const char *foot)
{
	run_sql(SPI_OK_SELECT, sql, nargs, types, values);
	if (SPI_processed == 0)
		return;
	appendStringInfoString(out, head);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		TupleDesc desc = SPI_tuptable->tupdesc;

		if (desc->natts == 1)
			appendStringInfoString(out, SPI_getvalue(SPI_tuptable->vals[row], desc, 1));
		else
		{
			appendStringInfoChar(out, '|');
			for (int column = 1; column <= desc->natts; column++)
				append_cell(out, SPI_getvalue(SPI_tuptable->vals[row], desc, column));
		}
		appendStringInfoChar(out, '\n');
	}
	appendStringInfoString(out, foot);
}

/* The preview and the statements since iasql_begin, as Markdown. */
Datum
iasql_create_review(PG_FUNCTION_ARGS)
{
	Session *session = session_for(VERB_PREVIEW_APPLY);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const Oid types[] = {TIMESTAMPTZOID};
	const Datum since[] = {TimestampTzGetDatum(begun_at)};
	StringInfoData markdown;
	bool nulls[1] = {false};
	Datum values[1];

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	require_open(session);
	initStringInfo(&markdown);
	appendStringInfo(&markdown, "# %s\n\n%s\n", PG_ARGISNULL(0) ? "New Review" : text_to_cstring(PG_GETARG_TEXT_PP(0)),
					 PG_ARGISNULL(1) ? "Review description" : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	SPI_connect();
	append_rows(&markdown, "\n| action | table_name | id | description |\n| --- | --- | --- | --- |\n",
				psprintf("SELECT action, table_name, id, description FROM %siasql_preview()", session->ext), 0, NULL,
				NULL, "");
	append_rows(&markdown, "\n```sql\n", psprintf("SELECT sql FROM %siasql_get_sql_since($1)", session->ext), 1, types,
				since, "```\n");
	values[0] = CStringGetTextDatum(markdown.data);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	SPI_finish();
	MemoryContextDelete(session->memory);
	return (Datum) 0;
}
