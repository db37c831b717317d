/*
 * registry.c
 *	  Checks the modules' static tables against the service models, and prints
 *	  which columns they speak of, for run to compare with the catalog.
 *
 * usage: registry MODELS > columns
 *
 * Every operation and every member that a template, a path or a pattern names
 * has to be in its model; every name of an attribute or a resource has to be
 * one.  Failures go to standard error, the counts to its last line.
 */
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/aws.h"
#include "engine/resource.h"

#define LENGTH(array) ((int) (sizeof(array) / sizeof((array)[0])))

/* What a path is followed in: a place in an operation's output. */
typedef struct Place
{
	const char *service;
	const char *operation;
	const char *at; /* "Vpcs[]" */
} Place;

static AwsClient *client;
static int passed, failed;

/* The hook needs a server; that it is there is enough. */
extern void import_container_image(void *context);

void
import_container_image(void *context)
{
	(void) context;
}

static bool __attribute__((format(printf, 2, 3))) check(bool ok, const char *what, ...)
{
	va_list args;

	if (ok)
	{
		passed++;
		return true;
	}
	failed++;
	fputs("not ok: ", stderr);
	va_start(args, what);
	vfprintf(stderr, what, args);
	va_end(args);
	fputc('\n', stderr);
	return false;
}

/* ------------------------------------------------------------ look-ups */

static const Resource *
resource_named(const char *name, size_t len)
{
	for (const Module *const *m = iasql_modules; *m != NULL; m++)
		for (const Resource *const *r = (*m)->resources; r != NULL && *r != NULL; r++)
			if (strncmp((*r)->name, name, len) == 0 && (*r)->name[len] == '\0')
				return *r;
	return NULL;
}

static const Attribute *
attribute_named(const Resource *res, const char *name, size_t len)
{
	for (const Attribute *a = res->attributes; a->column != NULL; a++)
		if (strncmp(a->column, name, len) == 0 && a->column[len] == '\0')
			return a;
	return NULL;
}

static void
split_operation(const Resource *res, const char *operation, char *service, const char **name)
{
	const char *colon = strchr(operation, ':');

	snprintf(service, 64, "%.*s", colon ? (int) (colon - operation) : 63, colon ? operation : res->service);
	*name = colon ? colon + 1 : operation;
}

/* The first 'c' outside of brackets, or the end. */
static const char *
find(const char *p, const char *end, char c)
{
	for (int depth = 0; p < end && (depth > 0 || *p != c); p++)
		depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
	return p;
}

/* --------------------------------------------------------------- paths */

static void check_pattern(const Resource *res, const Place *places, int n, const char *at, const char *p,
						  const char *end);

/* One alternative, without codecs: in one of the places, and what its brackets ask for too. */
static void
check_path(const Resource *res, const Place *places, int n, const char *at, const char *p, const char *end)
{
	char path[512];
	bool found = false;
	size_t len;

	snprintf(path, sizeof(path), "%s%s", at, *at && p < end && *p != '[' && *p != '.' ? "." : "");
	for (len = strlen(path); p < end && len < sizeof(path) - 3; p++)
	{
		if (*p == '[')
		{
			const char *close = find(p + 1, end, ']');

			strcpy(path + len, "[]");
			len += 2;
			if (p + 1 < close && strspn(p + 1, "0123456789") < (size_t) (close - p - 1))
				check_pattern(res, places, n, path, p + 1, close);
			p = close;
		}
		else
			path[len++] = *p;
		path[len] = '\0';
	}
	for (int i = 0; i < n && !found; i++)
	{
		char whole[1024];

		snprintf(whole, sizeof(whole), "%s%s%s", places[i].at, *places[i].at && *path && *path != '[' ? "." : "", path);
		found = aws_member_type(client, places[i].service, places[i].operation, false, whole) != NULL;
	}
	check(found, "%s: no reply has \"%s\"", res->name, path);
}

/* Alternatives with codecs. */
static void
check_paths(const Resource *res, const Place *places, int n, const char *at, const char *p, const char *end)
{
	for (;; p++)
	{
		const char *stop = find(p, end, '|');

		if (*p != '\'')
			check_path(res, places, n, at, p, find(p, stop, ':'));
		if (stop == end)
			return;
		p = stop;
	}
}

static void
check_pattern(const Resource *res, const Place *places, int n, const char *at, const char *p, const char *end)
{
	for (;; p++)
	{
		const char *stop = find(p, end, '&');
		const char *equals = find(p, stop, '=');

		check_paths(res, places, n, at, p, equals < stop && equals > p && equals[-1] == '!' ? equals - 1 : equals);
		if (stop == end)
			return;
		p = stop;
	}
}

static void
check_item_pattern(const Resource *res, const Place *places, int n, const char *pattern)
{
	if (pattern != NULL && strcmp(pattern, "gone") != 0)
		check_pattern(res, places, n, "", pattern, pattern + strlen(pattern));
}

/* ----------------------------------------------------------- templates */

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The names behind dollars: attributes of 'res', or of 'parent' behind "^"; a part's columns are printed. */
static void
check_placeholders(const Resource *res, const Resource *parent, const Parts *parts, const char *text)
{
	for (const char *p = strchr(text, '$'); p != NULL; p = strchr(p + 1, '$'))
	{
		const char *name = p[1] == '{' ? p + 2 : p + 1;
		const Resource *of = *name == '^' ? parent : res;
		size_t len = 0;

		if (*name == '!' || *name == '@' || *name == '#' || *name == ':' || *name == '~')
			continue;
		name += *name == '^';
		for (;; name += len + 1)
		{
			for (len = 0; is_name(name[len]); len++)
				;
			if (name[0] == '#')
				break;
			if (parts != NULL)
				printf("part %s %.*s\n", parts->table, (int) len, name);
			else
				check(of != NULL && attribute_named(of, name, len) != NULL, "%s: no attribute \"%.*s\" in %s",
					  res->name, (int) len, name, text);
			/* an attribute of what a reference refers to */
			if (strncmp(name + len, "->", 2) == 0)
			{
				const Attribute *a = of != NULL && parts == NULL ? attribute_named(of, name, len) : NULL;
				const Resource *referred = a && a->refers ? resource_named(a->refers, strlen(a->refers)) : NULL;
				size_t more = 0;

				while (is_name(name[len + 2 + more]))
					more++;
				check(parts != NULL || (referred != NULL && attribute_named(referred, name + len + 2, more)),
					  "%s: nothing at %s", res->name, name);
				len += 2 + more;
			}
			if (name[len] != '|')
				break;
		}
	}
}

/* A comma separated list of attributes. */
static void
check_names(const Resource *res, const char *list)
{
	while (list != NULL && *list != '\0')
	{
		size_t len = strcspn(list, ",+-");

		check(attribute_named(res, list, len) != NULL, "%s: no attribute \"%.*s\"", res->name, (int) len, list);
		list += strcspn(list, ",");
		list += *list == ',';
	}
}

/* The members that a template gives, in an operation's input at 'path'. */
static void
check_members(const Resource *res, const Resource *parent, const Parts *parts, const char *service,
			  const char *operation, const char *path, json_object *value, const char *element)
{
	char inner[512];

	if (json_object_is_type(value, json_type_object))
	{
		json_object_object_foreach(value, key, member)
		{
			if (key[0] == '$')
			{
				json_object_object_foreach(member, name, text)
				{
					(void) name;
					check_placeholders(res, parent, parts, json_object_get_string(text));
				}
				continue;
			}
			check_names(res, key + strcspn(key, "?") + (strchr(key, '?') != NULL));
			snprintf(inner, sizeof(inner), "%s%s%.*s", path, *path ? "." : "", (int) strcspn(key, "?"), key);
			/* the keys of a map are free */
			if (aws_member_type(client, service, operation, true, inner) == NULL)
				snprintf(inner, sizeof(inner), "%s{}", path);
			if (!check(aws_member_type(client, service, operation, true, inner) != NULL, "%s: %s takes no %s at \"%s\"",
					   res->name, operation, key, path))
				continue;
			check_members(res, parent, parts, service, operation, inner, member, element);
		}
	}
	else if (json_object_is_type(value, json_type_array))
	{
		snprintf(inner, sizeof(inner), "%s[]", path);
		for (size_t i = 0; i < json_object_array_length(value); i++)
			check_members(res, parent, parts, service, operation, inner, json_object_array_get_idx(value, i), element);
	}
	else if (json_object_is_type(value, json_type_string))
	{
		const char *text = json_object_get_string(value);

		check_placeholders(res, parent, parts, text);
		if (parts == NULL && text[0] == '$' && is_name(text[1]))
		{
			const Attribute *a = attribute_named(res, text + 1, strlen(text + 1));

			if (a != NULL && a->parts != NULL)
			{
				snprintf(inner, sizeof(inner), "%s[]", path);
				check_members(res, parent, a->parts, service, operation, inner, NULL, a->parts->template_);
			}
		}
		if (strcmp(text, "$#") == 0 && element != NULL)
		{
			snprintf(inner, sizeof(inner), "%s[]", path);
			check_members(res, parent, parts, service, operation, inner, NULL, element);
		}
	}
	/* a template of its own */
	if (value == NULL && element != NULL)
	{
		char *json = strdup(element);
		json_object *parsed;

		for (char *p = json; *p; p++)
			if (*p == '\'')
				*p = '"';
		parsed = json_tokener_parse(json);
		if (check(parsed != NULL, "%s: malformed template %s", res->name, element))
			check_members(res, parent, parts, service, operation, path, parsed, NULL);
		json_object_put(parsed);
		free(json);
	}
}

static void
check_template(const Resource *res, const Resource *parent, const char *operation, const char *template_,
			   const char *element)
{
	char service[64];
	const char *name;
	char *json;
	json_object *parsed;

	if (operation == NULL)
		return;
	split_operation(res, operation, service, &name);
	if (!check(aws_member_type(client, service, name, true, "") != NULL, "%s: no operation %s of %s", res->name, name,
			   service) ||
		template_ == NULL)
		return;
	json = strdup(template_);
	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	parsed = json_tokener_parse(json);
	if (check(parsed != NULL, "%s: malformed template %s", res->name, template_))
		check_members(res, parent, NULL, service, name, "", parsed, element);
	json_object_put(parsed);
	free(json);
}

/* ----------------------------------------------------------- resources */

/* A pattern over columns. */
static void
check_when(const Resource *res, const char *pattern)
{
	while (pattern != NULL && *pattern != '\0')
	{
		const char *end = pattern + strlen(pattern);
		size_t len = 0;

		while (is_name(pattern[len]))
			len++;
		check(attribute_named(res, pattern, len) != NULL, "%s: no attribute \"%.*s\"", res->name, (int) len, pattern);
		pattern = find(pattern, end, '&');
		pattern += *pattern == '&';
	}
}

/* Where the items of a reply stand, "" for the whole. */
static Place
place_of(const Resource *res, const char *operation, const char *items, bool list)
{
	static char texts[64][128];
	static int used;
	char *service = texts[used++ % LENGTH(texts)];
	char *at = texts[used++ % LENGTH(texts)];
	const char *name;

	split_operation(res, operation, service, &name);
	at[0] = '\0';
	if (strcmp(items, ".") != 0)
	{
		const char *bracket = strchr(items, '[');

		snprintf(at, 128, "%.*s%s", bracket ? (int) (bracket - items) : 127, items, bracket || list ? "[]" : "");
	}
	check(aws_member_type(client, service, name, false, at) != NULL, "%s: %s answers without \"%s\"", res->name, name,
		  at);
	return (Place){service, name, at};
}

static void
check_calls(const Resource *res, const Call *calls, int n, const Place *item)
{
	for (int c = 0; c < n && (calls[c].operation != NULL || calls[c].until != NULL); c++)
	{
		const Call *call = &calls[c];
		const char *looks_with = NULL;

		if (call->waiter != NULL)
			check(call->until != NULL && aws_waiter_delay(client, res->service, call->waiter, &looks_with) > 0 &&
					  res->get != NULL && strcmp(looks_with, res->get) == 0,
				  "%s: waiter %s looks with %s", res->name, call->waiter, looks_with ? looks_with : "nothing");
		check_item_pattern(res, item, 1, call->until);
		check_item_pattern(res, item, 1, call->bad);
		check_when(res, call->when);
		check_names(res, call->each);
		check_names(res, call->needs);
		check_names(res, call->batch);
		check_template(res, NULL, call->operation, call->input, call->element);
		if (call->item != NULL)
			(void) place_of(res, call->operation, call->item, false);
		if (call->reply_items != NULL)
			(void) place_of(res, call->operation, call->reply_items, true);
		if (call->fail != NULL)
			(void) place_of(res, call->operation, call->fail, true);
	}
}

static void
check_holders(const Resource *res, const Holders *holders)
{
	Place item;
	bool asked = false;

	if (holders->operation == NULL)
		return;
	for (int c = 0; c < MAX_CALLS && res->remove[c].operation != NULL; c++)
		asked |= res->remove[c].retry != NULL;
	check(asked, "%s: holders, but no deletion that is repeated", res->name);
	check_template(res, NULL, holders->operation, holders->input, NULL);
	item = place_of(res, holders->operation, holders->items, true);
	check_item_pattern(res, &item, 1, holders->stays);
	for (const char *p = holders->shown, *end = p + strlen(p); p < end; p = find(p, end, ',') + 1)
		check_paths(res, &item, 1, "", p, find(p, end, ','));
	check(holders->what && holders->stays && holders->hint, "%s: holders lack words", res->name);
}

/* A listing asks for the largest pages, unless it gets them anyway. */
static void
check_page_size(const Resource *res, const char *operation, const char *input)
{
	/* as their references in the API say; EC2 gives all at once where no size is asked for */
	static const char *const largest[] = {"DescribeListeners", "DescribeLoadBalancers", "DescribeLogGroups",
										  "DescribeTargetGroups", "ListClusters"};
	char service[64];
	const char *name;
	AwsOperationInfo info;
	AwsError error = {0};
	bool ok;

	split_operation(res, operation, service, &name);
	ok = strcmp(service, "ec2") == 0;
	for (int i = 0; i < LENGTH(largest); i++)
		ok |= strcmp(name, largest[i]) == 0;
	for (int n = 0; aws_operation_info(client, service, n, &info, &error); n++)
		if (strcmp(info.name, name) == 0)
			ok |= info.page_size_key == NULL || (input != NULL && strstr(input, info.page_size_key) != NULL);
	check(ok, "%s: %s does not ask for the largest pages", res->name, operation);
}

static const Listing *
items_of(const Resource *res, const Listing *list, Place *place)
{
	const Resource *parent = list->per ? resource_named(list->per, strlen(list->per)) : NULL;

	check(list->per == NULL || parent != NULL, "%s: no resource \"%s\"", res->name, list->per);
	check_template(res, parent, list->operation, list->input, NULL);
	check_template(res, parent, list->describe, list->describe_input, NULL);
	if (list->operation != NULL)
		check_page_size(res, list->operation, list->input);
	*place = list->describe ? place_of(res, list->describe, list->describe_items, true)
							: place_of(res, list->operation, list->items, true);
	check_item_pattern(res, place, 1, list->only);
	return list;
}

static void
check_resource(const Resource *res)
{
	Place places[4];
	Place item;
	const char *at;

	(void) items_of(res, &res->list, &places[0]);
	item = places[0];
	if (res->also.operation != NULL)
		(void) items_of(res, &res->also, &places[1]);
	if (res->get != NULL)
	{
		check_template(res, NULL, res->get, res->get_input, NULL);
		check_template(res, NULL, res->find_input ? res->get : NULL, res->find_input, NULL);
		(void) place_of(res, res->get, res->get_items, res->get_batch > 1);
	}
	for (const Attribute *a = res->attributes; a->column != NULL; a++)
	{
		const Join *join = NULL;

		for (int j = 0; j < LENGTH(res->joins) && a->path != NULL; j++)
			if (res->joins[j].operation != NULL && strncmp(a->path, res->joins[j].as, strlen(res->joins[j].as)) == 0)
				join = &res->joins[j];
		if (join != NULL)
		{
			const char *path = a->path + strlen(join->as) + 1;

			places[2] = place_of(res, join->operation, join->items, true);
			check_paths(res, &places[2], 1, "", path, path + strlen(path));
		}
		else if (a->path != NULL)
			check_paths(res, &item, 1, "", a->path, a->path + strlen(a->path));
		check((a->refers == NULL) == (a->form != FORM_REF && a->form != FORM_IDS && a->form != FORM_JOIN),
			  "%s.%s: refers does not fit the form", res->name, a->column);
		check(a->refers == NULL || resource_named(a->refers, strlen(a->refers)), "%s.%s: no resource \"%s\"", res->name,
			  a->column, a->refers);
		if (a->join != NULL)
			printf("table %s\n", a->join);
		else if (a->parts == NULL)
			printf("column %s %s\n", res->name, a->column);
	}
	for (int j = 0; j < LENGTH(res->joins) && res->joins[j].operation != NULL; j++)
	{
		check_template(res, NULL, res->joins[j].operation, res->joins[j].input, NULL);
		check_page_size(res, res->joins[j].operation, res->joins[j].input);
	}

	check_item_pattern(res, &item, 1, res->absent);
	check_item_pattern(res, &item, 1, res->leaving);
	check_item_pattern(res, &item, 1, res->broken);
	check_item_pattern(res, &item, 1, res->protect);
	check_item_pattern(res, &item, 1, res->unmanaged);
	if (res->created_at != NULL)
		check_paths(res, &item, 1, "", res->created_at, res->created_at + strlen(res->created_at));
	if (res->mark_path != NULL)
		check_paths(res, &item, 1, "", res->mark_path, res->mark_path + strlen(res->mark_path));
	check_names(res, res->dies_with);
	if (res->stays_in != NULL)
	{
		size_t equals = strcspn(res->stays_in, "="), arrow = strcspn(res->stays_in, "-");
		const Attribute *own = attribute_named(res, res->stays_in, equals);
		const Attribute *refs = attribute_named(res, res->stays_in + equals + 1, arrow - equals - 1);
		const Resource *other = refs && refs->refers ? resource_named(refs->refers, strlen(refs->refers)) : NULL;
		const char *theirs = res->stays_in + arrow + 2;

		check(own != NULL && own->form == FORM_REF && other != NULL && attribute_named(other, theirs, strlen(theirs)),
			  "%s: malformed rule %s", res->name, res->stays_in);
	}
	check_names(res, res->blocks);
	check_names(res, res->reply_lacks);
	check_names(res, res->serial);
	check_names(res, res->overlaps);
	check_names(res, res->find_parent);
	for (at = res->after; at != NULL && *at != '\0'; at += strcspn(at, ","), at += *at == ',')
	{
		size_t colon = strcspn(at, ":"), equals = strcspn(at, "=");
		const Resource *other = resource_named(at, colon);

		check(other != NULL && attribute_named(other, at + colon + 1, equals - colon - 1) &&
				  attribute_named(res, at + equals + 1, strcspn(at + equals + 1, ",")),
			  "%s: malformed rule %s", res->name, at);
	}

	check_calls(res, &res->lookup, 1, &item);
	check_calls(res, res->create, MAX_CALLS, &item);
	check_calls(res, res->remove, MAX_CALLS, &item);
	check_holders(res, &res->holders);
	for (int c = 0; c < MAX_CHANGES && res->changes[c].columns != NULL; c++)
	{
		check_names(res, res->changes[c].columns);
		check_calls(res, res->changes[c].calls, MAX_CALLS, &item);
	}
	for (int b = 0; b < LENGTH(res->born) && res->born[b].resource != NULL; b++)
	{
		const Resource *other = resource_named(res->born[b].resource, strlen(res->born[b].resource));

		if (!check(other != NULL, "%s: no resource \"%s\"", res->name, res->born[b].resource))
			continue;
		check_names(other, res->born[b].parent);
		check_when(other, res->born[b].columns);
		if (res->born[b].of != NULL)
		{
			const Attribute *of = attribute_named(res, res->born[b].of, strlen(res->born[b].of));
			Place referred;

			if (!check(of != NULL && of->refers != NULL, "%s: no reference \"%s\"", res->name, res->born[b].of))
				continue;
			(void) items_of(resource_named(of->refers, strlen(of->refers)),
							&resource_named(of->refers, strlen(of->refers))->list, &referred);
			check_item_pattern(res, &referred, 1, res->born[b].where);
		}
		check_calls(res, &res->born[b].remove, 1, &item);
	}
}

/* Whatever is no computed, replace-only or parent's value has a change, and a row can be made and unmade. */
static void
check_whole(const Resource *res)
{
	for (const Attribute *a = res->attributes; a->column != NULL; a++)
	{
		bool changes = a->flags & (ATTR_COMPUTED | ATTR_REPLACE);

		for (int c = 0; c < MAX_CHANGES && res->changes[c].columns != NULL && !changes; c++)
		{
			const char *found = strstr(res->changes[c].columns, a->column);

			changes = found != NULL && (found[strlen(a->column)] == ',' || found[strlen(a->column)] == '\0');
		}
		check(changes, "%s.%s: nothing changes it", res->name, a->column);
	}
	check(res->read_only || (res->create[0].operation && res->remove[0].operation), "%s: no way to make or unmake it",
		  res->name);
}

int
main(int argc, char **argv)
{
	AwsError error = {0};

	if (argc != 2 || (client = aws_client_new(argv[1], &error)) == NULL)
	{
		fprintf(stderr, "usage: registry MODELS\n");
		return 2;
	}
	for (const Module *const *m = iasql_modules; *m != NULL; m++)
	{
		for (int i = 0; i < LENGTH((*m)->tables) && (*m)->tables[i] != NULL; i++)
			printf("module %s %s\n", (*m)->name, (*m)->tables[i]);
		for (const Resource *const *r = (*m)->resources; r != NULL && *r != NULL; r++)
		{
			check_resource(*r);
			check_whole(*r);
		}
	}
	aws_client_free(client);
	fprintf(stderr, "%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
