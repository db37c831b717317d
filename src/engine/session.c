/*
 * session.c
 *	  The frame of an operation: which workspace, whose rights, which lock,
 *	  under which settings.
 *
 * A workspace is a schema.  The one of a call is the first schema of
 * search_path that is registered.  The extension's own tables are read and
 * written as its owner, switched to around exactly those statements; module
 * tables as the caller.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "engine/spi.h"
#include "engine/compat.h"
#include "engine/engine.h"

/* The class of our advisory locks; PostgreSQL's own functions use 1 and 2. */
#define WORKSPACE_LOCK_CLASS 5741

/* The operations as users call them. */
static const char *const verb_function[] = {
	[VERB_APPLY] = "iasql_apply()",		[VERB_PREVIEW_APPLY] = "iasql_preview_apply()",
	[VERB_SYNC] = "iasql_sync()",		[VERB_PREVIEW_SYNC] = "iasql_preview_sync()",
	[VERB_INSTALL] = "iasql_install()", [VERB_UNINSTALL] = "iasql_uninstall()",
	[VERB_REFRESH] = "iasql_refresh()",
};

/* The operation that acts now, so that one inside it is refused. */
static Session *acting;

/* ------------------------------------------------------------ statements */

/*
 * Runs one statement in an open SPI connection.  A zero by-reference value is
 * a NULL.  Raises unless the statement ends as expected.
 */
void
run_sql(int expected, const char *sql, int nargs, const Oid *types, const Datum *values)
{
	char *nulls = palloc(nargs + 1);
	int result;

	for (int i = 0; i < nargs; i++)
		nulls[i] = values[i] == (Datum) 0 && !get_typbyval(types[i]) ? 'n' : ' ';
	result = SPI_execute_with_args(sql, nargs, unconstify(Oid *, types), unconstify(Datum *, values), nulls, false, 0);
	if (result != expected)
		elog(ERROR, "unexpected result %s of: %s", SPI_result_code_string(result), sql);
}

Datum
text_array(const char *const *texts, int n)
{
	Datum *elements = palloc(sizeof(Datum) * (n + 1));
	bool *nulls = palloc(sizeof(bool) * (n + 1));
	int dims[1] = {n};
	int bounds[1] = {1};
	ArrayType *array;

	if (n == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	for (int i = 0; i < n; i++)
	{
		nulls[i] = texts[i] == NULL;
		elements[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	array = construct_md_array(elements, nulls, 1, dims, bounds, TEXTOID, -1, false, TYPALIGN_INT);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			pfree(DatumGetPointer(elements[i]));
	pfree(elements);
	pfree(nulls);
	return PointerGetDatum(array);
}

/* -------------------------------------------------------------- settings */

static void
pin(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Values' texts must not depend on who asks, nor where. */
int
pin_formats(void)
{
	int nest = NewGUCNestLevel();

	pin("TimeZone", "UTC");
	pin("DateStyle", "ISO, YMD");
	pin("IntervalStyle", "iso_8601");
	pin("bytea_output", "hex");
	pin("extra_float_digits", "1");
	return nest;
}

int
pin_settings(void)
{
	int nest = pin_formats();

	pin("search_path", "pg_catalog, pg_temp");
	return nest;
}

void
pin_workspace(const char *schema)
{
	pin("search_path", psprintf("%s, pg_temp", quote_identifier(schema)));
}

/* On an error the (sub)transaction's end does the same. */
void
unpin_settings(int nest)
{
	AtEOXact_GUC(true, nest);
}

static SavedUser
become(Oid user, int context)
{
	SavedUser saved;

	GetUserIdAndSecContext(&saved.user, &saved.context);
	SetUserIdAndSecContext(user, saved.context | SECURITY_LOCAL_USERID_CHANGE | context);
	saved.nest = NewGUCNestLevel();
	pin("search_path", "pg_catalog, pg_temp");
	return saved;
}

/*
 * The extension's owner, for statements over its own tables.  Nothing in the
 * caller's search_path can be found by them, or the caller could have it run
 * with the owner's rights.
 */
SavedUser
become_owner(const Session *session)
{
	return become(session->owner, 0);
}

/* The owner of a table, whom its row-level security does not concern.  For keys and credentials alone. */
SavedUser
become_table_owner(Oid table)
{
	Relation rel = table_open(table, AccessShareLock);
	Oid owner = rel->rd_rel->relowner;

	table_close(rel, NoLock);
	return become(owner, SECURITY_NOFORCE_RLS);
}

void
become_caller(SavedUser saved)
{
	AtEOXact_GUC(true, saved.nest);
	SetUserIdAndSecContext(saved.user, saved.context);
}

/* ------------------------------------------------------------- workspace */

static void
find_extension(Session *session)
{
	bool isnull;

	run_sql(SPI_OK_SELECT,
			"SELECT extowner, extnamespace FROM pg_catalog.pg_extension "
			"WHERE extname OPERATOR(pg_catalog.=) 'iasql'",
			0, NULL, NULL);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("extension \"iasql\" is not installed in this database"),
				 errhint("Run CREATE EXTENSION iasql.")));
	session->owner = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	session->ext_schema = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	session->ext = MemoryContextStrdup(session->memory,
									   psprintf("%s.", quote_identifier(get_namespace_name(session->ext_schema))));
}

/* What tells this database from a copy of it.  The control file learns of a new timeline late. */
#define THIS_DATABASE                                                                        \
	"SELECT s.system_identifier, d.oid, CASE WHEN pg_is_in_recovery() THEN c.timeline_id "   \
	"ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END " \
	"FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database()"

/* Registers current_schema() as a workspace, along with the modules that every workspace has. */
static void
make_workspace(Session *session, const char *schema)
{
	const Oid types[] = {TEXTOID, OIDOID};
	const Datum values[] = {CStringGetTextDatum(schema), ObjectIdGetDatum(session->caller)};
	bool isnull;

	run_sql(SPI_OK_SELECT, "SELECT pg_catalog.has_schema_privilege($2, $1, 'CREATE')", 2, types, values);
	if (!DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for schema %s", schema),
				 errhint("Installing modules needs the right to create tables in the first schema of search_path.")));
	run_sql(SPI_OK_INSERT_RETURNING,
			psprintf("INSERT INTO %siasql_workspace (schema) VALUES ($1) "
					 "ON CONFLICT (schema) DO UPDATE SET schema = excluded.schema RETURNING id",
					 session->ext),
			1, types, values);
	session->workspace = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	/* a restored or copied database has the original's workspaces: only iasql_arm() arms it */
	if (!iasql_use_server_credentials)
		run_sql(SPI_OK_INSERT,
				psprintf("INSERT INTO %siasql_arming (system_identifier, database, timeline) " THIS_DATABASE
						 " AND NOT EXISTS (SELECT FROM %siasql_workspace WHERE id <> %d) ON CONFLICT DO NOTHING",
						 session->ext, session->ext, session->workspace),
				0, NULL, NULL);
	for (int i = 0; iasql_modules[i] != NULL; i++)
		if (module_is_builtin(iasql_modules[i]))
			module_register(session, iasql_modules[i]);
}

/*
 * Finds the workspace of search_path, the first schema that is one; with
 * 'make' it is current_schema(), as for all that is created, which becomes one
 * if it is not.  False: none.
 */
static bool
find_workspace(Session *session, bool make)
{
	List *path = fetch_search_path(false);
	const char **names = palloc(sizeof(char *) * (list_length(path) + 1));
	const Oid types[] = {TEXTARRAYOID};
	Datum values[1];
	SavedUser saved;
	const char *schema = NULL;
	int n = 0;
	int nest;
	ListCell *cell;
	bool isnull;

	foreach (cell, path)
	{
		char *name = get_namespace_name(lfirst_oid(cell));

		if (name != NULL)
			names[n++] = name;
	}
	if (make && n == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_SCHEMA), errmsg("no schema has been selected to install in"),
						errhint("Set search_path to an existing schema.")));
	values[0] = text_array(names, make ? 1 : n);
	nest = pin_settings();
	saved = become_owner(session);
	run_sql(SPI_OK_SELECT,
			psprintf("SELECT id, schema::text FROM %siasql_workspace WHERE schema = ANY ($1) "
					 "ORDER BY array_position($1, schema::text) LIMIT 1",
					 session->ext),
			1, types, values);
	if (SPI_processed == 1)
	{
		session->workspace = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		schema = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2);
	}
	else if (make)
	{
		schema = names[0];
		make_workspace(session, schema);
	}
	become_caller(saved);
	unpin_settings(nest);
	if (schema == NULL)
		return false;
	session->schema_name = MemoryContextStrdup(session->memory, schema);
	session->schema = get_namespace_oid(schema, false);
	return true;
}

/*
 * Begins an operation: allocates its Session in 'memory', which has to live
 * exactly as long as the operation.  Error 55000 where search_path leads to no
 * workspace; an install makes one.
 */
Session *
session_begin(Verb verb, MemoryContext memory)
{
	Session *session = MemoryContextAllocZero(memory, sizeof(Session));
	bool found;

	session->verb = verb;
	session->memory = memory;
	session->caller = GetUserId();
	session->started = GetCurrentTimestamp();
	SPI_connect();
	find_extension(session);
	found = find_workspace(session, verb == VERB_INSTALL);
	SPI_finish();
	if (!found)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("no module is installed in any schema of search_path"),
						errhint("Install one, for example SELECT * FROM iasql_install('aws_account'), "
								"or set search_path to the schema that holds the tables.")));
	return session;
}

/*
 * A Session for single calls to AWS, which are no operation.  It has no
 * workspace (.schema is invalid) where search_path leads to none.
 */
Session *
session_for_calls(MemoryContext memory)
{
	Session *session = MemoryContextAllocZero(memory, sizeof(Session));

	session->memory = memory;
	session->caller = GetUserId();
	session->started = GetCurrentTimestamp();
	SPI_connect();
	find_extension(session);
	(void) find_workspace(session, false);
	SPI_finish();
	return session;
}

/* For the policies on the extension's tables: whether search_path leads to a workspace, and to which. */
static bool
find_shown(Session *session)
{
	bool found;

	SPI_connect();
	find_extension(session);
	found = find_workspace(session, false);
	SPI_finish();
	return found;
}

/* The id of the workspace that search_path leads to: what a policy on the extension's tables shows. */
PG_FUNCTION_INFO_V1(iasql_current_workspace);

Datum
iasql_current_workspace(PG_FUNCTION_ARGS)
{
	Session session = {.memory = CurrentMemoryContext};

	if (!find_shown(&session))
		PG_RETURN_NULL();
	PG_RETURN_INT32(session.workspace);
}

/* Whether the caller has the rights of the owner of the workspace's tables. */
bool
workspace_owned(const Session *session)
{
	Oid table = get_relname_relid("aws_account", session->schema);

	return OidIsValid(table) ? owns_table(table) : owns_schema(session->schema);
}

/* The same of the workspace that search_path leads to: what a policy shows the audit log by. */
PG_FUNCTION_INFO_V1(iasql_owns_workspace);

Datum
iasql_owns_workspace(PG_FUNCTION_ARGS)
{
	Session session = {.memory = CurrentMemoryContext};

	PG_RETURN_BOOL(find_shown(&session) && workspace_owned(&session));
}

static char *
read_one(const Session *session, const char *sql)
{
	MemoryContext caller = CurrentMemoryContext;
	const Oid types[] = {INT4OID};
	const Datum values[] = {Int32GetDatum(session->workspace)};
	SavedUser saved = become_owner(session);
	int nest = pin_settings();
	char *text = NULL;

	SPI_connect();
	run_sql(SPI_OK_SELECT, sql, 1, types, values);
	if (SPI_processed > 0)
	{
		text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		if (text != NULL)
			text = MemoryContextStrdup(caller, text);
	}
	SPI_finish();
	unpin_settings(nest);
	become_caller(saved);
	return text;
}

const char *
workspace_account(Session *session)
{
	return read_one(session, psprintf("SELECT account FROM %siasql_workspace WHERE id = $1", session->ext));
}

/* Runs a statement of the extension's own, $1 the workspace and $2 a text. */
static void
write_own(const Session *session, int expected, const char *sql, const char *text)
{
	const Oid types[] = {INT4OID, TEXTOID};
	const Datum values[] = {Int32GetDatum(session->workspace), text ? CStringGetTextDatum(text) : (Datum) 0};
	SavedUser saved = become_owner(session);
	int nest = pin_settings();

	SPI_connect();
	run_sql(expected, sql, 2, types, values);
	SPI_finish();
	unpin_settings(nest);
	become_caller(saved);
}

void
workspace_set_account(Session *session, const char *account)
{
	write_own(session, SPI_OK_UPDATE, psprintf("UPDATE %siasql_workspace SET account = $2 WHERE id = $1", session->ext),
			  account);
}

/* A dump does not hold iasql_arming, and a copy's rows name the original's identity. */
bool
workspace_is_armed(Session *session)
{
	return read_one(session, psprintf("SELECT 1 FROM %siasql_arming WHERE $1 IS NOT NULL AND "
									  "(system_identifier, database, timeline) IN (" THIS_DATABASE ")",
									  session->ext)) != NULL;
}

/* Arms or disarms this database; entries of other ones, which a copy brought along, go. */
void
database_arm(Session *session, bool armed)
{
	write_own(session, SPI_OK_DELETE, psprintf("DELETE FROM %siasql_arming WHERE $1 IS NOT NULL", session->ext), NULL);
	if (armed)
		write_own(session, SPI_OK_INSERT,
				  psprintf("INSERT INTO %siasql_arming (system_identifier, database, timeline) " THIS_DATABASE
						   " AND $1 IS NOT NULL",
						   session->ext),
				  NULL);
}

/* ---------------------------------------------------------------- modules */

bool
module_installed(Session *session, const char *module)
{
	return read_one(session, psprintf("SELECT 1 FROM %siasql_module WHERE workspace = $1 AND name = %s", session->ext,
									  quote_literal_cstr(module))) != NULL;
}

/* Whether it is part of the extension: it has no script, and every workspace has it. */
bool
module_is_builtin(const Module *module)
{
	return strncmp(module->name, "iasql_", 6) == 0;
}

/* The version of the extension, which is that of all its modules. */
const char *
extension_version(const Session *session)
{
	return read_one(session,
					"SELECT extversion FROM pg_catalog.pg_extension WHERE $1 IS NOT NULL AND extname = 'iasql'");
}

/* Writes down that a module is installed: its version, dependencies and tables. */
void
module_register(Session *session, const Module *module)
{
	const char *name = quote_literal_cstr(module->name);

	write_own(session, SPI_OK_INSERT,
			  psprintf("INSERT INTO %siasql_module (workspace, name, version) VALUES ($1, %s, $2) "
					   "ON CONFLICT DO NOTHING",
					   session->ext, name),
			  extension_version(session));
	for (int i = 0; i < (int) lengthof(module->depends) && module->depends[i] != NULL; i++)
		write_own(session, SPI_OK_INSERT,
				  psprintf("INSERT INTO %siasql_dependencies (workspace, module, dependency) VALUES ($1, %s, $2) "
						   "ON CONFLICT DO NOTHING",
						   session->ext, name),
				  module->depends[i]);
	for (int i = 0; i < (int) lengthof(module->tables) && module->tables[i] != NULL; i++)
		write_own(session, SPI_OK_INSERT,
				  psprintf("INSERT INTO %siasql_tables (workspace, module, \"table\") VALUES ($1, %s, $2) "
						   "ON CONFLICT DO NOTHING",
						   session->ext, name),
				  module->tables[i]);
}

/* Takes away all that is known of a module and its resources in this workspace. */
void
module_unregister(Session *session, const Module *module)
{
	static const char *const by_resource[] = {"iasql_state", "iasql_tombstone", "iasql_share"};

	for (const Resource *const *res = module->resources; res != NULL && *res != NULL; res++)
		for (int i = 0; i < (int) lengthof(by_resource); i++)
			write_own(session, SPI_OK_DELETE,
					  psprintf("DELETE FROM %s%s WHERE workspace = $1 AND resource = $2", session->ext, by_resource[i]),
					  (*res)->name);
	write_own(session, SPI_OK_DELETE,
			  psprintf("DELETE FROM %siasql_dependencies WHERE workspace = $1 AND module = $2", session->ext),
			  module->name);
	write_own(session, SPI_OK_DELETE,
			  psprintf("DELETE FROM %siasql_tables WHERE workspace = $1 AND module = $2", session->ext), module->name);
	write_own(session, SPI_OK_DELETE,
			  psprintf("DELETE FROM %siasql_module WHERE workspace = $1 AND name = $2", session->ext), module->name);
}

/* ------------------------------------------------------------------ locks */

/* Says who holds the workspace's lock. */
static void
notice_holder(Session *session)
{
	SavedUser saved = become_owner(session);
	int nest = pin_settings();

	SPI_connect();
	/* a prepared transaction has no process; its lock on its own number tells which it is */
	run_sql(SPI_OK_SELECT,
			psprintf("SELECT l.pid, coalesce(a.usename, p.owner), coalesce(a.query_start, p.prepared), p.gid "
					 "FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) "
					 "LEFT JOIN (pg_locks x JOIN pg_prepared_xacts p ON p.transaction = x.transactionid) "
					 "ON l.pid IS NULL AND x.pid IS NULL AND x.virtualtransaction = l.virtualtransaction "
					 "WHERE l.granted AND l.locktype = 'advisory' AND l.objsubid = %d AND l.classid = %d::oid AND "
					 "l.database = %u AND l.pid IS DISTINCT FROM pg_backend_pid() LIMIT 1",
					 WORKSPACE_LOCK_CLASS, session->workspace, MyDatabaseId),
			0, NULL, NULL);
	if (SPI_processed == 1)
	{
		HeapTuple tuple = SPI_tuptable->vals[0];
		TupleDesc desc = SPI_tuptable->tupdesc;
		char *user = SPI_getvalue(tuple, desc, 2);
		char *start = SPI_getvalue(tuple, desc, 3);
		char *gid = SPI_getvalue(tuple, desc, 4);

		user = user ? user : "unknown";
		start = start ? start : "an unknown time";
		ereport(NOTICE,
				(errmsg("waiting for another operation in schema \"%s\"", session->schema_name),
				 gid ? errdetail("It is in the transaction \"%s\" that user \"%s\" prepared at %s.", gid, user, start)
					 : errdetail("It is run by process %s of user \"%s\" since %s.", SPI_getvalue(tuple, desc, 1), user,
								 start),
				 gid ? errhint("End that with COMMIT PREPARED %1$s or ROLLBACK PREPARED %1$s.", quote_literal_cstr(gid))
					 : 0));
	}
	SPI_finish();
	unpin_settings(nest);
	become_caller(saved);
}

static LOCKTAG
workspace_lock(const Session *session)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) session->workspace, 0, WORKSPACE_LOCK_CLASS);
	return tag;
}

/* Where it is held elsewhere: a NOTICE, then waits under lock_timeout, or if that is not set under iasql.lock_timeout. */
static void
take_lock(Session *session, bool beyond_transaction)
{
	LOCKTAG tag = workspace_lock(session);
	int nest;

	if (LockAcquire(&tag, ExclusiveLock, beyond_transaction, true) != LOCKACQUIRE_NOT_AVAIL)
		return;
	notice_holder(session);
	nest = NewGUCNestLevel();
	if (LockTimeout == 0)
		pin("lock_timeout", psprintf("%d", iasql_lock_timeout));
	PG_TRY();
	{
		(void) LockAcquire(&tag, ExclusiveLock, beyond_transaction, false);
	}
	PG_CATCH();
	{
		/* granted while the wait was given up: the transaction's end would not release it */
		LockErrorCleanup();
		if (beyond_transaction && lock_held_by_me(&tag, ExclusiveLock))
			(void) LockRelease(&tag, ExclusiveLock, true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	unpin_settings(nest);
}

/* Takes the workspace's lock until the end of the transaction. */
void
session_lock(Session *session)
{
	take_lock(session, false);
}

/* Takes the workspace's lock until session_let_go, or until the connection ends. */
void
session_hold(Session *session)
{
	take_lock(session, true);
}

void
session_let_go(Session *session)
{
	LOCKTAG tag = workspace_lock(session);

	(void) LockRelease(&tag, ExclusiveLock, true);
}

bool
session_holds(Session *session)
{
	LOCKTAG tag = workspace_lock(session);

	return lock_held_by_me(&tag, ExclusiveLock);
}

/* The number of the operation that acts now, 0 if it has none; -1: none acts. */
int64
session_acting(void)
{
	return acting ? acting->operation : -1;
}

static void
end_acting(void *arg)
{
	if (acting == arg)
		acting = NULL;
}

/*
 * Refuses to act where what is done to AWS and what is written to rows could
 * not be kept together, before anything is sent.
 */
void
session_check_may_act(Session *session)
{
	MemoryContextCallback *callback;

	if (acting == session)
		return;
	if (acting != NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s cannot run inside %s", verb_function[session->verb], verb_function[acting->verb]),
						errhint("Do not call it from a trigger or function that the operation itself fires.")));
	PreventCommandDuringRecovery(verb_function[session->verb]);
	PreventCommandIfReadOnly(verb_function[session->verb]);
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("%s needs the isolation level READ COMMITTED", verb_function[session->verb]),
				 errdetail(
					 "Under a fixed snapshot it would not see what others committed, and delete or repeat it in AWS."),
				 errhint("Begin the transaction with BEGIN ISOLATION LEVEL READ COMMITTED.")));

	callback = MemoryContextAlloc(session->memory, sizeof(*callback));
	callback->func = end_acting;
	callback->arg = session;
	MemoryContextRegisterResetCallback(session->memory, callback);
	acting = session;

	/* what a deferred constraint would refuse at commit must be refused before AWS is asked */
	SPI_connect();
	run_sql(SPI_OK_UTILITY, "SET CONSTRAINTS ALL IMMEDIATE", 0, NULL, NULL);
	SPI_finish();
}

bool
guard_allowed(const Session *session, const char *guard)
{
	ListCell *cell;

	foreach (cell, session->allow)
		if (strcmp(lfirst(cell), guard) == 0)
			return true;
	return false;
}
