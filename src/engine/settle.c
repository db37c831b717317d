/*
 * settle.c
 *	  What earlier runs left behind: runs whose transaction did not commit, or
 *	  that were killed.
 *
 * A run committed if its witness row is visible.  Of one that did not, the
 * journal says what it made: the objects are ours though no row and no state
 * say so.  They are marked here, with the row that asked for them and the step
 * that their creation had reached; binding, planning and the guards see that
 * mark.  A call without outcome is in doubt: its object is found by the mark
 * that the request put on it; one with a natural key is found by that without
 * our help.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "engine/spi.h"

#include "engine/engine.h"

/* The row's wish as the journal keeps it: the texts of what a user can set, secrets excepted. */
char *
journal_values(const Object *object)
{
	const Kind *kind = object->kind;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		const Value *value = &object->desired[i];

		if ((attr->flags & (ATTR_COMPUTED | ATTR_SECRET | ATTR_TRIGGER)) || value_is_null(value))
			continue;
		if (json.len > 1)
			appendStringInfoChar(&json, ',');
		json_append_string(&json, attr->column, strlen(attr->column));
		appendStringInfoChar(&json, ':');
		if (value->nrefs > 0)
		{
			/* by row, since a cloud id may be of the run that was undone */
			StringInfoData refs;

			initStringInfo(&refs);
			for (int r = 0; r < value->nrefs; r++)
				appendStringInfo(&refs, "%s%s", r ? "," : "", value->refs[r]->row_key ? value->refs[r]->row_key : "");
			json_append_string(&json, refs.data, refs.len);
		}
		else
			json_append_string(&json, value->text, strlen(value->text));
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* One action of a run that did not commit, as its intents and outcomes tell. */
typedef struct Left
{
	char *action;
	char *resource;
	char *region;
	char *cloud_id;
	char *token;
	char *values;
	int step;	   /* the last that was sent */
	bool ended;	   /* that step has an outcome without error */
	bool finished; /* the whole action */
	TimestampTz at;
} Left;

static char *
column(int row, int col)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col);
}

/* The last intent of each action of each uncommitted operation, with the cloud id that any of its outcomes gave. */
static List *
read_left(Session *session)
{
	static const char *const query =
		"SELECT DISTINCT ON (i.operation, i.resource, i.row_key, i.natural_key, i.action)"
		" i.action, i.resource, i.region,"
		" (SELECT max(c.cloud_id) FROM %1$siasql_journal c JOIN %1$siasql_journal ci ON ci.id = c.intent"
		"  WHERE c.workspace = i.workspace AND ci.operation = i.operation AND ci.resource = i.resource"
		"  AND ci.row_key IS NOT DISTINCT FROM i.row_key AND ci.natural_key IS NOT DISTINCT FROM i.natural_key"
		"  AND ci.action = i.action),"
		" i.token, o.vals, i.step, o.id IS NOT NULL AND o.error_code IS NULL, coalesce(o.finished, false), i.at"
		" FROM %1$siasql_journal i LEFT JOIN %1$siasql_journal o ON o.intent = i.id"
		" WHERE i.workspace = $1 AND i.intent IS NULL"
		" AND NOT EXISTS (SELECT FROM %1$siasql_witness w WHERE w.operation = i.operation)"
		" ORDER BY i.operation, i.resource, i.row_key, i.natural_key, i.action, i.id DESC";
	SavedUser saved = become_owner(session);
	Oid types[1] = {INT4OID};
	Datum args[1] = {Int32GetDatum(session->workspace)};
	List *result = NIL;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	run_sql(SPI_OK_SELECT, psprintf(query, session->ext), 1, types, args);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		MemoryContext spi = MemoryContextSwitchTo(session->memory);
		Left *left = palloc0(sizeof(Left));
		bool null;

		left->action = column(row, 1);
		left->resource = column(row, 2);
		left->region = column(row, 3);
		left->cloud_id = column(row, 4);
		left->token = column(row, 5);
		left->values = column(row, 6);
		left->step = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 7, &null));
		left->ended = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 8, &null));
		left->finished = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 9, &null));
		left->at = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 10, &null));
		result = lappend(result, left);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	become_caller(saved);
	return result;
}

/* The listed object that carries an intent's mark. */
static Object *
object_by_mark(Kind *kind, const char *token)
{
	ListCell *cell;

	if (kind->res->mark_path == NULL || token == NULL)
		return NULL;
	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);
		char *mark = object->item ? path_text(object->item, kind->res->mark_path) : NULL;

		if (mark != NULL && strcmp(mark, token) == 0)
			return object;
	}
	return NULL;
}

/* Marks the objects that uncommitted runs made or changed.  After listing, before binding. */
void
settle_world(Session *session)
{
	ListCell *cell;

	foreach (cell, read_left(session))
	{
		Left *left = lfirst(cell);
		Kind *kind = kind_by_name(session->world, left->resource);
		Object *object = NULL;
		bool creates = strcmp(left->action, "create") == 0 || strcmp(left->action, "replace") == 0;

		if (kind == NULL)
			continue;
		if (left->cloud_id != NULL)
			object = object_by_cloud_id(kind, left->region, left->cloud_id);
		if (object == NULL && creates)
			object = object_by_mark(kind, left->token);
		if (object == NULL || object->actual == NULL)
			continue;
		object->ours = true;
		object->ours_since = left->at;
		if (creates)
		{
			object->ours_values = left->values ? left->values : object->ours_values;
			object->resume_step = left->finished ? 0 : left->step + (left->ended ? 1 : 0);
			if (!left->finished && object->resume_step == 0)
				object->resume_step = 1;
		}
	}
}
