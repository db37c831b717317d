/*
 * bind.c
 *	  Decides which row, which state entry and which cloud object are one.
 *
 * Rows (with the base that state.c attached by the row's key) and listed
 * objects begin as Objects of their own.  Binding goes through the kinds,
 * parents first, and merges pairs: what a run that did not commit made for a
 * row in place of its object; by the base's cloud id, by a cloud id typed
 * into the row, by natural key, and last, for objects that such a run made
 * and that have no natural key, by the row that asked for them then.  A parent's references are resolved
 * to merged Objects before its children are bound, so that "the same parent"
 * is a comparison of pointers.
 *
 * Each row and each object is bound once; two that claim one are an error,
 * raised before any call.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "engine/engine.h"

/*
 * The natural key's text: region and key attributes.  A reference counts by
 * the Object it leads to, else by its text.  NULL where the kind has no key
 * or a referred object is not known: nothing can then be the same by name.
 */
const char *
object_natural_key(const Object *object, const Value *values)
{
	const Kind *kind = object->kind;
	StringInfoData key;
	bool any = false;
	const char *text;

	if (values == NULL)
		return NULL;
	initStringInfo(&key);
	appendStringInfoString(&key, object->region);
	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		const Value *value = &values[i];

		if ((attr->flags & ATTR_KEY) == 0)
			continue;
		any = true;
		appendStringInfoChar(&key, '\x1f');
		if (attr->form == FORM_REF && value->nrefs == 1)
			appendStringInfo(&key, "@%p", (void *) value->refs[0]);
		else if (attr->form == FORM_REF && value->text != NULL)
		{
			pfree(key.data);
			return NULL;
		}
		else if (value->text != NULL)
			appendStringInfoString(&key, value->text);
	}
	text = any ? world_text(kind->world, key.data, key.len) : NULL;
	pfree(key.data);
	return text;
}

/* An object as messages name it, and its row's id: of two that claim one object both have the name. */
static const char *
row_name(const Object *object)
{
	const char *name = object_describe(object);

	return object->row_id < 0 ? name : psprintf("%s with id " INT64_FORMAT, name, object->row_id);
}

void
bound_twice(const Object *first, const Object *second)
{
	ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION), errmsg("two rows are the same %s", first->kind->res->name),
					errdetail("Both %s and %s stand for it.", row_name(first), row_name(second)),
					errhint("Delete one of the rows, or give it another name.")));
}

static void
copy_base(Object *to, const Object *from)
{
	to->base = from->base;
	to->base_region = from->base_region;
	to->base_created = from->base_created;
	to->base_time = from->base_time;
	to->base_agreed = from->base_agreed;
	to->base_protected = from->base_protected;
}

/* What AWS answers, and what is known of how it came to be, goes from one Object to another. */
static void
move_actual(Object *to, Object *from)
{
	to->presence = from->presence;
	to->actual = from->actual;
	to->item = from->item;
	to->cloud_id = from->cloud_id;
	to->aws_protected = from->aws_protected;
	to->leaving = from->leaving;
	to->broken = from->broken;
	to->unknown = from->unknown;
	to->unmanaged = from->unmanaged;
	to->ours = from->ours;
	to->left_at = from->left_at;
	to->left_values = from->left_values;
	to->left_for = from->left_for;
	to->resume_step = from->resume_step;
	to->frozen = to->frozen ? to->frozen : from->frozen;
	from->actual = NULL;
	from->presence = PRESENCE_ABSENT;
}

/* The row (or state entry) takes over what was listed; the listed Object is left empty. */
void
object_bind(Object *object, Object *listed)
{
	Kind *kind = object->kind;

	Assert(object != listed && object->kind == listed->kind && !listed->merged);
	move_actual(object, listed);
	if (listed->base != NULL)
	{
		/* the row was renamed, or deleted and inserted again: its past goes with it */
		object->former_key = listed->row_key;
		object->shared = bms_union(object->shared, listed->shared);
		copy_base(object, listed);
		/* that the new row lacks what AWS sets is no edit */
		for (int i = 0; i < kind->nattributes; i++)
			if ((kind->res->attributes[i].flags & ATTR_COMPUTED) && value_is_null(&object->desired[i]))
				object->base[i] = object->desired[i];
	}
	listed->merged = true;
	object_index(object);
}

/*
 * Makes of what a row had an Object of its own, which is to be deleted: the
 * row goes on as another.  That it still says what AWS set is no edit.
 */
static void
split_off(Object *object)
{
	Kind *kind = object->kind;
	Object *old = object_new(kind, object->base_region);

	object_part(object);
	for (int i = 0; i < kind->nattributes; i++)
		if (kind->res->attributes[i].flags & ATTR_COMPUTED)
			object->desired[i] = (Value){0};
	copy_base(old, object);
	move_actual(old, object);
	old->row_key = object->row_key;
	old->row_id = -1;
	old->changed = object->changed;
	old->moved_to = object;
	object_index(old);
	object->base = NULL;
	object->base_region = NULL;
	object->base_protected = false;
	object->cloud_id = NULL;
}

void
object_bind_instead(Object *object, Object *made)
{
	if (object->base != NULL)
		split_off(object);
	object_bind(object, made);
}

/* Takes the Objects that were merged into others out of their kind's list. */
static void
sweep_merged(Kind *kind)
{
	List *kept = NIL;
	ListCell *cell;

	foreach (cell, kind->objects)
		if (!((Object *) lfirst(cell))->merged)
			kept = lappend(kept, lfirst(cell));
	list_free(kind->objects);
	kind->objects = kept;
}

/* A row without object: a new one, or one whose object has gone, so that another may have its name. */
static bool
is_loose(const Object *object)
{
	return object->desired != NULL && object->actual == NULL &&
		   (object->base == NULL || object->presence == PRESENCE_ABSENT);
}

static bool
is_listed_only(const Object *object)
{
	return object->desired == NULL && object->base == NULL && object->actual != NULL;
}

/* Listed, and no row holds it now, though one may have. */
static bool
is_free(const Object *object)
{
	return object->desired == NULL && object->actual != NULL && object->moved_to == NULL;
}

/* Base texts of references are cloud ids: leads them to Objects. */
static void
resolve_base(Session *session, Object *object)
{
	Kind *kind = object->kind;

	if (object->base == NULL || object->base == object->desired)
		return;
	for (int i = 0; i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		Value *value = &object->base[i];
		Kind *referred;

		if (attr->refers == NULL || value->text == NULL || value->nrefs > 0)
			continue;
		referred = kind_by_name(session->world, attr->refers);
		if (referred == NULL)
			continue;
		if (attr->form == FORM_REF)
		{
			Object *target = object_by_cloud_id(referred, object->region, value->text);

			if (target != NULL)
			{
				value->refs = palloc(sizeof(Object *));
				value->refs[0] = target;
				value->nrefs = 1;
			}
		}
		else
		{
			List *ids = json_array_strings(value->text);
			ListCell *cell;

			value->refs = palloc(sizeof(Object *) * (list_length(ids) + 1));
			foreach (cell, ids)
			{
				Object *target = object_by_cloud_id(referred, object->region, lfirst(cell));

				if (target != NULL)
					value->refs[value->nrefs++] = target;
			}
		}
	}
}

/*
 * Whether a list still shows what this database has deleted.  An id that AWS
 * gave does not come again; a name may, so it is asked for.
 */
static bool
is_ghost(Session *session, Object *object)
{
	const Kind *kind = object->kind;

	if (object->cloud_id == NULL || !state_is_tombstone(session, kind, object->region, object->cloud_id))
		return false;
	if (kind->res->attributes[kind->id_attribute].flags & ATTR_COMPUTED)
		return true;
	cloud_read(session, list_make1(object));
	return object->presence == PRESENCE_ABSENT;
}

/*
 * Something else has the row's key now, since somebody, or AWS itself, made it
 * anew.  It is not this database's: where it would have to be replaced to be
 * as the row says, it counts as never seen before.
 */
static void
made_anew(Object *object)
{
	const Kind *kind = object->kind;

	object->base_created = false;
	object->base_time = 0;
	if (object->ours)
		object->base = NULL;
	for (int i = 0; object->base != NULL && i < kind->nattributes; i++)
		if ((kind->res->attributes[i].flags & ATTR_REPLACE) &&
			!value_equal(&kind->res->attributes[i], &object->desired[i], &object->actual[i]))
			object->base = NULL;
}

/*
 * Whether two rows with one natural key claim one object.  AWS has keys that
 * several objects share, as all subnets of a VPC without an IPv4 range do; and
 * a sync drops a row whose object is gone and makes the others as AWS has them.
 */
static bool
is_dispute(const Session *session, const Object *first, const Object *second)
{
	const char *other = object_natural_key(first, first->actual);
	const char *key = object_natural_key(second, second->actual);

	if (is_sync(session))
		return first->base == NULL && second->base == NULL;
	return other == NULL || key == NULL || strcmp(other, key) != 0 || strcmp(key, second->natural_key) != 0;
}

/* What names an object: of a row as it will be, since some values return to it from its object. */
static const Value *
naming_values(const Object *object)
{
	const Kind *kind = object->kind;
	Value *values;

	if (object->desired == NULL || object->actual == NULL)
		return object->desired ? object->desired : object->actual ? object->actual : object->base;
	values = palloc(sizeof(Value) * kind->nattributes);
	for (int i = 0; i < kind->nattributes; i++)
		values[i] =
			object->aws_protected || value_is_null(&object->desired[i]) ? object->actual[i] : object->desired[i];
	return values;
}

/* Listed objects by natural key, and the check that no two rows claim one. */
static void
bind_by_natural_key(Session *session, Kind *kind)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "iasql natural keys", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	HTAB *rows = multimap_of_texts();
	HTAB *listed = multimap_of_texts();
	ListCell *cell;

	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);

		if (object->merged)
			continue;
		object->natural_key = object_natural_key(object, naming_values(object));
		if (object->natural_key == NULL)
			continue;
		if (object->desired != NULL)
		{
			List *other = multimap_get(rows, object->natural_key);

			if (other == NIL)
				multimap_add(rows, object->natural_key, object);
			else if (is_dispute(session, linitial(other), object))
				bound_twice(linitial(other), object);
		}
		else if (is_free(object) && !object->leaving)
			multimap_add(listed, object->natural_key, object);
	}

	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);
		List *same;
		bool had_object;

		if (!is_loose(object))
			continue;
		same = multimap_get(listed, object->natural_key);
		if (same == NIL)
			continue;
		if (is_ghost(session, linitial(same)))
			continue;
		if (list_length(same) > 1)
			ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
							errmsg("row of \"%s\" could be any of %d objects", kind->res->name, list_length(same)),
							errdetail("%s and %s have the key of %s.", object_describe(linitial(same)),
									  object_describe(lsecond(same)), object_describe(object)),
							errhint("Type the id of the one meant into the row.")));
		had_object = object->base != NULL;
		object_bind(object, linitial(same));
		if (had_object)
			made_anew(object);
		multimap_remove(listed, object->natural_key);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/* Base and typed ids: certain, so they come first. */
static void
bind_by_cloud_id(Session *session, Kind *kind)
{
	ListCell *cell;

	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);
		const char *id = NULL;
		Object *listed;

		if (object->base != NULL)
			id = object->cloud_id;
		else if (object->desired != NULL && kind->id_attribute >= 0)
			id = object->desired[kind->id_attribute].text;
		if (id == NULL || object->actual != NULL || object->merged)
			continue;
		listed = object_by_cloud_id(kind, object->region, id);
		if (listed == NULL || listed == object)
			continue;
		if (object->base == NULL && is_ghost(session, listed))
			continue;
		if (is_free(listed))
			object_bind(object, listed);
		else if (listed->desired != NULL && object->desired != NULL)
			bound_twice(listed, object);
	}
}

/* What an aborted run made for a row without natural key, for the same row again. */
static void
bind_by_request(Session *session, Kind *kind)
{
	List *orphans = NIL;
	ListCell *cell;

	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);

		if (object->ours && object->left_values != NULL && is_listed_only(object) && !object->leaving)
			orphans = lappend(orphans, object);
	}
	if (orphans == NIL)
		return;
	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);
		char *values;
		ListCell *orphan;

		if (!is_loose(object))
			continue;
		values = journal_values(object);
		foreach (orphan, orphans)
		{
			Object *listed = lfirst(orphan);

			if (listed->actual != NULL && strcmp(listed->region, object->region) == 0 &&
				strcmp(listed->left_values, values) == 0)
			{
				object->base = NULL;
				object_bind(object, listed);
				break;
			}
		}
	}
}

/* Whether its parent's row has left the parent behind that it is in, and goes on as another object. */
static bool
parent_split_off(const Object *object)
{
	for (int i = 0; i < object->kind->nattributes; i++)
		if ((object->kind->res->attributes[i].flags & ATTR_KEY) && object->base[i].nrefs == 1 &&
			object->desired[i].nrefs == 1 && object->base[i].refs[0]->moved_to == object->desired[i].refs[0])
			return true;
	return false;
}

/* A row that moved to another region, or along with its parent, is a new object there and a deletion here. */
static void
split_moved(Kind *kind)
{
	ListCell *cell;

	foreach (cell, list_copy(kind->objects))
	{
		Object *object = lfirst(cell);

		if (object->desired != NULL && object->base != NULL && object->base_region != NULL &&
			(strcmp(object->base_region, object->region) != 0 || parent_split_off(object)))
			split_off(object);
	}
}

/*
 * A row whose replacement was cut off goes on with what was made for it, if it
 * still wants that; what it had before is to be deleted.  A sync, which deletes
 * nothing, makes rows of both.
 */
static void
bind_replacements(Session *session, Kind *kind)
{
	ListCell *cell;

	foreach (cell, list_copy(kind->objects))
	{
		Object *made = lfirst(cell);
		ListCell *row;

		if (made->left_for == NULL || !is_listed_only(made) || made->leaving)
			continue;
		foreach (row, kind->objects)
		{
			Object *object = lfirst(row);

			if (object->desired == NULL || (object->actual != NULL && is_sync(session)) ||
				strcmp(object->row_key, made->left_for) != 0 || strcmp(object->region, made->region) != 0 ||
				strcmp(journal_values(object), made->left_values) != 0)
				continue;
			object_bind_instead(object, made);
			break;
		}
	}
}

/* What AWS sets of an object, as the values have it; NULL: nothing. */
static char *
computed_texts(const Kind *kind, const Value *values)
{
	StringInfoData texts;
	bool any = false;

	initStringInfo(&texts);
	for (int i = 0; i < kind->nattributes; i++)
	{
		if ((kind->res->attributes[i].flags & ATTR_COMPUTED) == 0)
			continue;
		any |= values[i].text != NULL;
		appendStringInfo(&texts, "%s\x1f", values[i].text ? values[i].text : "");
	}
	return any ? texts.data : NULL;
}

/*
 * An UPDATE of a row's key looks like a deletion and a new row, but the new
 * one still holds what AWS said of the deleted one's object.
 */
static void
find_renamed(Kind *kind)
{
	HTAB *deleted;
	ListCell *cell;

	if (!kind->res->loses_data)
		return;
	deleted = multimap_of_texts();
	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);

		if (object->desired == NULL && object->base != NULL && object->actual != NULL)
			multimap_add(deleted, computed_texts(kind, object->base), object);
	}
	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);
		ListCell *old;

		if (object->desired == NULL || object->base != NULL)
			continue;
		foreach (old, multimap_get(deleted, computed_texts(kind, object->desired)))
			((Object *) lfirst(old))->renamed = true;
	}
}

/*
 * Objects with a base that no listing showed: asked for by id, since a list
 * may lag behind, or fail, or be cut; only then are they gone.  False: none.
 */
static bool
read_missing(Session *session, Kind *kind)
{
	List *missing = NIL;
	ListCell *cell;

	if (!bms_is_member(kind->index, session->world->looked_at))
		return false;
	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);

		if (object->base != NULL && object->actual == NULL && object->cloud_id != NULL && !object->merged)
			missing = lappend(missing, object);
	}
	if (missing != NIL)
		cloud_read(session, missing);
	return missing != NIL;
}

/*
 * Why nothing may be decided about an object now: its listing failed, or AWS
 * may only be late to show it.  A new row that a complete listing does not
 * show has no object; one with a base was asked for by id.
 */
static void
freeze_unlisted(Session *session, Kind *kind)
{
	ListCell *cell;

	foreach (cell, kind->objects)
	{
		Object *object = lfirst(cell);
		const Value *values = object->desired ? object->desired : object->base;
		const Object *parent = NULL;
		const char *why = NULL;

		if (object->actual != NULL || object->frozen != NULL)
			continue;
		if (kind->res->list.per != NULL && values != NULL)
		{
			for (int i = 0; i < kind->nattributes; i++)
				if (kind->res->attributes[i].refers != NULL && values[i].nrefs == 1 &&
					strcmp(kind->res->attributes[i].refers, kind->res->list.per) == 0)
					parent = values[i].refs[0];
		}
		if (!kind_listed(kind, object->region, parent, &why))
		{
			object->presence = PRESENCE_UNKNOWN;
			object->frozen = why;
		}
		else if (object->base == NULL)
			object->presence = PRESENCE_ABSENT;
		else if (!object->merged && (why = object_is_late(session, object)) != NULL)
		{
			object->presence = PRESENCE_UNKNOWN;
			object->frozen = why;
		}
	}
}

/* Binds all kinds, parents first; afterwards Object.presence is final for this look. */
void
bind_world(Session *session)
{
	World *world = session->world;

	for (int k = 0; k < world->nkinds; k++)
	{
		Kind *kind = world->kinds[k];
		ListCell *cell;

		/* first, since a parent that is another object now parts what seemed to be as before */
		foreach (cell, kind->objects)
			object_refresh(session, lfirst(cell));
		kind_resolve_actual(session, kind);
		foreach (cell, kind->objects)
			resolve_base(session, lfirst(cell));
		split_moved(kind);
		bind_replacements(session, kind);
		bind_by_cloud_id(session, kind);
		if (read_missing(session, kind))
			bind_by_cloud_id(session, kind);
		bind_by_natural_key(session, kind);
		bind_by_request(session, kind);
		settle_unsure(session, kind);
		sweep_merged(kind);
		find_renamed(kind);
		freeze_unlisted(session, kind);
	}
}
