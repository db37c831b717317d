/*
 * guard.c
 *	  What a plan must not do unless told to: each guard is a row of a table
 *	  with a check, and 'allow' lifts it by name.
 *
 * The errors come before the first call and name the objects in DETAIL.
 */
#include "postgres.h"

#include "engine/engine.h"

#define NAMES_SHOWN 10

/* Collects the names of objects for DETAIL. */
typedef struct Names
{
	StringInfoData text;
	int count;
} Names;

static void
names_add(Names *names, const Object *object)
{
	if (names->count == 0)
		initStringInfo(&names->text);
	if (names->count < NAMES_SHOWN)
		appendStringInfo(&names->text, "%s%s", names->count ? ", " : "", object_describe(object));
	names->count++;
}

static const char *
names_text(Names *names)
{
	if (names->count > NAMES_SHOWN)
		appendStringInfo(&names->text, " and %d more", names->count - NAMES_SHOWN);
	return names->text.data;
}

static bool
is_imported(const Object *object)
{
	return !object->base_created && !object->ours;
}

static bool
takes_away(const Action *action)
{
	return !action->row_only && (action->kind == ACTION_DELETE || action->kind == ACTION_REPLACE);
}

static void
guard_imported_deletes(Session *session, Plan *plan)
{
	Names names = {0};
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);

		/* a replacement's second half is not counted again */
		if (takes_away(action) && !(action->kind == ACTION_DELETE && action->other_half) && is_imported(action->object))
			names_add(&names, action->object);
	}
	if (names.count > iasql_max_imported_deletes)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the plan deletes %d objects that this database imported, the limit is %d", names.count,
							   iasql_max_imported_deletes),
						errdetail("They are %s.", names_text(&names)),
						errhint("If that is meant, call it with allow => '{delete_imported}'.")));
}

static void
guard_emptied_kinds(Session *session, Plan *plan)
{
	World *world = session->world;

	for (int k = 0; k < world->nkinds; k++)
	{
		Kind *kind = world->kinds[k];
		Names names = {0};
		bool imported = false;
		int present = 0;
		ListCell *cell;

		foreach (cell, kind->objects)
		{
			Object *object = lfirst(cell);

			if (object->presence != PRESENCE_PRESENT || object->aws_protected || object->leaving)
				continue;
			present++;
			if (object->action != NULL && object->action->kind == ACTION_DELETE && !object->action->row_only)
			{
				names_add(&names, object);
				imported |= is_imported(object);
			}
		}
		if (present > iasql_max_emptied && names.count == present && imported)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("the plan deletes all %d objects of \"%s\"", present, kind->res->name),
							errdetail("They are %s.", names_text(&names)),
							errhint("If that is meant, call it with allow => '{empty_resource}'.")));
	}
}

static void
guard_emptied_sets(Session *session, Plan *plan)
{
	Names names = {0};
	const char *column = NULL;
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);
		ListCell *lc;

		if (action->kind == ACTION_DELETE || action->row_only || !is_imported(action->object) ||
			action->object->base == NULL)
			continue;
		foreach (lc, action->deltas)
		{
			Delta *delta = lfirst(lc);
			const Attribute *attr = &action->object->kind->res->attributes[delta->attribute];

			if (delta->push && (attr->form == FORM_JOIN || attr->form == FORM_IDS) && delta->from.text != NULL &&
				value_is_null(&delta->to))
			{
				names_add(&names, action->object);
				column = attr->join ? attr->join : attr->column;
			}
		}
	}
	if (names.count > 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the plan takes all of \"%s\" from an object that this database imported", column),
			 errdetail("It is %s.", names_text(&names)),
			 errhint(
				 "Check the DELETE that emptied it; if that is meant, call it with allow => '{empty_references}'.")));
}

static void
guard_data_loss(Session *session, Plan *plan)
{
	Names names = {0};
	ListCell *cell;

	foreach (cell, plan->actions)
	{
		Action *action = lfirst(cell);
		Object *object = action->object;

		if (object->kind->res->loses_data &&
			(action->kind == ACTION_REPLACE ||
			 (action->kind == ACTION_DELETE && (object->moved_to != NULL || object->renamed))))
			names_add(&names, object);
	}
	if (names.count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the plan replaces objects that hold data"),
				 errdetail("Their contents would be lost: %s.", names_text(&names)),
				 errhint("If that is meant, call it with allow => '{lose_data}'.")));
}

/*
 * Another account than the workspace's: credentials were exchanged.  An apply
 * has asked already; a preview asks only where something would be done.
 */
static void
guard_account(Session *session, Plan *plan)
{
	const char *account;
	const char *known = workspace_account(session);

	account = account_id(session);
	if (account == NULL)
		return;
	if (known == NULL)
	{
		if (session->verb == VERB_APPLY)
			workspace_set_account(session, account);
	}
	else if (strcmp(known, account) != 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the credentials belong to AWS account %s, this workspace manages %s", account, known),
						errdetail("Its rows describe objects of the other account."),
						errhint("Restore the credentials, or call it with allow => '{other_account}'.")));
}

static void
guard_armed(Session *session, Plan *plan)
{
	if (!workspace_is_armed(session))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("this database is not armed"),
			 errdetail(
				 "It was restored or copied from another one, or lives on the server's credentials, and would act on an account that may belong to the original."),
			 errhint("If it is to manage the account, call iasql_arm().")));
}

typedef struct Guard
{
	const char *name;
	void (*check)(Session *session, Plan *plan);
	bool needs_change; /* only where something would be called */
} Guard;

static const Guard guards[] = {
	{"disarmed", guard_armed, true},
	{"other_account", guard_account, true},
	{"delete_imported", guard_imported_deletes, false},
	{"empty_resource", guard_emptied_kinds, false},
	{"empty_references", guard_emptied_sets, false},
	{"lose_data", guard_data_loss, false},
};

/* The names that 'allow' takes, for the check of its argument; NULL past the end. */
const char *
guard_name(void *arg, int i)
{
	return i < (int) lengthof(guards) ? guards[i].name : NULL;
}

/* Raises the first guard that the plan violates. */
void
guard_check(Session *session, Plan *plan)
{
	bool calls = false;
	ListCell *cell;

	foreach (cell, plan->actions)
		calls |= !((Action *) lfirst(cell))->row_only;
	for (int i = 0; i < (int) lengthof(guards); i++)
	{
		if (guard_allowed(session, guards[i].name) || (guards[i].needs_change && !calls))
			continue;
		guards[i].check(session, plan);
	}
}
