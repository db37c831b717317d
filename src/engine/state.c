/*
 * state.c
 *	  What row and cloud agreed on last (iasql_state), and what hangs on it:
 *	  shared attributes and tombstones.  Read and written as the extension's
 *	  owner, one statement for all objects.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "engine/spi.h"
#include "engine/engine.h"

/* Rows of one statement that writes. */
#define BATCH 10000

/* Entries of the audit log that one apply deletes at most. */
#define EXPIRED_AT_ONCE 100000

static void
begin_own(const Session *session, SavedUser *saved, int *nest)
{
	*nest = pin_settings();
	*saved = become_owner(session);
	SPI_connect();
}

static void
end_own(SavedUser saved, int nest)
{
	SPI_finish();
	become_caller(saved);
	unpin_settings(nest);
}

/* ---------------------------------------------------------------- reading */

static char *
field(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

/* A text that lasts as long as the world: the row's own where it is the same, which it is as a rule. */
static const char *
lasting_text(Kind *kind, const char *same, const char *text, Size len)
{
	if (same != NULL && strncmp(same, text, len) == 0 && same[len] == '\0')
		return same;
	return world_text(kind->world, text, len);
}

/*
 * The stored {column: text} as Values; null is what the row could not hold.  A
 * column that is no attribute any more is passed over.
 */
static Value *
read_base(Kind *kind, const Value *desired, Jsonb *base)
{
	Value *values = world_alloc(kind->world, sizeof(Value) * kind->nattributes);
	JsonbIterator *it = JsonbIteratorInit(&base->root);
	JsonbValue v;
	JsonbIteratorToken token;
	int attribute = -1;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			attribute = attribute_index(kind->res, v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE && attribute >= 0 && v.type == jbvString)
			values[attribute].text =
				lasting_text(kind, desired ? desired[attribute].text : NULL, v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE && attribute >= 0)
			values[attribute].unheld = true;
	}
	return values;
}

/* One entry: resource, row_key, region, cloud_id, base, created, created_at, protected, agreed_at, item. */
static void
read_state(void *arg, HeapTuple tuple, TupleDesc desc, Datum *values, bool *nulls)
{
	World *world = arg;
	Kind *kind = kind_by_name(world, TextDatumGetCString(values[0]));
	char *row_key = TextDatumGetCString(values[1]);
	char *region = TextDatumGetCString(values[2]);
	Object *object;

	if (kind == NULL)
		return;
	object = object_by_row_key(kind, row_key);
	if (object == NULL)
	{
		object = object_new(kind, region);
		object->row_key = world_text(world, row_key, strlen(row_key));
	}
	object->base_region = lasting_text(kind, object->region, region, strlen(region));
	object->base = read_base(kind, object->desired, DatumGetJsonbP(values[4]));
	if (!nulls[3])
	{
		char *id = TextDatumGetCString(values[3]);

		object->cloud_id =
			lasting_text(kind, kind->id_attribute >= 0 ? object->base[kind->id_attribute].text : NULL, id, strlen(id));
	}
	object->base_created = DatumGetBool(values[5]);
	object->base_time = nulls[6] ? 0 : DatumGetTimestampTz(values[6]);
	object->base_protected = DatumGetBool(values[7]);
	object->base_agreed = DatumGetTimestampTz(values[8]);
	if (!nulls[9])
		object->kept = world_jsonb(world, DatumGetJsonbP(values[9]));
	object_index(object);
}

/* Attributes that iasql_share() gave away, of one row or of all. */
static void
read_shares(Session *session)
{
	World *world = session->world;
	const Oid types[] = {INT4OID};
	const Datum values[] = {Int32GetDatum(session->workspace)};

	run_sql(SPI_OK_SELECT,
			psprintf("SELECT resource, column_name, row_key FROM %siasql_share WHERE workspace = $1", session->ext), 1,
			types, values);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		Kind *kind = kind_by_name(world, field(row, 1));
		int attribute = kind ? attribute_index(kind->res, field(row, 2), -1) : -1;
		char *row_key = field(row, 3);
		MemoryContext spi = MemoryContextSwitchTo(world->memory);
		ListCell *cell;

		if (attribute >= 0 && row_key != NULL)
		{
			Object *object = object_by_row_key(kind, row_key);

			if (object != NULL)
				object->shared = bms_add_member(object->shared, attribute);
		}
		else if (attribute >= 0)
			foreach (cell, kind->objects)
				((Object *) lfirst(cell))->shared = bms_add_member(((Object *) lfirst(cell))->shared, attribute);
		MemoryContextSwitchTo(spi);
	}
}

/*
 * Reads the state of all kinds into the Objects of their rows, and makes
 * Objects for entries without a row.  The texts of references are cloud ids,
 * not yet led to Objects.
 */
void
state_read(Session *session)
{
	SavedUser saved;
	int nest;

	begin_own(session, &saved, &nest);
	query_rows(psprintf("SELECT resource, row_key, region, cloud_id, base, created, created_at, protected, agreed_at, "
						"item FROM %siasql_state WHERE workspace = %d",
						session->ext, session->workspace),
			   read_state, session->world);
	read_shares(session);
	end_own(saved, nest);
}

/* ---------------------------------------------------------------- writing */

/* The cloud id text of a reference, now that it may be known. */
static const char *
agreed_text(const Attribute *attr, const Value *value)
{
	List *ids = NIL;

	if (value->nrefs == 0 || (attr->form != FORM_REF && attr->form != FORM_JOIN))
		return value->text;
	for (int i = 0; i < value->nrefs; i++)
		if (value->refs[i]->cloud_id != NULL)
			ids = lappend(ids, unconstify(char *, value->refs[i]->cloud_id));
	if (ids == NIL)
		return NULL;
	return attr->form == FORM_REF ? linitial(ids) : sorted_json_array(ids);
}

static char *
base_json(const Object *object)
{
	const Kind *kind = object->kind;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; object->base != NULL && i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		const char *text = agreed_text(attr, &object->base[i]);

		if (text == NULL || (attr->flags & ATTR_SECRET))
			continue;
		if (json.len > 1)
			appendStringInfoString(&json, ", ");
		json_append_string(&json, attr->column, strlen(attr->column));
		appendStringInfoString(&json, ": ");
		if (value_unheld(attr, &object->base[i]))
			appendStringInfoString(&json, "null");
		else
			json_append_string(&json, text, strlen(text));
	}
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* One statement over parallel arrays of the objects' resource, row_key and more. */
static void
write_batch(Session *session, int expected, const char *sql, const List *objects, int from, int to, bool whole)
{
	const Oid types[] = {INT4OID,	   TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
						 TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID};
	const char **texts[lengthof(types) - 1];
	Datum values[lengthof(types)];
	int n = 0;

	for (size_t c = 0; c < lengthof(texts); c++)
		texts[c] = palloc(sizeof(char *) * (to - from));
	for (int i = from; i < to; i++)
	{
		Object *object = list_nth(objects, i);

		Assert(!whole || object->base != NULL);
		if (object->row_key == NULL)
			continue;
		texts[0][n] = object->kind->res->name;
		texts[1][n] = object->row_key;
		texts[2][n] = object->region;
		texts[3][n] = object->cloud_id;
		texts[4][n] = whole ? base_json(object) : NULL;
		texts[5][n] = object->base_created ? "true" : "false";
		texts[6][n] = object->base_time ? timestamptz_to_str(object->base_time) : NULL;
		if (texts[6][n] != NULL)
			texts[6][n] = pstrdup(texts[6][n]);
		texts[7][n] = object->former_key;
		texts[8][n] = NULL;
		if (whole && object->kind->res->versioned && object->item != NULL)
			texts[8][n] = JsonbToCString(NULL, &object->item->root, VARSIZE(object->item));
		n++;
	}
	values[0] = Int32GetDatum(session->workspace);
	for (size_t c = 0; c < lengthof(texts); c++)
		values[c + 1] = text_array(texts[c], n);
	if (n > 0)
		run_sql(expected, sql, lengthof(types), types, values);
}

static void
write_all(Session *session, int expected, const char *sql, const List *objects, bool whole)
{
	int n = list_length(objects);
	SavedUser saved;
	int nest;

	if (n == 0)
		return;
	begin_own(session, &saved, &nest);
	for (int from = 0; from < n; from += BATCH)
		write_batch(session, expected, sql, objects, from, Min(from + BATCH, n), whole);
	end_own(saved, nest);
}

#define OBJECT_ARRAYS                                                                                         \
	"unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], " \
	"$10::text[]) AS o (resource, row_key, region, cloud_id, base, created, created_at, former_key, item)"

/* What is kept under a row's key, protection and shares too, goes along with a row that was renamed. */
static void
write_renamed(Session *session, List *objects)
{
	List *renamed = NIL;
	ListCell *cell;

	foreach (cell, objects)
		if (((Object *) lfirst(cell))->former_key != NULL)
			renamed = lappend(renamed, lfirst(cell));
	write_forgotten(session, renamed);
	write_all(session, SPI_OK_UPDATE,
			  psprintf("UPDATE %siasql_state s SET row_key = o.row_key FROM " OBJECT_ARRAYS
					   " WHERE s.workspace = $1 AND "
					   "s.resource = o.resource AND s.row_key = o.former_key",
					   session->ext),
			  renamed, false);
	write_all(session, SPI_OK_INSERT,
			  psprintf("WITH moved AS (DELETE FROM %1$siasql_share s USING " OBJECT_ARRAYS
					   " WHERE s.workspace = $1 AND "
					   "s.resource = o.resource AND s.row_key = o.former_key "
					   "RETURNING s.resource, s.column_name, o.row_key) "
					   "INSERT INTO %1$siasql_share (workspace, resource, column_name, row_key) "
					   "SELECT $1, m.* FROM moved m ON CONFLICT DO NOTHING",
					   session->ext),
			  renamed, false);
}

/*
 * Stores what row and cloud agree on: Object.base with its cloud id, region
 * and origin.  Protection stays as it was.  Objects without row_key have no
 * row yet, and no state.
 */
void
write_base(Session *session, List *objects)
{
	write_renamed(session, objects);
	write_all(
		session, SPI_OK_INSERT,
		psprintf(
			"INSERT INTO %siasql_state (workspace, resource, row_key, region, cloud_id, base, item, created, "
			"created_at, agreed_at) "
			"SELECT DISTINCT ON (o.resource, o.row_key) $1, o.resource, o.row_key, o.region, o.cloud_id, "
			"o.base::jsonb, o.item::jsonb, o.created::bool, o.created_at::timestamptz, clock_timestamp() FROM " OBJECT_ARRAYS
			" "
			"ON CONFLICT (workspace, resource, row_key) DO UPDATE SET region = excluded.region, "
			"cloud_id = excluded.cloud_id, base = excluded.base, item = excluded.item, created = excluded.created, "
			"created_at = excluded.created_at, agreed_at = excluded.agreed_at",
			session->ext),
		objects, true);
}

void
write_forgotten(Session *session, List *objects)
{
	write_all(session, SPI_OK_DELETE,
			  psprintf("DELETE FROM %siasql_state s USING " OBJECT_ARRAYS " WHERE s.workspace = $1 AND "
					   "s.resource = o.resource AND s.row_key = o.row_key",
					   session->ext),
			  objects, false);
}

/* The log is in the order of its ids, so that only its start has to be looked at. */
void
audit_expire(Session *session)
{
	const Oid types[] = {INT4OID};
	const Datum values[] = {Int32GetDatum(iasql_audit_retention)};
	SavedUser saved;
	int nest;

	if (iasql_audit_retention == 0)
		return;
	begin_own(session, &saved, &nest);
	run_sql(
		SPI_OK_DELETE,
		psprintf("DELETE FROM %1$siasql_audit_log l USING (SELECT id FROM %1$siasql_audit_log ORDER BY id LIMIT %2$d) o"
				 " WHERE l.id = o.id AND l.ts < clock_timestamp() - make_interval(mins => $1)",
				 session->ext, EXPIRED_AT_ONCE),
		1, types, values);
	end_own(saved, nest);
}

/* ------------------------------------------------------------- tombstones */

/* Notes that we deleted objects, so that a list that lags does not bring them back. */
void
state_tombstones(Session *session, const List *objects)
{
	const Oid types[] = {INT4OID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID};
	const char **texts[3];
	Datum values[4] = {Int32GetDatum(session->workspace)};
	int n = 0;
	SavedUser saved;
	int nest;
	ListCell *cell;

	for (int c = 0; c < 3; c++)
		texts[c] = palloc(sizeof(char *) * (list_length(objects) + 1));
	foreach (cell, objects)
	{
		const Object *object = lfirst(cell);

		if (object->cloud_id == NULL)
			continue;
		texts[0][n] = object->kind->res->name;
		texts[1][n] = object->region;
		texts[2][n++] = object->cloud_id;
	}
	if (n == 0)
		return;
	for (int c = 0; c < 3; c++)
		values[c + 1] = text_array(texts[c], n);
	begin_own(session, &saved, &nest);
	run_sql(SPI_OK_DELETE,
			psprintf("DELETE FROM %siasql_tombstone WHERE deleted_at < clock_timestamp() - interval '1 hour'",
					 session->ext),
			0, NULL, NULL);
	run_sql(SPI_OK_INSERT,
			psprintf("INSERT INTO %siasql_tombstone (workspace, resource, region, cloud_id, deleted_at) "
					 "SELECT DISTINCT $1, o.*, clock_timestamp() FROM unnest($2, $3, $4) o "
					 "ON CONFLICT (workspace, resource, region, cloud_id) DO UPDATE SET deleted_at = "
					 "excluded.deleted_at",
					 session->ext),
			4, types, values);
	end_own(saved, nest);
}

/* What tells tombstones apart, as one text. */
static char *
tombstone_name(const char *resource, const char *region, const char *cloud_id)
{
	return psprintf("%s\n%s\n%s", resource, region, cloud_id);
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

static void
read_tombstones(Session *session)
{
	World *world = session->world;
	const Oid types[] = {INT4OID};
	const Datum values[] = {Int32GetDatum(session->workspace)};
	SavedUser saved;
	int nest;

	world->tombstones_read = true;
	begin_own(session, &saved, &nest);
	run_sql(SPI_OK_SELECT,
			psprintf("SELECT resource, region, cloud_id FROM %siasql_tombstone WHERE workspace = $1 AND "
					 "deleted_at >= clock_timestamp() - interval '1 hour'",
					 session->ext),
			1, types, values);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		char *name = tombstone_name(field(row, 1), field(row, 2), field(row, 3));
		MemoryContext spi = MemoryContextSwitchTo(world->memory);

		world->tombstones = lappend(world->tombstones, pstrdup(name));
		MemoryContextSwitchTo(spi);
	}
	end_own(saved, nest);
	list_sort(world->tombstones, compare_names);
}

/*
 * Whether we deleted this object within the last hour.  The tombstones are
 * read once in an operation, sorted, and searched by halving.
 */
bool
state_is_tombstone(Session *session, const Kind *kind, const char *region, const char *cloud_id)
{
	World *world = session->world;
	char *name;
	int low = 0;
	int high;

	if (!world->tombstones_read)
		read_tombstones(session);
	high = list_length(world->tombstones);
	if (high == 0)
		return false;
	name = tombstone_name(kind->res->name, kind->has_region ? region : "", cloud_id);
	while (low < high)
	{
		int middle = low + (high - low) / 2;
		int order = strcmp(name, list_nth(world->tombstones, middle));

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}
