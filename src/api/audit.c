/*
 * audit.c
 *	  iasql_audit(): the trigger on every module table that keeps who changed
 *	  which row when, and refuses edits that iasql_protect() forbids.
 *
 * It fires once a statement, with all rows of it in transition tables.  Rows
 * become jsonb with the rights of who changed them, since a user's own types
 * may bring their own functions; only then they are inserted, many at once, as
 * the extension's owner.  Secrets are masked before.
 */
#include "postgres.h"

#include "engine/spi.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "engine/compat.h"
#include "engine/engine.h"
#include "api/api.h"

PG_FUNCTION_INFO_V1(iasql_audit);

#define BATCH 128
#define LOG_COLUMNS 9
#define LOG_OPERATION 5 /* position in them */
#define MASK "***"

/* Secrets of tables that are no resource. */
static const char *const account_secrets[] = {"secret_access_key", "session_token"};

/* How a column becomes jsonb: the usual types at once, others as to_jsonb does it. */
typedef enum Shape
{
	SHAPE_SECRET,
	SHAPE_TEXT,
	SHAPE_BOOL,
	SHAPE_INTEGER,
	SHAPE_ENUM,
	SHAPE_OTHER
} Shape;

typedef struct Column
{
	JsonbValue name;
	int at; /* its place in a row */
	Oid type;
	Shape shape;
	FmgrInfo convert; /* of an enum its output, of others to_jsonb */
} Column;

/* A trigger's call: of which workspace the table is, and what is to be known of its columns. */
typedef struct Audit
{
	TriggerData *trigger;
	Relation rel;
	Session session; /* .ext, .owner and .workspace alone */
	const char *table;
	const char *type; /* INSERT, UPDATE, DELETE or TRUNCATE */
	int64 operation;  /* that writes the rows; -1: the user does */
	TimestampTz at;
	Column *columns; /* in jsonb's order of their names */
	int ncolumns;
	List *protected_keys; /* of char * */
	int nkeys;
	AttrNumber keys[INDEX_MAX_KEYS];
	Relation log;
	Oid sequence;
	Datum user, table_text, type_text;
	EState *estate;
	ResultRelInfo *result;
	BulkInsertState bulk;
	MemoryContext memory; /* of the whole call */
	int nslots;
	TupleTableSlot *slots[BATCH];
	int n; /* changes gathered */
	Datum batch[BATCH];
} Audit;

/* -------------------------------------------------------------------- log */

/* A string as of type name, which is copied and stored at its full length, whatever follows the string. */
static Datum
name_datum(char *string)
{
	return DirectFunctionCall1(namein, CStringGetDatum(string));
}

/* The workspace of the table's schema and the protected rows; false where the table is in none. */
static bool
find_workspace(Audit *audit)
{
	static SPIPlanPtr kept; /* for as long as the backend lives */
	static Oid kept_for;
	Oid types[] = {NAMEOID, TEXTOID};
	Datum values[] = {name_datum(get_namespace_name(RelationGetNamespace(audit->rel))),
					  CStringGetTextDatum(audit->table)};
	SavedUser saved = become_owner(&audit->session);
	bool found;

	if (kept == NULL || kept_for != audit->session.ext_schema)
	{
		SPIPlanPtr plan = SPI_prepare(
			psprintf("SELECT w.id, s.row_key FROM %1$siasql_workspace w JOIN %1$siasql_tables t ON t.workspace = w.id"
					 " LEFT JOIN %1$siasql_state s ON s.workspace = w.id AND s.resource = $2 AND s.protected"
					 " WHERE w.schema = $1 AND t.\"table\" = $2",
					 audit->session.ext),
			2, types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare the audit log's query");
		if (kept != NULL)
			SPI_freeplan(kept);
		kept = plan;
		kept_for = audit->session.ext_schema;
	}
	if (SPI_execute_plan(kept, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run the audit log's query");
	become_caller(saved);
	found = SPI_processed > 0;
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		bool null;
		char *key = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 2);

		audit->session.workspace =
			DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1, &null));
		if (key != NULL)
			audit->protected_keys = lappend(audit->protected_keys, key);
	}
	return found;
}

/* Opens the log for the rows of this call; past the executor, since it must cost little. */
static void
open_log(Audit *audit)
{
	Oid id = get_relname_relid("iasql_audit_log", audit->session.ext_schema);

	audit->sequence = get_relname_relid("iasql_audit_log_id_seq", audit->session.ext_schema);
	audit->user = name_datum(GetUserNameFromId(GetSessionUserId(), false));
	audit->log = table_open(id, RowExclusiveLock);
	audit->estate = CreateExecutorState();
	audit->result = makeNode(ResultRelInfo);
	InitResultRelInfo(audit->result, audit->log, 0, NULL, 0);
	ExecOpenIndices(audit->result, false);
	audit->bulk = GetBulkInsertState();
	audit->memory = CurrentMemoryContext;
}

/* Inserts the changes gathered so far. */
static void
flush(Audit *audit)
{
	MemoryContext batch = MemoryContextSwitchTo(audit->memory);

	while (audit->nslots < audit->n)
		audit->slots[audit->nslots++] = table_slot_create(audit->log, NULL);
	MemoryContextSwitchTo(batch);
	for (int i = 0; i < audit->n; i++)
	{
		TupleTableSlot *slot = audit->slots[i];
		Datum values[LOG_COLUMNS] = {Int64GetDatum(nextval_internal(audit->sequence, false)),
									 Int32GetDatum(audit->session.workspace),
									 TimestampTzGetDatum(audit->at),
									 audit->user,
									 UInt64GetDatum(U64FromFullTransactionId(GetTopFullTransactionId())),
									 Int64GetDatum(Max(audit->operation, 0)),
									 audit->table_text,
									 audit->type_text,
									 audit->batch[i]};

		ExecClearTuple(slot);
		memset(slot->tts_isnull, true, sizeof(bool) * slot->tts_tupleDescriptor->natts);
		memset(slot->tts_isnull, false, sizeof(bool) * LOG_COLUMNS);
		memcpy(slot->tts_values, values, sizeof(values));
		slot->tts_isnull[LOG_OPERATION] = audit->operation < 0;
		ExecStoreVirtualTuple(slot);
	}
	table_multi_insert(audit->log, audit->slots, audit->n, GetCurrentCommandId(true), 0, audit->bulk);
	for (int i = 0; i < audit->n; i++)
	{
		list_free(insert_index_entries(audit->result, audit->slots[i], audit->estate));
		ExecClearTuple(audit->slots[i]);
		ResetPerTupleExprContext(audit->estate);
	}
	audit->n = 0;
}

static void
close_log(Audit *audit)
{
	for (int i = 0; i < audit->nslots; i++)
		ExecDropSingleTupleTableSlot(audit->slots[i]);
	FreeBulkInsertState(audit->bulk);
	table_finish_bulk_insert(audit->log, 0);
	ExecCloseIndices(audit->result);
	FreeExecutorState(audit->estate);
	table_close(audit->log, NoLock);
}

/* ------------------------------------------------------------------- rows */

bool
column_is_secret(const char *table, const char *column)
{
	const Resource *res = resource_by_name(table);
	int attribute = res ? attribute_index(res, column, -1) : -1;

	for (int i = 0; strcmp(table, "aws_account") == 0 && i < (int) lengthof(account_secrets); i++)
		if (strcmp(column, account_secrets[i]) == 0)
			return true;
	return attribute >= 0 && (res->attributes[attribute].flags & ATTR_SECRET);
}

static Shape
shape_of(Oid type)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
			return SHAPE_TEXT;
		case BOOLOID:
			return SHAPE_BOOL;
		case INT4OID:
			return SHAPE_INTEGER;
		default:
			return get_typtype(type) == TYPTYPE_ENUM ? SHAPE_ENUM : SHAPE_OTHER;
	}
}

/* As jsonb sorts an object's members: those that come in this order need no sorting in each row. */
static int
compare_names(const void *a, const void *b)
{
	const JsonbValue *one = &((const Column *) a)->name;
	const JsonbValue *other = &((const Column *) b)->name;

	if (one->val.string.len != other->val.string.len)
		return one->val.string.len - other->val.string.len;
	return memcmp(one->val.string.val, other->val.string.val, one->val.string.len);
}

static void
look_at_columns(Audit *audit)
{
	TupleDesc desc = RelationGetDescr(audit->rel);

	audit->columns = palloc0(sizeof(Column) * (desc->natts + 1));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Column *column = &audit->columns[audit->ncolumns];
		Oid output;
		bool varlena;

		if (attribute->attisdropped)
			continue;
		audit->ncolumns++;
		column->at = i;
		column->name.type = jbvString;
		column->name.val.string.val = NameStr(attribute->attname);
		column->name.val.string.len = strlen(NameStr(attribute->attname));
		column->type = attribute->atttypid;
		column->shape = shape_of(column->type);
		if (column_is_secret(audit->table, NameStr(attribute->attname)))
			column->shape = SHAPE_SECRET;
		else if (column->shape == SHAPE_ENUM)
		{
			getTypeOutputInfo(column->type, &output, &varlena);
			fmgr_info(output, &column->convert);
		}
		else if (column->shape == SHAPE_OTHER)
		{
			fmgr_info(F_TO_JSONB, &column->convert);
			fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
													 list_make1(makeNullConst(column->type, -1, InvalidOid)),
													 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
							   &column->convert);
		}
	}
	qsort(audit->columns, audit->ncolumns, sizeof(Column), compare_names);
}

static void
set_string(JsonbValue *value, char *text, int len)
{
	value->type = jbvString;
	value->val.string.val = text;
	value->val.string.len = len;
}

static void
column_value(const Column *column, Datum datum, JsonbValue *value)
{
	text *packed;
	Jsonb *other;

	switch (column->shape)
	{
		case SHAPE_SECRET:
			set_string(value, MASK, strlen(MASK));
			break;
		case SHAPE_TEXT:
			packed = DatumGetTextPP(datum);
			set_string(value, VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
			break;
		case SHAPE_BOOL:
			value->type = jbvBool;
			value->val.boolean = DatumGetBool(datum);
			break;
		case SHAPE_INTEGER:
			value->type = jbvNumeric;
			value->val.numeric = int64_to_numeric(DatumGetInt32(datum));
			break;
		case SHAPE_ENUM:
			value->val.string.val = OutputFunctionCall(unconstify(FmgrInfo *, &column->convert), datum);
			set_string(value, value->val.string.val, strlen(value->val.string.val));
			break;
		default:
			other = DatumGetJsonbP(FunctionCall1(unconstify(FmgrInfo *, &column->convert), datum));
			jsonb_root(other, value);
			break;
	}
}

/* A row as a member, its secrets masked. */
static void
push_row(const Audit *audit, JsonbParseState **state, char *name, TupleTableSlot *slot)
{
	JsonbValue value;

	set_string(&value, name, strlen(name));
	pushJsonbValue(state, WJB_KEY, &value);
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	slot_getallattrs(slot);
	for (int i = 0; i < audit->ncolumns; i++)
	{
		const Column *column = &audit->columns[i];

		pushJsonbValue(state, WJB_KEY, unconstify(JsonbValue *, &column->name));
		if (slot->tts_isnull[column->at])
			value.type = jbvNull;
		else
			column_value(column, slot->tts_values[column->at], &value);
		pushJsonbValue(state, WJB_VALUE, &value);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* Whether an UPDATE left a row as it was. */
static bool
same_row(TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	TupleDesc desc = old_row->tts_tupleDescriptor;

	slot_getallattrs(old_row);
	slot_getallattrs(new_row);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (old_row->tts_isnull[i] != new_row->tts_isnull[i] ||
			(!old_row->tts_isnull[i] &&
			 !datum_image_eq(old_row->tts_values[i], new_row->tts_values[i], attribute->attbyval, attribute->attlen)))
			return false;
	}
	return true;
}

static void
add_change(Audit *audit, TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	JsonbParseState *state = NULL;

	if (old_row != NULL && new_row != NULL && same_row(old_row, new_row))
		return;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (new_row != NULL)
		push_row(audit, &state, "change", new_row);
	if (old_row != NULL)
		push_row(audit, &state, "original", old_row);
	audit->batch[audit->n++] = PointerGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/* ------------------------------------------------------------- protection */

static bool
is_protected(const Audit *audit, const char *key)
{
	ListCell *cell;

	foreach (cell, audit->protected_keys)
		if (strcmp(lfirst(cell), key) == 0)
			return true;
	return false;
}

/* Columns that cannot change without a new object. */
static bool
replaces(const Audit *audit, const char *column)
{
	const Resource *res = resource_by_name(audit->table);
	int attribute = res ? attribute_index(res, column, -1) : -1;

	return strcmp(column, "region") == 0 ||
		   (attribute >= 0 && (res->attributes[attribute].flags & (ATTR_REPLACE | ATTR_KEY)));
}

static void
refuse(const Audit *audit, const char *key, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("row %s of table \"%s\" is protected", key, audit->table), errdetail("%s", why),
					errhint("If it is meant, call iasql_unprotect('%s', '%s') first.", audit->table, key)));
}

static void
check_protection(Audit *audit, TupleTableSlot *old_row, TupleTableSlot *new_row)
{
	TupleDesc desc = old_row->tts_tupleDescriptor;
	char *key = slot_row_key(old_row, audit->nkeys, audit->keys);

	if (!is_protected(audit, key))
		return;
	if (new_row == NULL)
		refuse(audit, key, "Deleting it would delete its object in AWS.");
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		bool was_null;
		bool is_null;
		Datum was = slot_getattr(old_row, i + 1, &was_null);
		Datum is = slot_getattr(new_row, i + 1, &is_null);

		if (!column->attisdropped && replaces(audit, NameStr(column->attname)) &&
			(was_null != is_null || (!is_null && !datum_image_eq(was, is, column->attbyval, column->attlen))))
			refuse(audit, key,
				   psprintf("A change of column \"%s\" would replace its object in AWS.", NameStr(column->attname)));
	}
	if (strcmp(slot_row_key(new_row, audit->nkeys, audit->keys), key) != 0)
		refuse(audit, key, "A change of its primary key would replace its object in AWS.");
}

/* ---------------------------------------------------------------- trigger */

/* A slot and a read pointer of its own for a transition table; NULL where the event has none. */
static TupleTableSlot *
open_transition(const Audit *audit, Tuplestorestate *store)
{
	if (store == NULL)
		return NULL;
	tuplestore_select_read_pointer(store, tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
	tuplestore_rescan(store);
	return MakeSingleTupleTableSlot(RelationGetDescr(audit->rel), &TTSOpsMinimalTuple);
}

/* Both transition tables of an UPDATE have its rows in the same order. */
static void
audit_rows(Audit *audit)
{
	Tuplestorestate *olds = audit->trigger->tg_oldtable;
	Tuplestorestate *news = audit->trigger->tg_newtable;
	TupleTableSlot *old_row = open_transition(audit, olds);
	TupleTableSlot *new_row = open_transition(audit, news);
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "iasql audit", ALLOCSET_DEFAULT_SIZES);

	/* the slots keep what they read in the outer context */
	while ((olds == NULL || tuplestore_gettupleslot(olds, true, false, old_row)) &&
		   (news == NULL || tuplestore_gettupleslot(news, true, false, new_row)))
	{
		MemoryContext outer = MemoryContextSwitchTo(batch);

		if (old_row != NULL && audit->protected_keys != NIL && audit->operation < 0)
			check_protection(audit, old_row, new_row);
		add_change(audit, old_row, new_row);
		if (audit->n == BATCH)
		{
			flush(audit);
			MemoryContextReset(batch);
		}
		MemoryContextSwitchTo(outer);
	}
	if (audit->n > 0)
		flush(audit);
	MemoryContextDelete(batch);
	if (old_row)
		ExecDropSingleTupleTableSlot(old_row);
	if (new_row)
		ExecDropSingleTupleTableSlot(new_row);
}

/* Where the extension's tables are and whose they are, from the function that was called. */
static void
find_extension(Session *session, Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	session->owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	session->ext_schema = ((Form_pg_proc) GETSTRUCT(tuple))->pronamespace;
	session->ext = psprintf("%s.", quote_identifier(get_namespace_name(session->ext_schema)));
	ReleaseSysCache(tuple);
}

Datum
iasql_audit(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Audit *audit = palloc0(sizeof(Audit));
	int nest;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("function \"iasql_audit\" must be fired AFTER and FOR EACH STATEMENT")));
	audit->trigger = trigger;
	audit->rel = trigger->tg_relation;
	audit->table = RelationGetRelationName(audit->rel);
	audit->type = TRIGGER_FIRED_BY_INSERT(trigger->tg_event)   ? "INSERT"
				  : TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "UPDATE"
				  : TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? "DELETE"
															   : "TRUNCATE";
	audit->operation = session_acting();
	audit->at = GetCurrentTimestamp();
	find_extension(&audit->session, fcinfo->flinfo->fn_oid);
	SPI_connect();
	if (find_workspace(audit))
	{
		look_at_columns(audit);
		audit->nkeys = primary_key_columns(audit->rel, audit->keys);
		audit->table_text = CStringGetTextDatum(audit->table);
		audit->type_text = CStringGetTextDatum(audit->type);
		open_log(audit);
		nest = pin_formats();
		if (trigger->tg_oldtable != NULL || trigger->tg_newtable != NULL)
			audit_rows(audit);
		else
		{
			if (audit->protected_keys != NIL && audit->operation < 0)
				refuse(audit, linitial(audit->protected_keys), "Deleting it would delete its object in AWS.");
			audit->batch[audit->n++] = DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"));
			flush(audit);
		}
		unpin_settings(nest);
		close_log(audit);
	}
	SPI_finish();
	return PointerGetDatum(NULL);
}

/* As the caller, who owns the tables. */
void
audit_module(const Session *session, const Module *module)
{
	static const struct
	{
		const char *event;
		const char *referencing;
	} triggers[] = {
		{"INSERT", "REFERENCING NEW TABLE AS new_rows"},
		{"UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"},
		{"DELETE", "REFERENCING OLD TABLE AS old_rows"},
		{"TRUNCATE", ""},
	};

	SPI_connect();
	for (int i = 0; i < (int) lengthof(module->tables) && module->tables[i] != NULL; i++)
		for (int t = 0; t < (int) lengthof(triggers); t++)
			run_sql(SPI_OK_UTILITY,
					psprintf("CREATE TRIGGER iasql_audit_%s AFTER %s ON %s %s FOR EACH STATEMENT"
							 " EXECUTE FUNCTION %siasql_audit()",
							 asc_tolower(triggers[t].event, strlen(triggers[t].event)), triggers[t].event,
							 quote_qualified_identifier(session->schema_name, module->tables[i]),
							 triggers[t].referencing, session->ext),
					0, NULL, NULL);
	SPI_finish();
}
