/*
 * script.c
 *	  iasql_get_sql_since: the user's changes, as the audit log has them, as
 *	  statements that can be replayed in another database.
 *
 * Ids of rows are each database's own, so a statement names a row by its
 * natural key, and what it refers to by a sub-select over that row's natural
 * key.  The log is read once, from its start: on the way each row's latest
 * document is kept, since the row may be another by now, or gone.  Where a
 * table has no natural key, a row that the user made is told by what the user
 * can set, an imported one by its cloud id.  What the engine filled in where
 * the user left NULL may still be NULL elsewhere.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "engine/spi.h"
#include "engine/compat.h"
#include "engine/engine.h"
#include "api/api.h"

PG_FUNCTION_INFO_V1(iasql_get_sql_since);

#define FETCH_ROWS 1000

typedef struct Table Table;

typedef struct Column
{
	const char *name; /* NULL: dropped */
	Oid type;
	bool has_default, generated, nullable, secret;
	bool user_sets; /* no computed attribute */
	bool key;		/* of the natural key */
	Table *refers;	/* by its serial id */
} Column;

struct Table
{
	const char *name;
	Oid id;
	int ncolumns;
	Column *columns;
	int serial;	  /* index of the primary key that is a serial id, -1: it is natural */
	bool has_key; /* a natural one */
	int cloud_id; /* index, -1 none */
};

/* What is known of a row of a table with a serial id. */
typedef struct RowKey
{
	Table *table;
	int64 id;
} RowKey;

typedef struct Row
{
	RowKey key;
	Jsonb *doc;
	bool users;		   /* the user made it */
	Bitmapset *filled; /* columns, by index, that the engine filled in */
} Row;

typedef struct Script
{
	Session *session;
	List *tables; /* of Table * */
	HTAB *rows;
	char *truncate; /* a TRUNCATE that goes on while its transaction's entries do */
	char *truncate_by;
	Tuplestorestate *store;
	TupleDesc desc;
} Script;

/* ---------------------------------------------------------------- catalog */

static Table *
table_by_oid(const Script *script, Oid id)
{
	ListCell *cell;

	foreach (cell, script->tables)
		if (((Table *) lfirst(cell))->id == id)
			return lfirst(cell);
	return NULL;
}

static Table *
table_by_name(const Script *script, const char *name)
{
	ListCell *cell;

	foreach (cell, script->tables)
		if (strcmp(((Table *) lfirst(cell))->name, name) == 0)
			return lfirst(cell);
	return NULL;
}

static void
read_columns(Table *table, TupleDesc desc)
{
	const Resource *res = resource_by_name(table->name);

	table->ncolumns = desc->natts;
	table->columns = palloc0(sizeof(Column) * (desc->natts + 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Column *column = &table->columns[i];
		int number;

		if (attribute->attisdropped)
			continue;
		column->name = pstrdup(NameStr(attribute->attname));
		column->type = attribute->atttypid;
		column->has_default = attribute->atthasdef;
		column->generated = attribute->attgenerated != '\0';
		column->nullable = !attribute->attnotnull;
		column->secret = column_is_secret(table->name, column->name);
		number = res ? attribute_index(res, column->name, -1) : -1;
		column->user_sets = number < 0 || !(res->attributes[number].flags & (ATTR_COMPUTED | ATTR_VOLATILE));
		if (number >= 0 && (res->attributes[number].flags & ATTR_ID))
			table->cloud_id = i;
	}
}

/* Whether an index can tell rows apart that a user wrote, in whatever database. */
static bool
is_natural(const Table *table, Relation index)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int k = 0; k < form->indnkeyatts; k++)
	{
		int i = form->indkey.values[k] - 1;

		if (i < 0 || i == table->serial || !table->columns[i].user_sets)
			return false;
	}
	return true;
}

static void
read_keys(Table *table, Relation rel)
{
	AttrNumber primary[INDEX_MAX_KEYS];
	int n = primary_key_columns(rel, primary);
	ListCell *cell;

	if (n == 1 && TupleDescAttr(RelationGetDescr(rel), primary[0] - 1)->attidentity != '\0')
		table->serial = primary[0] - 1;
	foreach (cell, RelationGetIndexList(rel))
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (!table->has_key && (table->serial < 0 ? index->rd_index->indisprimary : is_natural(table, index)))
		{
			table->has_key = true;
			for (int k = 0; k < index->rd_index->indnkeyatts; k++)
				table->columns[index->rd_index->indkey.values[k] - 1].key = true;
		}
		index_close(index, NoLock);
	}
}

/* All tables of installed modules, with references among them. */
static void
read_tables(Script *script)
{
	ListCell *cell;

	for (int m = 0; iasql_modules[m] != NULL; m++)
		for (int t = 0; t < (int) lengthof(iasql_modules[m]->tables) && iasql_modules[m]->tables[t] != NULL; t++)
		{
			Table *table = palloc0(sizeof(Table));
			Relation rel;

			table->name = iasql_modules[m]->tables[t];
			table->id = get_relname_relid(table->name, script->session->schema);
			table->serial = table->cloud_id = -1;
			if (!OidIsValid(table->id) || strcmp(table->name, "aws_account") == 0)
				continue;
			rel = table_open(table->id, AccessShareLock);
			read_columns(table, RelationGetDescr(rel));
			read_keys(table, rel);
			table_close(rel, NoLock);
			script->tables = lappend(script->tables, table);
		}
	foreach (cell, script->tables)
	{
		Table *table = lfirst(cell);
		Relation rel = table_open(table->id, AccessShareLock);
		ListCell *lc;

		foreach (lc, RelationGetFKeyList(rel))
		{
			ForeignKeyCacheInfo *key = lfirst(lc);
			Table *referred = table_by_oid(script, key->confrelid);

			for (int k = 0; referred != NULL && k < key->nkeys; k++)
				if (key->confkey[k] - 1 == referred->serial)
					table->columns[key->conkey[k] - 1].refers = referred;
		}
		table_close(rel, NoLock);
	}
}

/* ------------------------------------------------------------------- rows */

/* A member of a row's document; false: NULL. */
static bool
member(Jsonb *doc, const char *name, JsonbValue *value)
{
	JsonbValue *found = getKeyJsonValueFromContainer(&doc->root, name, strlen(name), value);

	return found != NULL && value->type != jbvNull;
}

static bool
same_member(Jsonb *a, Jsonb *b, const char *name)
{
	JsonbValue in_a;
	JsonbValue in_b;
	bool has_a = member(a, name, &in_a);
	bool has_b = member(b, name, &in_b);

	return has_a == has_b && (!has_a || strcmp(json_text(&in_a), json_text(&in_b)) == 0);
}

static int64
integer(const JsonbValue *value)
{
	return strtoll(json_text(value), NULL, 10);
}

static Row *
row_of(Script *script, Table *table, int64 id, HASHACTION action)
{
	RowKey key;
	bool found;
	Row *row;

	memset(&key, 0, sizeof(key));
	key.table = table;
	key.id = id;
	row = hash_search(script->rows, &key, action, &found);
	if (row != NULL && !found)
	{
		row->doc = NULL;
		row->users = false;
		row->filled = NULL;
	}
	return row;
}

/* A copy that outlives the entry at hand. */
static Jsonb *
keep(Script *script, Jsonb *doc)
{
	Jsonb *copy = MemoryContextAlloc(script->session->memory, VARSIZE(doc));

	memcpy(copy, doc, VARSIZE(doc));
	return copy;
}

/* The row of an id; one that the log does not know (any more) as it is now.  NULL: nowhere. */
static Row *
find_row(Script *script, Table *table, int64 id)
{
	Row *row = row_of(script, table, id, HASH_FIND);
	const Oid types[] = {INT8OID};
	const Datum values[] = {Int64GetDatum(id)};
	bool null;

	if (row != NULL)
		return row;
	run_sql(SPI_OK_SELECT,
			psprintf("SELECT to_jsonb(t) FROM %s t WHERE t.%s = $1",
					 quote_qualified_identifier(script->session->schema_name, table->name),
					 quote_identifier(table->columns[table->serial].name)),
			1, types, values);
	if (SPI_processed == 0)
		return NULL;
	row = row_of(script, table, id, HASH_ENTER);
	row->doc = keep(script, DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null)));
	return row;
}

/* Keeps what an entry says of its row. */
static void
remember(Script *script, Table *table, bool users, Jsonb *original, Jsonb *change)
{
	JsonbValue id;
	Row *row;
	MemoryContext old;

	if (table->serial < 0 || change == NULL || !member(change, table->columns[table->serial].name, &id))
		return;
	row = row_of(script, table, integer(&id), HASH_ENTER);
	old = MemoryContextSwitchTo(script->session->memory);
	if (original == NULL)
		row->users = users;
	else
		for (int i = 0; i < table->ncolumns; i++)
		{
			const char *name = table->columns[i].name;
			JsonbValue value;

			if (name == NULL || same_member(original, change, name))
				continue;
			if (!users && !member(original, name, &value))
				row->filled = bms_add_member(row->filled, i);
			else if (users)
				row->filled = bms_del_member(row->filled, i);
		}
	if (row->doc != NULL)
		pfree(row->doc);
	row->doc = keep(script, change);
	MemoryContextSwitchTo(old);
}

/* ------------------------------------------------------------- statements */

static void append_match(Script *script, StringInfo sql, Table *table, Jsonb *doc);

/* The elements of a JSON array as an array of the column's type. */
static void
append_array(StringInfo sql, const Column *column, const JsonbValue *value)
{
	JsonElements elements = {.of = value};
	JsonbValue element;
	bool first = true;

	appendStringInfoString(sql, "ARRAY[");
	while (json_next_element(&elements, &element))
	{
		char *text = json_text(&element);

		appendStringInfo(sql, "%s%s", first ? "" : ", ", text ? quote_literal_cstr(text) : "NULL");
		first = false;
	}
	appendStringInfo(sql, "]::%s", format_type_be(column->type));
}

/* A value as SQL; a reference by a row's id as a sub-select. */
static void
append_value(Script *script, StringInfo sql, const Column *column, const JsonbValue *value)
{
	if (column->refers != NULL)
	{
		Table *table = column->refers;
		Row *row = find_row(script, table, integer(value));

		if (row != NULL)
		{
			appendStringInfo(sql, table->has_key ? "(SELECT %s FROM %s WHERE " : "(SELECT min(%s) FROM %s WHERE ",
							 quote_identifier(table->columns[table->serial].name), quote_identifier(table->name));
			append_match(script, sql, table, row->doc);
			appendStringInfoChar(sql, ')');
			return;
		}
	}
	if (column->type == JSONBOID || column->type == JSONOID)
	{
		StringInfoData json;

		initStringInfo(&json);
		json_append(&json, value);
		appendStringInfoString(sql, quote_literal_cstr(json.data));
	}
	else if (json_is_array(value) && OidIsValid(get_element_type(column->type)))
		append_array(sql, column, value);
	else if (value->type == jbvNumeric || value->type == jbvBool)
		appendStringInfoString(sql, json_text(value));
	else
		appendStringInfoString(sql, quote_literal_cstr(json_text(value)));
}

/* A condition that holds for the row of this document alone. */
static void
append_match(Script *script, StringInfo sql, Table *table, Jsonb *doc)
{
	JsonbValue value;
	Row *row = NULL;
	bool by_cloud_id = false;
	bool first = true;

	if (table->serial >= 0 && member(doc, table->columns[table->serial].name, &value))
		row = row_of(script, table, integer(&value), HASH_FIND);
	if (!table->has_key && table->cloud_id >= 0 && (row == NULL || !row->users))
		by_cloud_id = member(doc, table->columns[table->cloud_id].name, &value);
	for (int i = 0; i < table->ncolumns; i++)
	{
		const Column *column = &table->columns[i];
		const char *name;

		if (column->name == NULL || i == table->serial || column->secret ||
			!(table->has_key ? column->key
			  : by_cloud_id	 ? i == table->cloud_id
							 : column->user_sets))
			continue;
		name = quote_identifier(column->name);
		appendStringInfoString(sql, first ? "" : " AND ");
		first = false;
		if (!member(doc, column->name, &value))
			appendStringInfo(sql, "%s IS NULL", name);
		else
		{
			bool filled = row != NULL && bms_is_member(i, row->filled);

			appendStringInfo(sql, filled ? "(%s = " : "%s = ", name);
			append_value(script, sql, column, &value);
			if (filled)
				appendStringInfo(sql, " OR %s IS NULL)", name);
		}
	}
	if (first)
		appendStringInfoString(sql, "false");
}

/* Of rows that nothing tells apart a statement means the first. */
static void
append_where(Script *script, StringInfo sql, Table *table, Jsonb *doc)
{
	const char *serial = table->serial < 0 ? NULL : quote_identifier(table->columns[table->serial].name);

	appendStringInfoString(sql, " WHERE ");
	if (!table->has_key && serial != NULL)
		appendStringInfo(sql, "%s = (SELECT min(%s) FROM %s WHERE ", serial, serial, quote_identifier(table->name));
	append_match(script, sql, table, doc);
	appendStringInfoString(sql, !table->has_key && serial != NULL ? ");" : ";");
}

static char *
insert_statement(Script *script, Table *table, Jsonb *row)
{
	StringInfoData sql;
	StringInfoData values;

	initStringInfo(&sql);
	initStringInfo(&values);
	appendStringInfo(&sql, "INSERT INTO %s (", quote_identifier(table->name));
	for (int i = 0; i < table->ncolumns; i++)
	{
		const Column *column = &table->columns[i];
		JsonbValue value;
		bool given;

		if (column->name == NULL || i == table->serial || column->generated || column->secret)
			continue;
		given = member(row, column->name, &value);
		/* a NULL is told where the default is something else */
		if (!given && !column->has_default)
			continue;
		appendStringInfo(&sql, "%s%s", values.len ? ", " : "", quote_identifier(column->name));
		appendStringInfoString(&values, values.len ? ", " : "");
		if (given)
			append_value(script, &values, column, &value);
		else
			appendStringInfoString(&values, "NULL");
	}
	if (values.len == 0)
		return psprintf("INSERT INTO %s DEFAULT VALUES;", quote_identifier(table->name));
	appendStringInfo(&sql, ") VALUES (%s);", values.data);
	return sql.data;
}

/* NULL: nothing that could be set changed. */
static char *
update_statement(Script *script, Table *table, Jsonb *original, Jsonb *change)
{
	StringInfoData sql;
	bool first = true;

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE %s SET ", quote_identifier(table->name));
	for (int i = 0; i < table->ncolumns; i++)
	{
		const Column *column = &table->columns[i];
		JsonbValue value;

		if (column->name == NULL || i == table->serial || column->generated || column->secret ||
			same_member(original, change, column->name))
			continue;
		appendStringInfo(&sql, "%s%s = ", first ? "" : ", ", quote_identifier(column->name));
		first = false;
		if (member(change, column->name, &value))
			append_value(script, &sql, column, &value);
		else
			appendStringInfoString(&sql, "NULL");
	}
	if (first)
		return NULL;
	append_where(script, &sql, table, original);
	return sql.data;
}

static char *
delete_statement(Script *script, Table *table, Jsonb *original)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "DELETE FROM %s", quote_identifier(table->name));
	append_where(script, &sql, table, original);
	return sql.data;
}

static void
emit(Script *script, const char *statement)
{
	bool nulls[1] = {false};
	Datum values[1] = {CStringGetTextDatum(statement)};

	tuplestore_putvalues(script->store, script->desc, values, nulls);
}

/* Tables that one TRUNCATE emptied refer to each other, so they have to be emptied by one again. */
static void
truncate_more(Script *script, const Table *table, const char *transaction)
{
	MemoryContext old;
	bool goes_on = script->truncate != NULL && table != NULL && strcmp(script->truncate_by, transaction) == 0;

	if (script->truncate != NULL && !goes_on)
	{
		emit(script, psprintf("%s;", script->truncate));
		script->truncate = NULL;
	}
	if (table == NULL)
		return;
	old = MemoryContextSwitchTo(script->session->memory);
	script->truncate =
		psprintf("%s%s", goes_on ? psprintf("%s, ", script->truncate) : "TRUNCATE ", quote_identifier(table->name));
	script->truncate_by = pstrdup(transaction);
	MemoryContextSwitchTo(old);
}

/* ------------------------------------------------------------------- log */

static Jsonb *
document(Jsonb *entry, const char *name)
{
	JsonbValue value;

	return member(entry, name, &value) ? JsonbValueToJsonb(&value) : NULL;
}

/* Columns: txid, operation, table_name, change_type, change, whether it is to be emitted. */
static void
take_entry(Script *script, HeapTuple tuple, TupleDesc desc)
{
	Table *table = table_by_name(script, SPI_getvalue(tuple, desc, 3));
	char *type = SPI_getvalue(tuple, desc, 4);
	bool null;
	Jsonb *entry = DatumGetJsonbP(SPI_getbinval(tuple, desc, 5, &null));
	bool wanted = DatumGetBool(SPI_getbinval(tuple, desc, 6, &null));
	bool users = SPI_getvalue(tuple, desc, 2) == NULL;
	Jsonb *original = document(entry, "original");
	Jsonb *change = document(entry, "change");
	char *statement = NULL;

	if (table == NULL)
		return;
	if (users && wanted)
	{
		bool truncates = strcmp(type, "TRUNCATE") == 0;

		truncate_more(script, truncates ? table : NULL, SPI_getvalue(tuple, desc, 1));
		if (original == NULL && change != NULL)
			statement = insert_statement(script, table, change);
		else if (original != NULL && change != NULL)
			statement = update_statement(script, table, original, change);
		else if (original != NULL)
			statement = delete_statement(script, table, original);
		if (statement != NULL)
			emit(script, statement);
	}
	remember(script, table, users, original, change);
}

static void
read_log(Script *script, Datum since, bool all)
{
	Session *session = script->session;
	const char **serials = palloc(sizeof(char *) * (list_length(script->tables) + 1));
	Oid types[] = {INT4OID, TIMESTAMPTZOID, TEXTARRAYOID};
	Datum values[] = {Int32GetDatum(session->workspace), since, 0};
	int n = 0;
	MemoryContext batch = AllocSetContextCreate(session->memory, "iasql script", ALLOCSET_DEFAULT_SIZES);
	SPITupleTable *entries;
	Portal portal;
	ListCell *cell;

	foreach (cell, script->tables)
		if (((Table *) lfirst(cell))->serial >= 0)
			serials[n++] = ((Table *) lfirst(cell))->name;
	values[2] = text_array(serials, n);
	portal = SPI_cursor_open_with_args(
		NULL,
		psprintf("SELECT txid::text, operation, table_name, change_type, change, $2 IS NULL OR ts >= $2"
				 " FROM %siasql_audit_log WHERE workspace = $1 AND ($2 IS NULL OR ts >= $2 OR table_name = ANY ($3))"
				 " ORDER BY id",
				 session->ext),
		3, types, values, all ? " n " : NULL, true, 0);
	do
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		entries = SPI_tuptable;
		n = SPI_processed;
		for (int row = 0; row < n; row++)
		{
			MemoryContext spi = MemoryContextSwitchTo(batch);

			take_entry(script, entries->vals[row], entries->tupdesc);
			MemoryContextSwitchTo(spi);
		}
		SPI_freetuptable(entries);
		MemoryContextReset(batch);
	} while (n > 0);
	SPI_cursor_close(portal);
	truncate_more(script, NULL, NULL);
}

/* The user's changes since a time, NULL: all that the log has; one statement a row, oldest first. */
Datum
iasql_get_sql_since(PG_FUNCTION_ARGS)
{
	Session *session = session_begin(
		VERB_REFRESH, AllocSetContextCreate(CurrentMemoryContext, "iasql operation", ALLOCSET_DEFAULT_SIZES));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old = MemoryContextSwitchTo(session->memory);
	Script script = {.session = session};
	SavedUser saved;
	HASHCTL control = {.keysize = sizeof(RowKey), .entrysize = sizeof(Row), .hcxt = session->memory};
	int nest;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	script.store = result->setResult;
	script.desc = result->setDesc;
	script.rows = hash_create("iasql rows", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (!workspace_owned(session))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied for the audit log of schema \"%s\"", session->schema_name),
						errdetail("It holds rows, and is for the owner of the tables.")));
	nest = pin_settings();
	read_tables(&script);
	saved = become_owner(session);
	SPI_connect();
	read_log(&script, PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0), PG_ARGISNULL(0));
	SPI_finish();
	become_caller(saved);
	unpin_settings(nest);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(session->memory);
	return (Datum) 0;
}
