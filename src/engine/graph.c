/*
 * graph.c
 *	  The order of a plan's actions: edges from rules about references, names
 *	  and declared facts, and the proof that they have no cycle.
 *
 * X -> Y means that X ends before Y starts.  Creates and updates follow what
 * rows refer to (desired), deletions go against what the cloud still refers
 * to (actual, else base).
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inet.h"
#include "utils/memutils.h"

#include "engine/engine.h"

static void
edge(Action *first, Action *then)
{
	if (first == NULL || then == NULL || first == then || first->row_only)
		return;
	/* a parent has as many edges as children, a child few: the shorter list tells */
	if (list_length(first->after) < list_length(then->before) ? list_member_ptr(first->after, then)
															  : list_member_ptr(then->before, first))
		return;
	first->after = lappend(first->after, then);
	then->before = lappend(then->before, first);
}

static bool
makes(const Action *action)
{
	return action->kind != ACTION_DELETE && !action->row_only;
}

static const Value *
held_values(const Object *object)
{
	return object->actual ? object->actual : object->base;
}

Action *
deletion_of(const Object *object)
{
	if (object->action == NULL)
		return NULL;
	if (object->action->kind == ACTION_DELETE)
		return object->action;
	return object->action->other_half;
}

/* How many references each of an object's child rows has. */
static int
parts_refs(const Object *object)
{
	for (int i = 0; i < object->kind->nattributes; i++)
		if (object->kind->res->attributes[i].form == FORM_PARTS && object->kind->child[i] != NULL)
			return object->kind->child[i]->nrefs;
	return 0;
}

/* Rules 1, 2, 5: along references. */
static void
edges_of_references(Action *action)
{
	Object *object = action->object;
	const Value *held = held_values(object);
	int n = object->kind->nattributes;

	if (makes(action))
	{
		for (int i = 0; i < n; i++)
			for (int r = 0; r < object->desired[i].nrefs; r++)
			{
				Action *other = object->desired[i].refs[r]->action;

				if (other != NULL && makes(other))
					edge(other, action);
			}
		for (int p = 0; p < object->nparts; p++)
			for (int r = 0; r < parts_refs(object); r++)
			{
				Object *part_of = object->parts[p].refs[r];

				if (part_of != NULL && part_of->action != NULL && makes(part_of->action))
					edge(part_of->action, action);
			}
	}
	if (held != NULL && !action->rides)
	{
		for (int i = 0; i < n; i++)
			for (int r = 0; r < held[i].nrefs; r++)
			{
				Action *gone = deletion_of(held[i].refs[r]);

				/* an update lets go, a replacement only by its deletion */
				if (gone != NULL && action->kind != ACTION_REPLACE)
					edge(action, gone);
			}
	}
	edge(action->rides, action);
	if (action->kind == ACTION_REPLACE)
	{
		if (action->delete_first)
			edge(action->other_half, action);
		else
			edge(action, action->other_half);
	}
}

/* Rule 3: who frees a name or an exclusive reference goes before who takes it. */
static void
edges_of_names(Plan *plan)
{
	HTAB *freed = multimap_of_texts();
	HTAB *let_go = multimap_of_pointers();
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);
		Object *object = action->object;
		const Value *held = held_values(object);

		if (held == NULL || action->row_only)
			continue;
		if (action->kind == ACTION_DELETE)
			multimap_add(freed, object_natural_key(object, held), action);
		for (int i = 0; i < object->kind->nattributes; i++)
		{
			const Attribute *attr = &object->kind->res->attributes[i];

			if ((attr->flags & ATTR_EXCLUSIVE) && action->kind != ACTION_REPLACE && held[i].nrefs == 1)
				multimap_add(let_go, held[i].refs[0], action);
		}
	}
	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);
		Object *object = action->object;
		ListCell *other;

		if (!makes(action))
			continue;
		if (action->kind != ACTION_UPDATE)
			foreach (other, multimap_get(freed, object->natural_key))
			{
				Action *first = lfirst(other);

				if (first->object->kind == object->kind && first != action->other_half)
					edge(first, action);
			}
		for (int i = 0; i < object->kind->nattributes; i++)
		{
			const Attribute *attr = &object->kind->res->attributes[i];

			if ((attr->flags & ATTR_EXCLUSIVE) && object->desired[i].nrefs == 1)
				foreach (other, multimap_get(let_go, object->desired[i].refs[0]))
				{
					Action *first = lfirst(other);

					/* the object itself may keep what it holds; its own old half may not */
					if (first->object != object)
					{
						if (first == action->other_half)
							action->delete_first = true;
						edge(first, action);
					}
				}
		}
	}
}

/* One element of a comma separated list, from *at on; false at its end. */
static bool
next_element(const char **at, char *out, Size size)
{
	const char *end;
	Size len;

	while (**at == ',' || **at == ' ')
		(*at)++;
	if (**at == '\0')
		return false;
	end = strchr(*at, ',');
	len = end ? (Size) (end - *at) : strlen(*at);
	if (len >= size)
		elog(ERROR, "name too long in \"%s\"", *at);
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += len;
	return true;
}

/*
 * Rule 4: declared by a shared value.  "listener:target_group_name=target_group_name"
 * in a service: after the listeners on the same target group; deletions mirrored.
 */
static void
edges_of_declared(Session *session, Plan *plan, Kind *kind)
{
	const char *at = kind->res->after;
	char rule[256];

	while (at != NULL && next_element(&at, rule, sizeof(rule)))
	{
		char *colon = strchr(rule, ':');
		char *equals = strchr(rule, '=');
		Kind *others;
		HTAB *made;
		HTAB *gone;
		int theirs;
		int mine;
		ListCell *cell;

		if (colon == NULL || equals == NULL)
			elog(ERROR, "malformed rule \"%s\" of resource \"%s\"", rule, kind->res->name);
		*colon = *equals = '\0';
		others = kind_by_name(session->world, rule);
		if (others == NULL)
			continue;
		theirs = attribute_index(others->res, colon + 1, strlen(colon + 1));
		mine = attribute_index(kind->res, equals + 1, strlen(equals + 1));
		if (theirs < 0 || mine < 0)
			elog(ERROR, "unknown attribute in rule \"%s\" of resource \"%s\"", rule, kind->res->name);

		made = multimap_of_pointers();
		gone = multimap_of_pointers();
		foreach (cell, plan->actions)
		{
			Action *action = lfirst(cell);
			const Value *held = held_values(action->object);

			if (action->object->kind != others || action->row_only)
				continue;
			if (makes(action) && action->object->desired[theirs].nrefs == 1)
				multimap_add(made, action->object->desired[theirs].refs[0], action);
			if (action->kind == ACTION_DELETE && held != NULL && held[theirs].nrefs == 1)
				multimap_add(gone, held[theirs].refs[0], action);
		}
		foreach (cell, plan->actions)
		{
			Action *action = lfirst(cell);
			const Value *held = held_values(action->object);
			ListCell *other;

			if (action->object->kind != kind || action->row_only)
				continue;
			if (makes(action) && action->object->desired[mine].nrefs == 1)
				foreach (other, multimap_get(made, action->object->desired[mine].refs[0]))
					edge(lfirst(other), action);
			if (action->kind == ACTION_DELETE && held != NULL && held[mine].nrefs == 1)
				foreach (other, multimap_get(gone, held[mine].refs[0]))
					edge(action, lfirst(other));
		}
	}
}

/* Rule 9: one at a time per value; what is made comes before what goes. */
static void
edges_of_serial(Plan *plan, Kind *kind)
{
	int serial = attribute_index(kind->res, kind->res->serial, strlen(kind->res->serial));
	HTAB *last = multimap_of_texts();

	if (serial < 0)
		elog(ERROR, "unknown serial attribute of resource \"%s\"", kind->res->name);
	for (int pass = 0; pass < 2; pass++)
	{
		ListCell *cell;

		foreach (cell, plan->actions)
		{
			Action *action = lfirst(cell);
			Object *object = action->object;
			const Value *values = makes(action) ? object->desired : held_values(object);
			const char *text;
			List *before;

			if (object->kind != kind || action->row_only || action->rides || values == NULL ||
				makes(action) != (pass == 0) || values[serial].text == NULL)
				continue;
			text = psprintf("%s %s", object->region, values[serial].text);
			before = multimap_get(last, text);
			if (before != NIL)
				edge(llast(before), action);
			multimap_add(last, text, action);
		}
	}
}

static bool
ranges_overlap(const char *a, const char *b)
{
	Datum first = DirectFunctionCall1(inet_in, CStringGetDatum(a));
	Datum second = DirectFunctionCall1(inet_in, CStringGetDatum(b));

	return DatumGetBool(DirectFunctionCall2(network_overlap, first, second));
}

/* Ranges of one scope: a new one waits for one that goes, and is refused beside one that stays. */
static void
edges_of_ranges(Plan *plan, Kind *kind)
{
	const char *at = kind->res->overlaps;
	char name[2][NAMEDATALEN];
	int range;
	int scope;
	ListCell *cell;

	if (!next_element(&at, name[0], NAMEDATALEN) || !next_element(&at, name[1], NAMEDATALEN))
		elog(ERROR, "malformed ranges of resource \"%s\"", kind->res->name);
	range = attribute_index(kind->res, name[0], strlen(name[0]));
	scope = attribute_index(kind->res, name[1], strlen(name[1]));

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);
		Object *object = action->object;
		bool scope_anew;
		ListCell *other;

		if (object->kind != kind || !makes(action) || action->kind == ACTION_UPDATE ||
			object->desired[range].text == NULL || object->desired[scope].nrefs != 1)
			continue;
		/* what goes is then in the old scope */
		scope_anew = object_replaced(&object->desired[scope]);
		foreach (other, kind->objects)
		{
			Object *there = lfirst(other);
			const Value *values = there->desired ? there->desired : held_values(there);
			Action *gone = deletion_of(there);

			if (there == object || values == NULL || values[scope].nrefs != 1 ||
				values[scope].refs[0] != object->desired[scope].refs[0] || values[range].text == NULL ||
				!ranges_overlap(values[range].text, object->desired[range].text))
				continue;
			if (there->desired == NULL && gone != NULL && !scope_anew)
				edge(gone, action);
			else if (there->desired != NULL)
				ereport(ERROR, (errcode(ERRCODE_EXCLUSION_VIOLATION),
								errmsg("ranges of \"%s\" overlap: %s and %s", kind->res->name,
									   object->desired[range].text, values[range].text),
								errdetail("%s and %s are in the same \"%s\".", object_describe(object),
										  object_describe(there), name[1])));
		}
		if (action->kind == ACTION_REPLACE && !scope_anew && object->actual != NULL &&
			object->actual[range].text != NULL && object->actual[scope].nrefs == 1 &&
			object->actual[scope].refs[0] == object->desired[scope].refs[0] &&
			ranges_overlap(object->actual[range].text, object->desired[range].text))
			action->delete_first = true;
	}
}

static void
add_edges(Session *session, Plan *plan)
{
	World *world = session->world;
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);

		action->before = action->after = NIL;
	}
	for (int k = 0; k < world->nkinds; k++)
	{
		Kind *kind = world->kinds[k];

		if (kind->res->overlaps != NULL)
			edges_of_ranges(plan, kind);
	}
	edges_of_names(plan);
	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);

		if (!action->row_only)
			edges_of_references(action);
	}
	for (int k = 0; k < world->nkinds; k++)
	{
		Kind *kind = world->kinds[k];

		if (kind->res->after != NULL)
			edges_of_declared(session, plan, kind);
		if (kind->res->serial != NULL)
			edges_of_serial(plan, kind);
	}
}

/* Kahn's algorithm; returns the actions that a cycle holds back, NIL for none. */
static List *
held_by_cycle(Plan *plan)
{
	List *ready = NIL;
	List *held = NIL;
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);

		action->pending = list_length(action->before);
		if (action->pending == 0)
			ready = lappend(ready, action);
	}
	for (int i = 0; i < list_length(ready); i++)
	{
		Action *action = list_nth(ready, i);

		foreach (cell, action->after)
		{
			Action *next = lfirst(cell);

			if (--next->pending == 0)
				ready = lappend(ready, next);
		}
	}
	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);

		if (action->pending > 0)
			held = lappend(held, action);
		action->pending = list_length(action->before);
	}
	return held;
}

/*
 * Puts edges between the plan's actions and sets Action.pending.  A cycle is
 * cut by making replacements in it delete first; one that remains is an error
 * that names its objects.
 */
void
graph_build(Session *session, Plan *plan)
{
	for (;;)
	{
		List *held;
		ListCell *cell;
		bool cut = false;
		StringInfoData names;

		add_edges(session, plan);
		held = held_by_cycle(plan);
		if (held == NIL)
			return;
		foreach (cell, held)
		{
			Action *action = lfirst(cell);

			if (action->kind == ACTION_REPLACE && !action->delete_first)
				cut = action->delete_first = true;
			else if (action->kind == ACTION_DELETE && action->other_half != NULL)
				held = foreach_delete_current(held, cell); /* its other half is named */
		}
		if (cut)
			continue;
		initStringInfo(&names);
		foreach (cell, held)
		{
			if (foreach_current_index(cell) == 10)
			{
				appendStringInfo(&names, " and %d more", list_length(held) - 10);
				break;
			}
			appendStringInfo(&names, "%s%s", names.len ? ", " : "", object_describe(((Action *) lfirst(cell))->object));
		}
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("no order of calls can make these changes"),
				 errdetail("Each of these waits for another: %s.", names.data),
				 errhint("Apply a part of the change first.")));
	}
}
