/*
 * conclude.c
 *	  What follows execution: reading back what was touched, writing rows and
 *	  base, and the one error that names all that failed.
 *
 * The base of an attribute that was pushed is what the row says, even where a
 * reply does not show it yet: lists lag behind writes, and a row must never
 * follow an answer from before its own change.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "engine/engine.h"

#define FIND_TRIES 5
#define FIND_MS 200
#define FAILURES_SHOWN 20

static bool
is_touched(const Action *action)
{
	return action->state == ACTION_DONE && action->kind != ACTION_DELETE && !action->row_only;
}

/* Whether the object stayed and its attribute was set to what the row says, which may be nothing. */
static bool
was_set(const Object *object, int attribute)
{
	const Action *action = object->action;

	return action != NULL && (action->kind == ACTION_UPDATE || action->adopted) &&
		   pushed_delta(action, attribute) != NULL;
}

/* Values that a reply to create or change did not give are those that were sent. */
static void
fill_from_sent(Object *object)
{
	const Kind *kind = object->kind;

	if (object->actual == NULL)
		object->actual = palloc0(sizeof(Value) * kind->nattributes);
	for (int i = 0; i < kind->nattributes; i++)
	{
		int flags = kind->res->attributes[i].flags;
		bool computed = flags & ATTR_COMPUTED;
		bool has = object->actual[i].text != NULL;

		if (!has && computed)
			object->actual[i] = (Value){.text = flags & ATTR_ACCOUNT ? kind->world->account : NULL};
		else if (!computed && (!has || !value_is_null(&object->desired[i]) || was_set(object, i)))
			object->actual[i] = object->desired[i];
	}
	object->presence = PRESENCE_PRESENT;
}

/* A pause between two looks; an event may end it early, a cancel raises. */
void
pause_ms(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Looks for objects of one kind whose ids no reply gave, by their parents. */
static void
find_nameless(Session *session, Kind *kind, List *nameless)
{
	int i = attribute_index(kind->res, kind->res->find_parent, -1);
	List *parents = NIL;
	ListCell *cell;

	foreach (cell, nameless)
	{
		Object *object = lfirst(cell);

		if (i >= 0 && object->desired[i].nrefs == 1)
			parents = list_append_unique_ptr(parents, object->desired[i].refs[0]);
	}
	for (int try = 0; try < FIND_TRIES && parents != NIL && nameless != NIL; try++)
	{
		if (try > 0)
			pause_ms(FIND_MS << try);
		cloud_find(session, kind, parents);
		foreach (cell, nameless)
			if (((Object *) lfirst(cell))->cloud_id != NULL)
				nameless = foreach_delete_current(nameless, cell);
	}
	foreach (cell, nameless)
		fill_from_sent(lfirst(cell));
}

/* Whether what was sent and answered is all that AWS would tell. */
static bool
reply_says_all(const Object *object)
{
	const Kind *kind = object->kind;

	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];

		if ((attr->flags & ATTR_ACCOUNT) && kind->world->account == NULL)
			return false;
		if (list_names(kind->res->reply_lacks, attr->column) && value_is_null(&object->desired[i]))
			return false;
	}
	return kind->res->reply_complete;
}

/* Reads objects again, parents first, those of all kinds at once; where AWS does not show one, its reply counts. */
static void
read_back(Session *session, List *objects)
{
	List *known = NIL;
	List *nameless = NIL;
	List *saved = NIL;
	ListCell *cell;

	foreach (cell, objects)
	{
		Object *object = lfirst(cell);

		if (object->cloud_id == NULL)
			nameless = lappend(nameless, object);
		else if (reply_says_all(object))
			fill_from_sent(object);
		else
		{
			known = lappend(known, object);
			saved = lappend(saved, object->actual);
		}
	}
	if (known != NIL)
		cloud_read(session, known);
	foreach (cell, known)
	{
		Object *object = lfirst(cell);

		if (object->presence == PRESENCE_PRESENT && object->actual != NULL)
			continue;
		object->actual = list_nth(saved, foreach_current_index(cell));
		fill_from_sent(object);
	}
	while (nameless != NIL)
	{
		Kind *kind = ((Object *) linitial(nameless))->kind;
		List *same = NIL;

		foreach (cell, nameless)
			if (((Object *) lfirst(cell))->kind == kind)
			{
				same = lappend(same, lfirst(cell));
				nameless = foreach_delete_current(nameless, cell);
			}
		find_nameless(session, kind, same);
	}
	foreach (cell, objects)
		object_resolve_actual(session, lfirst(cell));
}

/*
 * What AWS made along with 'parents', which are new, and is to be a row (a
 * VPC's default group, and its rules).  A row whose object went with a replaced
 * parent, rather than was bound to the new one, takes that over and is added to
 * *written; what has no row is added to *found.
 */
static void
find_born(Session *session, Kind *kind, const char *parent, List *parents, List **written, List **found)
{
	World *world = session->world;
	int reference = attribute_index(kind->res, parent, -1);
	List *rows = NIL;
	List *born = NIL;
	ListCell *cell;

	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);
		const Object *owner = object->desired != NULL && object->desired[reference].nrefs == 1
								  ? object->desired[reference].refs[0]
								  : NULL;
		const char *is_in = object->actual != NULL ? object->actual[reference].text : NULL;

		if (owner == NULL || object->action != NULL || !list_member_ptr(parents, owner) ||
			(is_in != NULL && owner->cloud_id != NULL && strcmp(is_in, owner->cloud_id) == 0))
			continue;
		object_part(object);
		object->actual = NULL;
		object->cloud_id = NULL;
		object->presence = PRESENCE_ABSENT;
		rows = lappend(rows, object);
	}
	foreach (cell, cloud_find(session, kind, parents))
	{
		Object *object = lfirst(cell);

		if (list_member_ptr(rows, object))
		{
			Action *action = palloc0(sizeof(Action));

			*action = (Action){.kind = ACTION_UPDATE, .object = object, .row_only = true};
			*written = lappend(*written, action);
		}
		else if (object->desired == NULL && object->base == NULL && object->unmanaged == NULL && !object->imported)
		{
			object->imported = true;
			*found = lappend(*found, object);
		}
		else if (object->action == NULL || !object->action->born)
			continue;
		born = lappend(born, object);
	}
	for (int k = 0; born != NIL && k < world->nkinds; k++)
	{
		const Resource *res = world->kinds[k]->res;
		int i = attribute_index(res, res->find_parent, -1);

		if (i >= 0 && strcmp(res->attributes[i].refers, kind->res->name) == 0)
			find_born(session, world->kinds[k], res->find_parent, born, written, found);
	}
}

/* The new base: what AWS answers, but for what was just sent. */
static void
agree(const Action *action)
{
	Object *object = action->object;
	const Kind *kind = object->kind;
	ListCell *cell;

	if (object->actual == NULL)
		return;
	object->base = values_copy(kind, object->actual);
	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		bool created = action->kind == ACTION_CREATE || action->kind == ACTION_REPLACE;

		if (attr->flags & ATTR_TRIGGER)
			object->base[i] = object->actual[i] = (Value){.text = "false"};
		else if (attr->flags & ATTR_SECRET)
			object->base[i] = object->actual[i] = (Value){.text = NULL};
		else if (bms_is_member(i, object->unknown) && object->desired != NULL)
			object->base[i] = object->desired[i];
		else if (!action->row_only && created && object->desired != NULL && (attr->flags & ATTR_COMPUTED) == 0 &&
				 !object->aws_protected && !value_is_null(&object->desired[i]))
			object->base[i] = object->desired[i];
	}
	if (!action->row_only)
		foreach (cell, action->deltas)
		{
			Delta *delta = lfirst(cell);

			if (delta->push && (kind->res->attributes[delta->attribute].flags & (ATTR_TRIGGER | ATTR_SECRET)) == 0)
				object->base[delta->attribute] = object->desired[delta->attribute];
		}
	if (!action->row_only && (action->kind == ACTION_REPLACE || (action->kind == ACTION_CREATE)))
	{
		object->base_created = true;
		object->base_time = GetCurrentTimestamp();
	}
}

/* One error for all failed actions, if there are any. */
static void
raise_failures(Plan *plan)
{
	StringInfoData detail;
	int failed = 0;
	int skipped = 0;
	int total = 0;
	int sqlstate = ERRCODE_EXTERNAL_ROUTINE_EXCEPTION;
	const char *hint = NULL;
	ListCell *cell;

	initStringInfo(&detail);
	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);

		if (action->reported && !action->row_only)
		{
			total++;
			skipped += action->state == ACTION_SKIPPED;
		}
		if (action->state != ACTION_FAILED)
			continue;
		if (failed++ == 0 && action->sqlstate != 0)
			sqlstate = action->sqlstate;
		if (hint == NULL)
			hint = action->hint;
		/* the half of a replacement that deletes is no row of the report */
		if (failed <= FAILURES_SHOWN)
			appendStringInfo(&detail, "%s%s%s: %s", detail.len ? "\n" : "", object_describe(action->object),
							 action->reported ? "" : " (the replaced one)", action->error);
	}
	if (failed == 0)
		return;
	if (failed > FAILURES_SHOWN)
		appendStringInfo(&detail, "\nand %d more", failed - FAILURES_SHOWN);
	if (skipped > 0)
		appendStringInfo(&detail, "\n%d more were not tried, since they need these.", skipped);
	ereport(ERROR,
			(errcode(sqlstate), errmsg("could not apply %d of %d changes", failed + skipped, total),
			 errdetail("%s", detail.data),
			 errhint("What was done is recorded: %s and call iasql_apply() again.", hint ? hint : "correct the rows")));
}

/* Base of objects whose rows changed without a call, and of those that were only adopted. */
static void
conclude_written(List *actions, List **agreed)
{
	ListCell *cell;

	foreach (cell, actions)
	{
		Action *action = lfirst(cell);

		agree(action);
		if (action->object->base != NULL)
			*agreed = lappend(*agreed, action->object);
	}
}

/* Rows for what the account holds and the tables lack. */
void
import_objects(Session *session, List *objects)
{
	List *agreed = NIL;
	ListCell *cell;

	write_imports(session, objects);
	foreach (cell, objects)
		if (((Object *) lfirst(cell))->base != NULL && ((Object *) lfirst(cell))->unmanaged == NULL)
			agreed = lappend(agreed, lfirst(cell));
	write_base(session, agreed);
}

bool
concludes_early(const Action *action)
{
	const Object *object = action->object;
	int id = object->kind->id_attribute;

	if (action->kind != ACTION_CREATE || action->adopted || object->cloud_id == NULL || !reply_says_all(object))
		return false;
	/* other rows may still name what is made anew by the id that its row holds */
	return id < 0 || (object->kind->res->attributes[id].flags & ATTR_COMPUTED) == 0 ||
		   value_is_null(&object->desired[id]);
}

/*
 * Writes rows and base of creations while other calls are in flight, so that
 * little is left to be done when the last of them has ended.
 */
void
conclude_early(Session *session, List *actions)
{
	List *agreed = NIL;
	ListCell *cell;

	foreach (cell, actions)
	{
		Action *action = lfirst(cell);

		fill_from_sent(action->object);
		object_resolve_actual(session, action->object);
		action->concluded = true;
	}
	conclude_written(actions, &agreed);
	write_rows(session, actions);
	write_base(session, agreed);
}

/*
 * Ends an apply: after this rows, state and cloud agree, or an error says what
 * does not.  With session->report_errors nothing is raised for failed actions.
 */
void
conclude(Session *session, Plan *plan)
{
	World *world = session->world;
	List *written = list_copy(plan->written);
	List *agreed = NIL;
	List *deleted = NIL;
	List *forgotten = list_copy(plan->forgotten);
	List *all = NIL;
	List *born = NIL;
	List **touched = palloc0(sizeof(List *) * (world->nkinds + 1));
	List **created = palloc0(sizeof(List *) * (world->nkinds + 1));
	bool called = false;
	bool failed = false;
	ListCell *cell;

	if (!session->report_errors)
		raise_failures(plan);
	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);
		int k = action->object->kind->index;

		called |= !action->row_only;
		failed |= action->state == ACTION_FAILED;
		if (is_touched(action) && (action->kind == ACTION_CREATE || action->kind == ACTION_REPLACE))
			created[k] = lappend(created[k], action->object);
		if (action->concluded)
			continue;
		if (is_touched(action))
			touched[k] = lappend(touched[k], action->object);
		if (is_touched(action) || (action->row_only && action->kind == ACTION_UPDATE))
			written = lappend(written, action);
		else if (action->kind == ACTION_DELETE && action->state == ACTION_DONE)
		{
			deleted = lappend(deleted, action->object);
			if (action->other_half == NULL)
				forgotten = lappend(forgotten, action->object);
		}
	}
	for (int k = 0; k < world->nkinds; k++)
		all = list_concat(all, touched[k]);
	read_back(session, all);
	for (int k = 0; k < world->nkinds; k++)
	{
		const Kind *kind = world->kinds[k];
		Kind *other;

		for (int b = 0; created[k] != NIL && b < (int) lengthof(kind->res->born); b++)
			if (kind->res->born[b].import && (other = kind_by_name(world, kind->res->born[b].resource)) != NULL)
				find_born(session, other, kind->res->born[b].parent, created[k], &written, &born);
	}
	foreach (cell, born)
		object_resolve_actual(session, lfirst(cell));

	state_tombstones(session, deleted);
	write_forgotten(session, forgotten);
	conclude_written(written, &agreed);
	write_rows(session, written);
	if (born != NIL)
		import_objects(session, born);
	write_base(session, agreed);
	settle_close(session, called && !failed);
}
