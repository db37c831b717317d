/*
 * parts.c
 *	  Child rows that are sent with their carrier: an ECS task definition's
 *	  containers.
 *
 * They are compared as the JSON that the call would send.  So what AWS answers
 * is cut down to the shape of the template that makes what is sent; lists of
 * pairs are put in one order by their codec; and both sides leave out what is
 * empty, and what AWS fills in by itself.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/engine.h"

typedef struct Cut
{
	const Parts *parts;
	bool whole;			 /* with what AWS fills in by itself: to be sent */
	StringInfoData path; /* of the value at hand: "portMappings[].protocol" */
	StringInfoData out;
} Cut;

/* A template is JSON but for its quotes; what its placeholders mean does not matter here. */
static void
template_shape(const Parts *parts, JsonbValue *shape)
{
	char *json = pstrdup(parts->template_);

	for (char *p = json; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	json_parse(json, strlen(json), shape);
}

/* The codec of "$column:codec", of "$:codec" too; NULL: none. */
static const char *
codec_of(const JsonbValue *string)
{
	const char *text = pnstrdup(string->val.string.val, string->val.string.len);
	const char *colon = strrchr(text, ':');

	return text[0] == '$' && colon != NULL && strpbrk(text, "{}|[]") == NULL ? colon + 1 : NULL;
}

/*
 * Whether AWS fills in this value by itself: "path=value", "path=$member" for
 * what its neighbour in 'of' says, or "path=*" for anything.
 */
static bool
is_default(const Cut *cut, const JsonbValue *of, const JsonbValue *v)
{
	const char *list = cut->parts->defaults;
	char *path, *value;
	JsonbValue neighbour;

	while (!cut->whole && assignment_next(&list, &path, &value))
	{
		if (strcmp(path, cut->path.data) != 0)
			continue;
		if (*value == '$')
			value = path_find(of, value + 1, strlen(value + 1), &neighbour) ? json_text(&neighbour) : NULL;
		if (value != NULL && (strcmp(value, "*") == 0 || strcmp(value, json_text(v)) == 0))
			return true;
	}
	return false;
}

/* Appends a value as it is, unless it is empty or a default. */
static bool
keep(Cut *cut, const JsonbValue *of, JsonbValue *v, const char *codec)
{
	if (codec != NULL)
		codec_normalize(codec, v);
	if (v->type == jbvNull || (v->type == jbvString && v->val.string.len == 0) ||
		(v->type == jbvBinary && JsonContainerSize(v->val.binary.data) == 0) || is_default(cut, of, v))
		return false;
	json_append(&cut->out, v);
	return true;
}

static bool cut_value(Cut *cut, const JsonbValue *shape, const JsonbValue *of, JsonbValue *v);

/* Cuts one member or element; what nothing is left of goes with its separator and name. */
static void
cut_one(Cut *cut, const JsonbValue *shape, const JsonbValue *of, JsonbValue *v, const JsonbValue *name,
		const char **separator)
{
	int mark = cut->out.len, path = cut->path.len;

	appendStringInfoString(&cut->out, *separator);
	if (name == NULL)
		appendStringInfoString(&cut->path, "[]");
	else
	{
		json_append(&cut->out, name);
		appendStringInfoString(&cut->out, ": ");
		appendStringInfo(&cut->path, "%s%.*s", path > 0 ? "." : "", name->val.string.len, name->val.string.val);
	}
	if (cut_value(cut, shape, of, v))
		*separator = ", ";
	else
		cut->out.len = mark;
	cut->path.len = path;
	cut->path.data[path] = '\0';
}

/* Appends what 'v', a member of 'of', has in this shape.  False: nothing. */
static bool
cut_value(Cut *cut, const JsonbValue *shape, const JsonbValue *of, JsonbValue *v)
{
	JsonbIterator *it = NULL;
	JsonbValue name, inner;
	const char *separator;

	check_stack_depth();
	if (json_is_object(shape) && json_next_member(shape, &it, &name, &inner) && name.val.string.val[0] == '$')
		return keep(cut, of, v, codec_of(&name));
	if (json_is_object(shape) && json_is_object(v))
	{
		separator = "{";
		it = NULL;
		while (json_next_member(shape, &it, &name, &inner))
		{
			JsonbValue *member =
				getKeyJsonValueFromContainer(v->val.binary.data, name.val.string.val, name.val.string.len, NULL);

			if (member != NULL)
				cut_one(cut, &inner, v, member, &name, &separator);
		}
		if (*separator == '{')
			return false;
		appendStringInfoChar(&cut->out, '}');
		return true;
	}
	if (json_is_array(shape) && json_is_array(v))
	{
		JsonElements shapes = {.of = shape}, elements = {.of = v};
		JsonbValue element;

		/* the first element of the template is the shape of them all */
		if (json_next_element(&shapes, &inner) && inner.type == jbvBinary)
		{
			separator = "[";
			while (json_next_element(&elements, &element))
				cut_one(cut, &inner, of, &element, NULL, &separator);
			if (*separator == '[')
				return false;
			appendStringInfoChar(&cut->out, ']');
			return true;
		}
	}
	return keep(cut, of, v, shape->type == jbvString ? codec_of(shape) : NULL);
}

typedef struct PartText
{
	const char *key;
	const char *text;
} PartText;

static int
compare_parts(const ListCell *a, const ListCell *b)
{
	const PartText *left = lfirst(a), *right = lfirst(b);
	int order = strcmp(left->key, right->key);

	return order != 0 ? order : strcmp(left->text, right->text);
}

/* Adds the canonical text of one part, sent or answered. */
static List *
add_part(List *list, const Parts *parts, bool whole, const JsonbValue *shape, JsonbValue *part)
{
	PartText *one = palloc0(sizeof(PartText));
	Cut cut = {.parts = parts, .whole = whole};
	JsonbValue key;

	initStringInfo(&cut.path);
	initStringInfo(&cut.out);
	if (!cut_value(&cut, shape, part, part))
		return list;
	json_parse(cut.out.data, cut.out.len, part);
	one->text = json_text(part);
	one->key = path_find(part, parts->key_path, strlen(parts->key_path), &key) ? json_text(&key) : "";
	return lappend(list, one);
}

static char *
parts_array(List *list)
{
	StringInfoData out;
	ListCell *lc;

	if (list == NIL)
		return NULL;
	list_sort(list, compare_parts);
	initStringInfo(&out);
	foreach (lc, list)
		appendStringInfo(&out, "%s%s", foreach_current_index(lc) == 0 ? "[" : ", ", ((PartText *) lfirst(lc))->text);
	appendStringInfoChar(&out, ']');
	return out.data;
}

char *
parts_from_rows(const Session *session, const Object *object, const Parts *parts, bool whole)
{
	TemplateArgs args = {.session = (Session *) session, .parent = object};
	List *list = NIL;
	JsonbValue shape, part;

	template_shape(parts, &shape);
	for (int i = 0; i < object->nparts; i++)
	{
		char *text = template_expand_part(parts, &object->parts[i], &args);

		json_parse(text, strlen(text), &part);
		list = add_part(list, parts, whole, &shape, &part);
	}
	return parts_array(list);
}

char *
parts_from_reply(const Parts *parts, const JsonbValue *array)
{
	JsonElements elements = {.of = array};
	JsonbValue shape, part;
	List *list = NIL;

	template_shape(parts, &shape);
	while (json_next_element(&elements, &part))
		list = add_part(list, parts, false, &shape, &part);
	return parts_array(list);
}
