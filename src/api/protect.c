/*
 * protect.c
 *	  iasql_protect and iasql_share, and what undoes them: what users say of
 *	  single rows apart from the rows themselves.
 *
 * A row is named by its table and a key: the text of the primary key's first
 * column, or, where that is not enough, the whole key as the views show it, a
 * JSON array of texts.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "engine/spi.h"
#include "engine/compat.h"
#include "engine/engine.h"
#include "api/api.h"

PG_FUNCTION_INFO_V1(iasql_protect);
PG_FUNCTION_INFO_V1(iasql_unprotect);
PG_FUNCTION_INFO_V1(iasql_share);
PG_FUNCTION_INFO_V1(iasql_unshare);

/* ------------------------------------------------------------------- keys */

/* Fills 'columns', which holds INDEX_MAX_KEYS; returns how many there are, 0 without a primary key. */
int
primary_key_columns(Relation rel, AttrNumber *columns)
{
	Oid index_id = relation_primary_key(rel);
	Relation index;
	int n;

	if (!OidIsValid(index_id))
		return 0;
	index = index_open(index_id, AccessShareLock);
	n = index->rd_index->indnkeyatts;
	for (int k = 0; k < n; k++)
		columns[k] = index->rd_index->indkey.values[k];
	index_close(index, NoLock);
	return n;
}

static void
append_key_part(StringInfo key, const char *text)
{
	appendStringInfoString(key, key->len == 0 ? "[" : ", ");
	json_append_string(key, text, strlen(text));
}

/* Needs the formats of pin_formats.  Columns of a primary key are never NULL. */
char *
slot_row_key(TupleTableSlot *slot, int ncolumns, const AttrNumber *columns)
{
	StringInfoData key;

	initStringInfo(&key);
	for (int k = 0; k < ncolumns; k++)
	{
		bool null;
		Datum value = slot_getattr(slot, columns[k], &null);
		Oid output;
		bool varlena;

		getTypeOutputInfo(TupleDescAttr(slot->tts_tupleDescriptor, columns[k] - 1)->atttypid, &output, &varlena);
		append_key_part(&key, OidOutputFunctionCall(output, value));
	}
	appendStringInfoChar(&key, ']');
	return key.data;
}

/* Raises unless the table is a resource of an installed module. */
static const Resource *
installed_resource(Session *session, const char *table)
{
	const Module *module = module_of_table(table);
	const Resource *res = resource_by_name(table);

	if (res == NULL || module == NULL || !module_installed(session, module->name))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table \"%s\" is no resource of an installed module", table),
				 errhint("See SELECT * FROM iasql_modules_installed().")));
	return res;
}

/* The keys of the rows that 'key' names, which the caller can see and change: of char *. */
static List *
find_rows(const Session *session, const char *table, const char *key)
{
	Relation rel = table_open(get_relname_relid(table, session->schema), AccessShareLock);
	AttrNumber columns[INDEX_MAX_KEYS];
	int n = primary_key_columns(rel, columns);
	List *parts = *key == '[' ? json_array_strings(key) : list_make1(unconstify(char *, key));
	StringInfoData sql;
	StringInfoData where;
	List *found = NIL;
	int nest;

	initStringInfo(&sql);
	initStringInfo(&where);
	for (int k = 0; k < n; k++)
	{
		const char *column = quote_identifier(NameStr(TupleDescAttr(RelationGetDescr(rel), columns[k] - 1)->attname));

		appendStringInfo(&sql, "%s%s::text", k ? ", " : "SELECT ", column);
		if (k < list_length(parts))
			appendStringInfo(&where, "%s%s::text = %s", k ? " AND " : "", column,
							 quote_literal_cstr(list_nth(parts, k)));
	}
	appendStringInfo(&sql, " FROM %s WHERE %s ORDER BY 1 FOR NO KEY UPDATE",
					 quote_qualified_identifier(session->schema_name, table), where.data);
	table_close(rel, NoLock);

	nest = pin_settings();
	SPI_connect();
	run_sql(SPI_OK_SELECT, sql.data, 0, NULL, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		MemoryContext spi = MemoryContextSwitchTo(session->memory);
		StringInfoData text;

		initStringInfo(&text);
		for (int k = 0; k < n; k++)
			append_key_part(&text, SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, k + 1));
		appendStringInfoChar(&text, ']');
		found = lappend(found, text.data);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	unpin_settings(nest);
	return found;
}

/* The one row that 'key' names. */
static const char *
find_row(const Session *session, const char *table, const char *key)
{
	List *found = find_rows(session, table, key);

	if (found == NIL)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND), errmsg("table \"%s\" has no row %s", table, key)));
	if (list_length(found) > 1)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("table \"%s\" has %d rows %s", table, list_length(found), key),
						errhint("Give the whole key, for example '%s'.", (char *) linitial(found))));
	return linitial(found);
}

/* ---------------------------------------------------------------- actions */

/* Runs a statement over the workspace, a table, a row's key and a column, NULL where not given; returns its rows. */
static uint64
write_own(const Session *session, int expected, const char *sql, const char *table, const char *key, const char *column)
{
	const Oid types[] = {INT4OID, TEXTOID, TEXTOID, TEXTOID};
	const Datum values[] = {Int32GetDatum(session->workspace), CStringGetTextDatum(table),
							key ? CStringGetTextDatum(key) : (Datum) 0,
							column ? CStringGetTextDatum(column) : (Datum) 0};
	int nest = pin_settings();
	SavedUser saved = become_owner(session);
	uint64 processed;

	SPI_connect();
	run_sql(expected, psprintf(sql, session->ext), 4, types, values);
	processed = SPI_processed;
	SPI_finish();
	become_caller(saved);
	unpin_settings(nest);
	return processed;
}

/* An argument that may not be NULL. */
static const char *
text_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static Session *
begin(void)
{
	return session_begin(VERB_REFRESH,
						 AllocSetContextCreate(CurrentMemoryContext, "iasql operation", ALLOCSET_DEFAULT_SIZES));
}

static Datum
set_protected(FunctionCallInfo fcinfo, bool protect)
{
	Session *session = begin();
	const char *table = text_argument(fcinfo, 0, "table_name");
	const char *key;

	(void) installed_resource(session, table);
	key = find_row(session, table, text_argument(fcinfo, 1, "key"));
	if (write_own(session, SPI_OK_UPDATE,
				  protect ? "UPDATE %siasql_state SET protected = true"
							" WHERE workspace = $1 AND resource = $2 AND row_key = $3 AND $4 IS NULL"
						  : "UPDATE %siasql_state SET protected = false"
							" WHERE workspace = $1 AND resource = $2 AND row_key = $3 AND $4 IS NULL",
				  table, key, NULL) == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("row %s of table \"%s\" has no object in AWS yet", key, table),
						errhint("Call iasql_apply() first.")));
	MemoryContextDelete(session->memory);
	PG_RETURN_VOID();
}

/* Refuses deletion and replacement of a row's object, when rows are edited and when they are applied. */
Datum
iasql_protect(PG_FUNCTION_ARGS)
{
	return set_protected(fcinfo, true);
}

Datum
iasql_unprotect(PG_FUNCTION_ARGS)
{
	return set_protected(fcinfo, false);
}

static Datum
set_shared(FunctionCallInfo fcinfo, int expected, const char *sql)
{
	Session *session = begin();
	const char *table = text_argument(fcinfo, 0, "table_name");
	const Resource *res = installed_resource(session, table);
	const char *key = PG_ARGISNULL(1) ? NULL : find_row(session, table, text_argument(fcinfo, 1, "key"));
	const char *column = text_argument(fcinfo, 2, "column_name");

	if (key == NULL && !owns_table(get_relname_relid(table, session->schema)))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of table %s", table),
						errdetail("Without a key it is said of all rows, also of those that you cannot see.")));
	if (attribute_index(res, column, -1) < 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of table \"%s\" stands for nothing in AWS", column, table)));
	write_own(session, expected, sql, table, key, column);
	MemoryContextDelete(session->memory);
	PG_RETURN_VOID();
}

/* Lets others change a column in AWS: rows that the user did not change follow.  A NULL key: of all rows. */
Datum
iasql_share(PG_FUNCTION_ARGS)
{
	return set_shared(fcinfo, SPI_OK_INSERT,
					  "INSERT INTO %siasql_share (workspace, resource, row_key, column_name)"
					  " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
}

Datum
iasql_unshare(PG_FUNCTION_ARGS)
{
	return set_shared(fcinfo, SPI_OK_DELETE,
					  "DELETE FROM %siasql_share WHERE workspace = $1 AND resource = $2"
					  " AND row_key IS NOT DISTINCT FROM $3 AND column_name = $4");
}
