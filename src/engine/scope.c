/*
 * scope.c
 *	  What an operation looks at: everything, the modules that an install
 *	  brings, or, with scope => 'changed', what rows say otherwise than last
 *	  agreed.
 *
 * A changed row's kind is listed whole, since a new row may be the name of an
 * object that is there; other kinds are known by their state alone.
 */
#include "postgres.h"

#include "engine/engine.h"

/* Whether the row says something else than base, or one of the two is missing. */
static bool
is_changed(const Session *session, Object *object)
{
	const Kind *kind = object->kind;

	if (object->desired == NULL || object->base == NULL)
		return true;
	object_refresh(session, object);
	for (int i = 0; i < kind->nattributes; i++)
		if ((kind->res->attributes[i].flags & ATTR_VOLATILE) == 0 &&
			!value_equal(&kind->res->attributes[i], &object->desired[i], &object->base[i]))
			return true;
	return false;
}

/* Adds a kind, the kinds per whose objects it is listed, and those that tell what AWS makes along with a new one. */
static Bitmapset *
with_parents(World *world, Bitmapset *kinds, const Kind *kind)
{
	while (kind != NULL && !bms_is_member(kind->index, kinds))
	{
		kinds = bms_add_member(kinds, kind->index);
		for (int b = 0; b < (int) lengthof(kind->res->born); b++)
		{
			int i = attribute_index(kind->res, kind->res->born[b].of, -1);

			if (i >= 0)
				kinds = with_parents(world, kinds, kind_by_name(world, kind->res->attributes[i].refers));
		}
		kind = kind->res->list.per ? kind_by_name(world, kind->res->list.per) : NULL;
	}
	return kinds;
}

static Bitmapset *
changed_kinds(Session *session)
{
	World *world = session->world;
	Bitmapset *kinds = NULL;

	for (int k = 0; k < world->nkinds; k++)
	{
		ListCell *cell;

		foreach (cell, world->kinds[k]->objects)
		{
			Object *object = lfirst(cell);

			object->changed = is_changed(session, object);
			if (object->changed)
				kinds = with_parents(world, kinds, world->kinds[k]);
		}
	}
	ereport(NOTICE, (errmsg("only changed rows were looked at"),
					 errdetail("What else changed in the account is seen with scope => 'all'.")));
	return kinds;
}

static Bitmapset *
module_kinds(Session *session)
{
	World *world = session->world;
	Bitmapset *kinds = NULL;

	for (int k = 0; k < world->nkinds; k++)
	{
		const Module *module = module_of_table(world->kinds[k]->res->name);
		ListCell *cell;

		foreach (cell, session->modules)
			if (module != NULL && strcmp(module->name, lfirst(cell)) == 0)
				kinds = bms_add_member(kinds, k);
	}
	return kinds;
}

/*
 * The kinds to list, by index.  After rows and state were read; with scope
 * 'changed' it marks the changed objects.
 */
Bitmapset *
scope_kinds(Session *session)
{
	if (session->verb == VERB_INSTALL)
		return module_kinds(session);
	if (session->changed_only)
		return changed_kinds(session);
	return session->world->nkinds > 0 ? bms_add_range(NULL, 0, session->world->nkinds - 1) : NULL;
}
