/*
 * actual.c
 *	  An item of a reply becomes what an Object actually is.
 *
 * What comes from AWS is hostile: an item that PostgreSQL cannot hold as jsonb,
 * or its column as a value, makes its Object unmanaged, with the reason.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "engine/engine.h"

/* --------------------------------------------------------------- items */

/*
 * Replaces what jsonb cannot hold, and what it may not hold in this database:
 * bytes that are no UTF-8, U+0000, halves of surrogate pairs, characters that
 * the database's encoding lacks.
 */
static char *
cleaned(const char *json, Size len)
{
	char *copy = pnstrdup(json, len);
	bool valid = GetDatabaseEncoding() == PG_UTF8 && pg_verify_mbstr(PG_UTF8, copy, len, true);

	for (char *c = copy; *c != '\0'; c++)
	{
		if (!valid && IS_HIGHBIT_SET(*c))
			*c = '?';
		else if (c[0] == '\\' && c[1] != '\0')
		{
			bool ascii = strncmp(c + 1, "u00", 3) == 0 && c[4] < '8' && strncmp(c + 4, "00", 2) != 0;

			if (c[1] == 'u' && !ascii && strnlen(c, 6) == 6)
				memcpy(c + 2, "003f", 4);
			c++;
		}
	}
	return copy;
}

/* A copy of a document that lives as long as the world. */
Jsonb *
world_jsonb(World *world, const Jsonb *doc)
{
	Jsonb *kept = world_alloc(world, VARSIZE(doc));

	memcpy(kept, doc, VARSIZE(doc));
	return kept;
}

/* An item's text as jsonb, in the world's memory; NULL where it is none.  *why: its texts had to be changed. */
Jsonb *
item_parse(World *world, const char *json, Size len, const char **why)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "iasql item", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	JsonbValue value;
	Jsonb *doc = NULL;
	bool parsed;

	*why = NULL;
	if (!pg_verify_mbstr(PG_UTF8, json, len, true))
		*why = "it holds a text that is not valid UTF-8";
	parsed = *why == NULL && json_try(json, len, &value, why);
	if (!parsed)
	{
		const char *again;
		char *clean = cleaned(json, len);

		*why = world_text(world, *why, strlen(*why));
		parsed = json_try(clean, strlen(clean), &value, &again);
	}
	if (parsed)
		doc = world_jsonb(world, JsonbValueToJsonb(&value));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return doc;
}

/* Whether a path means the whole result of a call. */
bool
items_whole(const char *items)
{
	return items != NULL && strcmp(items, ".") == 0;
}

/* Whether a path of alternatives leads into a member of the item. */
static bool
path_enters(const char *path, const char *member)
{
	Size len = strlen(member);

	while (path != NULL)
	{
		if (strncmp(path, member, len) == 0 && (path[len] == '\0' || strchr(".[:|", path[len]) != NULL))
			return true;
		path = strchr(path, '|');
		if (path != NULL)
			path++;
	}
	return false;
}

/* The attributes that a join brings, or all joins (NULL), added to the set. */
Bitmapset *
join_attributes(const Kind *kind, const Join *join, Bitmapset *set)
{
	if (join == NULL)
	{
		for (int j = 0; j < (int) lengthof(kind->res->joins) && kind->res->joins[j].operation != NULL; j++)
			set = join_attributes(kind, &kind->res->joins[j], set);
		return set;
	}
	for (int i = 0; i < kind->nattributes; i++)
		if (path_enters(kind->res->attributes[i].path, join->as))
			set = bms_add_member(set, i);
	return set;
}

/* ------------------------------------------------------- actual values */

/* An item's cloud id, or NULL. */
const char *
item_id(const Kind *kind, Jsonb *doc)
{
	if (kind->id_attribute < 0 || kind->res->attributes[kind->id_attribute].path == NULL)
		return NULL;
	return path_text(doc, kind->res->attributes[kind->id_attribute].path);
}

/*
 * The actual value of one attribute, its text that of base if it is the same;
 * false and the object is unmanaged where its column cannot hold it.
 */
static bool
set_value(Object *object, int attribute, Value *value)
{
	const Attribute *attr = &object->kind->res->attributes[attribute];
	World *world = object->kind->world;
	JsonbValue json;
	const char *base = object->base ? object->base[attribute].text : NULL;
	const char *row = object->base == object->desired ? base : NULL;
	const char *text;
	const char *why = NULL;

	if (attr->path == NULL || !path_get(object->item, attr->path, &json))
		return true;
	text = value_from_json(object->kind, attribute, &json, row, &why);
	if (text != NULL)
		value->text = lasting_text(world, base, text, strlen(text));
	if (why == NULL)
		return true;
	why = psprintf("column \"%s\" cannot hold its value: %s", attr->column, why);
	object->unmanaged = world_text(world, why, strlen(why));
	return false;
}

/* Whether an object whose row says what base does is as base too, by its texts. */
static bool
is_as_base(const Object *object, const Value *actual)
{
	if (object->base == NULL || object->base != object->desired)
		return false;
	for (int i = 0; i < object->kind->nattributes; i++)
		if (actual[i].text != object->base[i].text)
			return false;
	return true;
}

/*
 * Takes an item as what the object is now.  Attributes in 'unknown' keep their
 * values.  Under pinned formats.
 */
bool
object_take_item(Object *object, Jsonb *doc, Bitmapset *unknown, const char *why)
{
	Kind *kind = object->kind;
	const Resource *res = kind->res;
	World *world = kind->world;
	MemoryContext scratch;
	MemoryContext old;
	const Value *before = object->actual;
	Value *actual;

	if (res->absent != NULL && pattern_matches(doc, res->absent))
	{
		object->presence = PRESENCE_ABSENT;
		object->actual = NULL;
		object->item = NULL;
		return true;
	}
	scratch = AllocSetContextCreate(world->memory, "item", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(scratch);
	actual = palloc0(sizeof(Value) * kind->nattributes);
	object->item = doc;
	object->unmanaged = why;
	for (int i = 0; i < kind->nattributes; i++)
	{
		if (!bms_is_member(i, unknown))
			(void) set_value(object, i, &actual[i]);
		else if (before != NULL)
			actual[i] = before[i];
	}
	object->actual = unknown == NULL && is_as_base(object, actual) ? object->desired : values_copy(kind, actual);
	object->presence = PRESENCE_PRESENT;
	if (kind->id_attribute >= 0)
	{
		const char *id = actual[kind->id_attribute].text;

		if (id != NULL && *id != '\0')
			object->cloud_id = id;
		else if (object->cloud_id == NULL && !bms_is_member(kind->id_attribute, unknown))
			object->unmanaged = "AWS's answer lacks its id";
	}
	object->leaving = res->leaving != NULL && pattern_matches(doc, res->leaving);
	object->broken = res->broken != NULL && pattern_matches(doc, res->broken);
	object->aws_protected = res->protect != NULL && pattern_matches(doc, res->protect);
	if (res->unmanaged != NULL && pattern_matches(doc, res->unmanaged))
		object->unmanaged = res->unmanaged_why;
	MemoryContextSwitchTo(world->memory);
	object->unknown = bms_copy(unknown);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return object->unmanaged == NULL;
}

Object *
object_scratch(Kind *kind, const char *region)
{
	Object *object = world_alloc(kind->world, sizeof(Object));

	object->kind = kind;
	object->region = region;
	object->row_id = -1;
	return object;
}

/*
 * Leads the references of the object's actual values to Objects, whose cloud
 * ids become the values' texts.  A join table cannot hold a reference to
 * something without Object: the object is unmanaged.
 */
void
object_resolve_actual(Session *session, Object *object)
{
	Kind *kind = object->kind;
	World *world = session->world;

	if (object_is_one(object))
		return;
	for (int i = 0; object->actual != NULL && i < kind->nattributes; i++)
	{
		const Attribute *attr = &kind->res->attributes[i];
		Value *value = &object->actual[i];
		Kind *referred = attr->refers ? kind_by_name(world, attr->refers) : NULL;
		List *texts;
		List *ids = NIL;
		const char *text;
		ListCell *cell;

		if (attr->form == FORM_PARTS && value->text != NULL)
			children_resolve(session, object, i);
		if (referred == NULL || value->text == NULL || value->nrefs > 0)
			continue;
		texts = attr->form == FORM_REF ? list_make1((void *) value->text) : json_array_strings(value->text);
		value->refs = world_alloc(world, sizeof(Object *) * list_length(texts));
		foreach (cell, texts)
		{
			Object *target = object_by_cloud_id(referred, object->region, lfirst(cell));

			if (target != NULL)
				value->refs[value->nrefs++] = target;
			else if (attr->form == FORM_JOIN)
			{
				text = psprintf("it refers to %s %s, which has no row", attr->refers, (char *) lfirst(cell));
				object->unmanaged = world_text(world, text, strlen(text));
			}
			ids = lappend(ids, target != NULL && target->cloud_id != NULL ? (void *) target->cloud_id : lfirst(cell));
		}
		text = attr->form == FORM_REF ? linitial(ids) : sorted_json_array(ids);
		if (strcmp(text, value->text) != 0)
			value->text = world_text(world, text, strlen(text));
		list_free(texts);
		list_free(ids);
	}
}

void
kind_resolve_actual(Session *session, Kind *kind)
{
	ListCell *cell;

	foreach (cell, kind->objects)
		object_resolve_actual(session, lfirst(cell));
}
