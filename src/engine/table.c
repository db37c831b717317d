/*
 * table.c
 *	  Rows of the module tables, as Objects.
 *
 * Each table is read once, by a cursor, every column as its canonical text.
 * Rows are read with the caller's rights.  Where row-level security applies
 * to the caller, keys are read again as the table's owner: a row that is only
 * hidden must not be taken for one that was deleted.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rls.h"

#include "engine/spi.h"
#include "engine/engine.h"

#define FETCH_ROWS 1000

/* ----------------------------------------------------------------- values */

void
column_select(StringInfo sql, const Kind *kind, int attribute, int k)
{
	const Attribute *attr = &kind->res->attributes[attribute];
	const char *column = quote_identifier(attr->column);
	Oid type = kind->type[attribute];

	switch (attr->form)
	{
		case FORM_REF:
			appendStringInfo(sql, "t.%s::pg_catalog.text", quote_identifier(kind->fk[attribute].column[k]));
			break;
		case FORM_SET:
		case FORM_IDS:
			appendStringInfo(sql, "t.%s::pg_catalog.text[]", column);
			break;
		case FORM_MAP:
		case FORM_JSON:
		case FORM_POLICY:
			if (type == JSONBOID)
				appendStringInfo(sql, "t.%s", column);
			else if (type == JSONOID)
				appendStringInfo(sql, "t.%s::pg_catalog.jsonb", column);
			else
				appendStringInfo(sql, "CASE WHEN t.%1$s OPERATOR(pg_catalog.<>) '' THEN t.%1$s::pg_catalog.jsonb END",
								 column);
			break;
		default:
			appendStringInfo(sql, "t.%s::pg_catalog.text", column);
			break;
	}
}

/* The texts of an array, as the one text of a set. */
static const char *
array_text(Datum value)
{
	List *texts = NIL;
	Datum *elements;
	bool *nulls;
	int n;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i] && VARSIZE_ANY_EXHDR(DatumGetPointer(elements[i])) > 0)
			texts = lappend(texts, TextDatumGetCString(elements[i]));
	return sorted_json_array(texts);
}

/*
 * The canonical text of what column_select gave, palloc'd; NULL for what
 * counts as no value.  Not for references.
 */
const char *
column_text(const Kind *kind, int attribute, Datum value)
{
	JsonbValue json;
	const char *why;
	char *scalar;

	switch (kind->res->attributes[attribute].form)
	{
		case FORM_SET:
		case FORM_IDS:
			return array_text(value);
		case FORM_MAP:
		case FORM_JSON:
		case FORM_POLICY:
			jsonb_root(DatumGetJsonbP(value), &json);
			return value_from_json(kind, attribute, &json, NULL, &why);
		default:
			scalar = TextDatumGetCString(value);
			return *scalar == '\0' ? NULL : scalar;
	}
}

/* ------------------------------------------------------------------- rows */

/* A reference that waits until the kind that it leads to has been read. */
typedef struct Pending
{
	Object *object;
	int attribute;
	const char *column[2];
} Pending;

static void
freeze_referring(Object *object, const char *column)
{
	object->frozen = MemoryContextStrdup(object->kind->world->memory,
										 psprintf("its \"%s\" refers to no row that you can see", column));
}

/* Leads a reference to its Object; one that leads nowhere is to a row that the caller may not see, or breaks a deferred key. */
static void
resolve(Object *object, int attribute, const char *const *texts)
{
	const Kind *kind = object->kind;
	World *world = kind->world;
	Kind *referred = kind_by_name(world, kind->res->attributes[attribute].refers);
	Value *value = &object->desired[attribute];
	Object *target = referred == NULL ? NULL
									  : object_by_row(referred, kind->fk[attribute].n, kind->fk[attribute].referred,
													  texts, object->region);

	value->text = "";
	if (target == NULL)
	{
		freeze_referring(object, kind->res->attributes[attribute].column);
		return;
	}
	value->refs = world_alloc(world, sizeof(Object *));
	value->refs[0] = target;
	value->nrefs = 1;
}

/* The text of a primary key: a JSON array of its values' texts. */
static char *
row_key(const Kind *kind, HeapTuple tuple, TupleDesc desc)
{
	StringInfoData key;

	initStringInfo(&key);
	for (int k = 0; k < kind->key_columns; k++)
	{
		char *text = SPI_getvalue(tuple, desc, k + 1);

		appendStringInfoString(&key, k == 0 ? "[" : ", ");
		json_append_string(&key, text, strlen(text));
	}
	appendStringInfoChar(&key, ']');
	return key.data;
}

/* Sets what a row's key says of its Object; the key columns come first in the tuple, then the region. */
void
object_set_row(Object *object, HeapTuple tuple, TupleDesc desc)
{
	const Kind *kind = object->kind;
	char *key = row_key(kind, tuple, desc);

	object->row_key = world_text(kind->world, key, strlen(key));
	if (kind->has_id)
		object->row_id = strtoll(SPI_getvalue(tuple, desc, 1), NULL, 10);
}

/* "k1::text, k2::text, region" of a kind's table */
void
key_select(StringInfo sql, const Kind *kind)
{
	for (int k = 0; k < kind->key_columns; k++)
		appendStringInfo(sql, "%st.%s::pg_catalog.text", k ? ", " : "", quote_identifier(kind->key_column[k]));
	appendStringInfoString(sql, kind->has_region ? ", t.region::pg_catalog.text" : ", ''::pg_catalog.text");
}

static const char *
tuple_text(World *world, Datum value)
{
	text *packed = DatumGetTextPP(value);

	return world_text(world, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
}

/* By what a row is named in Session.refused. */
static char *
refused_name(const Object *object)
{
	return psprintf("%s %s", object->kind->res->name, object->row_key);
}

static bool
is_refused(const List *refused, const Object *object)
{
	char *name = refused ? refused_name(object) : NULL;
	ListCell *cell;

	foreach (cell, refused)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

static void
read_row(Kind *kind, HeapTuple tuple, TupleDesc desc, Datum *values, bool *nulls, MemoryContext lasting, List **pending,
		 const List *refused)
{
	World *world = kind->world;
	int at = kind->key_columns;
	char *region = TextDatumGetCString(values[at++]);
	Object *object = object_new(kind, region);

	object_set_row(object, tuple, desc);
	object->row_xmin = DatumGetTransactionId(values[at++]);
	object->row_tid = *(ItemPointer) DatumGetPointer(values[at++]);
	if (!object_is_enabled(object))
		object->frozen = "its region is not enabled";
	else if (is_refused(refused, object))
		object->frozen = "row-level security does not let you change its row";
	object->desired = world_alloc(world, sizeof(Value) * kind->nattributes);
	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];

		if (kind->child[i] != NULL)
			continue;
		if (attr->form == FORM_REF)
		{
			Kind *referred = kind_by_name(world, attr->refers);
			const char *texts[2];
			bool null = false;

			for (int k = 0; k < kind->fk[i].n; k++, at++)
			{
				null |= nulls[at];
				texts[k] = nulls[at] ? NULL : TextDatumGetCString(values[at]);
			}
			if (!null && referred != NULL && referred->index < kind->index)
				resolve(object, i, texts);
			else if (!null)
			{
				Pending *wait;
				MemoryContext old = MemoryContextSwitchTo(lasting);

				wait = palloc(sizeof(Pending));
				wait->object = object;
				wait->attribute = i;
				for (int k = 0; k < kind->fk[i].n; k++)
					wait->column[k] = pstrdup(texts[k]);
				*pending = lappend(*pending, wait);
				MemoryContextSwitchTo(old);
			}
			continue;
		}
		if (nulls[at])
			;
		else if (attr->form == FORM_SCALAR)
		{
			if (VARSIZE_ANY_EXHDR(DatumGetPointer(values[at])) > 0)
				object->desired[i].text = tuple_text(world, values[at]);
		}
		else
		{
			const char *text = column_text(kind, i, values[at]);

			if (text != NULL)
				object->desired[i].text = world_text(world, text, strlen(text));
		}
		at++;
	}
}

/* Runs a query by cursor and gives each row to 'reader', in a memory context that is reset after each batch. */
void
query_rows(const char *sql, RowReader reader, void *arg)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "iasql rows", ALLOCSET_DEFAULT_SIZES);
	Portal portal;

	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, sql, 0, NULL, NULL, NULL, false, CURSOR_OPT_NO_SCROLL);
	for (;;)
	{
		SPITupleTable *table;
		TupleDesc desc;
		MemoryContext spi;
		Datum *values;
		bool *nulls;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		table = SPI_tuptable;
		desc = table->tupdesc;
		spi = MemoryContextSwitchTo(scratch);
		values = palloc(sizeof(Datum) * desc->natts);
		nulls = palloc(sizeof(bool) * desc->natts);
		for (uint64 row = 0; row < table->numvals; row++)
		{
			heap_deform_tuple(table->vals[row], desc, values, nulls);
			reader(arg, table->vals[row], desc, values, nulls);
		}
		MemoryContextSwitchTo(spi);
		MemoryContextReset(scratch);
		SPI_freetuptable(table);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	MemoryContextDelete(scratch);
}

/* What the readers below work on. */
typedef struct Reading
{
	Kind *kind;
	int attribute; /* of the carrier, for a child table */
	MemoryContext lasting;
	List *pending;
	const List *refused; /* Session.refused */
	Object *carrier;	 /* of the last child row */
	List *rows;			 /* PARTS: of PartRow, of this carrier; JOIN: of Object */
} Reading;

static void
read_kind_row(void *arg, HeapTuple tuple, TupleDesc desc, Datum *values, bool *nulls)
{
	Reading *reading = arg;

	read_row(reading->kind, tuple, desc, values, nulls, reading->lasting, &reading->pending, reading->refused);
}

static void
read_hidden_row(void *arg, HeapTuple tuple, TupleDesc desc, Datum *values, bool *nulls)
{
	Reading *reading = arg;
	Kind *kind = reading->kind;
	Object *object;

	if (object_by_row_key(kind, row_key(kind, tuple, desc)) != NULL)
		return;
	object = object_new(kind, TextDatumGetCString(values[kind->key_columns]));
	object_set_row(object, tuple, desc);
	object->row_hidden = true;
	object->frozen = "row-level security hides its row";
	object_index(object);
}

static void
read_kind(Kind *kind, Reading *reading)
{
	StringInfoData sql;

	reading->kind = kind;
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	key_select(&sql, kind);
	appendStringInfoString(&sql, ", t.xmin, t.ctid");
	for (int i = 0; i < kind->nattributes; i++)
	{
		int n = kind->res->attributes[i].form == FORM_REF ? kind->fk[i].n : 1;

		for (int k = 0; k < n && kind->child[i] == NULL; k++)
		{
			appendStringInfoString(&sql, ", ");
			column_select(&sql, kind, i, k);
		}
	}
	appendStringInfo(&sql, " FROM %s t", kind->qualified);
	query_rows(sql.data, read_kind_row, reading);

	if (check_enable_rls(kind->table, InvalidOid, true) == RLS_ENABLED)
	{
		SavedUser saved;

		resetStringInfo(&sql);
		appendStringInfoString(&sql, "SELECT ");
		key_select(&sql, kind);
		appendStringInfo(&sql, " FROM %s t", kind->qualified);
		saved = become_table_owner(kind->table);
		query_rows(sql.data, read_hidden_row, reading);
		become_caller(saved);
	}
}

/* ----------------------------------------------------------- riding tables */

/* Gives the rows read for a carrier to it. */
static void
end_carrier(Reading *reading)
{
	Object *carrier = reading->carrier;
	World *world = reading->kind->world;
	Value *value;
	int n = 0;
	ListCell *cell;

	if (carrier == NULL)
		return;
	value = &carrier->desired[reading->attribute];
	if (reading->kind->res->attributes[reading->attribute].form == FORM_JOIN)
	{
		value->refs = world_alloc(world, sizeof(Object *) * list_length(reading->rows));
		foreach (cell, reading->rows)
			value->refs[value->nrefs++] = lfirst(cell);
		value->text = "";
	}
	else
	{
		const Child *child = reading->kind->child[reading->attribute];

		carrier->nparts = list_length(reading->rows);
		carrier->parts = world_alloc(world, sizeof(PartRow) * carrier->nparts);
		value->refs = world_alloc(world, sizeof(Object *) * carrier->nparts * (child->nrefs + 1));
		foreach (cell, reading->rows)
		{
			PartRow *row = lfirst(cell);

			carrier->parts[n++] = *row;
			for (int i = 0; i < child->nrefs; i++)
				if (row->refs[i] != NULL)
					value->refs[value->nrefs++] = row->refs[i];
		}
	}
	list_free(reading->rows);
	reading->rows = NIL;
	reading->carrier = NULL;
}

/* Columns: the carrier's key, region, each reference's key, for PARTS the row as jsonb. */
static void
read_child_row(void *arg, HeapTuple tuple, TupleDesc desc, Datum *values, bool *nulls)
{
	Reading *reading = arg;
	Kind *kind = reading->kind;
	World *world = kind->world;
	const Child *child = kind->child[reading->attribute];
	const char *texts[2];
	const char *region;
	Object *carrier;
	Object **refs = world_alloc(world, sizeof(Object *) * (child->nrefs + 1));
	int at = 0;
	MemoryContext old;

	for (int k = 0; k < child->carrier.n; k++, at++)
	{
		if (nulls[at])
			return;
		texts[k] = TextDatumGetCString(values[at]);
	}
	region = TextDatumGetCString(values[at++]);
	carrier = object_by_row(kind, child->carrier.n, child->carrier.referred, texts, region);
	if (carrier == NULL || carrier->desired == NULL)
		return;
	if (carrier != reading->carrier)
		end_carrier(reading);
	reading->carrier = carrier;
	for (int i = 0; i < child->nrefs; i++)
	{
		bool null = false;

		for (int k = 0; k < child->ref[i].n; k++, at++)
		{
			null |= nulls[at];
			texts[k] = nulls[at] ? NULL : TextDatumGetCString(values[at]);
		}
		if (null)
			continue;
		refs[i] = object_by_row(kind_by_name(world, child->refers[i]), child->ref[i].n, child->ref[i].referred, texts,
								region);
		if (refs[i] == NULL)
			freeze_referring(carrier, child->ref_column[i]);
	}
	old = MemoryContextSwitchTo(reading->lasting);
	if (kind->res->attributes[reading->attribute].form == FORM_PARTS)
	{
		PartRow *row = palloc(sizeof(PartRow));

		row->refs = refs;
		row->row = DatumGetJsonbPCopy(values[at]);
		reading->rows = lappend(reading->rows, row);
	}
	else if (refs[0] != NULL)
		reading->rows = lappend(reading->rows, refs[0]);
	MemoryContextSwitchTo(old);
}

/* Reads a join or child table, its rows grouped by carrier. */
static void
read_child(Kind *kind, int attribute, MemoryContext lasting)
{
	const Child *child = kind->child[attribute];
	const Attribute *attr = &kind->res->attributes[attribute];
	Reading reading = {.kind = kind, .attribute = attribute, .lasting = lasting};
	StringInfoData sql;
	StringInfoData order;

	if (check_enable_rls(child->table, InvalidOid, true) == RLS_ENABLED)
	{
		kind->frozen = true;
		kind->why = psprintf("row-level security may hide rows of %s", child->qualified);
	}
	initStringInfo(&sql);
	initStringInfo(&order);
	appendStringInfoString(&sql, "SELECT ");
	for (int k = 0; k < child->carrier.n; k++)
	{
		appendStringInfo(&sql, "t.%s::text, ", quote_identifier(child->carrier.column[k]));
		appendStringInfo(&order, "t.%s, ", quote_identifier(child->carrier.column[k]));
	}
	appendStringInfoString(&sql, child->has_region ? "t.region::text" : "''::text");
	appendStringInfoString(&order, child->has_region ? "t.region, " : "");
	for (int i = 0; i < child->nrefs; i++)
		for (int k = 0; k < child->ref[i].n; k++)
			appendStringInfo(&sql, ", t.%s::text", quote_identifier(child->ref[i].column[k]));
	if (attr->form == FORM_PARTS)
	{
		appendStringInfoString(&sql, ", to_jsonb(t)");
		appendStringInfo(&order, "t.%s", quote_identifier(attr->parts->key));
	}
	else
		appendStringInfo(&order, "t.%s", quote_identifier(child->ref[0].column[0]));
	appendStringInfo(&sql, " FROM %s t ORDER BY %s", child->qualified, order.data);
	query_rows(sql.data, read_child_row, &reading);
	end_carrier(&reading);
}

/* Arrays of cloud ids: to the rows that have them; others stay texts. */
static void
resolve_ids(Kind *kind, int attribute)
{
	Kind *referred = kind_by_name(kind->world, kind->res->attributes[attribute].refers);
	ListCell *cell;

	if (referred == NULL || referred->id_attribute < 0)
		return;
	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);
		Value *value = object->desired ? &object->desired[attribute] : NULL;
		List *ids;
		ListCell *id;

		if (value == NULL || value->text == NULL)
			continue;
		ids = json_array_strings(value->text);
		value->refs = world_alloc(kind->world, sizeof(Object *) * list_length(ids));
		foreach (id, ids)
		{
			Object *target = object_by_attribute(referred, object->region,
												 referred->res->attributes[referred->id_attribute].column, lfirst(id));

			if (target != NULL)
				value->refs[value->nrefs++] = target;
		}
		list_free_deep(ids);
	}
}

/* ------------------------------------------------------------------ entry */

/*
 * Reads the rows of all kinds: Object.desired, row_key and row_id, references
 * led to their Objects, child rows with their carriers.
 */
void
world_read_rows(Session *session)
{
	World *world = session->world;
	MemoryContext old = MemoryContextSwitchTo(session->memory);
	Reading reading = {.lasting = session->memory, .refused = session->refused};
	int nest = pin_settings();
	ListCell *cell;

	for (int k = 0; k < world->nkinds; k++)
		read_kind(world->kinds[k], &reading);
	foreach (cell, reading.pending)
	{
		Pending *wait = lfirst(cell);

		resolve(wait->object, wait->attribute, wait->column);
	}
	list_free_deep(reading.pending);
	for (int k = 0; k < world->nkinds; k++)
		for (int i = 0; i < world->kinds[k]->nattributes; i++)
		{
			if (world->kinds[k]->child[i] != NULL)
				read_child(world->kinds[k], i, session->memory);
			else if (world->kinds[k]->res->attributes[i].form == FORM_IDS)
				resolve_ids(world->kinds[k], i);
		}
	unpin_settings(nest);
	MemoryContextSwitchTo(old);
}

/* ------------------------------------------------------------------ locks */

/* "t.a = (u.k->>0)::type AND …": the columns against a JSON array u.k */
void
match_select(StringInfo sql, int ncolumns, const char *const *columns, const char *const *types)
{
	for (int k = 0; k < ncolumns; k++)
		appendStringInfo(sql, "%st.%s OPERATOR(pg_catalog.=) (u.k OPERATOR(pg_catalog.->>) %d)::%s", k ? " AND " : "",
						 quote_identifier(columns[k]), k, types[k]);
}

/*
 * Locks the rows of these objects, which are of one kind; false if one is not
 * as it was read.  What is not found is gone, or row-level security does not
 * let the caller change it: the next plan leaves it alone.
 */
static bool
lock_rows(Session *session, Kind *kind, const List *objects, const char *strength)
{
	List *missing = list_copy(objects);
	const char **keys = palloc(sizeof(char *) * list_length(objects));
	const Oid types[] = {TEXTARRAYOID};
	Datum values[1];
	StringInfoData sql;
	bool all;
	bool same;
	int n = 0;
	ListCell *cell;

	foreach (cell, objects)
		keys[n++] = ((const Object *) lfirst(cell))->row_key;
	values[0] = text_array(keys, n);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT ");
	key_select(&sql, kind);
	appendStringInfo(&sql, ", t.xmin, t.ctid FROM %s t JOIN unnest($1::jsonb[]) AS u(k) ON ", kind->qualified);
	match_select(&sql, kind->key_columns, kind->key_column, kind->key_type);
	for (int k = 0; k < kind->key_columns; k++)
		appendStringInfo(&sql, "%st.%s", k ? ", " : " ORDER BY ", quote_identifier(kind->key_column[k]));
	appendStringInfo(&sql, " FOR %s OF t", strength);

	SPI_connect();
	run_sql(SPI_OK_SELECT, sql.data, 1, types, values);
	all = SPI_processed == (uint64) n;
	same = all;
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];
		TupleDesc desc = SPI_tuptable->tupdesc;
		Object *object = object_by_row_key(kind, row_key(kind, tuple, desc));
		bool isnull;
		TransactionId xmin = DatumGetTransactionId(SPI_getbinval(tuple, desc, kind->key_columns + 2, &isnull));
		ItemPointer tid = (ItemPointer) DatumGetPointer(SPI_getbinval(tuple, desc, kind->key_columns + 3, &isnull));

		same &= object != NULL && object->row_xmin == xmin && ItemPointerEquals(&object->row_tid, tid);
		if (!all)
			missing = list_delete_ptr(missing, object);
	}
	SPI_finish();
	if (!all && check_enable_rls(kind->table, InvalidOid, true) == RLS_ENABLED)
		foreach (cell, missing)
			session->refused = lappend(session->refused, refused_name(lfirst(cell)));
	return same;
}

/*
 * Locks the rows that a plan writes, and against deletion those that they
 * refer to, so that what was planned is what is done.  False if one of them
 * changed since it was read: the plan is void.
 */
bool
rows_lock(Session *session, const Plan *plan)
{
	World *world = session->world;
	List **written = palloc0(sizeof(List *) * (world->nkinds + 1));
	List **parents = palloc0(sizeof(List *) * (world->nkinds + 1));
	List *actions = list_concat_copy(plan->actions, plan->written);
	int nest = pin_settings();
	bool same = true;
	ListCell *cell;

	foreach (cell, actions)
	{
		Object *object = ((Action *) lfirst(cell))->object;
		Kind *kind = object->kind;

		if (object->desired == NULL || object->row_key == NULL)
			continue;
		written[kind->index] = lappend(written[kind->index], object);
		for (int i = 0; i < kind->nattributes; i++)
			for (int r = 0; r < object->desired[i].nrefs; r++)
			{
				Object *parent = object->desired[i].refs[r];

				if (parent->desired != NULL && parent->action == NULL)
					parents[parent->kind->index] = list_append_unique_ptr(parents[parent->kind->index], parent);
			}
	}
	for (int k = 0; same && k < world->nkinds; k++)
	{
		if (parents[k] != NIL)
		{
			/* as a foreign key does it: the caller need not be allowed to change them */
			SavedUser saved = become_table_owner(world->kinds[k]->table);

			same = lock_rows(session, world->kinds[k], parents[k], "KEY SHARE");
			become_caller(saved);
		}
		if (same && written[k] != NIL)
			same = lock_rows(session, world->kinds[k], written[k], "NO KEY UPDATE");
	}
	unpin_settings(nest);
	return same;
}

/* ------------------------------------------------------------- references */

/* An id that a row holds as text, or the one that the object it names has now. */
static const char *
newest_id(const Value *value, const char *id)
{
	for (int r = 0; r < value->nrefs; r++)
	{
		const Object *referred = value->refs[r];
		const char *text = referred->desired ? referred->desired[referred->kind->id_attribute].text : NULL;

		if (text != NULL && strcmp(text, id) == 0 && referred->cloud_id != NULL)
			return referred->cloud_id;
	}
	return id;
}

/* Whether an object that this one refers to, and cannot leave, is made anew. */
static bool
moves(const Object *object)
{
	for (int i = 0; i < object->kind->nattributes; i++)
		if ((object->kind->res->attributes[i].flags & ATTR_REPLACE) && object_replaced(&object->desired[i]))
			return true;
	return false;
}

/*
 * Sets the text of a desired value.  What was one with it until now still means
 * what the old text does.
 */
static void
set_text(Object *object, int attribute, const char *text)
{
	Value *value = &object->desired[attribute];
	Value old = {.text = value->text};
	bool one = object_is_one(object);

	if (text == old.text || (text != NULL && old.text != NULL && strcmp(text, old.text) == 0))
		return;
	if (object->base == object->desired)
	{
		object_part(object);
		object->base[attribute] = old;
		if (one)
			object->actual[attribute] = old;
	}
	value->text = text;
}

void
object_refresh(const Session *session, Object *object)
{
	Kind *kind = object->kind;

	for (int i = 0; object->desired != NULL && i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		Value *value = &object->desired[i];

		if ((attr->flags & ATTR_INSIDE) && moves(object))
		{
			object_part(object);
			*value = (Value){0};
		}
		else if (attr->form == FORM_PARTS)
			set_text(object, i, object->nparts > 0 ? parts_from_rows(session, object, attr->parts, false) : NULL);
		else if (attr->form == FORM_REF && value->nrefs == 1)
			set_text(object, i, value->refs[0]->cloud_id ? value->refs[0]->cloud_id : "");
		else if (attr->form == FORM_JOIN && value->nrefs > 0)
		{
			List *ids = NIL;

			for (int r = 0; r < value->nrefs; r++)
				if (value->refs[r]->cloud_id != NULL)
					ids = lappend(ids, unconstify(char *, value->refs[r]->cloud_id));
			set_text(object, i, list_length(ids) == value->nrefs ? sorted_json_array(ids) : "");
		}
		else if (attr->form == FORM_IDS && value->nrefs > 0)
		{
			List *ids = json_array_strings(value->text);
			ListCell *cell;

			foreach (cell, ids)
				lfirst(cell) = (void *) newest_id(value, lfirst(cell));
			set_text(object, i, sorted_json_array(ids));
		}
	}
}
