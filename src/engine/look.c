/*
 * look.c
 *	  Keeps what the last look saw that rows do not say: differences between
 *	  row, base and cloud, and objects that no row can hold.
 *
 * The views iasql_drift and iasql_unmanaged show it.  Written at the end of
 * each operation that may write, whole, as the extension's owner.
 */
#include "postgres.h"

#include "engine/spi.h"

#include "catalog/pg_type.h"

#include "engine/engine.h"

/* Rows gathered for one INSERT: a list of texts a column. */
typedef struct Entries
{
	int ncolumns;
	int n;
	int max;
	const char **texts[7];
} Entries;

static void
entries_add(Entries *entries, const char *const *texts)
{
	if (entries->n == entries->max)
	{
		entries->max = entries->max ? entries->max * 2 : 64;
		for (int c = 0; c < entries->ncolumns; c++)
			entries->texts[c] = entries->texts[c] ? repalloc(entries->texts[c], sizeof(char *) * entries->max)
												  : palloc(sizeof(char *) * entries->max);
	}
	for (int c = 0; c < entries->ncolumns; c++)
		entries->texts[c][entries->n] = texts[c];
	entries->n++;
}

static const char *
kind_of_delta(const Object *object, const Delta *delta)
{
	if (delta->drift && settle_rolled_back(object, delta->attribute))
		return "rolled back";
	if (delta->drift && delta->edited)
		return "both";
	return delta->drift ? "cloud changed" : "row changed";
}

static void
look_at(Entries *drift, Entries *unmanaged, const Object *object)
{
	const char *resource = object->kind->res->name;
	const char *key = object->row_key ? object->row_key : object->cloud_id;
	bool present = object->presence == PRESENCE_PRESENT && object->actual != NULL;
	const char *refusal;
	ListCell *cell;

	if (object->frozen != NULL && object->unmanaged == NULL)
		return;
	/* what this run deleted was there when it looked */
	if (object->action != NULL && object->action->kind == ACTION_DELETE && object->action->state == ACTION_DONE)
		return;
	if (object->desired == NULL && object->base == NULL)
	{
		if (object->ours && present)
			entries_add(drift, (const char *const[]){resource, key, NULL, NULL, NULL, object->cloud_id, "orphan"});
		else if (object->unmanaged != NULL)
			entries_add(unmanaged,
						(const char *const[]){resource, object->region, object->cloud_id, object->unmanaged});
		return;
	}
	if (object->desired == NULL)
	{
		if (present)
			entries_add(drift, (const char *const[]){resource, key, NULL, object->cloud_id, NULL, object->cloud_id,
													 "not a row"});
		return;
	}
	if (!present)
	{
		if (object->base != NULL && object->presence == PRESENCE_ABSENT)
			entries_add(drift, (const char *const[]){resource, key, NULL, object->cloud_id, key, NULL, "gone"});
		else if (object->base == NULL)
			entries_add(drift, (const char *const[]){resource, key, NULL, NULL, key, NULL, "row changed"});
		return;
	}
	foreach (cell, diff_object(object, DRIFT_REVERT, false, &refusal))
	{
		Delta *delta = lfirst(cell);
		const Attribute *attr = &object->kind->res->attributes[delta->attribute];

		if ((attr->flags & (ATTR_SECRET | ATTR_VOLATILE)) || (!delta->drift && !delta->edited && object->base != NULL))
			continue;
		entries_add(drift, (const char *const[]){resource, key, attr->column,
												 object->base ? object->base[delta->attribute].text : NULL,
												 delta->to.text, delta->from.text, kind_of_delta(object, delta)});
	}
}

static void
replace_entries(Session *session, const char *table, const char *columns, const Entries *entries)
{
	StringInfoData sql;
	Oid types[8] = {INT4OID};
	Datum values[8] = {Int32GetDatum(session->workspace)};

	run_sql(SPI_OK_DELETE, psprintf("DELETE FROM %s%s WHERE workspace = $1", session->ext, table), 1, types, values);
	if (entries->n == 0)
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "INSERT INTO %s%s (workspace, %s) SELECT $1, u.* FROM unnest(", session->ext, table,
					 columns);
	for (int c = 0; c < entries->ncolumns; c++)
	{
		types[c + 1] = TEXTARRAYOID;
		values[c + 1] = text_array(entries->texts[c], entries->n);
		appendStringInfo(&sql, "%s$%d", c ? ", " : "", c + 2);
	}
	appendStringInfoString(&sql, ") u");
	run_sql(SPI_OK_INSERT, sql.data, entries->ncolumns + 1, types, values);
}

/*
 * A refresh does not try to import: what an earlier operation found to be held
 * by no row stays so while it is there without one.
 */
static void
keep_unmanaged(Session *session)
{
	const Oid types[] = {INT4OID};
	const Datum values[] = {Int32GetDatum(session->workspace)};

	run_sql(SPI_OK_SELECT,
			psprintf("SELECT resource, region, cloud_id, reason FROM %siasql_unmanaged_entry"
					 " WHERE workspace = $1 AND cloud_id IS NOT NULL",
					 session->ext),
			1, types, values);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		char *texts[4];
		Kind *kind;
		Object *object;

		for (int c = 0; c < 4; c++)
			texts[c] = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, c + 1);
		kind = kind_by_name(session->world, texts[0]);
		object = kind ? object_by_cloud_id(kind, texts[1], texts[2]) : NULL;
		if (object != NULL && object->desired == NULL && object->actual != NULL && object->unmanaged == NULL)
			object->unmanaged = texts[3];
	}
}

/* Replaces what the last look left with what this one saw. */
void
look_record(Session *session)
{
	World *world = session->world;
	Entries drift = {.ncolumns = 7};
	Entries unmanaged = {.ncolumns = 4};
	SavedUser saved = become_owner(session);

	SPI_connect();
	if (session->verb == VERB_REFRESH)
		keep_unmanaged(session);
	for (int k = 0; k < world->nkinds; k++)
	{
		ListCell *cell;

		foreach (cell, world->kinds[k]->objects)
			look_at(&drift, &unmanaged, lfirst(cell));
	}
	replace_entries(session, "iasql_drift_entry", "resource, key, column_name, base, desired, actual, kind", &drift);
	replace_entries(session, "iasql_unmanaged_entry", "resource, region, cloud_id, reason", &unmanaged);
	SPI_finish();
	become_caller(saved);
}
