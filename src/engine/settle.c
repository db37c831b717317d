/*
 * settle.c
 *	  What earlier runs left behind: runs whose transaction did not commit, or
 *	  that were killed.
 *
 * An operation is settled if its witness row is visible.  Of one that is not,
 * the journal says what it made or changed.  What it made is ours though no
 * row and no state say so; it is marked here with the row that asked for it
 * and the step that its creation had reached.  Binding, planning and the
 * guards see that mark.
 *
 * A call without outcome is in doubt.  What it may have made is found by the
 * mark that the request put on it, or by natural key and time of creation.
 * Until request_timeout after sending, what is not found may still come; then
 * it was not made.  Where nothing tells such an object from others, the row
 * that asked for it is frozen for iasql.consistency_window, and then takes an
 * object that nobody holds and that looks as it wishes.  The same goes for a
 * row whose object was made but is not shown yet.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "engine/spi.h"

#include "engine/engine.h"

/* By how much AWS's clock may be behind ours. */
#define CLOCK_SKEW_MS 60000

/*
 * The row's wish as the journal keeps it: the texts of what a user can set,
 * secrets excepted, in jsonb's spelling.  References are cloud ids: once what
 * they refer to is bound, they are the same for the same wish.
 */
char *
journal_values(const Object *object)
{
	const Kind *kind = object->kind;
	StringInfoData json;
	Jsonb *doc;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		const Value *value = &object->desired[i];

		if ((attr->flags & (ATTR_COMPUTED | ATTR_SECRET | ATTR_TRIGGER)) || value->text == NULL)
			continue;
		if (json.len > 1)
			appendStringInfoChar(&json, ',');
		json_append_string(&json, attr->column, strlen(attr->column));
		appendStringInfoChar(&json, ':');
		json_append_string(&json, value->text, strlen(value->text));
	}
	appendStringInfoChar(&json, '}');
	doc = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
	return JsonbToCString(NULL, &doc->root, VARSIZE(doc));
}

static Jsonb *
parsed(const char *values)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(values)));
}

/* What journal_values says of an attribute; text NULL: nothing. */
static Value
value_in(Jsonb *values, const Attribute *attr)
{
	JsonbValue member;
	Value value = {0};

	if (getKeyJsonValueFromContainer(&values->root, attr->column, strlen(attr->column), &member) != NULL)
		value.text = pnstrdup(member.val.string.val, member.val.string.len);
	return value;
}

/* Whether the object is in these attributes as journal_values says; 'keys': only its natural key, which it must have. */
static bool
looks_as(const Object *object, const char *values, bool keys)
{
	const Kind *kind = object->kind;
	Jsonb *doc = parsed(values);
	bool any = false;

	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		Value value = value_in(doc, attr);

		if (keys ? (attr->flags & ATTR_KEY) == 0 : value.text == NULL)
			continue;
		if (!value_equal(attr, &value, &object->actual[i]))
			return false;
		any = true;
	}
	return any || !keys;
}

/* What the row of a run that did not commit said of an attribute; text NULL: nothing. */
static Value
left_value(const Object *object, int attribute)
{
	return value_in(parsed(object->left_values), &object->kind->res->attributes[attribute]);
}

bool
settle_rolled_back(const Object *object, int attribute)
{
	const Attribute *attr = &object->kind->res->attributes[attribute];
	Value value;

	if (object->left_values == NULL || object->base == NULL || object->left_at <= object->base_agreed)
		return false;
	value = left_value(object, attribute);
	return value_equal(attr, &value, &object->actual[attribute]) &&
		   !value_equal(attr, &value, &object->base[attribute]);
}

bool
settle_left_behind(const Object *object, int attribute)
{
	return object->left_values != NULL && object->base == NULL && left_value(object, attribute).text != NULL;
}

/* One action of an operation that is not settled, as its intents and outcomes tell. */
typedef struct Left
{
	int64 operation;
	char *action;
	char *resource;
	char *region;
	char *row_key;
	char *cloud_id;
	char *token; /* of the call that creates */
	char *values;
	int step;	   /* the last that was sent */
	bool ended;	   /* that step has an outcome without error */
	bool finished; /* the whole action */
	bool doubt;	   /* some call has no outcome */
	bool marked;   /* the request put a mark on what it made */
	bool creates;
	const char *late; /* why what it made is not shown */
	TimestampTz at;
	Object *object; /* as it was listed */
	bool open;		/* not to be told yet */
} Left;

/* A creation of which nobody can tell whether there is what it made. */
typedef struct Unsure
{
	const char *region;
	const char *row_key; /* of the row whose object it replaces; NULL: a new row's */
	const char *values;
	const char *late; /* why what it has made is not shown; NULL: its answer was lost */
	TimestampTz at;
	TimestampTz until; /* what is not listed then was not made */
} Unsure;

static char *
column(int row, int col)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col);
}

static Datum
binary(int row, int col)
{
	bool null;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col, &null);
}

/* The actions of operations that are not settled, the oldest first. */
static List *
read_left(Session *session)
{
	static const char *const query =
		"SELECT i.operation, i.action, i.resource, i.region, i.row_key, max(coalesce(o.cloud_id, i.natural_key)),"
		" (array_agg(i.token ORDER BY i.id) FILTER (WHERE i.step = 0 AND o.error_code IS NULL))[1],"
		" (array_agg(i.vals ORDER BY i.id DESC))[1], (array_agg(i.step ORDER BY i.id DESC))[1],"
		" (array_agg(o.id IS NOT NULL AND o.error_code IS NULL ORDER BY i.id DESC))[1],"
		" coalesce(bool_or(o.finished), false), bool_or(o.id IS NULL),"
		" bool_or(i.step = 0 AND i.request::text LIKE '%%iasql:intent%%'), max(i.at)"
		" FROM %1$siasql_journal i LEFT JOIN %1$siasql_journal o ON o.intent = i.id"
		" WHERE i.workspace = $1 AND i.intent IS NULL"
		" AND NOT EXISTS (SELECT FROM %1$siasql_witness w WHERE w.operation = i.operation)"
		" GROUP BY i.operation, i.action, i.resource, i.region, i.row_key,"
		" CASE WHEN i.row_key IS NULL THEN i.natural_key END"
		" ORDER BY i.operation, min(i.id)";
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

		left->operation = DatumGetInt64(binary(row, 1));
		left->action = column(row, 2);
		left->resource = column(row, 3);
		left->region = column(row, 4);
		left->row_key = column(row, 5);
		left->cloud_id = column(row, 6);
		left->token = column(row, 7);
		left->values = column(row, 8);
		left->step = DatumGetInt32(binary(row, 9));
		left->ended = DatumGetBool(binary(row, 10));
		left->finished = DatumGetBool(binary(row, 11));
		left->doubt = DatumGetBool(binary(row, 12));
		left->marked = DatumGetBool(binary(row, 13));
		left->at = DatumGetTimestampTz(binary(row, 14));
		left->creates = strcmp(left->action, "create") == 0 || strcmp(left->action, "replace") == 0;
		result = lappend(result, left);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	become_caller(saved);
	return result;
}

/* Whether AWS says that the object was made after the call was sent. */
static bool
is_younger(const Object *object, TimestampTz sent)
{
	const char *path = object->kind->res->created_at;
	char *text = path && object->item ? path_text(object->item, path) : NULL;
	TimestampTz made;

	if (text == NULL)
		return false;
	made = DatumGetTimestampTz(
		DirectFunctionCall3(timestamptz_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	return TimestampTzPlusMilliseconds(made, CLOCK_SKEW_MS) >= sent;
}

/*
 * The listed object that a creation has made whose reply was lost, or gave no
 * id: by its mark, else by natural key.  *certain: nobody else can have made it.
 */
static Object *
made_without_id(Kind *kind, const Left *left, bool *certain)
{
	ListCell *cell;

	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);

		if (object->actual == NULL || strcmp(object->region, left->region) != 0)
			continue;
		if (left->marked && kind->res->mark_path != NULL)
		{
			char *mark = object->item ? path_text(object->item, kind->res->mark_path) : NULL;

			if (mark != NULL && left->token != NULL && strcmp(mark, left->token) == 0)
				return object;
		}
		else if (left->values != NULL && looks_as(object, left->values, true))
		{
			*certain = !left->doubt || is_younger(object, left->at);
			return object;
		}
	}
	return NULL;
}

static bool
has_natural_key(const Resource *res)
{
	for (int i = 0; i < attribute_count(res); i++)
		if (res->attributes[i].flags & ATTR_KEY)
			return true;
	return false;
}

/* Marks what one action made or changed; until when its object may still appear, 0 if all is told. */
static TimestampTz
settle(Kind *kind, Left *left)
{
	TimestampTz until = TimestampTzPlusMilliseconds(left->at, iasql_request_timeout);
	bool replaces = strcmp(left->action, "replace") == 0;
	bool certain = true;
	Object *object = NULL;

	if (left->cloud_id != NULL)
		object = object_by_cloud_id(kind, left->region, left->cloud_id);
	if (object == NULL && left->creates && (left->doubt || (left->ended && left->cloud_id == NULL)))
		object = made_without_id(kind, left, &certain);
	/* a row without object takes over what has its key; one whose object was being replaced has to be led to it */
	if (object != NULL && (object->actual == NULL || (!certain && !replaces)))
		object = NULL;
	if (!left->doubt ||
		(strcmp(left->action, "delete") == 0
			 ? object == NULL || object->leaving
			 : object != NULL && (left->creates || left->values == NULL || looks_as(object, left->values, false))))
		until = 0;
	if (object == NULL)
	{
		left->open = until != 0 && until > GetCurrentTimestamp();
		if (left->creates && left->values != NULL &&
			(left->late || (left->doubt && left->cloud_id == NULL && !has_natural_key(kind->res) &&
							(!left->marked || kind->res->mark_path == NULL))))
		{
			Unsure *unsure = palloc(sizeof(Unsure));

			unsure->region = left->region;
			unsure->row_key = replaces ? left->row_key : NULL;
			unsure->values = left->values;
			unsure->late = left->late;
			unsure->at = left->at;
			unsure->until = TimestampTzPlusMilliseconds(left->at, Max(iasql_consistency_window, iasql_request_timeout));
			kind->unsure = lappend(kind->unsure, unsure);
			left->open = unsure->until > GetCurrentTimestamp();
			return 0;
		}
		return until;
	}
	left->object = object;
	object->left_at = left->at;
	object->left_values = left->values;
	if (left->creates)
	{
		object->ours = certain;
		object->left_for = replaces ? left->row_key : NULL;
		object->resume_step = left->finished || !certain ? 0 : Max(left->step + (left->ended ? 1 : 0), 1);
	}
	return until;
}

/* What they made only just now, and no list shows yet, is asked for by id. */
static void
read_late(Session *session)
{
	List *late = NIL;
	List *lefts = NIL; /* that made them */
	ListCell *cell;
	ListCell *other;

	foreach (cell, session->left)
	{
		Left *left = lfirst(cell);
		Kind *kind = kind_by_name(session->world, left->resource);
		Object *object;

		if (kind == NULL || !bms_is_member(kind->index, session->world->looked_at) || !left->creates ||
			(left->step == 0 && !left->ended) || left->cloud_id == NULL ||
			object_by_cloud_id(kind, left->region, left->cloud_id) != NULL ||
			TimestampDifferenceExceeds(left->at, GetCurrentTimestamp(), iasql_consistency_window))
			continue;
		object = object_new(kind, left->region);
		object->cloud_id = left->cloud_id;
		object->base_created = true;
		object->base_time = left->at;
		object_index(object);
		late = lappend(late, object);
		lefts = lappend(lefts, left);
	}
	cloud_read(session, late);
	forboth(cell, late, other, lefts)
	{
		Object *object = lfirst(cell);

		((Left *) lfirst(other))->late = object_is_late(session, object);
		object->base_created = false;
		object->merged = object->actual == NULL;
	}
}

/* Marks what operations left that are not settled.  After listing, before binding. */
TimestampTz
settle_world(Session *session)
{
	TimestampTz last = 0;
	ListCell *cell;

	session->left = read_left(session);
	read_late(session);
	foreach (cell, session->left)
	{
		Left *left = lfirst(cell);
		Kind *kind = kind_by_name(session->world, left->resource);

		left->open = kind != NULL && !bms_is_member(kind->index, session->world->looked_at);
		if (kind != NULL && !left->open)
		{
			TimestampTz until = settle(kind, left);

			last = Max(last, until);
		}
	}
	return last > GetCurrentTimestamp() ? last : 0;
}

/* Whether a row asks for what a creation may have made. */
static bool
asks_for(const Object *row, const Unsure *unsure)
{
	if (row->desired == NULL || row->frozen != NULL || strcmp(row->region, unsure->region) != 0 ||
		(unsure->row_key != NULL ? strcmp(row->row_key, unsure->row_key) != 0 || row->base_agreed > unsure->at
								 : row->base != NULL || row->actual != NULL))
		return false;
	return strcmp(journal_values(row), unsure->values) == 0;
}

/* A listed object that a creation in doubt may have made; NULL: none. */
static Object *
maybe_made(Kind *kind, const Unsure *unsure)
{
	ListCell *cell;

	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);

		if (object->desired == NULL && object->base == NULL && object->actual != NULL && !object->leaving &&
			!object->ours && strcmp(object->region, unsure->region) == 0 && looks_as(object, unsure->values, false))
			return object;
	}
	return NULL;
}

void
settle_unsure(Session *session, Kind *kind)
{
	ListCell *cell;

	foreach (cell, kind->unsure)
	{
		const Unsure *unsure = lfirst(cell);
		Object *row = NULL;
		Object *made;
		ListCell *other;

		foreach (other, kind->objects)
			if (row == NULL && asks_for(lfirst(other), unsure))
				row = lfirst(other);
		/* by a sync a row follows the object that it has */
		if (row == NULL || (row->actual != NULL && is_sync(session)))
			continue;
		made = unsure->late ? NULL : maybe_made(kind, unsure);
		if (made != NULL)
			object_bind_instead(row, made);
		else if (unsure->until > GetCurrentTimestamp())
			row->frozen = unsure->late ? unsure->late
									   : "it may have been created by a call whose answer was lost; see iasql_unsure";
	}
}

bool
settle_was_ending(const Session *session, const Object *object)
{
	ListCell *cell;

	foreach (cell, session->left)
	{
		const Left *left = lfirst(cell);
		bool deletes = strcmp(left->action, "delete") == 0;

		if ((deletes || strcmp(left->action, "replace") == 0) && strcmp(left->resource, object->kind->res->name) == 0 &&
			strcmp(left->region, object->region) == 0 &&
			((object->row_key != NULL && left->row_key != NULL && strcmp(left->row_key, object->row_key) == 0) ||
			 (deletes && object->cloud_id != NULL && left->cloud_id != NULL &&
			  strcmp(left->cloud_id, object->cloud_id) == 0)))
			return true;
	}
	return false;
}

/* Whether row and state hold what an action left, or it is not there any more. */
static bool
is_closed(Session *session, const Left *left)
{
	Kind *kind = kind_by_name(session->world, left->resource);
	Object *object = left->object;
	const char *why;

	if (kind == NULL)
		return true;
	if (left->open || kind->frozen || (object == NULL && !kind_listed(kind, left->region, NULL, &why)))
		return false;
	if (object == NULL)
		return true;
	/* binding may have given it to a row's Object */
	if (object->actual == NULL && object->cloud_id != NULL)
		object = object_by_cloud_id(kind, left->region, object->cloud_id);
	return object == NULL || object->base != NULL || !left->creates ||
		   (object->action != NULL && object->action->kind == ACTION_DELETE && object->action->state == ACTION_DONE);
}

void
settle_close(Session *session, bool whole)
{
	List *operations = NIL; /* of Left: one of each that is closed */
	const Left *last = NULL;
	bool closed = true;
	ListCell *cell;

	if (whole && session->operation != 0)
		journal_witness(session, session->operation);
	foreach (cell, session->left)
	{
		const Left *left = lfirst(cell);

		if (last != NULL && last->operation != left->operation)
		{
			if (closed)
				operations = lappend(operations, (void *) last);
			closed = true;
		}
		closed = closed && is_closed(session, left);
		last = left;
	}
	if (last != NULL && closed)
		operations = lappend(operations, (void *) last);
	foreach (cell, operations)
		journal_witness(session, ((const Left *) lfirst(cell))->operation);
}
