/*
 * install.c
 *	  iasql_install and iasql_uninstall: modules come and go.
 *
 * A module is a script in the share directory; its objects belong to the
 * caller.  What uninstall drops is read from the same script, so that nothing
 * needs to be remembered that a dump would lose.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "storage/fd.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "engine/spi.h"
#include "parser/parse_type.h"
#include "engine/engine.h"
#include "api/api.h"

PG_FUNCTION_INFO_V1(iasql_install);
PG_FUNCTION_INFO_V1(iasql_uninstall);

/* -------------------------------------------------------------- arguments */

static const char *
module_name(void *arg, int i)
{
	return iasql_modules[i] ? iasql_modules[i]->name : NULL;
}

/* Raises unless all is known; names the nearest known modules, or all of them. */
static void
refuse_unknown(const List *unknown)
{
	StringInfoData names;
	StringInfoData hint;
	ListCell *cell;

	if (unknown == NIL)
		return;
	initStringInfo(&names);
	initStringInfo(&hint);
	foreach (cell, unknown)
	{
		char *near = nearest_names(lfirst(cell), module_name, NULL);

		appendStringInfo(&names, "%s\"%s\"", names.len ? ", " : "", (char *) lfirst(cell));
		if (near != NULL)
			appendStringInfo(&hint, "%sPerhaps you meant %s.", hint.len ? " " : "", near);
	}
	if (hint.len == 0)
	{
		for (int i = 0; iasql_modules[i] != NULL; i++)
			if (!module_is_builtin(iasql_modules[i]))
				appendStringInfo(&hint, "%s\"%s\"", hint.len ? ", " : "The modules are ", iasql_modules[i]->name);
		appendStringInfoChar(&hint, '.');
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg_plural("module %s does not exist", "modules %s do not exist", list_length(unknown), names.data),
			 errhint("%s", hint.data)));
}

/*
 * The modules that the call names, without duplicates.  "name@version" is
 * taken if the version is the installed one.
 */
static List *
named_modules(FunctionCallInfo fcinfo, const char *version)
{
	List *modules = NIL;
	List *unknown = NIL;
	Datum *elements;
	bool *nulls;
	int n;

	if (PG_ARGISNULL(0))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char *name = nulls[i] ? "" : TextDatumGetCString(elements[i]);
		char *at = strchr(name, '@');
		const Module *module;

		if (at != NULL)
			*at = '\0';
		module = module_by_name(name);
		if (module == NULL)
			unknown = lappend(unknown, name);
		else if (at != NULL && strcmp(at + 1, version) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("module \"%s\" has no version \"%s\"", name, at + 1),
					 errdetail("This is version %s.", version)));
		else
			modules = list_append_unique_ptr(modules, unconstify(Module *, module));
	}
	refuse_unknown(unknown);
	return modules;
}

static bool
depends_on(const Module *module, const Module *other)
{
	for (int i = 0; i < (int) lengthof(module->depends) && module->depends[i] != NULL; i++)
		if (strcmp(module->depends[i], other->name) == 0)
			return true;
	return false;
}

/* Adds what the modules need, and that needs; the result is in the registry's order, dependencies first. */
static List *
with_dependencies(const List *named)
{
	List *closed = list_copy(named);
	List *ordered = NIL;
	ListCell *cell;

	/* the list grows while it is walked, until nothing new is needed */
	foreach (cell, closed)
	{
		const Module *module = lfirst(cell);

		for (int i = 0; i < (int) lengthof(module->depends) && module->depends[i] != NULL; i++)
			closed = list_append_unique_ptr(closed, unconstify(Module *, module_by_name(module->depends[i])));
	}
	for (int i = 0; iasql_modules[i] != NULL; i++)
		if (list_member_ptr(closed, iasql_modules[i]))
			ordered = lappend(ordered, unconstify(Module *, iasql_modules[i]));
	return ordered;
}

/* ----------------------------------------------------------------- scripts */

static char *
read_script(const char *module)
{
	char share[MAXPGPATH];
	char *path;
	FILE *file;
	StringInfoData text;
	char buffer[8192];
	size_t len;

	get_share_path(my_exec_path, share);
	path = psprintf("%s/extension/iasql/modules/%s.sql", share, module);
	file = AllocateFile(path, PG_BINARY_R);
	if (file == NULL)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not open script \"%s\": %m", path)));
	initStringInfo(&text);
	while ((len = fread(buffer, 1, sizeof(buffer), file)) > 0)
		appendBinaryStringInfo(&text, buffer, len);
	if (ferror(file))
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not read script \"%s\": %m", path)));
	FreeFile(file);
	return text.data;
}

/* Runs a script's statements with the workspace's schema as search_path, as the caller; an error shows the one that failed. */
static void
run_in_workspace(const Session *session, const char *script)
{
	int nest = NewGUCNestLevel();
	ListCell *cell;

	pin_workspace(session->schema_name);
	SPI_connect();
	foreach (cell, raw_parser(script, RAW_PARSE_DEFAULT))
	{
		RawStmt *statement = lfirst_node(RawStmt, cell);
		const char *text = script + statement->stmt_location;
		int len = statement->stmt_len > 0 ? statement->stmt_len : strlen(text);
		int blanks = strspn(text, " \n");
		int result = SPI_execute(pnstrdup(text + blanks, len - blanks), false, 0);

		if (result < 0)
			elog(ERROR, "script failed: %s", SPI_result_code_string(result));
	}
	SPI_finish();
	AtEOXact_GUC(true, nest);
}

static char *
argument_types(const List *parameters)
{
	StringInfoData types;
	ListCell *cell;

	initStringInfo(&types);
	foreach (cell, parameters)
	{
		FunctionParameter *parameter = lfirst(cell);

		if (parameter->mode != FUNC_PARAM_OUT && parameter->mode != FUNC_PARAM_TABLE)
			appendStringInfo(&types, "%s%s", types.len ? ", " : "", TypeNameToString(parameter->argType));
	}
	return types.data;
}

/* The statements that undo a script: its tables first, last made first, then functions and types. */
static char *
undoing(const char *script)
{
	List *tables = NIL;
	List *others = NIL;
	StringInfoData undo;
	ListCell *cell;

	foreach (cell, raw_parser(script, RAW_PARSE_DEFAULT))
	{
		Node *node = lfirst_node(RawStmt, cell)->stmt;

		if (IsA(node, CreateStmt))
			tables = lcons(psprintf("TABLE IF EXISTS %s", quote_identifier(((CreateStmt *) node)->relation->relname)),
						   tables);
		else if (IsA(node, CreateEnumStmt))
			others = lcons(psprintf("TYPE IF EXISTS %s", NameListToQuotedString(((CreateEnumStmt *) node)->typeName)),
						   others);
		else if (IsA(node, CreateFunctionStmt))
		{
			CreateFunctionStmt *create = (CreateFunctionStmt *) node;

			others = lcons(psprintf("FUNCTION IF EXISTS %s(%s)", NameListToQuotedString(create->funcname),
									argument_types(create->parameters)),
						   others);
		}
	}
	initStringInfo(&undo);
	foreach (cell, list_concat(tables, others))
		appendStringInfo(&undo, "DROP %s;\n", (char *) lfirst(cell));
	return undo.data;
}

/* ------------------------------------------------------------------ result */

static int64
count_rows(const Session *session, const char *table)
{
	bool isnull;
	int64 count;

	if (!OidIsValid(get_relname_relid(table, session->schema)))
		return 0;
	SPI_connect();
	run_sql(SPI_OK_SELECT,
			psprintf("SELECT pg_catalog.count(*) FROM %s", quote_qualified_identifier(session->schema_name, table)), 0,
			NULL, NULL);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return count;
}

/* A row for each table of these modules, in the registry's order, with its rows counted now. */
static void
report_tables(FunctionCallInfo fcinfo, const Session *session, const List *modules)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int m = 0; iasql_modules[m] != NULL; m++)
	{
		const Module *module = iasql_modules[m];

		if (!list_member_ptr(modules, module) || module_is_builtin(module))
			continue;
		for (int i = 0; i < (int) lengthof(module->tables) && module->tables[i] != NULL; i++)
		{
			bool nulls[3] = {false};
			Datum values[3] = {CStringGetTextDatum(module->name), CStringGetTextDatum(module->tables[i]),
							   Int32GetDatum((int32) count_rows(session, module->tables[i]))};

			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
}

/* ----------------------------------------------------------------- install */

/* Raises if a table's name is taken, naming each module and its tables. */
static void
refuse_collisions(const Session *session, const List *modules)
{
	StringInfoData detail;
	ListCell *cell;

	initStringInfo(&detail);
	foreach (cell, modules)
	{
		const Module *module = lfirst(cell);
		bool first = true;

		for (int i = 0; i < (int) lengthof(module->tables) && module->tables[i] != NULL; i++)
			if (OidIsValid(get_relname_relid(module->tables[i], session->schema)))
			{
				if (first)
					appendStringInfo(&detail, "%sModule \"%s\" makes \"%s\"", detail.len ? ". " : "", module->name,
									 module->tables[i]);
				else
					appendStringInfo(&detail, ", \"%s\"", module->tables[i]);
				first = false;
			}
	}
	if (detail.len > 0)
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE),
						errmsg("tables of these names exist already in schema \"%s\"", session->schema_name),
						errdetail("%s.", detail.data),
						errhint("Rename them, or set search_path to another schema for the modules.")));
}

/* The arguments, for the record. */
static char *
arguments_json(FunctionCallInfo fcinfo)
{
	StringInfoData json;
	Datum *elements;
	bool *nulls;
	int n = 0;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"modules\": [");
	if (!PG_ARGISNULL(0))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoString(&json, ", ");
		escape_json(&json, nulls[i] ? "" : TextDatumGetCString(elements[i]));
	}
	appendStringInfoString(&json, "]}");
	return json.data;
}

/* Runs 'body' as an operation in a memory context of its own. */
static Datum
operate(FunctionCallInfo fcinfo, Verb verb, void (*body)(Session *session, void *arg))
{
	Session *session;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	session =
		session_begin(verb, AllocSetContextCreate(CurrentMemoryContext, "iasql operation", ALLOCSET_DEFAULT_SIZES));
	old = MemoryContextSwitchTo(session->memory);
	session_check_may_act(session);
	session_lock(session);
	session->params = arguments_json(fcinfo);
	operation_record(session, body, fcinfo);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(session->memory);
	return (Datum) 0;
}

static void
install(Session *session, void *arg)
{
	List *named = named_modules(arg, extension_version(session));
	List *coming = NIL;
	bool resources = false;
	ListCell *cell;

	foreach (cell, with_dependencies(named))
	{
		const Module *module = lfirst(cell);

		if (module_installed(session, module->name))
			continue;
		coming = lappend(coming, lfirst(cell));
		session->modules = lappend(session->modules, unconstify(char *, module->name));
		resources |= module->resources != NULL && module->resources[0] != NULL;
	}
	refuse_collisions(session, coming);
	foreach (cell, coming)
	{
		const Module *module = lfirst(cell);

		run_in_workspace(session, read_script(module->name));
		module_register(session, module);
		audit_module(session, module);
	}
	if (resources)
		(void) operation_run(session);
	report_tables(arg, session, named);
}

/*
 * iasql_install(VARIADIC text[]): makes the tables of the modules and of what
 * they need, and imports what the account holds, all in the caller's
 * transaction.  Reports the tables of the modules named, also of those that
 * were installed before.
 */
Datum
iasql_install(PG_FUNCTION_ARGS)
{
	return operate(fcinfo, VERB_INSTALL, install);
}

/* Raises if an installed module that stays needs one that goes. */
static void
refuse_needed(Session *session, const List *going)
{
	for (int i = 0; iasql_modules[i] != NULL; i++)
	{
		const Module *stays = iasql_modules[i];
		ListCell *cell;

		if (list_member_ptr(going, stays) || !module_installed(session, stays->name))
			continue;
		foreach (cell, going)
			if (depends_on(stays, lfirst(cell)))
				ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
								errmsg("module \"%s\" cannot be uninstalled because module \"%s\" needs it",
									   ((const Module *) lfirst(cell))->name, stays->name),
								errhint("Uninstall \"%s\" as well.", stays->name)));
	}
}

static void
uninstall(Session *session, void *arg)
{
	List *going = NIL;
	bool any_stays = false;
	ListCell *cell;

	foreach (cell, named_modules(arg, extension_version(session)))
		if (!module_is_builtin(lfirst(cell)) && module_installed(session, ((const Module *) lfirst(cell))->name))
			going = lappend(going, lfirst(cell));
	refuse_needed(session, going);
	report_tables(arg, session, going);
	for (int i = 0; iasql_modules[i] != NULL; i++)
		if (list_member_ptr(going, iasql_modules[i]))
			session->modules = lcons(unconstify(char *, iasql_modules[i]->name), session->modules);
	foreach (cell, session->modules)
	{
		run_in_workspace(session, undoing(read_script(lfirst(cell))));
		module_unregister(session, module_by_name(lfirst(cell)));
	}
	for (int i = 0; iasql_modules[i] != NULL; i++)
		any_stays |= !module_is_builtin(iasql_modules[i]) && module_installed(session, iasql_modules[i]->name);
	if (!any_stays)
		workspace_set_account(session, NULL);
}

/*
 * iasql_uninstall(VARIADIC text[]): drops the modules' tables and forgets
 * their state.  AWS is not asked, and nothing there changes.
 */
Datum
iasql_uninstall(PG_FUNCTION_ARGS)
{
	return operate(fcinfo, VERB_UNINSTALL, uninstall);
}
