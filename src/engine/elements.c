/*
 * elements.c
 *	  What an action changes: which attributes, and of a set, a map (its keys)
 *	  or a set of references (cloud ids) which elements it adds or takes away.
 */
#include "postgres.h"

#include "engine/engine.h"

List *
reference_ids(const Attribute *attr, const Value *value, bool newest, bool *complete)
{
	List *ids = NIL;

	*complete = true;
	if (attr->form != FORM_IDS && value->nrefs > 0 && (newest || value->text == NULL || *value->text == '\0'))
	{
		for (int i = 0; i < value->nrefs; i++)
		{
			if (value->refs[i]->cloud_id == NULL)
				*complete = false;
			else
				ids = lappend(ids, pstrdup(value->refs[i]->cloud_id));
		}
		return ids;
	}
	if (value->text != NULL && *value->text == '\0')
		*complete = false;
	else if (value->text != NULL)
		ids = attr->form == FORM_REF ? list_make1(pstrdup(value->text)) : json_array_strings(value->text);
	return ids;
}

/* The keys of a map; with 'other' those that it lacks, or has with another value. */
static List *
map_keys(const char *map, const char *other, bool by_key)
{
	JsonbIterator *it = NULL;
	JsonbValue new, old, key, value, member;
	List *keys = NIL;

	if (map == NULL)
		return NIL;
	json_parse(map, strlen(map), &new);
	json_parse(other ? other : "{}", other ? strlen(other) : 2, &old);
	while (json_is_object(&new) && json_next_member(&new, &it, &key, &value))
	{
		JsonbValue *found = json_is_object(&old) ? getKeyJsonValueFromContainer(old.val.binary.data, key.val.string.val,
																				key.val.string.len, &member)
												 : NULL;

		if (found == NULL || (!by_key && strcmp(json_text(found) ? json_text(found) : "",
												json_text(&value) ? json_text(&value) : "") != 0))
			keys = lappend(keys, pnstrdup(key.val.string.val, key.val.string.len));
	}
	return keys;
}

/*
 * What 'to' has and 'from' lacks.  'pushed' is which of them is the row's, whose
 * references count as they are now; the cloud's are those that it still has.
 */
static List *
difference(const Attribute *attr, const Value *from, const Value *to, const Value *pushed)
{
	bool complete;
	List *old, *new;
	List *rest = NIL;
	ListCell *cell;

	/* an entry with another value is added, but not taken away */
	if (attr->form == FORM_MAP)
		return map_keys(to->text, from->text, from == pushed);
	old = reference_ids(attr, from, from == pushed, &complete);
	new = reference_ids(attr, to, to == pushed, &complete);
	/* sorted, so that one walk over each is enough */
	list_sort(old, compare_texts);
	list_sort(new, compare_texts);
	foreach (cell, new)
	{
		while (old != NIL && strcmp(linitial(old), lfirst(cell)) < 0)
			old = list_delete_first(old);
		if (old == NIL || strcmp(linitial(old), lfirst(cell)) != 0)
			rest = lappend(rest, lfirst(cell));
	}
	return rest;
}

const Delta *
action_delta(const Action *action, int attribute)
{
	ListCell *cell;

	if (action != NULL)
		foreach (cell, action->deltas)
			if (((const Delta *) lfirst(cell))->attribute == attribute)
				return lfirst(cell);
	return NULL;
}

const Delta *
pushed_delta(const Action *action, int attribute)
{
	const Delta *delta = action_delta(action, attribute);

	return delta != NULL && delta->push ? delta : NULL;
}

bool
pushes_any(const Action *action, const char *columns)
{
	ListCell *cell;

	if (action != NULL)
		foreach (cell, action->deltas)
		{
			const Delta *delta = lfirst(cell);

			if (delta->push && list_names(columns, action->object->kind->res->attributes[delta->attribute].column))
				return true;
		}
	return false;
}

List *
value_elements(const Kind *kind, int attribute, const Value *value, const Action *action, char sign)
{
	static const Value none = {0};
	const Attribute *attr = &kind->res->attributes[attribute];
	const Delta *delta = pushed_delta(action, attribute);

	if (sign == '\0')
		return difference(attr, &none, value, value);
	if (delta != NULL)
		return sign == '+' ? difference(attr, &delta->from, &delta->to, &delta->to)
						   : difference(attr, &delta->to, &delta->from, &delta->to);
	/* a new object gets everything */
	return sign == '+' && (action == NULL || action->kind != ACTION_UPDATE) ? difference(attr, &none, value, value)
																			: NIL;
}

List *
action_elements(const Action *action, const Value *values, const char *column)
{
	const Kind *kind = action->object->kind;
	int len = strcspn(column, "+-");
	int i = attribute_index(kind->res, column, len);
	List *elements;
	ListCell *cell;

	if (i < 0)
		elog(ERROR, "resource \"%s\" has no attribute \"%s\"", kind->res->name, column);
	elements = value_elements(kind, i, &values[i], action, column[len]);
	foreach (cell, elements)
	{
		StringInfoData json;

		initStringInfo(&json);
		json_append_string(&json, lfirst(cell), strlen(lfirst(cell)));
		lfirst(cell) = json.data;
	}
	return elements;
}
