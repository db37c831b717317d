/*
 * diff.c
 *	  Compares the three sides of one object, attribute by attribute.
 *
 * Pure: values in, deltas out.  The table that it implements, for an
 * attribute whose row and cloud differ (design, section 6):
 *
 *	computed					the row takes the cloud's value
 *	no base, row NULL			the row takes the cloud's value (AWS decided)
 *	no base, row not NULL		the cloud follows; a replace-only one is a refusal, unless a run of ours that did
 *								not commit made the object
 *	row moved away from base	the cloud follows (sync: the row)
 *	only the cloud moved		drift: the cloud is put back, or the row follows,
 *								or nothing, as the mode says; a shared attribute's
 *								row always follows, and that of a reference to what
 *								had no row before; what a run wrote that did not
 *								commit is always put back
 */
#include "postgres.h"

#include "engine/engine.h"

static Delta *
delta_new(int attribute, const Value *from, const Value *to)
{
	Delta *delta = palloc0(sizeof(Delta));

	delta->attribute = attribute;
	delta->from = *from;
	delta->to = *to;
	return delta;
}

bool
object_replaced(const Value *value)
{
	for (int i = 0; i < value->nrefs; i++)
	{
		const Object *referred = value->refs[i];

		if (referred->action != NULL && (referred->action->kind == ACTION_REPLACE ||
										 (referred->action->kind == ACTION_CREATE && !referred->action->adopted)))
			return true;
	}
	return false;
}

/* Whether it is as it was, and so is all that it refers to. */
static bool
nothing_changed(const Object *object)
{
	if (!object_is_one(object))
		return false;
	for (int i = 0; i < object->kind->nattributes; i++)
		if (object_replaced(&object->desired[i]))
			return false;
	return true;
}

bool
object_shares(const Object *object, int attribute)
{
	return bms_is_member(attribute, object->shared);
}

/*
 * The deltas of an object that has a row and is present.  'sync': the cloud
 * wins throughout.  *refusal is set where adopting the object would need a
 * replacement: a message part that names the column.
 */
List *
diff_object(const Object *object, DriftMode drift, bool sync, const char **refusal)
{
	const Kind *kind = object->kind;
	List *deltas = NIL;

	*refusal = NULL;
	if (nothing_changed(object))
		return NIL;
	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		const Value *desired = &object->desired[i];
		const Value *actual = &object->actual[i];
		const Value *base = object->base ? &object->base[i] : NULL;
		bool edited = base != NULL && !value_equal(attr, desired, base);
		bool row_null = value_is_null(desired);
		Delta *delta;

		if (bms_is_member(i, object->unknown))
			continue;

		/* Columns that no reply shows: only the row's own change counts. */
		if (attr->flags & ATTR_TRIGGER)
		{
			if (desired->text != NULL && strcmp(desired->text, "true") == 0 && !sync)
			{
				delta = delta_new(i, actual, desired);
				delta->push = delta->edited = true;
				deltas = lappend(deltas, delta);
			}
			continue;
		}
		if (attr->flags & ATTR_SECRET)
		{
			if (!sync && (base == NULL ? !row_null : edited))
			{
				delta = delta_new(i, base ? base : actual, desired);
				delta->push = delta->edited = true;
				deltas = lappend(deltas, delta);
			}
			continue;
		}

		if (value_equal(attr, desired, actual) &&
			((attr->flags & ATTR_COMPUTED) || object->aws_protected || !object_replaced(desired)))
			continue;

		delta = delta_new(i, actual, desired);
		delta->edited = edited;
		delta->drift = base != NULL && !value_equal(attr, actual, base);
		if (attr->flags & ATTR_COMPUTED)
		{
			/* A user's edit is worth a line of the plan, AWS's own change is not. */
			delta->edited = (base != NULL ? edited : !row_null) && (attr->flags & ATTR_VOLATILE) == 0;
			delta->push = false;
		}
		else if (sync)
			delta->push = false;
		else if (object->aws_protected)
		{
			delta->push = false;
			delta->edited = true;
		}
		else if (base == NULL)
		{
			delta->push = !row_null || object_replaced(desired) || settle_left_behind(object, i);
			if (delta->push && (attr->flags & ATTR_REPLACE) && !object->broken && !object->ours &&
				!object_replaced(desired))
				*refusal = attr->column;
		}
		else if (!edited)
		{
			/* what a run wrote that did not commit is no one's will */
			if (settle_rolled_back(object, i))
				delta->push = true;
			/* a version never changes: what differs is what its row could not hold before */
			else if (base->unheld || (delta->drift && kind->res->versioned) || (attr->flags & ATTR_SHARED) ||
					 object_shares(object, i))
			{
				delta->drift = false;
				delta->push = false;
			}
			else if (drift == DRIFT_REPORT)
				continue;
			else
				delta->push = drift == DRIFT_REVERT;
		}
		else
			delta->push = true;

		if (delta->push && row_null && (attr->flags & ATTR_KEEP))
			delta->push = false;
		deltas = lappend(deltas, delta);
	}
	return deltas;
}
