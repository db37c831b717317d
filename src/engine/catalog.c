/*
 * catalog.c
 *	  The world of an operation: which modules are installed, which regions
 *	  are enabled, and what PostgreSQL's catalog says of the modules' tables.
 *
 * Primary and foreign keys and types are the catalog's; only what it cannot
 * say is in the resources.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "engine/spi.h"
#include "engine/engine.h"
#include "engine/compat.h"

static Relation
open_table(const Session *session, const char *name)
{
	Oid relid = get_relname_relid(name, session->schema);

	if (!OidIsValid(relid))
		ereport(
			ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table \"%s.%s\" is missing", session->schema_name, name),
			 errdetail("It belongs to module \"%s\". Nothing is done, since its rows cannot be told from deleted ones.",
					   module_of_table(name)->name),
			 errhint("Call iasql_uninstall('%s') and install it again.", module_of_table(name)->name)));
	return table_open(relid, AccessShareLock);
}

static const char *
column_name(Oid relid, AttrNumber number)
{
	return get_attname(relid, number, false);
}

/*
 * The foreign key from one table to another, through 'column' where that is
 * not NULL.  The region's column is left out: it is the same on both sides.
 */
static bool
find_foreign_key(Relation from, Oid to, const char *column, ForeignKey *key)
{
	ListCell *cell;

	foreach (cell, RelationGetFKeyList(from))
	{
		ForeignKeyCacheInfo *info = lfirst(cell);
		bool through = column == NULL;

		if (info->confrelid != to)
			continue;
		key->n = 0;
		for (int i = 0; i < info->nkeys; i++)
		{
			const char *own = column_name(info->conrelid, info->conkey[i]);

			if (column != NULL && strcmp(own, column) == 0)
				through = true;
			if (strcmp(own, "region") == 0)
				continue;
			if (key->n == (int) lengthof(key->column))
				elog(ERROR, "foreign key of \"%s\" has too many columns", RelationGetRelationName(from));
			key->column[key->n] = own;
			key->referred[key->n++] = column_name(info->confrelid, info->confkey[i]);
		}
		if (through)
			return true;
	}
	return false;
}

static void
require_foreign_key(const Session *session, Relation from, const char *to, const char *column, ForeignKey *key)
{
	if (!find_foreign_key(from, get_relname_relid(to, session->schema), column, key))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("table \"%s\" has no foreign key to \"%s\"", RelationGetRelationName(from), to),
						errhint("Its module may have been altered: uninstall it and install it again.")));
}

static char *
qualified_name(const Session *session, const char *table)
{
	return quote_qualified_identifier(session->schema_name, table);
}

static Child *
open_child(const Session *session, const Kind *kind, const Attribute *attr)
{
	Child *child = palloc0(sizeof(Child));
	const char *table = attr->form == FORM_JOIN ? attr->join : attr->parts->table;
	Relation rel = open_table(session, table);

	child->table = RelationGetRelid(rel);
	child->qualified = qualified_name(session, table);
	child->has_region = get_attnum(RelationGetRelid(rel), "region") != InvalidAttrNumber;
	require_foreign_key(session, rel, kind->res->name, attr->form == FORM_PARTS ? attr->parts->fk : NULL,
						&child->carrier);
	if (attr->form == FORM_JOIN)
	{
		child->nrefs = 1;
		child->refers[0] = attr->refers;
		require_foreign_key(session, rel, attr->refers, NULL, &child->ref[0]);
		child->ref_column[0] = child->ref[0].column[0];
	}
	else
	{
		const char *list = attr->parts->refs;
		char *column;
		char *resource;

		while (list != NULL && assignment_next(&list, &column, &resource))
		{
			if (child->nrefs == MAX_CHILD_REFS)
				elog(ERROR, "table \"%s\" has too many references", table);
			child->ref_column[child->nrefs] = column;
			child->refers[child->nrefs] = resource;
			require_foreign_key(session, rel, resource, column, &child->ref[child->nrefs++]);
		}
	}
	table_close(rel, NoLock);
	return child;
}

static void
open_primary_key(Kind *kind, Relation rel)
{
	Oid relid = RelationGetRelid(rel);
	Oid index_id = relation_primary_key(rel);
	Relation index;

	if (!OidIsValid(index_id))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("table \"%s\" has no primary key", RelationGetRelationName(rel)),
						errhint("Its module may have been altered: uninstall it and install it again.")));
	index = index_open(index_id, AccessShareLock);
	kind->key_columns = index->rd_index->indnkeyatts;
	if (kind->key_columns > (int) lengthof(kind->key_column))
		elog(ERROR, "primary key of \"%s\" has too many columns", RelationGetRelationName(rel));
	for (int k = 0; k < kind->key_columns; k++)
	{
		AttrNumber number = index->rd_index->indkey.values[k];

		kind->key_column[k] = column_name(relid, number);
		kind->key_type[k] = format_type_be_qualified(get_atttype(relid, number));
	}
	index_close(index, NoLock);
	kind->has_id = kind->key_columns == 1 && strcmp(kind->key_column[0], "id") == 0 &&
				   get_atttype(relid, get_attnum(relid, "id")) != UUIDOID;
}

static Kind *
open_kind(const Session *session, World *world, const Resource *res)
{
	Kind *kind = palloc0(sizeof(Kind));
	Relation rel = open_table(session, res->name);

	kind->world = world;
	kind->res = res;
	kind->index = world->nkinds;
	kind->nattributes = attribute_count(res);
	kind->table = RelationGetRelid(rel);
	kind->qualified = qualified_name(session, res->name);
	kind->has_region = get_attnum(kind->table, "region") != InvalidAttrNumber;
	kind->id_attribute = -1;
	open_primary_key(kind, rel);
	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &res->attributes[i];
		AttrNumber number;

		if (attr->flags & ATTR_ID)
			kind->id_attribute = i;
		if (attr->form == FORM_JOIN || attr->form == FORM_PARTS)
		{
			kind->child[i] = open_child(session, kind, attr);
			if (attr->form == FORM_JOIN)
				kind->fk[i] = kind->child[i]->ref[0];
			continue;
		}
		number = get_attnum(kind->table, attr->column);
		if (number == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of table \"%s\" is missing", attr->column, res->name),
					 errhint("Call iasql_uninstall('%s') and install it again.", module_of_table(res->name)->name)));
		kind->type[i] = get_atttype(kind->table, number);
		kind->type_name[i] = format_type_be_qualified(kind->type[i]);
		if (attr->form == FORM_REF)
			require_foreign_key(session, rel, attr->refers, attr->column, &kind->fk[i]);
	}
	table_close(rel, NoLock);
	return kind;
}

/* The first column of a query's rows, as texts in the caller's memory context. */
static List *
read_texts(const char *sql, int nargs, const Oid *types, const Datum *values)
{
	MemoryContext caller = CurrentMemoryContext;
	List *texts = NIL;

	SPI_connect();
	run_sql(SPI_OK_SELECT, sql, nargs, types, values);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		char *text = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1);
		MemoryContext spi = MemoryContextSwitchTo(caller);

		texts = lappend(texts, pstrdup(text));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return texts;
}

/*
 * The workspace's installed modules as Kinds, parents first, and its enabled
 * regions, the default one first.  Raises where a table or a managed column
 * is missing.
 */
World *
world_open(Session *session)
{
	MemoryContext old = MemoryContextSwitchTo(session->memory);
	World *world = palloc0(sizeof(World));
	const Oid types[] = {INT4OID};
	const Datum values[] = {Int32GetDatum(session->workspace)};
	int nest = pin_settings();
	SavedUser saved = become_owner(session);
	List *installed;
	List *regions = NIL;
	int most = 0;

	installed =
		read_texts(psprintf("SELECT name FROM %siasql_module WHERE workspace = $1", session->ext), 1, types, values);
	become_caller(saved);
	if (OidIsValid(get_relname_relid("aws_regions", session->schema)))
		regions = read_texts(psprintf("SELECT region FROM %s WHERE is_enabled ORDER BY is_default DESC, region",
									  qualified_name(session, "aws_regions")),
							 0, NULL, NULL);

	session->world = world;
	world->memory = session->memory;
	world->nregions = list_length(regions);
	world->regions = palloc(sizeof(char *) * (world->nregions + 1));
	for (int i = 0; i < world->nregions; i++)
		world->regions[i] = list_nth(regions, i);

	for (int m = 0; iasql_modules[m] != NULL; m++)
		for (int r = 0; iasql_modules[m]->resources != NULL && iasql_modules[m]->resources[r] != NULL; r++)
			most++;
	world->kinds = palloc(sizeof(Kind *) * (most + 1));
	for (int m = 0; iasql_modules[m] != NULL; m++)
	{
		const Module *module = iasql_modules[m];
		bool found = false;
		ListCell *cell;

		foreach (cell, installed)
			found |= strcmp(lfirst(cell), module->name) == 0;
		for (int r = 0; found && module->resources != NULL && module->resources[r] != NULL; r++)
		{
			world->kinds[world->nkinds] = open_kind(session, world, module->resources[r]);
			world->nkinds++;
		}
	}
	unpin_settings(nest);
	MemoryContextSwitchTo(old);
	return world;
}

typedef struct Preparation
{
	World *world;
	const Resource *res; /* whose statement runs */
	uint64 changed;		 /* rows so far */
} Preparation;

static void
run_prepare(void *arg)
{
	Preparation *preparation = arg;
	World *world = preparation->world;

	SPI_connect();
	for (int k = 0; k < world->nkinds; k++)
	{
		const Resource *res = preparation->res = world->kinds[k]->res;

		for (int i = 0; i < (int) lengthof(res->prepare) && res->prepare[i] != NULL; i++)
		{
			if (SPI_execute(res->prepare[i], false, 0) < 0)
				elog(ERROR, "statement of resource \"%s\" failed: %s", res->name, res->prepare[i]);
			preparation->changed += SPI_processed;
		}
	}
	SPI_finish();
}

static bool
is_unique_violation(int sqlstate)
{
	return sqlstate == ERRCODE_UNIQUE_VIOLATION;
}

/* Raises the error that names two rows that Resource.prepare makes one, if there are such. */
static void
refuse_equal(Session *session, const Resource *res)
{
	Kind *kind = kind_by_name(session->world, res->name);
	const Object *rows[2];

	if (res->equal == NULL)
		return;
	SPI_connect();
	run_sql(SPI_OK_SELECT, res->equal, 0, NULL, NULL);
	if (SPI_processed == 0)
		return;
	world_read_rows(session);
	for (int i = 0; i < (int) lengthof(rows); i++)
		rows[i] = object_by_row_key(
			kind, psprintf("[\"%s\"]", SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1)));
	bound_twice(rows[0], rows[1]);
}

/* Fills in what NULL means for new rows, and tells whether it did; the statements name tables without schema. */
bool
world_prepare(Session *session)
{
	Preparation preparation = {.world = session->world};
	ErrorData *error;
	int nest = pin_formats();

	pin_workspace(session->schema_name);
	if (!subtransaction(run_prepare, &preparation, is_unique_violation, &error))
	{
		refuse_equal(session, preparation.res);
		ReThrowError(error);
	}
	unpin_settings(nest);
	return preparation.changed > 0;
}
