/*
 * drift.c
 *	  iasql_refresh: looks at AWS again, without changing rows or AWS.
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "engine/spi.h"
#include "engine/engine.h"

PG_FUNCTION_INFO_V1(iasql_refresh);

/* Looks, and returns the rows of the view iasql_drift. */
Datum
iasql_refresh(PG_FUNCTION_ARGS)
{
	Session *session = session_begin(
		VERB_REFRESH, AllocSetContextCreate(CurrentMemoryContext, "iasql operation", ALLOCSET_DEFAULT_SIZES));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	(void) operation_run(session);
	SPI_connect();
	run_sql(SPI_OK_SELECT, psprintf("SELECT * FROM %siasql_drift", session->ext), 0, NULL, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[row]);
	SPI_finish();
	MemoryContextDelete(session->memory);
	return (Datum) 0;
}
