/*
 * child.c
 *	  Rows of join and child tables, written from what the cloud says of their
 *	  carriers.
 *
 * They go to the server as documents {column: text}, which
 * jsonb_populate_record turns into rows.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "engine/spi.h"
#include "engine/engine.h"

/* What a NOT NULL column takes where the cloud has no value: its default, else the empty value of its type. */
const char *
column_otherwise(Oid table, const char *column)
{
	const Oid types[] = {OIDOID, TEXTOID};
	const Datum values[] = {ObjectIdGetDatum(table), CStringGetTextDatum(column)};
	MemoryContext caller = CurrentMemoryContext;
	int nest = pin_settings();
	char *text;

	SPI_connect();
	run_sql(SPI_OK_SELECT,
			"SELECT COALESCE(pg_catalog.pg_get_expr(d.adbin, d.adrelid), CASE t.typcategory WHEN 'S' THEN '''''' "
			"WHEN 'A' THEN '''{}''' END) FROM pg_catalog.pg_attribute a "
			"JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
			"LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
			"WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnotnull",
			2, types, values);
	text = SPI_processed == 1 ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1) : NULL;
	if (text != NULL)
		text = MemoryContextStrdup(caller, text);
	SPI_finish();
	unpin_settings(nest);
	return text;
}

static void
json_member(StringInfo doc, const char *column, const char *text)
{
	appendStringInfoString(doc, doc->len > 1 ? ", " : "{");
	json_append_string(doc, column, strlen(column));
	appendStringInfoString(doc, ": ");
	if (text == NULL)
		appendStringInfoString(doc, "null");
	else
		json_append_string(doc, text, strlen(text));
}

/* The columns by which a child row belongs to its carrier. */
static void
carrier_members(StringInfo doc, const Child *child, const Object *carrier)
{
	if (child->has_region)
		json_member(doc, "region", carrier->region);
	for (int k = 0; k < child->carrier.n; k++)
		json_member(doc, child->carrier.column[k], object_column(carrier, child->carrier.referred[k]));
}

static void
reference_members(StringInfo doc, const Child *child, int ref, const Object *referred)
{
	for (int k = 0; k < child->ref[ref].n; k++)
		json_member(doc, child->ref[ref].column[k], object_column(referred, child->ref[ref].referred[k]));
}

void
part_set(PartImport *import, const char *column, const char *text)
{
	if (text == NULL)
		return;
	import->columns = lappend(import->columns, unconstify(char *, column));
	import->texts = lappend(import->texts, unconstify(char *, text));
}

void
part_refer(PartImport *import, const char *column, const Object *referred)
{
	const Child *child = import->child;

	for (int i = 0; i < child->nrefs; i++)
		if (strcmp(child->ref_column[i], column) == 0)
		{
			import->refs[i] = (Object *) referred;
			for (int k = 0; k < child->ref[i].n; k++)
				part_set(import, child->ref[i].column[k], object_column(referred, child->ref[i].referred[k]));
		}
}

/*
 * One part of a reply as a child row.  'refs' gets what it refers to.  False:
 * it names something that is not there, so that the row has no reference.
 */
static bool
part_row(Session *session, const Object *carrier, int attribute, JsonbValue *json, Object **refs, char **row)
{
	const Child *child = carrier->kind->child[attribute];
	const Parts *parts = carrier->kind->res->attributes[attribute].parts;
	PartImport import = {.session = session, .object = carrier, .child = child, .refs = refs};
	const char *list = parts->columns;
	bool whole = true;
	char *column;
	char *path;
	StringInfoData doc;
	ListCell *name;
	ListCell *text;

	import.part = JsonbValueToJsonb(json);
	while (list != NULL && assignment_next(&list, &column, &path))
	{
		JsonbValue found;
		int ref = 0;

		if (!path_get(import.part, path, &found))
			continue;
		while (ref < child->nrefs && strcmp(child->ref_column[ref], column) != 0)
			ref++;
		if (ref == child->nrefs)
			part_set(&import, column, json_text(&found));
		else
		{
			Kind *referred = kind_by_name(session->world, child->refers[ref]);
			Object *target = object_by_cloud_id(referred, carrier->region, json_text(&found));

			if (target != NULL)
				part_refer(&import, column, target);
			else
				whole = false;
		}
	}
	if (parts->import != NULL)
		parts->import(&import);

	initStringInfo(&doc);
	carrier_members(&doc, child, carrier);
	forboth(name, import.columns, text, import.texts) json_member(&doc, lfirst(name), lfirst(text));
	appendStringInfoChar(&doc, '}');
	*row = doc.data;
	return whole;
}

/* The parts that a reply holds for an attribute; NULL: none. */
static JsonbIterator *
reply_parts(const Object *object, int attribute)
{
	JsonbValue array;
	JsonbValue first;
	JsonbIterator *it;

	if (object->actual[attribute].text == NULL || object->item == NULL ||
		!path_get(object->item, object->kind->res->attributes[attribute].path, &array) || array.type != jbvBinary ||
		!JsonContainerIsArray(array.val.binary.data))
		return NULL;
	it = JsonbIteratorInit(array.val.binary.data);
	(void) JsonbIteratorNext(&it, &first, true);
	return it;
}

/* The child rows that an object of the cloud has, for one attribute. */
static List *
child_rows(Session *session, const Object *object, int attribute)
{
	const Kind *kind = object->kind;
	const Attribute *attr = &kind->res->attributes[attribute];
	const Child *child = kind->child[attribute];
	const Value *value = &object->actual[attribute];
	List *docs = NIL;
	JsonbValue element;
	JsonbIterator *it;

	if (attr->form == FORM_JOIN)
	{
		for (int r = 0; r < value->nrefs; r++)
		{
			StringInfoData doc;

			if (value->refs[r]->row_key == NULL)
				continue;
			initStringInfo(&doc);
			carrier_members(&doc, child, object);
			reference_members(&doc, child, 0, value->refs[r]);
			appendStringInfoChar(&doc, '}');
			docs = lappend(docs, doc.data);
		}
		return docs;
	}
	it = reply_parts(object, attribute);
	while (it != NULL && JsonbIteratorNext(&it, &element, true) == WJB_ELEM)
	{
		Object **refs = palloc0(sizeof(Object *) * (child->nrefs + 1));
		char *row;

		(void) part_row(session, object, attribute, &element, refs, &row);
		docs = lappend(docs, row);
	}
	return docs;
}

/* Inserts documents {column: text} into a child table: the columns that any of them has. */
static void
insert_docs(const Child *child, List *docs)
{
	const char **texts = palloc(sizeof(char *) * (list_length(docs) + 1));
	const Oid types[] = {TEXTARRAYOID};
	Datum values[1];
	StringInfoData columns;
	StringInfoData selected;
	int n = 0;
	ListCell *cell;

	foreach (cell, docs)
		texts[n++] = lfirst(cell);
	if (n == 0)
		return;
	values[0] = text_array(texts, n);

	run_sql(SPI_OK_SELECT,
			"SELECT DISTINCT k FROM pg_catalog.unnest($1) d, "
			"LATERAL pg_catalog.jsonb_object_keys(d::pg_catalog.jsonb) k ORDER BY k",
			1, types, values);
	initStringInfo(&columns);
	initStringInfo(&selected);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		const char *column = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1);
		const char *otherwise = column_otherwise(child->table, column);
		const char *comma = row ? ", " : "";

		appendStringInfo(&columns, "%s%s", comma, quote_identifier(column));
		appendStringInfo(&selected, otherwise ? "%sCOALESCE(r.%s, %s)" : "%sr.%s", comma, quote_identifier(column),
						 otherwise);
	}
	run_sql(SPI_OK_INSERT,
			psprintf("INSERT INTO %s (%s) SELECT %s FROM pg_catalog.unnest($1) WITH ORDINALITY AS u(d, n), "
					 "LATERAL pg_catalog.jsonb_populate_record(NULL::%s, u.d::pg_catalog.jsonb) r ORDER BY u.n",
					 child->qualified, columns.data, selected.data, child->qualified),
			1, types, values);
}

/* Deletes the child rows of these carriers. */
void
children_delete(const Child *child, const List *carriers)
{
	const char **texts = palloc(sizeof(char *) * (list_length(carriers) + 1));
	const Oid types[] = {TEXTARRAYOID};
	Datum values[1];
	StringInfoData columns;
	int n = 0;
	ListCell *cell;

	foreach (cell, carriers)
	{
		StringInfoData doc;

		initStringInfo(&doc);
		carrier_members(&doc, child, lfirst(cell));
		appendStringInfoChar(&doc, '}');
		texts[n++] = doc.data;
	}
	values[0] = text_array(texts, n);
	initStringInfo(&columns);
	appendStringInfoString(&columns, child->has_region ? "region" : "");
	for (int k = 0; k < child->carrier.n; k++)
		appendStringInfo(&columns, "%s%s", columns.len ? ", " : "", quote_identifier(child->carrier.column[k]));
	run_sql(SPI_OK_DELETE,
			psprintf("DELETE FROM %s WHERE (%s) OPERATOR(pg_catalog.=) ANY (SELECT %s FROM pg_catalog.unnest($1) d, "
					 "LATERAL pg_catalog.jsonb_populate_record(NULL::%s, d::pg_catalog.jsonb) r)",
					 child->qualified, columns.data, columns.data, child->qualified),
			1, types, values);
}

/* Inserts the child rows that objects of one kind have in the cloud, for one attribute. */
void
children_insert(Session *session, const List *carriers, int attribute)
{
	List *docs = NIL;
	ListCell *cell;

	if (carriers == NIL)
		return;
	foreach (cell, carriers)
		docs = list_concat(docs, child_rows(session, lfirst(cell), attribute));
	insert_docs(((const Object *) linitial(carriers))->kind->child[attribute], docs);
}

/*
 * A part that names what is not there (a log group that was deleted) cannot
 * say so in its row.  The value is then taken as the rows would give it, or
 * it would differ from them for ever.
 */
void
children_resolve(Session *session, Object *object, int attribute)
{
	const Child *child = object->kind->child[attribute];
	const Oid types[] = {TEXTARRAYOID};
	Datum values[1];
	Object as_row = *object;
	const char **docs = NULL;
	Object ***refs = NULL;
	bool whole = true;
	int n = 0;
	JsonbValue element;
	JsonbIterator *it = reply_parts(object, attribute);
	int nest;
	char *text;

	while (it != NULL && JsonbIteratorNext(&it, &element, true) == WJB_ELEM)
	{
		char *row;

		docs = docs ? repalloc(docs, sizeof(char *) * (n + 1)) : palloc(sizeof(char *));
		refs = refs ? repalloc(refs, sizeof(Object **) * (n + 1)) : palloc(sizeof(Object **));
		refs[n] = palloc0(sizeof(Object *) * (child->nrefs + 1));
		whole &= part_row(session, object, attribute, &element, refs[n], &row);
		docs[n++] = row;
	}
	if (whole)
		return;

	values[0] = text_array(docs, n);
	as_row.desired = object->actual;
	as_row.nparts = n;
	as_row.parts = palloc(sizeof(PartRow) * n);
	nest = pin_settings();
	SPI_connect();
	run_sql(SPI_OK_SELECT,
			psprintf("SELECT to_jsonb(jsonb_populate_record(NULL::%s, u.d::jsonb)) "
					 "FROM unnest($1) WITH ORDINALITY AS u(d, n) ORDER BY u.n",
					 child->qualified),
			1, types, values);
	for (int i = 0; i < n; i++)
	{
		bool isnull;

		as_row.parts[i].row =
			DatumGetJsonbPCopy(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		as_row.parts[i].refs = refs[i];
	}
	text = parts_from_rows(session, &as_row, object->kind->res->attributes[attribute].parts, false);
	object->actual[attribute].text = text ? world_text(object->kind->world, text, strlen(text)) : NULL;
	SPI_finish();
	unpin_settings(nest);
}
