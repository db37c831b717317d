/*
 * write.c
 *	  Rows follow the cloud: imports, computed columns, deletions.
 *
 * As the caller, and set-based: one statement a table for thousands of rows,
 * in a subtransaction.  If it fails, it is done again row by row, so that one
 * row that a user's constraint or trigger refuses does not keep out the rest.
 * search_path stays the caller's, because users' triggers run: so each name,
 * operators and types included, says its schema.
 *
 * Statements take each column as an array of texts and cast its elements.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "engine/spi.h"
#include "engine/engine.h"

/* Rows of one statement. */
#define BATCH 10000

/* A column that is written, and where its text comes from. */
typedef struct Target
{
	const char *column; /* not quoted */
	const char *type;
	Form form;			   /* how the text is cast */
	int attribute;		   /* -1: the region */
	int k;				   /* of a reference's key columns */
	const char *otherwise; /* SQL for no value, where the column is NOT NULL; else NULL */
} Target;

/* ------------------------------------------------------------- statements */

/* The SQL expression that turns a text into the column's value. */
static void
append_cast(StringInfo sql, const Target *target, const char *source)
{
	if (target->otherwise)
		appendStringInfoString(sql, "COALESCE(");
	if (target->form == FORM_SET || target->form == FORM_IDS)
		appendStringInfo(sql,
						 "CASE WHEN %s IS NOT NULL THEN "
						 "ARRAY(SELECT pg_catalog.jsonb_array_elements_text(%s::pg_catalog.jsonb)) END::%s",
						 source, source, target->type);
	else
		appendStringInfo(sql, "%s::%s", source, target->type);
	if (target->otherwise)
		appendStringInfo(sql, ", %s)", target->otherwise);
}

static List *
add_target(List *targets, Oid table, const char *column, Form form, int attribute, int k)
{
	Target *target;
	ListCell *cell;

	foreach (cell, targets)
		if (strcmp(((Target *) lfirst(cell))->column, column) == 0)
			return targets;
	target = palloc0(sizeof(Target));
	target->column = column;
	target->type = format_type_be_qualified(get_atttype(table, get_attnum(table, column)));
	target->form = form;
	target->attribute = attribute;
	target->k = k;
	target->otherwise = column_otherwise(table, column);
	return lappend(targets, target);
}

/* The columns of one attribute. */
static List *
add_attribute(List *targets, const Kind *kind, int i)
{
	const Attribute *attr = &kind->res->attributes[i];

	if (attr->form != FORM_REF)
		return add_target(targets, kind->table, attr->column, attr->form, i, 0);
	for (int k = 0; k < kind->fk[i].n; k++)
		targets = add_target(targets, kind->table, kind->fk[i].column[k], FORM_SCALAR, i, k);
	return targets;
}

/* The text that a column takes for a value of the cloud. */
static const char *
target_text(const Object *object, const Value *values, const Target *target)
{
	const Kind *kind = object->kind;
	const Value *value;

	if (target->attribute < 0)
		return object->region;
	value = &values[target->attribute];
	if (kind->res->attributes[target->attribute].form == FORM_REF)
		return value->nrefs == 1 ? object_column(value->refs[0], kind->fk[target->attribute].referred[target->k])
								 : NULL;
	return value->text;
}

/* ------------------------------------------------------------------- work */

typedef void (*Writer)(Session *session, Kind *kind, List *items);

typedef struct Work
{
	Session *session;
	Kind *kind;
	Writer writer;
	List *items;
} Work;

static void
do_work(void *arg)
{
	Work *work = arg;

	work->writer(work->session, work->kind, work->items);
}

/*
 * Writes all items at once, or where that fails one by one, for as long as it
 * helps: one may need a key that another gives up.  'failed' gets each that
 * cannot be written, and why.
 */
static void
write_set(Session *session, Kind *kind, List *items, Writer writer, void (*failed)(void *item, const char *why))
{
	int n = list_length(items);

	for (int from = 0; from < n; from += BATCH)
	{
		Work work = {session, kind, writer, NIL};
		List *batch = NIL;
		List *whys;
		ListCell *cell;
		ErrorData *error;
		int tried;

		for (int i = from; i < Min(from + BATCH, n); i++)
			batch = lappend(batch, list_nth(items, i));
		work.items = batch;
		if (subtransaction(do_work, &work, NULL, &error))
			continue;
		if (list_length(batch) == 1)
		{
			failed(linitial(batch), error->message);
			continue;
		}
		do
		{
			List *refused = NIL;

			tried = list_length(batch);
			whys = NIL;
			foreach (cell, batch)
			{
				work.items = list_make1(lfirst(cell));
				if (subtransaction(do_work, &work, NULL, &error))
					continue;
				refused = lappend(refused, lfirst(cell));
				whys = lappend(whys, error->message);
			}
			batch = refused;
		} while (batch != NIL && list_length(batch) < tried);
		for (int i = 0; i < list_length(batch); i++)
			failed(list_nth(batch, i), list_nth(whys, i));
	}
}

/* Whether a user's trigger stored another value of an attribute than was sent; references are not compared. */
static bool
stored_differs(const Kind *kind, int attribute, HeapTuple tuple, TupleDesc desc, int column, const Value *sent)
{
	const Attribute *attr = &kind->res->attributes[attribute];
	Value stored = {0};
	bool isnull;
	Datum value = SPI_getbinval(tuple, desc, column, &isnull);

	if (attr->form == FORM_REF || value_is_null(sent))
		return false;
	if (!isnull)
		stored.text = column_text(kind, attribute, value);
	return !value_equal(attr, &stored, sent);
}

/* ---------------------------------------------------------------- imports */

static void
insert_rows(Session *session, Kind *kind, List *objects)
{
	int n = list_length(objects);
	List *targets = NIL;
	List *fixed = NIL; /* of targets: what another value of would mean another object */
	StringInfoData columns;
	StringInfoData arrays;
	StringInfoData aliases;
	StringInfoData casts;
	StringInfoData sql;
	Oid *types;
	Datum *values;
	const char **texts = palloc(sizeof(char *) * n);
	int c = 0;
	ListCell *cell;
	ListCell *lc;

	if (kind->has_region)
		targets = add_target(targets, kind->table, "region", FORM_SCALAR, -1, 0);
	for (int i = 0; i < kind->nattributes; i++)
		if (kind->child[i] == NULL && (kind->res->attributes[i].flags & ATTR_SECRET) == 0)
			targets = add_attribute(targets, kind, i);

	initStringInfo(&columns);
	initStringInfo(&arrays);
	initStringInfo(&aliases);
	initStringInfo(&casts);
	types = palloc(sizeof(Oid) * list_length(targets));
	values = palloc(sizeof(Datum) * list_length(targets));
	foreach (cell, targets)
	{
		Target *target = lfirst(cell);
		const char *comma = c ? ", " : "";
		int row = 0;

		foreach (lc, objects)
			texts[row++] = target_text(lfirst(lc), ((Object *) lfirst(lc))->actual, target);
		types[c] = TEXTARRAYOID;
		values[c] = text_array(texts, n);
		appendStringInfo(&columns, "%s%s", comma, quote_identifier(target->column));
		appendStringInfo(&arrays, "%spg_catalog.unnest($%d)", comma, c + 1);
		appendStringInfo(&aliases, "%sc%d", comma, c);
		appendStringInfoString(&casts, comma);
		append_cast(&casts, target, psprintf("u.c%d", c));
		if (target->attribute >= 0 &&
			(kind->res->attributes[target->attribute].flags & (ATTR_ID | ATTR_KEY | ATTR_REPLACE)))
			fixed = lappend(fixed, target);
		c++;
	}
	initStringInfo(&sql);
	appendStringInfo(
		&sql,
		"INSERT INTO %s AS t (%s) SELECT %s FROM ROWS FROM (%s) WITH ORDINALITY AS u(%s, n) ORDER BY u.n RETURNING ",
		kind->qualified, columns.data, casts.data, arrays.data, aliases.data);
	key_select(&sql, kind);
	foreach (cell, fixed)
	{
		appendStringInfoString(&sql, ", ");
		column_select(&sql, kind, ((Target *) lfirst(cell))->attribute, ((Target *) lfirst(cell))->k);
	}

	SPI_connect();
	run_sql(SPI_OK_INSERT_RETURNING, sql.data, c, types, values);
	/* rows come back in the order of the SELECT, unless a trigger left some out */
	if (SPI_processed != (uint64) n)
		ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
						errmsg("a trigger on \"%s\" refused the row", kind->res->name)));
	for (int row = 0; row < n; row++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];
		Object *object = list_nth(objects, row);
		int column = kind->key_columns + 2;

		object_set_row(object, tuple, SPI_tuptable->tupdesc);
		foreach (cell, fixed)
		{
			int i = ((Target *) lfirst(cell))->attribute;

			if (stored_differs(kind, i, tuple, SPI_tuptable->tupdesc, column++, &object->actual[i]))
				ereport(ERROR, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
								errmsg("a trigger on \"%s\" changed column \"%s\"", kind->res->name,
									   kind->res->attributes[i].column)));
		}
	}
	for (int i = 0; i < kind->nattributes; i++)
	{
		if (kind->child[i] != NULL)
			children_insert(session, objects, i);
	}
	SPI_finish();
}

static void
import_failed(void *item, const char *why)
{
	Object *object = item;

	object->row_key = NULL;
	object->row_id = -1;
	object->imported = false;
	object->unmanaged = MemoryContextStrdup(object->kind->world->memory, why);
}

/* Whether the row that the table needs for a reference has come to be. */
static const char *
missing_reference(const Object *object)
{
	const Kind *kind = object->kind;

	for (int i = 0; i < kind->nattributes; i++)
		if (kind->res->attributes[i].form == FORM_REF && object->actual[i].nrefs == 1 &&
			(kind->res->attributes[i].flags & ATTR_KEY) && object->actual[i].refs[0]->row_key == NULL)
			return psprintf("%s has no row", object_describe(object->actual[i].refs[0]));
	return NULL;
}

void
write_imports(Session *session, List *objects)
{
	World *world = session->world;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "iasql imports", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	int nest = pin_formats();
	List **by_kind = palloc0(sizeof(List *) * (world->nkinds + 1));
	List *former = NIL;
	ListCell *cell;

	foreach (cell, objects)
	{
		Object *object = lfirst(cell);

		by_kind[object->kind->index] = lappend(by_kind[object->kind->index], object);
		if (object->base != NULL)
			former = lappend(former, object);
	}
	/* a row that comes back is a new one, and what is known of the former must not be taken for a deletion */
	write_forgotten(session, former);
	for (int k = 0; k < world->nkinds; k++)
	{
		List *ready = NIL;

		foreach (cell, by_kind[k])
		{
			const char *why = missing_reference(lfirst(cell));

			if (why != NULL)
				import_failed(lfirst(cell), why);
			else
				ready = lappend(ready, lfirst(cell));
		}
		write_set(session, world->kinds[k], ready, insert_rows, import_failed);
		foreach (cell, ready)
		{
			Object *object = lfirst(cell);

			if (object->row_key == NULL)
				continue;
			object->desired = values_copy(object->kind, object->actual);
			object->base = values_copy(object->kind, object->actual);
			object->base_region = object->region;
			object_index(object);
		}
	}
	unpin_settings(nest);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/* ------------------------------------------------------------- write-back */

/* Whether the row takes the cloud's value of an attribute after this action. */
static bool
row_follows(const Action *action, int attribute)
{
	const Object *object = action->object;
	const Attribute *attr = &object->kind->res->attributes[attribute];
	const Delta *delta = action_delta(action, attribute);

	if ((attr->flags & (ATTR_SECRET | ATTR_TRIGGER)) || bms_is_member(attribute, object->unknown))
		return false;
	if ((attr->flags & ATTR_COMPUTED) || object->aws_protected || value_is_null(&object->desired[attribute]))
		return true;
	return delta != NULL && !delta->push;
}

/* The values that an action's row is to have after it; *changed gets those that differ. */
static Value *
wanted_values(const Action *action, Bitmapset **changed)
{
	const Object *object = action->object;
	const Kind *kind = object->kind;
	Value *wanted = values_copy(kind, object->desired);

	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];

		if ((attr->flags & ATTR_TRIGGER) && wanted[i].text != NULL && strcmp(wanted[i].text, "true") == 0)
			wanted[i].text = "false";
		else if ((attr->flags & ATTR_SECRET) && wanted[i].text != NULL && !action->row_only)
			wanted[i] = (Value){0}; /* AWS has it */
		else if (attr->form == FORM_IDS && object_replaced(&wanted[i]))
			; /* the row still holds the ids of what was there before */
		else if (!row_follows(action, i) || value_equal(attr, &wanted[i], &object->actual[i]) ||
				 value_unheld(attr, &object->actual[i]))
			continue;
		else
			wanted[i] = object->actual[i];
		*changed = bms_add_member(*changed, i);
	}
	return wanted;
}

typedef struct RowUpdate
{
	Object *object;
	Value *wanted;
	Bitmapset *changed;
	bool stored;
} RowUpdate;

/* Says where a user's trigger stored something else than what was sent. */
static void
compare_stored(const RowUpdate *update, List *targets, HeapTuple tuple, TupleDesc desc)
{
	const Kind *kind = update->object->kind;
	int column = 2;
	ListCell *cell;

	foreach (cell, targets)
	{
		const Target *target = lfirst(cell);
		int i = target->attribute;

		if (stored_differs(kind, i, tuple, desc, column++, &update->wanted[i]) && bms_is_member(i, update->changed))
			ereport(WARNING, (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
							  errmsg("column \"%s\" of %s was stored with another value than AWS has",
									 kind->res->attributes[i].column, object_describe(update->object)),
							  errhint("A trigger on the table seems to change it.")));
	}
}

static void
update_rows(Session *session, Kind *kind, List *updates)
{
	int n = list_length(updates);
	const char **docs = palloc(sizeof(char *) * n);
	const Oid types[] = {TEXTARRAYOID};
	Datum values[1];
	List *targets = NIL;
	Bitmapset *any = NULL;
	StringInfoData sql;
	const char *comma = "";
	int row = 0;
	int i = -1;
	ListCell *cell;
	ListCell *lc;

	foreach (cell, updates)
		any = bms_add_members(any, ((RowUpdate *) lfirst(cell))->changed);
	while ((i = bms_next_member(any, i)) >= 0)
		if (kind->child[i] == NULL)
			targets = add_attribute(targets, kind, i);

	SPI_connect();
	if (targets != NIL)
	{
		foreach (cell, updates)
		{
			const RowUpdate *update = lfirst(cell);
			StringInfoData doc;

			initStringInfo(&doc);
			appendStringInfo(&doc, "{\"k\": %s, \"v\": {", update->object->row_key);
			comma = "";
			foreach (lc, targets)
			{
				const Target *target = lfirst(lc);
				const char *text;

				if (!bms_is_member(target->attribute, update->changed))
					continue;
				appendStringInfoString(&doc, comma);
				json_append_string(&doc, target->column, strlen(target->column));
				text = target_text(update->object, update->wanted, target);
				appendStringInfoString(&doc, ": ");
				if (text == NULL)
					appendStringInfoString(&doc, "null");
				else
					json_append_string(&doc, text, strlen(text));
				comma = ", ";
			}
			appendStringInfoString(&doc, "}}");
			docs[row++] = doc.data;
		}
		values[0] = text_array(docs, n);

		initStringInfo(&sql);
		appendStringInfo(&sql, "UPDATE %s AS t SET ", kind->qualified);
		comma = "";
		foreach (lc, targets)
		{
			const Target *target = lfirst(lc);
			const char *name = quote_literal_cstr(target->column);

			appendStringInfo(&sql, "%s%s = CASE WHEN u.v OPERATOR(pg_catalog.?) %s THEN ", comma,
							 quote_identifier(target->column), name);
			append_cast(&sql, target, psprintf("(u.v OPERATOR(pg_catalog.->>) %s)", name));
			appendStringInfo(&sql, " ELSE t.%s END", quote_identifier(target->column));
			comma = ", ";
		}
		appendStringInfoString(&sql,
							   " FROM (SELECT d OPERATOR(pg_catalog.->) 'k' AS k, d OPERATOR(pg_catalog.->) 'v' AS v, n"
							   " FROM pg_catalog.unnest($1::pg_catalog.jsonb[]) WITH ORDINALITY AS a(d, n)) u WHERE ");
		match_select(&sql, kind->key_columns, kind->key_column, kind->key_type);
		appendStringInfoString(&sql, " RETURNING u.n::pg_catalog.int4");
		foreach (lc, targets)
		{
			const Target *target = lfirst(lc);

			appendStringInfoString(&sql, ", ");
			column_select(&sql, kind, target->attribute, target->k);
		}
		run_sql(SPI_OK_UPDATE_RETURNING, sql.data, 1, types, values);
		for (uint64 r = 0; r < SPI_processed; r++)
		{
			HeapTuple tuple = SPI_tuptable->vals[r];
			bool isnull;
			RowUpdate *update =
				list_nth(updates, DatumGetInt32(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 1, &isnull)) - 1);

			update->stored = true;
			compare_stored(update, targets, tuple, SPI_tuptable->tupdesc);
		}
	}
	for (i = 0; i < kind->nattributes; i++)
	{
		List *carriers = NIL;

		if (kind->child[i] == NULL || !bms_is_member(i, any))
			continue;
		foreach (cell, updates)
		{
			const RowUpdate *update = lfirst(cell);

			if (!bms_is_member(i, update->changed))
				continue;
			carriers = lappend(carriers, update->object);
		}
		children_delete(kind->child[i], carriers);
		children_insert(session, carriers, i);
	}
	SPI_finish();

	foreach (cell, updates)
	{
		RowUpdate *update = lfirst(cell);

		if (!update->stored && targets != NIL)
			ereport(WARNING, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
							  errmsg("row of %s was not updated", object_describe(update->object)),
							  errhint("A trigger or a policy on the table seems to keep it as it is.")));
	}
}

static void
update_failed(void *item, const char *why)
{
	RowUpdate *update = item;

	ereport(WARNING,
			(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
			 errmsg("row of %s could not be updated", object_describe(update->object)), errdetail("%s.", why),
			 errhint("Its state is kept nevertheless; the row follows with the next call, once nothing refuses it.")));
}

void
write_rows(Session *session, List *actions)
{
	World *world = session->world;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "iasql write-back", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	int nest = pin_formats();
	List **by_kind = palloc0(sizeof(List *) * (world->nkinds + 1));
	ListCell *cell;

	foreach (cell, actions)
	{
		Action *action = lfirst(cell);
		Object *object = action->object;
		RowUpdate *update;

		if (object->desired == NULL || object->actual == NULL || object->row_key == NULL)
			continue;
		update = palloc0(sizeof(RowUpdate));
		update->object = object;
		update->wanted = wanted_values(action, &update->changed);
		if (update->changed != NULL)
			by_kind[object->kind->index] = lappend(by_kind[object->kind->index], update);
	}
	for (int k = 0; k < world->nkinds; k++)
	{
		write_set(session, world->kinds[k], by_kind[k], update_rows, update_failed);
		foreach (cell, by_kind[k])
		{
			RowUpdate *update = lfirst(cell);

			update->object->desired = update->wanted;
			object_index(update->object);
		}
	}
	unpin_settings(nest);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/* -------------------------------------------------------------- deletions */

/* Rows to a statement's parameter: the keys of objects as JSON arrays of the texts of these columns, and the region. */
static Datum
key_documents(const List *objects, int ncolumns, const char *const *columns)
{
	const char **docs = palloc(sizeof(char *) * (list_length(objects) + 1));
	int n = 0;
	ListCell *cell;

	foreach (cell, objects)
	{
		const Object *object = lfirst(cell);
		StringInfoData doc;

		initStringInfo(&doc);
		for (int k = 0; k <= ncolumns; k++)
		{
			const char *text = k < ncolumns ? object_column(object, columns[k]) : object->region;

			appendStringInfoString(&doc, k ? ", " : "[");
			if (text == NULL)
				appendStringInfoString(&doc, "null");
			else
				json_append_string(&doc, text, strlen(text));
		}
		appendStringInfoChar(&doc, ']');
		docs[n++] = doc.data;
	}
	return text_array(docs, n);
}

#define KEY_DOCUMENTS "pg_catalog.unnest($1::pg_catalog.jsonb[]) AS u(k) WHERE "

/* Sets references to rows that are about to go to NULL, where the column takes it. */
static void
clear_references(Oid table, const char *qualified, bool has_region, const ForeignKey *key, const List *objects)
{
	const Oid types[] = {TEXTARRAYOID};
	const Datum values[] = {key_documents(objects, key->n, key->referred)};
	const char *type_names[lengthof(key->column)];
	HeapTuple column = SearchSysCacheAttName(table, key->column[0]);
	bool fixed = !HeapTupleIsValid(column) || ((Form_pg_attribute) GETSTRUCT(column))->attnotnull;
	StringInfoData sql;

	if (HeapTupleIsValid(column))
		ReleaseSysCache(column);
	if (fixed)
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s AS t SET ", qualified);
	for (int k = 0; k < key->n; k++)
	{
		type_names[k] = format_type_be_qualified(get_atttype(table, get_attnum(table, key->column[k])));
		appendStringInfo(&sql, "%s%s = NULL", k ? ", " : "", quote_identifier(key->column[k]));
	}
	appendStringInfoString(&sql, " FROM " KEY_DOCUMENTS);
	match_select(&sql, key->n, key->column, type_names);
	if (has_region)
		appendStringInfo(
			&sql, " AND (u.k OPERATOR(pg_catalog.->>) %d) OPERATOR(pg_catalog.=) ANY (ARRAY['', t.region])", key->n);
	run_sql(SPI_OK_UPDATE, sql.data, 1, types, values);
}

/* What refers to these rows of one kind, among all tables of the workspace. */
static void
clear_referrers(World *world, const Kind *gone, const List *objects)
{
	for (int k = 0; k < world->nkinds; k++)
	{
		const Kind *kind = world->kinds[k];

		for (int i = 0; i < kind->nattributes; i++)
		{
			const Child *child = kind->child[i];

			if (kind->res->attributes[i].form == FORM_REF &&
				strcmp(kind->res->attributes[i].refers, gone->res->name) == 0)
				clear_references(kind->table, kind->qualified, kind->has_region, &kind->fk[i], objects);
			for (int r = 0; child != NULL && r < child->nrefs; r++)
				if (strcmp(child->refers[r], gone->res->name) == 0)
					clear_references(child->table, child->qualified, child->has_region, &child->ref[r], objects);
		}
	}
}

/*
 * Deletes rows whose objects are gone, and their state.  A reference from a
 * row that stays becomes NULL; where it cannot, that is the caller's error.
 */
void
write_dropped(Session *session, List *objects)
{
	World *world = session->world;
	int nest = pin_formats();

	SPI_connect();
	for (int k = world->nkinds - 1; k >= 0; k--)
	{
		Kind *kind = world->kinds[k];
		const Oid types[] = {TEXTARRAYOID};
		Datum values[1];
		List *going = NIL;
		StringInfoData sql;
		ListCell *cell;

		foreach (cell, objects)
			if (((Object *) lfirst(cell))->kind == kind && ((Object *) lfirst(cell))->row_key != NULL)
				going = lappend(going, lfirst(cell));
		if (going == NIL)
			continue;
		for (int i = 0; i < kind->nattributes; i++)
			if (kind->child[i] != NULL)
				children_delete(kind->child[i], going);
		clear_referrers(world, kind, going);
		values[0] = key_documents(going, kind->key_columns, kind->key_column);
		initStringInfo(&sql);
		appendStringInfo(&sql, "DELETE FROM %s AS t USING " KEY_DOCUMENTS, kind->qualified);
		match_select(&sql, kind->key_columns, kind->key_column, kind->key_type);
		run_sql(SPI_OK_DELETE, sql.data, 1, types, values);
		if (SPI_processed == (uint64) list_length(going))
			continue;
		if (check_enable_rls(kind->table, InvalidOid, true) == RLS_ENABLED)
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("row-level security does not let you delete rows of \"%s\" whose objects are gone",
								   kind->res->name)));
		ereport(WARNING, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
						  errmsg("rows of \"%s\" whose objects are gone were not deleted", kind->res->name),
						  errhint("A trigger on the table seems to keep them.")));
	}
	SPI_finish();
	unpin_settings(nest);
	write_forgotten(session, objects);
}
