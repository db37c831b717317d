/*
 * modules.c
 *	  What modules there are, and delete_all_records.
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "engine/spi.h"
#include "engine/engine.h"

PG_FUNCTION_INFO_V1(iasql_modules_list);
PG_FUNCTION_INFO_V1(delete_all_records);

/* "name@version" of a module's dependencies, but for those that every workspace has. */
static Datum
dependencies(const Module *module, const char *version)
{
	const char *names[lengthof(module->depends)];
	int n = 0;

	for (int i = 0; i < (int) lengthof(module->depends) && module->depends[i] != NULL; i++)
		if (!module_is_builtin(module_by_name(module->depends[i])))
			names[n++] = psprintf("%s@%s", module->depends[i], version);
	return text_array(names, n);
}

/* The modules that can be installed, all of the extension's version. */
Datum
iasql_modules_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller = CurrentMemoryContext;
	char *version;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	run_sql(SPI_OK_SELECT,
			"SELECT extversion FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'iasql'", 0, NULL,
			NULL);
	version = MemoryContextStrdup(caller, SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	SPI_finish();
	for (int i = 0; iasql_modules[i] != NULL; i++)
	{
		bool nulls[3] = {false};
		Datum values[3] = {CStringGetTextDatum(iasql_modules[i]->name), CStringGetTextDatum(version),
						   dependencies(iasql_modules[i], version)};

		if (!module_is_builtin(iasql_modules[i]))
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Empties the tables of all installed modules but the account's, last made first. */
Datum
delete_all_records(PG_FUNCTION_ARGS)
{
	Session *session = session_begin(
		VERB_REFRESH, AllocSetContextCreate(CurrentMemoryContext, "iasql operation", ALLOCSET_DEFAULT_SIZES));
	int n = 0;

	while (iasql_modules[n] != NULL)
		n++;
	SPI_connect();
	while (--n >= 0)
	{
		const Module *module = iasql_modules[n];

		/* a module without resources holds settings */
		if (module->resources == NULL || module->resources[0] == NULL || !module_installed(session, module->name))
			continue;
		for (int i = lengthof(module->tables) - 1; i >= 0; i--)
			if (module->tables[i] != NULL)
				run_sql(SPI_OK_DELETE,
						psprintf("DELETE FROM %s", quote_qualified_identifier(session->schema_name, module->tables[i])),
						0, NULL, NULL);
	}
	SPI_finish();
	MemoryContextDelete(session->memory);
	PG_RETURN_VOID();
}
