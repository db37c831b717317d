/*
 * elements.c
 *	  The elements of a set, a map or a set of references that a call is made
 *	  for: all of them, those that a change adds, or those that it takes away.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/json.h"

#include "engine/engine.h"

/* Cloud ids of a reference set, as they are known now. */
static List *
reference_ids(const Value *value)
{
	List *ids = NIL;

	if (value->nrefs == 0)
		return value->text ? json_array_strings(value->text) : NIL;
	for (int i = 0; i < value->nrefs; i++)
		if (value->refs[i]->cloud_id != NULL)
			ids = lappend(ids, (void *) value->refs[i]->cloud_id);
	return ids;
}

/* A jsonb object's keys, and one of its members as text. */
static List *
map_keys(const char *map)
{
	Jsonb *doc = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(map)));
	JsonbIterator *it = JsonbIteratorInit(&doc->root);
	JsonbIteratorToken token;
	JsonbValue value;
	List *keys = NIL;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_KEY)
			keys = lappend(keys, pnstrdup(value.val.string.val, value.val.string.len));
	return keys;
}

static const char *
map_member(const char *map, const char *key)
{
	Jsonb *doc = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(map)));
	JsonbValue buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(&doc->root, key, strlen(key), &buffer);

	return value != NULL && value->type == jbvString ? pnstrdup(value->val.string.val, value->val.string.len) : "";
}

static List *
strings_of(const Kind *kind, int attribute, const Value *value)
{
	const Attribute *attr = &kind->res->attributes[attribute];

	if (value == NULL || (value->text == NULL && value->nrefs == 0))
		return NIL;
	if (attr->form == FORM_JOIN || attr->form == FORM_IDS)
		return reference_ids(value);
	if (attr->form == FORM_MAP)
		return map_keys(value->text);
	return json_array_strings(value->text);
}

static bool
has_string(const List *strings, const char *string)
{
	ListCell *cell;

	foreach (cell, strings)
		if (strcmp(lfirst(cell), string) == 0)
			return true;
	return false;
}

List *
action_elements(const Action *action, const Value *values, const char *column)
{
	const Kind *kind = action->object->kind;
	int len = strlen(column);
	char sign = column[len - 1];
	int i;
	const Value *from = NULL;
	List *now;
	List *then;
	List *result = NIL;
	ListCell *cell;

	if (sign == '+' || sign == '-')
		len--;
	i = attribute_index(kind->res, column, len);
	if (i < 0)
		elog(ERROR, "resource \"%s\" has no attribute \"%s\"", kind->res->name, column);
	foreach (cell, action->deltas)
		if (((Delta *) lfirst(cell))->attribute == i)
			from = &((Delta *) lfirst(cell))->from;
	now = strings_of(kind, i, &values[i]);
	then = strings_of(kind, i, from);
	foreach (cell, sign == '-' ? then : now)
	{
		bool same = (sign == '+' && has_string(then, lfirst(cell))) || (sign == '-' && has_string(now, lfirst(cell)));

		/* a map's entry with a new value is set again */
		if (same && sign == '+' && kind->res->attributes[i].form == FORM_MAP &&
			strcmp(map_member(from->text, lfirst(cell)), map_member(values[i].text, lfirst(cell))) != 0)
			same = false;
		if (!same)
		{
			StringInfoData json;

			initStringInfo(&json);
			escape_json(&json, lfirst(cell));
			result = lappend(result, json.data);
		}
	}
	return result;
}
