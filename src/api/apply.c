/*
 * apply.c
 *	  iasql_apply, iasql_sync and their previews: arguments in, plan out.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "engine/spi.h"
#include "engine/engine.h"
#include "api/api.h"

PG_FUNCTION_INFO_V1(iasql_apply);
PG_FUNCTION_INFO_V1(iasql_preview_apply);
PG_FUNCTION_INFO_V1(iasql_sync);
PG_FUNCTION_INFO_V1(iasql_preview_sync);

/* Position of 'text' among the values that an argument takes. */
static int
choice(const char *argument, const char *text, int n, const char *const *values)
{
	StringInfoData all;

	initStringInfo(&all);
	for (int i = 0; i < n; i++)
	{
		if (strcmp(text, values[i]) == 0)
			return i;
		appendStringInfo(&all, "%s\"%s\"", i ? ", " : "", values[i]);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid value for argument \"%s\": \"%s\"", argument, text),
					errhint("Valid values are %s.", all.data)));
}

static const char *
text_argument(FunctionCallInfo fcinfo, int n, const char *otherwise)
{
	return PG_ARGISNULL(n) ? otherwise : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static List *
allowed_guards(ArrayType *array)
{
	List *names = NIL;
	Datum *elements;
	bool *nulls;
	int n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char *name = nulls[i] ? "" : TextDatumGetCString(elements[i]);
		int guard = 0;

		while (guard_name(NULL, guard) != NULL && strcmp(guard_name(NULL, guard), name) != 0)
			guard++;
		if (guard_name(NULL, guard) == NULL)
		{
			StringInfoData all;

			initStringInfo(&all);
			for (int g = 0; guard_name(NULL, g) != NULL; g++)
				appendStringInfo(&all, "%s\"%s\"", g ? ", " : "", guard_name(NULL, g));
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no guard \"%s\" to allow", name),
							errhint("The guards are %s.", all.data)));
		}
		names = lappend(names, name);
	}
	return names;
}

/* One row of the result for each reported action: those that failed have action "error". */
void
report_plan(FunctionCallInfo fcinfo, const Plan *plan, bool errors)
{
	static const char *const names[] = {
		[ACTION_CREATE] = "create",
		[ACTION_UPDATE] = "update",
		[ACTION_REPLACE] = "replace",
		[ACTION_DELETE] = "delete",
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		const Action *action = lfirst(cell);
		const Object *object = action->object;
		bool failed = errors && (action->state == ACTION_FAILED || action->state == ACTION_SKIPPED);
		/* a replaced object is called what it was, in a preview and afterwards */
		const Object *named = action->replaced ? action->replaced : object;
		const char *description = object_description(named, action->kind);
		Datum values[4];
		bool nulls[4] = {false};

		/* what could not be imported is shown by iasql_unmanaged instead */
		if (!failed && (!action->reported || (action->row_only && action->kind == ACTION_CREATE && object->unmanaged)))
			continue;
		if (failed)
			description = psprintf("%s: %s", description,
								   action->error ? action->error : "not tried, since what it needs has failed");
		values[0] = CStringGetTextDatum(failed ? "error" : names[action->kind]);
		values[1] = CStringGetTextDatum(object->kind->res->name);
		nulls[2] = object->row_id < 0 || action->kind == ACTION_DELETE;
		if (TupleDescAttr(result->setDesc, 2)->atttypid == INT4OID)
			values[2] = Int32GetDatum(nulls[2] ? 0 : (int32) object->row_id);
		else
			values[2] = CStringGetTextDatum(psprintf(INT64_FORMAT, object->row_id));
		values[3] = CStringGetTextDatum(description);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* Arguments: drift, scope, on_error, allow. */
static Datum
run(FunctionCallInfo fcinfo, Verb verb)
{
	static const char *const drifts[] = {"revert", "import", "report"};
	static const char *const scopes[] = {"all", "changed"};
	static const char *const on_errors[] = {"raise", "report"};
	MemoryContext memory;
	MemoryContext old;
	Session *session;
	const char *drift = text_argument(fcinfo, 0, "revert");
	const char *scope = text_argument(fcinfo, 1, "all");
	const char *on_error = text_argument(fcinfo, 2, "raise");

	InitMaterializedSRF(fcinfo, 0);
	memory = AllocSetContextCreate(CurrentMemoryContext, "iasql operation", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(memory);
	session = session_begin(verb, memory);
	session->drift = choice("drift", drift, lengthof(drifts), drifts);
	session->changed_only = choice("scope", scope, lengthof(scopes), scopes) == 1;
	session->report_errors = choice("on_error", on_error, lengthof(on_errors), on_errors) == 1;
	if (!PG_ARGISNULL(3))
		session->allow = allowed_guards(PG_GETARG_ARRAYTYPE_P(3));
	session->params = psprintf("{\"drift\": \"%s\", \"scope\": \"%s\", \"on_error\": \"%s\", \"allow\": %s}", drift,
							   scope, on_error, session->allow ? sorted_json_array(session->allow) : "[]");
	report_plan(fcinfo, operation_run(session), session->report_errors);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	return (Datum) 0;
}

Datum
iasql_apply(PG_FUNCTION_ARGS)
{
	return run(fcinfo, VERB_APPLY);
}

Datum
iasql_preview_apply(PG_FUNCTION_ARGS)
{
	return run(fcinfo, VERB_PREVIEW_APPLY);
}

Datum
iasql_sync(PG_FUNCTION_ARGS)
{
	return run(fcinfo, VERB_SYNC);
}

Datum
iasql_preview_sync(PG_FUNCTION_ARGS)
{
	return run(fcinfo, VERB_PREVIEW_SYNC);
}
