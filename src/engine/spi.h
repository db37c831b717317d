/*
 * spi.h
 *	  PostgreSQL's SPI, and the other headers that bring its planner's nodes
 *	  along, for files that also include engine.h: both have a Plan and a Join.
 *	  To be included before engine.h.
 */
#ifndef ENGINE_SPI_H
#define ENGINE_SPI_H

#define Plan PostgresPlan
#define Join PostgresJoin
#include "catalog/namespace.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "tcop/utility.h"
#undef Plan
#undef Join

#endif /* ENGINE_SPI_H */
