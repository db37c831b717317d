/*
 * arm.c
 *	  iasql_arm and iasql_disarm: whether this database may change AWS.
 *
 * A restored, copied or promoted database believes to own what the original
 * owns.  It is disarmed until somebody who knows says otherwise.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "engine/spi.h"
#include "engine/engine.h"
#include "api/api.h"

PG_FUNCTION_INFO_V1(iasql_arm);
PG_FUNCTION_INFO_V1(iasql_disarm);

/* The schemas of all workspaces: of char *. */
static List *
workspaces(const Session *session)
{
	int nest = pin_settings();
	SavedUser saved = become_owner(session);
	List *schemas = NIL;

	SPI_connect();
	run_sql(
		SPI_OK_SELECT,
		psprintf("SELECT w.schema FROM %siasql_workspace w JOIN pg_namespace n ON n.nspname = w.schema ORDER BY w.id",
				 session->ext),
		0, NULL, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		char *schema = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1);
		MemoryContext spi = MemoryContextSwitchTo(session->memory);

		schemas = lappend(schemas, pstrdup(schema));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	become_caller(saved);
	unpin_settings(nest);
	return schemas;
}

/*
 * Forgets what the state holds without a row: after a restore that left rows
 * out, they would be taken for deleted by the user.
 */
static int
forget_rowless(const char *schema, MemoryContext memory)
{
	Session *session;
	List *rowless = NIL;
	int nest = NewGUCNestLevel();

	pin_workspace(schema);
	session = session_begin(VERB_REFRESH, memory);
	session_lock(session);
	world_open(session);
	world_read_rows(session);
	state_read(session);
	for (int k = 0; k < session->world->nkinds; k++)
	{
		ListCell *cell;

		foreach (cell, session->world->kinds[k]->objects)
		{
			Object *object = lfirst(cell);

			if (object->base != NULL && object->desired == NULL && !object->row_hidden)
				rowless = lappend(rowless, object);
		}
	}
	write_forgotten(session, rowless);
	AtEOXact_GUC(true, nest);
	return list_length(rowless);
}

/*
 * Arms this database, so that its applies may change AWS; returns how many
 * objects it forgot since they have no row.  Nothing where it is armed already.
 */
Datum
iasql_arm(PG_FUNCTION_ARGS)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "iasql operation", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	Session *session = session_for_calls(memory);
	int forgotten = 0;
	ListCell *cell;

	if (!workspace_is_armed(session))
	{
		foreach (cell, workspaces(session))
			forgotten += forget_rowless(lfirst(cell), memory);
		database_arm(session, true);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	PG_RETURN_INT32(forgotten);
}

/* Disarms this database: previews and syncs go on, an apply is refused. */
Datum
iasql_disarm(PG_FUNCTION_ARGS)
{
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "iasql operation", ALLOCSET_DEFAULT_SIZES);

	database_arm(session_for_calls(memory), false);
	MemoryContextDelete(memory);
	PG_RETURN_VOID();
}
