/*
 * api.h
 *	  What the SQL-callable functions share.
 */
#ifndef API_API_H
#define API_API_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/rel.h"

#include "engine/engine.h"

/* in apply.c: adds the reported actions of a plan to the function's result: action, table, id, description */
extern void report_plan(FunctionCallInfo fcinfo, const Plan *plan, bool errors);

/* in audit.c: makes the triggers by which changes of a module's tables are recorded; as the caller, who owns them */
extern void audit_module(const Session *session, const Module *module);
/* whether the log masks a column of a module's table */
extern bool column_is_secret(const char *table, const char *column);

/* in protect.c: the columns of a table's primary key, and the text of a row's key as iasql_state has it */
extern int primary_key_columns(Relation rel, AttrNumber *columns);
extern char *slot_row_key(TupleTableSlot *slot, int ncolumns, const AttrNumber *columns);

#endif /* API_API_H */
