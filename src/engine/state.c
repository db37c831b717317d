/*
 * state.c
 *	  What row and cloud agreed on last (iasql_state), and what hangs on it:
 *	  shared attributes and tombstones.  Read and written as the extension's
 *	  owner, one statement for all objects.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
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

/* ----------------------------------------------------------------- values */

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

/* What iasql_state keeps of values as one number, never 0: columns and texts, secrets left out. */
static uint64
values_digest(const Kind *kind, const Value *values)
{
	uint64 digest = 0;

	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		const char *text = agreed_text(attr, &values[i]);

		if (text == NULL || (attr->flags & ATTR_SECRET))
			continue;
		digest = hash_bytes_extended((const unsigned char *) attr->column, strlen(attr->column), digest);
		if (!value_unheld(attr, &values[i]))
			digest = hash_bytes_extended((const unsigned char *) text, strlen(text), digest);
	}
	return digest != 0 ? digest : 1;
}

/* ---------------------------------------------------------------- reading */

static char *
field(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
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
				lasting_text(kind->world, desired ? desired[attribute].text : NULL, v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE && attribute >= 0)
			values[attribute].unheld = true;
	}
	return values;
}

/* One entry but for its base: resource, row_key, region, cloud_id, created, created_at, protected, agreed_at, item, digest. */
static void
read_entry(void *arg, HeapTuple tuple, TupleDesc desc, Datum *values, bool *nulls)
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
	object->base_region = lasting_text(world, object->region, region, strlen(region));
	if (!nulls[3])
	{
		char *id = TextDatumGetCString(values[3]);
		bool shown = object->desired != NULL && kind->id_attribute >= 0;

		object->cloud_id = lasting_text(world, shown ? object->desired[kind->id_attribute].text : NULL, id, strlen(id));
	}
	object->base_created = DatumGetBool(values[4]);
	object->base_time = nulls[5] ? 0 : DatumGetTimestampTz(values[5]);
	object->base_protected = DatumGetBool(values[6]);
	object->base_agreed = DatumGetTimestampTz(values[7]);
	if (!nulls[8])
		object->kept = world_jsonb(world, DatumGetJsonbP(values[8]));
	object->base_digest = nulls[9] ? 0 : DatumGetInt64(values[9]);
	object_index(object);
}

/* Whether a row says what base does not keep, or what is led to Objects in another way than base. */
static bool
says_more(const Object *object)
{
	for (int i = 0; i < object->kind->nattributes; i++)
	{
		const Attribute *attr = &object->kind->res->attributes[i];

		if (object->desired[i].text != NULL && ((attr->flags & ATTR_SECRET) || attr->form == FORM_IDS))
			return true;
	}
	return object->nparts > 0;
}

/* Whether the row says what base does, by base's digest; not so where it refers to what AWS has not got. */
static bool
row_is_base(Session *session, Object *object)
{
	const Kind *kind = object->kind;

	if (object->desired == NULL || object->base_digest == 0 || says_more(object))
		return false;
	object_refresh(session, object);
	for (int i = 0; i < kind->nattributes; i++)
		if (object->desired[i].text != NULL && *object->desired[i].text == '\0')
			return false;
	return values_digest(kind, object->desired) == object->base_digest;
}

/* Objects that an entry was read for, and not its base, which their rows do not tell. */
static List *
without_base(Session *session)
{
	World *world = session->world;
	List *objects = NIL;

	for (int k = 0; k < world->nkinds; k++)
	{
		ListCell *cell;

		foreach (cell, world->kinds[k]->objects)
		{
			Object *object = lfirst(cell);

			if (object->base_region == NULL)
				continue;
			if (row_is_base(session, object))
				object->base = object->desired;
			else
				objects = lappend(objects, object);
		}
	}
	return objects;
}

/* Reads the base of up to BATCH objects. */
static void
read_bases(Session *session, const List *objects, int from)
{
	int n = Min(list_length(objects) - from, BATCH);
	const char **resources = palloc(sizeof(char *) * n);
	const char **row_keys = palloc(sizeof(char *) * n);
	const Oid types[] = {INT4OID, TEXTARRAYOID, TEXTARRAYOID};
	Datum values[lengthof(types)] = {Int32GetDatum(session->workspace)};
	SPITupleTable *table;

	for (int i = 0; i < n; i++)
	{
		const Object *object = list_nth(objects, from + i);

		resources[i] = object->kind->res->name;
		row_keys[i] = object->row_key;
	}
	values[1] = text_array(resources, n);
	values[2] = text_array(row_keys, n);
	run_sql(SPI_OK_SELECT,
			psprintf("SELECT o.n::integer, s.base FROM unnest($2, $3) WITH ORDINALITY AS o (resource, row_key, n) "
					 "JOIN %siasql_state s ON s.workspace = $1 AND s.resource = o.resource AND s.row_key = o.row_key",
					 session->ext),
			lengthof(types), types, values);
	table = SPI_tuptable;
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		bool null;
		int i = DatumGetInt32(SPI_getbinval(table->vals[row], table->tupdesc, 1, &null));
		Jsonb *base = DatumGetJsonbP(SPI_getbinval(table->vals[row], table->tupdesc, 2, &null));
		Object *object = list_nth(objects, from + i - 1);

		object->base = read_base(object->kind, object->desired, base);
		object_index(object);
	}
	SPI_freetuptable(table);
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
 * not yet led to Objects; but of rows that say what base does, which are most,
 * base is not read: it is what they say.
 */
void
state_read(Session *session)
{
	List *objects;
	SavedUser saved;
	int nest;

	begin_own(session, &saved, &nest);
	query_rows(psprintf("SELECT resource, row_key, region, cloud_id, created, created_at, protected, agreed_at, item, "
						"digest FROM %siasql_state WHERE workspace = %d",
						session->ext, session->workspace),
			   read_entry, session->world);
	end_own(saved, nest);
	objects = without_base(session);
	begin_own(session, &saved, &nest);
	for (int from = 0; from < list_length(objects); from += BATCH)
		read_bases(session, objects, from);
	read_shares(session);
	end_own(saved, nest);
	list_free(objects);
}

/* ---------------------------------------------------------------- writing */

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
	const Oid types[] = {INT4OID,	   TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
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
		texts[9][n] = whole ? psprintf(INT64_FORMAT, (int64) values_digest(object->kind, object->base)) : NULL;
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

#define OBJECT_ARRAYS                                                                                                    \
	"unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], "            \
	"$10::text[], $11::text[]) AS o (resource, row_key, region, cloud_id, base, created, created_at, former_key, item, " \
	"digest)"

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
			"INSERT INTO %siasql_state (workspace, resource, row_key, region, cloud_id, base, digest, item, "
			"created, created_at, agreed_at) "
			"SELECT DISTINCT ON (o.resource, o.row_key) $1, o.resource, o.row_key, o.region, o.cloud_id, "
			"o.base::jsonb, o.digest::bigint, o.item::jsonb, o.created::bool, o.created_at::timestamptz, clock_timestamp() FROM " OBJECT_ARRAYS
			" "
			"ON CONFLICT (workspace, resource, row_key) DO UPDATE SET region = excluded.region, "
			"cloud_id = excluded.cloud_id, base = excluded.base, digest = excluded.digest, item = excluded.item, created = excluded.created, "
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
