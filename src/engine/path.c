/*
 * path.c
 *	  Paths and patterns over JSON: how a module's data says where in a reply
 *	  a value stands, and what a reply must look like.  resource.h has the
 *	  grammar.
 *
 * Paths are read as they are walked: they are short, and jsonb finds a member
 * by binary search, so that compiling them first would gain nothing.  The
 * text between brackets is opaque to everything around it; hence a tag's key
 * may hold a colon.
 *
 * Where a path asks for elements but an object or a scalar stands there, it is
 * taken for an array of one: AWS's policies write single values that way.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "engine/engine.h"

/* Looks for 'c' outside of brackets; 'end' if it is not there. */
static const char *
find(const char *p, const char *end, char c)
{
	for (int depth = 0; p < end; p++)
	{
		if (depth == 0 && *p == c)
			break;
		if (*p == '[')
			depth++;
		else if (*p == ']' && depth > 0)
			depth--;
	}
	return p;
}

static bool walk(const JsonbValue *from, const char *p, const char *end, JsonbValue *out);

/* Adds a value to the array at hand; arrays give their elements. */
static void
collect(JsonbParseState **state, JsonbValue *v)
{
	JsonElements elements = {.of = v};
	JsonbValue element;

	while (json_next_element(&elements, &element))
		pushJsonbValue(state, WJB_ELEM, &element);
}

/* "[]": what stands at the rest of the path in every element. */
static bool
walk_all(const JsonbValue *from, const char *p, const char *end, JsonbValue *out)
{
	JsonElements elements = {.of = from};
	JsonbParseState *state = NULL;
	JsonbValue element, found;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	while (json_next_element(&elements, &element))
		if (walk(&element, p, end, &found))
			collect(&state, &found);
	jsonb_root(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)), out);
	return true;
}

static bool
lookup_path(void *arg, const char *path, Size len, JsonbValue *out)
{
	return path_find(arg, path, len, out);
}

/* "[3]" and "[Key=value]": one element. */
static bool
walk_one(const JsonbValue *from, const char *p, const char *end, JsonbValue *out)
{
	bool index = strspn(p, "0123456789") == end - p && end - p < 9;
	int wanted = index ? strtol(p, NULL, 10) : 0;
	JsonElements elements = {.of = from};

	while (json_next_element(&elements, out))
		if (index ? wanted-- == 0 : pattern_test(p, end - p, lookup_path, out))
			return true;
	return false;
}

/* One alternative, without codecs. */
static bool
walk(const JsonbValue *from, const char *p, const char *end, JsonbValue *out)
{
	JsonbValue here = *from;

	check_stack_depth();
	while (p < end)
	{
		if (*p == '.')
			p++;
		else if (*p == '[')
		{
			const char *close = find(p + 1, end, ']');
			JsonbValue element;

			if (close == end)
				elog(ERROR, "unbalanced bracket in path: %.*s", (int) (end - p), p);
			if (close == p + 1)
				return walk_all(&here, close + 1, end, out);
			if (!walk_one(&here, p + 1, close, &element))
				return false;
			here = element;
			p = close + 1;
		}
		else
		{
			const char *stop = find(p, end, '.');
			const char *bracket = p;
			JsonbValue *member;

			while (bracket < stop && *bracket != '[')
				bracket++;
			if (!json_is_object(&here))
				return false;
			member = getKeyJsonValueFromContainer(here.val.binary.data, p, bracket - p, NULL);
			if (member == NULL)
				return false;
			here = *member;
			p = bracket;
		}
	}
	*out = here;
	return here.type != jbvNull;
}

/* A path of 'len' bytes from a value; false: nothing there, or null. */
bool
path_find(const JsonbValue *from, const char *path, Size len, JsonbValue *out)
{
	const char *end = path + len;

	for (const char *p = path;; p++)
	{
		const char *stop = find(p, end, '|');
		const char *colon = find(p, stop, ':');
		bool there = true;

		if (p < colon && *p == '\'')
			*out = (JsonbValue){.type = jbvString,
								.val.string = {.val = unconstify(char *, p + 1), .len = Max(colon - p - 2, 0)}};
		else
			there = walk(from, p, colon, out);
		while (there && colon < stop)
		{
			const char *next = find(colon + 1, stop, ':');
			JsonbValue in = *out;

			there = codec_from_cloud(pnstrdup(colon + 1, next - colon - 1), &in, out) && out->type != jbvNull;
			colon = next;
		}
		if (there)
			return true;
		p = stop;
		if (p == end)
			return false;
	}
}

bool
path_get(Jsonb *doc, const char *path, JsonbValue *out)
{
	JsonbValue root;

	jsonb_root(doc, &root);
	return path_find(&root, path, strlen(path), out);
}

char *
path_text(Jsonb *doc, const char *path)
{
	JsonbValue v;

	return path_get(doc, path, &v) ? json_text(&v) : NULL;
}

/* '*' stands for any text; a star is retried one byte further on a mismatch, so that no recursion is needed. */
static bool
text_matches(const char *text, const char *p, const char *end)
{
	const char *star = NULL, *retry = NULL;

	while (*text != '\0')
	{
		if (p < end && *p == '*')
		{
			star = ++p;
			retry = text;
		}
		else if (p < end && *p == *text)
		{
			p++;
			text++;
		}
		else if (star != NULL)
		{
			p = star;
			text = ++retry;
		}
		else
			return false;
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

/* Whether a value equals one of the texts between bars. */
static bool
value_matches(const JsonbValue *v, const char *p, const char *end)
{
	const char *text;

	if (v != NULL && json_is_array(v))
	{
		JsonElements elements = {.of = v};
		JsonbValue element;

		check_stack_depth();
		while (json_next_element(&elements, &element))
			if (value_matches(&element, p, end))
				return true;
		return false;
	}
	text = v != NULL ? json_text(v) : NULL;
	if (text == NULL)
		text = "";
	for (;; p++)
	{
		const char *stop = p;

		while (stop < end && *stop != '|')
			stop++;
		if (text_matches(text, p, stop))
			return true;
		if (stop == end)
			return false;
		p = stop;
	}
}

/* A pattern of 'len' bytes whose left sides 'lookup' finds. */
bool
pattern_test(const char *pattern, Size len, PatternLookup lookup, void *arg)
{
	const char *end = pattern + len;

	for (const char *p = pattern; p < end; p++)
	{
		const char *stop = find(p, end, '&');
		const char *equals = find(p, stop, '=');
		bool negated = equals < stop && equals > p && equals[-1] == '!';
		JsonbValue v;
		bool there = lookup(arg, p, equals - p - (negated ? 1 : 0), &v);

		if (equals == stop ? !there : value_matches(there ? &v : NULL, equals + 1, stop) == negated)
			return false;
		p = stop;
	}
	return true;
}

bool
pattern_matches(Jsonb *doc, const char *pattern)
{
	JsonbValue root;

	if (pattern == NULL)
		return true;
	jsonb_root(doc, &root);
	return pattern_test(pattern, strlen(pattern), lookup_path, &root);
}

bool
assignment_next(const char **list, char **left, char **right)
{
	const char *end, *stop, *equals;

	if (*list == NULL || **list == '\0')
		return false;
	end = *list + strlen(*list);
	stop = find(*list, end, '&');
	equals = find(*list, stop, '=');
	if (equals == stop)
		elog(ERROR, "assignment without an equals sign: %s", *list);
	*left = pnstrdup(*list, equals - *list);
	*right = pnstrdup(equals + 1, stop - equals - 1);
	*list = stop < end ? stop + 1 : end;
	return true;
}
