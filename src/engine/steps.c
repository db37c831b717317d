/*
 * steps.c
 *	  Which calls an action makes, one after the other, as its resource says.
 */
#include "postgres.h"

#include "engine/engine.h"

/*
 * The values that a request is made of: the row's, but for what AWS sets,
 * which a user may have edited and only AWS knows.
 */
Value *
effective_values(const Object *object)
{
	const Kind *kind = object->kind;
	Value *values = palloc0(sizeof(Value) * kind->nattributes);

	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];

		if (object->desired == NULL)
			values[i] = object->actual ? object->actual[i] : object->base[i];
		else if ((attr->flags & ATTR_COMPUTED) == 0)
			values[i] = object->desired[i];
		else if (object->actual != NULL)
			values[i] = object->actual[i];
	}
	return values;
}

static List *
append_calls(List *steps, const Call *calls, int from)
{
	for (int c = from; c < MAX_CALLS && (calls[c].operation != NULL || calls[c].until != NULL); c++)
		steps = lappend(steps, (void *) &calls[c]);
	return steps;
}

static List *
change_steps(const Action *action, List *steps)
{
	const Resource *res = action->object->kind->res;

	for (int c = 0; c < MAX_CHANGES && res->changes[c].columns != NULL; c++)
		if (pushes_any(action, res->changes[c].columns))
			steps = append_calls(steps, res->changes[c].calls, 0);
	return steps;
}

/* The plan's creations by what they refer to. */
static struct HTAB *
creations(Plan *plan)
{
	ListCell *cell;

	if (plan->creations != NULL)
		return plan->creations;
	plan->creations = multimap_of_pointers();
	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);
		Object *object = action->object;

		if (object->desired == NULL || (action->kind != ACTION_CREATE && action->kind != ACTION_REPLACE))
			continue;
		for (int i = 0; i < object->kind->nattributes; i++)
			if (object->desired[i].nrefs == 1)
				multimap_add(plan->creations, object->desired[i].refs[0], action);
	}
	return plan->creations;
}

/* The plan's creation that takes over what AWS makes along with 'parent', marked as such. */
static bool
adopt_born(Plan *plan, Object *parent, const Born *born)
{
	ListCell *cell;

	foreach (cell, multimap_get(creations(plan), parent))
	{
		Action *action = lfirst(cell);
		Object *object = action->object;
		int i = attribute_index(object->kind->res, born->parent, strlen(born->parent));

		if (strcmp(object->kind->res->name, born->resource) == 0 && i >= 0 && object->desired[i].nrefs == 1 &&
			object->desired[i].refs[0] == parent && pattern_matches_row(object, object->desired, born->columns))
		{
			action->born = true;
			return true;
		}
	}
	return false;
}

/* Whether AWS makes this along with the object. */
static bool
is_given(const Object *object, const Born *born)
{
	const Kind *kind = object->kind;
	int of = attribute_index(kind->res, born->of, -1);
	const Object *other = of >= 0 && object->desired[of].nrefs == 1 ? object->desired[of].refs[0] : NULL;

	return born->of == NULL || (other != NULL && other->item != NULL && pattern_matches(other->item, born->where));
}

/* The steps of a creation of which the first 'from' calls are done. */
static List *
create_steps(Plan *plan, Action *action, int from)
{
	const Resource *res = action->object->kind->res;
	List *steps = NIL;

	if (from == 0 && res->lookup.operation != NULL)
		steps = lappend(steps, (void *) &res->lookup);
	if (from == 0)
		steps = lappend(steps, (void *) &res->create[0]);
	if (from <= 1)
		for (int b = 0; b < (int) lengthof(res->born) && res->born[b].resource != NULL; b++)
			if (is_given(action->object, &res->born[b]) && !adopt_born(plan, action->object, &res->born[b]) &&
				res->born[b].remove.operation != NULL)
				steps = lappend(steps, (void *) &res->born[b].remove);
	return append_calls(steps, res->create, Max(from, 1));
}

/* A born object has its key, and may bear others; what else the row says is a change. */
static List *
born_steps(Plan *plan, Action *action)
{
	const Kind *kind = action->object->kind;

	for (int b = 0; b < (int) lengthof(kind->res->born) && kind->res->born[b].resource != NULL; b++)
		if (is_given(action->object, &kind->res->born[b]))
			(void) adopt_born(plan, action->object, &kind->res->born[b]);
	action->deltas = NIL;
	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		Delta *delta;

		if ((attr->flags & (ATTR_KEY | ATTR_COMPUTED | ATTR_REPLACE)) || value_is_null(&action->object->desired[i]))
			continue;
		delta = palloc0(sizeof(Delta));
		delta->attribute = i;
		delta->to = action->object->desired[i];
		delta->push = true;
		action->deltas = lappend(action->deltas, delta);
	}
	return change_steps(action, NIL);
}

/*
 * The calls of an action.  Must be asked for a parent before its children,
 * since a parent decides which child takes over what AWS makes along.
 */
List *
action_steps(Session *session, Plan *plan, Action *action)
{
	if (action->rides || action->row_only)
		return NIL;
	switch (action->kind)
	{
		case ACTION_CREATE:
		case ACTION_REPLACE:
			if (action->born)
				return born_steps(plan, action);
			if (action->adopted)
			{
				List *steps = NIL;

				if (action->object->resume_step > 0)
					steps = create_steps(plan, action, action->object->resume_step);
				return change_steps(action, steps);
			}
			return create_steps(plan, action, 0);
		case ACTION_UPDATE:
			return change_steps(action, NIL);
		case ACTION_DELETE:
			return append_calls(NIL, action->object->kind->res->remove, 0);
	}
	return NIL;
}
