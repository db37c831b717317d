/*
 * iasql.c
 *	  Entry of the library: defines the settings, and nothing else.  Models,
 *	  connections and the worker are opened when first needed, so loading it
 *	  costs next to nothing.
 */
#include "postgres.h"

#include "fmgr.h"

#include "engine/engine.h"

PG_MODULE_MAGIC;

void _PG_init(void);

void
_PG_init(void)
{
	settings_define();
}
