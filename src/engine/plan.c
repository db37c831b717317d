/*
 * plan.c
 *	  Turns bound objects into actions.
 *
 * Goes through the kinds parents first, so that whoever refers to an object
 * that is made anew is seen to change with it.  Nothing here calls AWS or
 * writes: what a plan says is what an apply does.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "engine/engine.h"

/* Rows of one kind that are named, each by a NOTICE. */
#define FROZEN_SHOWN 20

static bool
has_push(const List *deltas)
{
	ListCell *cell;

	foreach (cell, deltas)
		if (((Delta *) lfirst(cell))->push)
			return true;
	return false;
}

static bool
has_edit(const List *deltas)
{
	ListCell *cell;

	foreach (cell, deltas)
		if (((Delta *) lfirst(cell))->edited)
			return true;
	return false;
}

/* Something to be done about an object, which is not yet part of a plan. */
static Action *
action_of(Object *object, ActionKind kind)
{
	Action *action = palloc0(sizeof(Action));

	object_part(object);
	action->kind = kind;
	action->object = object;
	return action;
}

static Action *
action_new(Plan *plan, Object *object, ActionKind kind)
{
	Action *action = action_of(object, kind);

	Assert(object->action == NULL && object->frozen == NULL && !object->row_hidden);
	action->reported = true;
	object->action = action;
	plan->actions = lappend(plan->actions, action);
	return action;
}

/* The object that an attribute of these values refers to, or NULL. */
static Object *
referred(const Kind *kind, const Value *values, const char *column)
{
	int i = attribute_index(kind->res, column, -1);

	return i >= 0 && values != NULL && values[i].nrefs == 1 ? values[i].refs[0] : NULL;
}

/* Whether the parent that an object lives in is made anew by this plan. */
static bool
parent_made_anew(const Object *object)
{
	int i = attribute_index(object->kind->res, object->kind->res->dies_with, -1);

	return i >= 0 && object_replaced(&object->desired[i]);
}

/* Whether what an object refers to is, or comes to be, in another parent than the object, which cannot follow. */
static bool
leaves_parent(const Object *object)
{
	const Kind *kind = object->kind;
	const char *rule = kind->res->stays_in;
	const Object *parent;
	const Value *refs;
	int equals;
	int arrow;

	if (rule == NULL)
		return false;
	equals = strcspn(rule, "=");
	arrow = strcspn(rule, "-");
	parent = referred(kind, object->actual, pnstrdup(rule, equals));
	refs = &object->desired[attribute_index(kind->res, rule + equals + 1, arrow - equals - 1)];
	for (int r = 0; r < refs->nrefs && parent != NULL; r++)
	{
		const Object *other = refs->refs[r];
		const Object *theirs = referred(other->kind, other->desired ? other->desired : other->actual, rule + arrow + 2);

		if (theirs != NULL && (theirs != parent || (theirs->action != NULL && theirs->action->kind == ACTION_REPLACE)))
			return true;
	}
	return false;
}

/* Whether the new object has the name of the old one, which names within something that is made anew do not share. */
static bool
keeps_name(const Object *object)
{
	const char *old = object_natural_key(object, object->actual);

	if (old == NULL || object->natural_key == NULL || strcmp(old, object->natural_key) != 0)
		return false;
	for (int i = 0; i < object->kind->nattributes; i++)
		if ((object->kind->res->attributes[i].flags & ATTR_KEY) && object_replaced(&object->desired[i]))
			return false;
	return true;
}

/* Whether the new object needs what only one object may hold, and the old one holds. */
static bool
keeps_exclusive(const Object *object)
{
	for (int i = 0; i < object->kind->nattributes; i++)
	{
		const Attribute *attr = &object->kind->res->attributes[i];

		if ((attr->flags & ATTR_EXCLUSIVE) && !value_is_null(&object->desired[i]) &&
			value_equal(attr, &object->desired[i], &object->actual[i]))
			return true;
	}
	return false;
}

/*
 * A replacement has two halves: the object's own action creates, and a second
 * one deletes what stood there before, under an Object of its own.
 */
static void
split_replacement(Plan *plan, Action *action)
{
	Object *object = action->object;
	Object *old = palloc(sizeof(Object));
	Action *half = palloc0(sizeof(Action));

	*old = *object;
	old->desired = NULL;
	old->base = object->base ? object->base : object->actual;
	old->action = half;
	half->kind = ACTION_DELETE;
	half->object = old;
	half->other_half = action;
	action->other_half = half;
	action->replaced = old;
	action->delete_first = keeps_exclusive(object) || keeps_name(object);
	plan->actions = lappend(plan->actions, half);
}

static void
refuse_protected(const Object *object, const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("%s is protected", object_describe(object)), errdetail("The plan would %s it.", what),
					errhint("Lift the protection with iasql_unprotect(), or undo the change.")));
}

/* Whether the base has to follow: row and cloud are the same, and it is not. */
static bool
is_stale(const Object *object)
{
	const Kind *kind = object->kind;
	bool stale = object->base == NULL || object->former_key != NULL;

	for (int i = 0; object->base != NULL && !object_is_one(object) && i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];

		if ((attr->flags & (ATTR_SECRET | ATTR_TRIGGER | ATTR_VOLATILE)) || bms_is_member(i, object->unknown))
			continue;
		if (!value_equal(attr, &object->desired[i], &object->actual[i]))
			return false;
		stale |= !value_equal(attr, &object->base[i], &object->actual[i]);
	}
	return stale;
}

/* A row whose object is there. */
static void
decide_present(Session *session, Plan *plan, Object *object)
{
	const Resource *res = object->kind->res;
	const char *refusal;
	List *deltas = diff_object(object, session->drift, false, &refusal);
	bool replace = object->broken || parent_made_anew(object) || leaves_parent(object);
	Action *action;
	ListCell *cell;

	if (refusal != NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s exists already and differs in \"%s\", which cannot be changed in place",
							   object_describe(object), refusal),
						errdetail("This database has not managed it before, so it is not replaced."),
						errhint("Set the row's \"%s\" as the object has it, or give the row another name.", refusal)));

	foreach (cell, deltas)
	{
		const Delta *delta = lfirst(cell);
		const Attribute *attr = &res->attributes[delta->attribute];

		if (delta->push && ((attr->flags & ATTR_REPLACE) ||
							((attr->flags & ATTR_VARIANT) && value_is_null(&delta->from) != value_is_null(&delta->to))))
			replace = true;
		if (!delta->push && delta->edited && (attr->flags & ATTR_KEEP) && value_is_null(&delta->to))
			ereport(NOTICE, (errmsg("\"%s\" of %s cannot be cleared: its value returns",
									attr->join ? attr->join : attr->column, object_describe(object))));
	}
	if (replace && object->aws_protected)
		replace = false;
	if (replace)
	{
		if (object->base_protected)
			refuse_protected(object, "replace");
		action = action_new(plan, object, ACTION_REPLACE);
		action->deltas = deltas;
		split_replacement(plan, action);
	}
	else if (has_push(deltas))
	{
		action = action_new(plan, object, object->base == NULL && object->ours ? ACTION_CREATE : ACTION_UPDATE);
		action->adopted = action->kind == ACTION_CREATE;
		action->deltas = deltas;
	}
	else if (object->ours && object->base == NULL)
	{
		/* what an aborted run made for this row: its creation is reported now, or finished */
		action = action_new(plan, object, ACTION_CREATE);
		action->adopted = true;
		action->deltas = deltas;
	}
	else if (deltas != NIL)
	{
		bool reported = has_edit(deltas);

		if (reported)
		{
			action = action_new(plan, object, ACTION_UPDATE);
			action->row_only = true;
			action->deltas = deltas;
		}
		else
		{
			action = action_of(object, ACTION_UPDATE);
			action->row_only = true;
			action->deltas = deltas;
			plan->written = lappend(plan->written, action);
		}
	}
	else
	{
		plan->unchanged++;
		if (is_stale(object))
		{
			/* adopted as it is, or changed by a run that did not commit: only the base is missing */
			action = action_of(object, ACTION_UPDATE);
			action->row_only = true;
			plan->written = lappend(plan->written, action);
		}
	}
}

/* Whether a listed object waits for the birth rule of a parent whose creation is resumed or planned. */
static bool
is_born_of_unfinished(Session *session, const Object *object)
{
	World *world = session->world;

	for (int k = 0; k < world->nkinds; k++)
	{
		for (int b = 0; b < (int) lengthof(world->kinds[k]->res->born); b++)
		{
			const Born *born = &world->kinds[k]->res->born[b];
			Object *parent;

			if (born->resource == NULL || born->import || strcmp(born->resource, object->kind->res->name) != 0)
				continue;
			parent = referred(object->kind, object->actual, born->parent);
			if (parent != NULL && parent->ours && parent->resume_step > 0 &&
				pattern_matches_row(object, object->actual, born->columns))
				return true;
		}
	}
	return false;
}

static bool
has_row(const Object *object)
{
	return object->desired != NULL || object->row_hidden || object->imported;
}

/*
 * Why no row can be made for an object: what its key or a set of references
 * names has none, and is not imported along.  A set that lacks an element
 * would be a wish to take it away.  NULL: one can.
 */
static const char *
why_no_row(const Object *object)
{
	const Resource *res = object->kind->res;

	for (int i = 0; i < object->kind->nattributes; i++)
	{
		const Attribute *attr = &res->attributes[i];
		const Value *value = &object->actual[i];
		bool key = (attr->flags & ATTR_KEY) || (res->dies_with && list_names(res->dies_with, attr->column));

		if (value->text == NULL)
			continue;
		if (attr->form == FORM_REF && key && (value->nrefs == 0 || !has_row(value->refs[0])))
			return "what it belongs to has no row";
		for (int r = 0; attr->form == FORM_JOIN && r < value->nrefs; r++)
			if (!has_row(value->refs[r]))
				return "what it refers to has no row";
	}
	return NULL;
}

/* The deletion of what its key refers to, or NULL: AWS's own objects (a VPC's default group) go with it. */
static Action *
parent_goes(const Object *object)
{
	for (int i = 0; i < object->kind->nattributes; i++)
	{
		const Value *value = &object->actual[i];

		if ((object->kind->res->attributes[i].flags & ATTR_KEY) && value->nrefs == 1 &&
			value->refs[0]->action != NULL && value->refs[0]->action->kind == ACTION_DELETE)
			return value->refs[0]->action;
	}
	return NULL;
}

static bool
is_orphan_young(const Object *object)
{
	return !TimestampDifferenceExceeds(object->left_at, GetCurrentTimestamp(), iasql_orphan_grace);
}

/* An object without row and base. */
static void
decide_unknown(Session *session, Plan *plan, Object *object)
{
	if (object->leaving || object->unmanaged != NULL)
		return;
	if (object->ours && !is_sync(session))
	{
		/* kept for a while for rows that want it again, but not beside what it was to replace; an install takes nothing away */
		if ((object->left_for != NULL || !is_orphan_young(object)) && session->verb != VERB_INSTALL)
			action_new(plan, object, ACTION_DELETE);
		return;
	}
	if (is_born_of_unfinished(session, object) ||
		state_is_tombstone(session, object->kind, object->region, object->cloud_id))
		return;
	object->unmanaged = why_no_row(object);
	if (object->unmanaged != NULL)
		return;
	object->imported = true;
	plan->imports = lappend(plan->imports, object);
}

static void
decide(Session *session, Plan *plan, Object *object)
{
	const Resource *res = object->kind->res;
	bool present = object->presence == PRESENCE_PRESENT && object->actual != NULL;

	if (object->desired != NULL && object->base == NULL && session->verb != VERB_INSTALL && !object_is_enabled(object))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("%s is in region \"%s\", which is not enabled", object_describe(object), object->region),
						errhint("Enable the region: UPDATE aws_regions SET is_enabled = true WHERE region = '%s'.",
								object->region)));
	if (object->row_hidden || object->frozen != NULL || object->presence == PRESENCE_UNKNOWN ||
		(session->changed_only && !object->changed))
		return;
	if (object->desired != NULL)
	{
		if (present && object->leaving)
			object->frozen = "it is being deleted";
		else if (present)
			decide_present(session, plan, object);
		else if (res->read_only)
			plan->dropped = lappend(plan->dropped, object);
		else
			action_new(plan, object, ACTION_CREATE);
	}
	else if (object->base != NULL)
	{
		if (!present || object->leaving || (object->aws_protected && parent_goes(object) != NULL))
			plan->forgotten = lappend(plan->forgotten, object);
		else if (object->aws_protected || (res->read_only && res->remove[0].operation == NULL))
		{
			/* AWS's own stays, but it goes with what it is in */
			object->imported = why_no_row(object) == NULL;
			if (object->imported)
				plan->imports = lappend(plan->imports, object);
			else
				plan->forgotten = lappend(plan->forgotten, object);
		}
		else if (object->base_protected)
			refuse_protected(object, "delete");
		else
			action_new(plan, object, ACTION_DELETE);
	}
	else if (present)
		decide_unknown(session, plan, object);
}

static int
compare_objects(const ListCell *a, const ListCell *b)
{
	const Object *first = lfirst(a);
	const Object *second = lfirst(b);
	int order;

	if (first->row_id != second->row_id)
		return first->row_id < second->row_id ? -1 : 1;
	order = strcmp(first->row_key ? first->row_key : "", second->row_key ? second->row_key : "");
	if (order == 0)
		order = strcmp(first->region, second->region);
	if (order == 0)
		order = strcmp(first->cloud_id ? first->cloud_id : "", second->cloud_id ? second->cloud_id : "");
	return order;
}

/*
 * A rule rides when its group goes: no call of its own, unless it refers to
 * another object that goes too and would be held by it.
 */
static void
mark_riders(Plan *plan)
{
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);
		Object *object = action->object;
		const Value *values = object->actual ? object->actual : object->base;
		Object *parent;

		if (action->kind != ACTION_DELETE || object->kind->res->dies_with == NULL)
			continue;
		parent = referred(object->kind, values, object->kind->res->dies_with);
		if (parent == NULL)
			continue;
		action->rides = parent->aws_protected ? parent_goes(parent) : deletion_of(parent);
		for (int i = 0; i < object->kind->nattributes && action->rides != NULL; i++)
		{
			const Attribute *attr = &object->kind->res->attributes[i];

			if (attr->refers == NULL || !list_names(object->kind->res->blocks, attr->column))
				continue;
			for (int r = 0; r < values[i].nrefs; r++)
			{
				Object *other = values[i].refs[r];

				if (other != parent && deletion_of(other) != NULL)
					action->rides = NULL;
			}
		}
	}
}

/*
 * A name that stays the same cannot be taken by the new object before the old
 * one is gone, and the old one cannot go while others hold it.
 */
static void
refuse_replacement_in_use(Session *session, Plan *plan)
{
	World *world = session->world;
	ListCell *cell;
	bool any = false;

	foreach (cell, plan->actions)
		any |= ((Action *) lfirst(cell))->delete_first;
	if (!any)
		return;
	for (int k = 0; k < world->nkinds; k++)
	{
		Kind *kind = world->kinds[k];

		if (kind->res->blocks == NULL)
			continue;
		foreach (cell, kind->objects)
		{
			Object *object = lfirst(cell);

			if (object->actual == NULL || (object->action != NULL && (object->action->kind == ACTION_DELETE ||
																	  object->action->kind == ACTION_REPLACE)))
				continue;
			for (int i = 0; i < kind->nattributes; i++)
			{
				const Attribute *attr = &kind->res->attributes[i];

				if (attr->refers == NULL || !list_names(kind->res->blocks, attr->column))
					continue;
				for (int r = 0; r < object->actual[i].nrefs; r++)
				{
					Object *used = object->actual[i].refs[r];
					bool stays = object->desired == NULL;

					if (used->action == NULL || used->action->kind != ACTION_REPLACE || !used->action->delete_first)
						continue;
					for (int d = 0; object->desired != NULL && d < object->desired[i].nrefs; d++)
						stays |= object->desired[i].refs[d] == used;
					if (stays)
						ereport(
							ERROR,
							(errcode(ERRCODE_OBJECT_IN_USE),
							 errmsg("%s cannot be replaced under the same name while it is in use",
									object_describe(used)),
							 errdetail("It is used by %s.", object_describe(object)),
							 errhint(
								 "Change its name as well: the new object is then made first and its users are moved.")));
				}
			}
		}
	}
}

/*
 * A new version leaves the one before it to what has no row, which this plan
 * cannot move: then only the row goes on.  The next look imports the old one.
 */
static void
keep_used_versions(Session *session, Plan *plan)
{
	World *world = session->world;

	for (int k = 0; k < world->nkinds; k++)
	{
		Kind *kind = world->kinds[k];
		ListCell *cell;

		foreach (cell, kind->objects)
		{
			Object *object = lfirst(cell);

			if (object->desired != NULL || object->actual == NULL || object->leaving || object->action != NULL)
				continue;
			for (int i = 0; i < kind->nattributes; i++)
				for (int r = 0; r < object->actual[i].nrefs; r++)
				{
					Object *used = object->actual[i].refs[r];

					if (!used->kind->res->versioned || used->action == NULL || used->action->other_half == NULL)
						continue;
					ereport(NOTICE, (errmsg("the version that %s replaces is kept", object_describe(used)),
									 errdetail("It is used by %s, which is no row.", object_describe(object))));
					plan->actions = list_delete_ptr(plan->actions, used->action->other_half);
					used->action->other_half = NULL;
				}
		}
	}
}

/* A row that names by id what is in another region, where the row was moved from, or nowhere. */
static void
refuse_unknown_id(const Object *object, const Attribute *attr, Kind *other, const char *id)
{
	const World *world = other->world;
	const char *why;

	if (object_by_cloud_id(other, object->region, id) != NULL)
		return;
	for (int r = 0; r < world->nregions; r++)
		if (object_by_cloud_id(other, world->regions[r], id) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					 errmsg("%s refers to %s %s, which is in region \"%s\"", object_describe(object), other->res->name,
							id, world->regions[r]),
					 errhint("Set \"%s\" to what is in region \"%s\", or to NULL, in the statement that moves the row.",
							 attr->column, object->region)));
	if (kind_listed(other, object->region, NULL, &why))
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("%s refers to %s %s, which does not exist", object_describe(object), other->res->name, id),
				 errhint("Correct \"%s\".", attr->column)));
}

/* Before any call: all ids that a plan would send. */
static void
refuse_unknown_ids(const Plan *plan)
{
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		const Action *action = lfirst(cell);
		const Object *object = action->object;
		const Kind *kind = object->kind;

		for (int i = 0; object->desired != NULL && i < kind->nattributes; i++)
		{
			const Attribute *attr = &kind->res->attributes[i];
			Kind *other = attr->form == FORM_IDS ? kind_by_name(kind->world, attr->refers) : NULL;
			ListCell *id;

			if (other == NULL || object->desired[i].text == NULL ||
				(action->kind != ACTION_CREATE && pushed_delta(action, i) == NULL))
				continue;
			foreach (id, json_array_strings(object->desired[i].text))
				refuse_unknown_id(object, attr, other, lfirst(id));
		}
	}
}

/* The order of the report: create, update, replace, delete; within each as planned, by module and key. */
static void
order_for_report(Plan *plan)
{
	List *ordered = NIL;
	ListCell *cell;

	for (ActionKind kind = ACTION_CREATE; kind <= ACTION_DELETE; kind++)
		foreach (cell, plan->actions)
			if (((Action *) lfirst(cell))->kind == kind)
				ordered = lappend(ordered, lfirst(cell));
	plan->actions = ordered;
}

/* Decides about each object of a sync: the row follows the cloud.  Its actions write rows only. */
static void
decide_sync(Session *session, Plan *plan, Object *object)
{
	bool present = object->presence == PRESENCE_PRESENT && object->actual != NULL && !object->leaving;
	Action *action = NULL;

	if (object->row_hidden || object->frozen != NULL || object->presence == PRESENCE_UNKNOWN ||
		object->unmanaged != NULL)
		return;
	if (object->desired != NULL && present)
	{
		const char *refusal;
		List *deltas = diff_object(object, session->drift, true, &refusal);

		if (deltas == NIL && object->base != NULL)
		{
			plan->unchanged++;
			return;
		}
		action = action_new(plan, object, ACTION_UPDATE);
		action->deltas = deltas;
		action->reported = deltas != NIL;
	}
	else if (object->desired != NULL)
	{
		action = action_new(plan, object, ACTION_DELETE);
		plan->dropped = lappend(plan->dropped, object);
	}
	else if (present)
	{
		object->unmanaged = why_no_row(object);
		if (object->unmanaged == NULL)
		{
			action = action_new(plan, object, ACTION_CREATE);
			object->imported = true;
			plan->imports = lappend(plan->imports, object);
		}
	}
	else if (object->base != NULL)
		plan->forgotten = lappend(plan->forgotten, object);
	if (action != NULL)
		action->row_only = true;
}

/* Names the rows that nothing is done about, and why; of those that the caller cannot see only that there are some. */
static void
report_frozen(const Session *session, const Kind *kind)
{
	int hidden = 0;
	int n = 0;
	ListCell *cell;

	foreach (cell, kind->objects)
	{
		const Object *object = lfirst(cell);

		if (object->row_hidden)
			hidden++;
		else if (object->frozen == NULL || object->row_key == NULL || (session->changed_only && !object->changed))
			continue;
		else if (++n <= FROZEN_SHOWN)
			ereport(NOTICE, (errmsg("%s is left alone: %s", object_describe(object), object->frozen)));
	}
	if (n > FROZEN_SHOWN)
		ereport(NOTICE, (errmsg("%d more rows of \"%s\" are left alone", n - FROZEN_SHOWN, kind->res->name)));
	if (hidden > 0)
		ereport(NOTICE, (errmsg("rows of \"%s\" that you cannot see are left alone", kind->res->name)));
}

/* A plan of what 'decide' says about each object, parents first. */
static Plan *
plan_each(Session *session, void (*decide_one)(Session *, Plan *, Object *))
{
	World *world = session->world;
	Plan *plan = palloc0(sizeof(Plan));

	for (int k = 0; k < world->nkinds; k++)
	{
		Kind *kind = world->kinds[k];
		ListCell *cell;

		if (kind->frozen)
		{
			ereport(NOTICE, (errmsg("\"%s\" is left alone: %s", kind->res->name, kind->why)));
			continue;
		}
		list_sort(kind->objects, compare_objects);
		foreach (cell, kind->objects)
			decide_one(session, plan, lfirst(cell));
		if (session->verb != VERB_INSTALL) /* which looks at new tables only */
			report_frozen(session, kind);
	}
	return plan;
}

/* The plan of an apply.  Sets Object.action, .imported, .unmanaged. */
Plan *
plan_apply(Session *session)
{
	Plan *plan = plan_each(session, decide);

	keep_used_versions(session, plan);
	mark_riders(plan);
	refuse_replacement_in_use(session, plan);
	refuse_unknown_ids(plan);
	order_for_report(plan);
	return plan;
}

/* The plan of a sync.  Sets the same. */
Plan *
plan_sync(Session *session)
{
	Plan *plan = plan_each(session, decide_sync);

	order_for_report(plan);
	return plan;
}
