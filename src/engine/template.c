/*
 * template.c
 *	  Templates of API calls, expanded with the values of a row; resource.h has
 *	  the grammar.
 *
 * The template is read and the JSON is written in one pass, member by member:
 * the outcome of a value says whether it came from a placeholder, and what
 * turns out to have no value is cut off the output again.  A template is a
 * few hundred bytes, so that compiling it first would gain little; what costs
 * is the values.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "engine/engine.h"

typedef struct Expansion
{
	const TemplateArgs *args;
	const Parts *parts; /* a template over a child's row, */
	const PartRow *row; /* this one */
	bool *secret;		/* set where a secret stands in the text; NULL: not asked */
	bool mask;			/* "***" stands there instead */
	bool strict;		/* a reference without a cloud id is an error */
} Expansion;

typedef enum Outcome
{
	ABSENT,	 /* a placeholder without value, or what holds nothing else */
	FIXED,	 /* the same for all rows */
	PRESENT, /* a value of this row */
	VOID	 /* a required placeholder without value */
} Outcome;

/* One alternative of a placeholder. */
typedef struct Term
{
	char kind; /* '@' '#' '!' '^' '~', or 0: a column */
	const char *name;
	int len;
	const char *arrows; /* "->a->b" */
	const char *arrows_end;
	char delta;			/* '+', '-' or 0 */
	const char *path;	/* behind the dot */
	int path_len;		/* 0: none */
	const char *codecs; /* ":a:b" */
	const char *codecs_end;
} Term;

#define MAX_TERMS 8

typedef struct Placeholder
{
	Term terms[MAX_TERMS];
	int n;
	bool required;
} Placeholder;

/* ------------------------------------------------------------- reading */

static const char *
skip_name(const char *p, const char *end)
{
	if (p < end && *p >= '0' && *p <= '9')
		return p;
	while (p < end && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_'))
		p++;
	return p;
}

/* Reads a term behind its dollar; 'plain' is the short form in the midst of text.  NULL: there is none. */
static const char *
read_term(const char *p, const char *end, bool plain, Term *term)
{
	*term = (Term){0};
	if (p < end && strchr("@#!^~", *p) != NULL)
		term->kind = *p++;
	term->name = p;
	p = skip_name(p, end);
	term->len = p - term->name;
	if ((term->len == 0) != (term->kind == '@' || term->kind == '#'))
		return NULL;
	term->arrows = p;
	while (end - p > 2 && p[0] == '-' && p[1] == '>' && skip_name(p + 2, end) > p + 2)
		p = skip_name(p + 2, end);
	term->arrows_end = p;
	if (plain)
		return p;
	if (p < end && (*p == '+' || *p == '-'))
		term->delta = *p++;
	if (p < end && *p == '.' && term->kind != '!')
	{
		term->path = ++p;
		for (int depth = 0; p < end && (depth > 0 || strchr(":|!$", *p) == NULL); p++)
			depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
		term->path_len = p - term->path;
	}
	term->codecs = p;
	while (end - p > 1 && *p == ':' && skip_name(p + 1, end) > p + 1)
		p = skip_name(p + 1, end);
	term->codecs_end = p;
	return p;
}

/* Whether all of the text is one placeholder, its dollar left out. */
static bool
read_placeholder(const char *p, const char *end, Placeholder *placeholder)
{
	placeholder->n = 0;
	placeholder->required = false;
	for (;;)
	{
		if (placeholder->n == MAX_TERMS)
			return false;
		p = read_term(p, end, false, &placeholder->terms[placeholder->n++]);
		if (p == NULL)
			return false;
		if (p == end)
			return true;
		if (*p == '!' && p + 1 == end)
			return placeholder->required = true;
		if (*p++ != '|')
			return false;
	}
}

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\n");
}

pg_noreturn static void template_error(const char *p);

static void
template_error(const char *p)
{
	elog(ERROR, "malformed template at: %.60s", p);
}

/* A string of the template, at its opening quote: its content, and what follows it. */
static const char *
read_string(const char *p, const char **content, int *len)
{
	char quote = *p;
	const char *end;

	if ((quote != '\'' && quote != '"') || (end = strchr(p + 1, quote)) == NULL)
		template_error(p);
	*content = p + 1;
	*len = end - p - 1;
	return end + 1;
}

/* -------------------------------------------------------------- values */

/*
 * An attribute as the calls need it now.  What AWS sets comes from AWS, since
 * the row may still hold the values of the object that is being replaced.
 */
static Value
object_value(const Object *object, const Value *values, int attribute)
{
	const Attribute *attr = &object->kind->res->attributes[attribute];
	bool is_id = (attr->flags & ATTR_ID) != 0;
	Value value = {0};

	if (values == NULL)
		values = object->desired ? object->desired : object->actual ? object->actual : object->base;
	if (values != NULL)
		value = values[attribute];
	/* a reference that is the id, too, says by itself what it refers to now */
	if (values == object->desired && attr->form != FORM_REF)
	{
		if (is_id && object->cloud_id != NULL)
			return (Value){.text = object->cloud_id};
		if ((is_id || (attr->flags & ATTR_COMPUTED)) && object->actual != NULL &&
			!value_is_null(&object->actual[attribute]))
			return object->actual[attribute];
		if ((attr->flags & ATTR_COMPUTED) && object->presence == PRESENCE_ABSENT)
			return (Value){0};
	}
	if (is_id && value_is_null(&value))
		value.text = object->cloud_id;
	return value;
}

static bool
missing(const Expansion *x, const Object *object, const Attribute *attr)
{
	if (x->strict)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("column \"%s\" of table \"%s\" refers to an object that AWS does not know yet",
							   attr->column, object->kind->res->name)));
	return false;
}

/* The elements of a set, or the entries of a map, that a change adds or takes away. */
static bool
append_changed(const Expansion *x, const Kind *kind, int attribute, const Value *value, char sign, StringInfo out)
{
	const Delta *delta = pushed_delta(x->args->action, attribute);
	List *elements = value_elements(kind, attribute, value, x->args->action, sign);
	JsonbValue map, member;
	ListCell *cell;

	if (elements == NIL)
		return false;
	if (kind->res->attributes[attribute].form != FORM_MAP)
	{
		appendStringInfoString(out, sorted_json_array(elements));
		return true;
	}
	if (delta != NULL)
		value = sign == '-' ? &delta->from : &delta->to;
	json_parse(value->text, strlen(value->text), &map);
	foreach (cell, elements)
	{
		appendStringInfoString(out, cell == list_head(elements) ? "{" : ", ");
		json_append_string(out, lfirst(cell), strlen(lfirst(cell)));
		appendStringInfoString(out, ": ");
		json_append(out,
					getKeyJsonValueFromContainer(map.val.binary.data, lfirst(cell), strlen(lfirst(cell)), &member));
	}
	appendStringInfoChar(out, '}');
	return true;
}

/* A value without arrows, as JSON. */
static bool
append_value(const Expansion *x, const Object *object, bool newest, int attribute, const Value *value, StringInfo out)
{
	const Attribute *attr = &object->kind->res->attributes[attribute];
	bool complete;
	List *ids;

	if (value_is_null(value))
		return false;
	if ((attr->flags & ATTR_SECRET) && x->secret != NULL)
		*x->secret = true;
	if ((attr->flags & ATTR_SECRET) && x->mask)
	{
		appendStringInfoString(out, "\"***\"");
		return true;
	}
	switch (attr->form)
	{
		case FORM_REF:
			ids = reference_ids(attr, value, newest, &complete);
			if (ids == NIL)
				return missing(x, object, attr);
			json_append_string(out, linitial(ids), strlen(linitial(ids)));
			return true;
		case FORM_JOIN:
			ids = reference_ids(attr, value, newest, &complete);
			if (!complete)
				return missing(x, object, attr);
			appendStringInfoString(out, ids == NIL ? "[]" : sorted_json_array(ids));
			return ids != NIL;
		case FORM_PARTS:
			if (object->desired != NULL && object->nparts > 0)
			{
				char *text = parts_from_rows(x->args->session, object, attr->parts, true);

				appendStringInfoString(out, text == NULL ? "[]" : text);
				return text != NULL;
			}
			/* FALLTHROUGH */
		default:
			if (value->text == NULL)
				return false;
			value_to_json(object->kind, attribute, value, out);
			return true;
	}
}

/* An attribute of an object, through further references where arrows lead on. */
static bool
append_attribute(const Expansion *x, const Object *object, const Value *values, const char *name, int len,
				 const Term *term, const char *arrows, StringInfo out)
{
	int attribute = attribute_index(object->kind->res, name, len);
	const Attribute *attr;
	Value value;

	if (attribute < 0)
		elog(ERROR, "resource \"%s\" has no attribute \"%.*s\"", object->kind->res->name, len, name);
	attr = &object->kind->res->attributes[attribute];
	value = object_value(object, values, attribute);
	if (arrows < term->arrows_end)
	{
		const char *next = arrows + 2;
		const char *rest = skip_name(next, term->arrows_end);
		bool set = attr->form != FORM_REF;
		int start = out->len;

		for (int i = 0; i < value.nrefs; i++)
		{
			appendStringInfoString(out, !set ? "" : i == 0 ? "[" : ", ");
			if (!append_attribute(x, value.refs[i], NULL, next, rest - next, term, rest, out))
			{
				out->len = start;
				return value.refs[i]->cloud_id == NULL && missing(x, object, attr);
			}
		}
		if (set && value.nrefs > 0)
			appendStringInfoChar(out, ']');
		return value.nrefs > 0;
	}
	if (term->delta != '\0')
		return append_changed(x, object->kind, attribute, &value, term->delta, out);
	return append_value(x, object, values == NULL || values == object->desired, attribute, &value, out);
}

/* A column of a child's row, or an attribute of what the column refers to. */
static bool
append_part_column(const Expansion *x, const Term *term, StringInfo out)
{
	const char *list = x->parts->refs;
	char *column, *resource;
	JsonbValue row, *value;

	if (term->arrows < term->arrows_end)
	{
		for (int i = 0; assignment_next(&list, &column, &resource); i++)
			if (strlen(column) == term->len && strncmp(column, term->name, term->len) == 0)
			{
				const char *next = term->arrows + 2;
				const char *rest = skip_name(next, term->arrows_end);

				return x->row->refs != NULL && x->row->refs[i] != NULL &&
					   append_attribute(x, x->row->refs[i], NULL, next, rest - next, term, rest, out);
			}
		elog(ERROR, "column \"%.*s\" of table \"%s\" is not declared as a reference", term->len, term->name,
			 x->parts->table);
	}
	jsonb_root(x->row->row, &row);
	value =
		json_is_object(&row) ? getKeyJsonValueFromContainer(row.val.binary.data, term->name, term->len, NULL) : NULL;
	if (value == NULL)
		elog(ERROR, "table \"%s\" has no column \"%.*s\"", x->parts->table, term->len, term->name);
	if (value->type == jbvNull || (value->type == jbvString && value->val.string.len == 0))
		return false;
	json_append(out, value);
	return true;
}

/* "$!name" */
static bool
append_setting(const Expansion *x, const Term *term, Outcome *outcome, StringInfo out)
{
	const TemplateArgs *args = x->args;
	const char *text = NULL;

	if (term->len == 5 && strncmp(term->name, "token", 5) == 0)
		text = args->token;
	else if (term->len == 4 && strncmp(term->name, "mark", 4) == 0)
		text = args->mark;
	else if (term->len == 6 && strncmp(term->name, "region", 6) == 0)
	{
		*outcome = FIXED;
		text = args->region	  ? args->region
			   : args->object ? args->object->region
			   : args->parent ? args->parent->region
							  : NULL;
	}
	else if (term->len == 7 && strncmp(term->name, "account", 7) == 0)
	{
		*outcome = FIXED;
		text = args->session != NULL && args->session->world != NULL ? args->session->world->account : NULL;
	}
	else
		elog(ERROR, "template: unknown name \"$!%.*s\"", term->len, term->name);
	if (text == NULL || *text == '\0')
		return false;
	json_append_string(out, text, strlen(text));
	return true;
}

static bool
append_term(const Expansion *x, const Term *term, Outcome *outcome, StringInfo out)
{
	const TemplateArgs *args = x->args;
	const char *text = term->kind == '@' ? args->element : args->gathered;
	JsonbValue member;

	switch (term->kind)
	{
		case '@':
		case '#':
			if (text != NULL)
				appendStringInfoString(out, text);
			return text != NULL;
		case '!':
			return append_setting(x, term, outcome, out);
		case '~':
			if (args->object == NULL || args->object->item == NULL ||
				!path_get(args->object->item, pnstrdup(term->name, term->len), &member))
				return false;
			json_append(out, &member);
			return true;
		case '^':
			if (args->parent == NULL)
				elog(ERROR, "template: \"$^%.*s\" without a parent", term->len, term->name);
			/* a listing asks for what the parent has, whatever its row says */
			return append_attribute(x, args->parent, x->row != NULL ? NULL : args->parent->actual, term->name,
									term->len, term, term->arrows, out);
		default:
			if (x->row != NULL)
				return append_part_column(x, term, out);
			if (args->object == NULL)
				elog(ERROR, "template: \"$%.*s\" without a row", term->len, term->name);
			return append_attribute(x, args->object, args->values, term->name, term->len, term, term->arrows, out);
	}
}

/* Puts the JSON behind 'start' through the term's path and codecs. */
static bool
refine(const Term *term, StringInfo out, int start)
{
	if (term->path_len > 0)
	{
		JsonbValue document, found;

		json_parse(out->data + start, out->len - start, &document);
		if (!path_find(&document, term->path, term->path_len, &found))
			return false;
		out->len = start;
		json_append(out, &found);
	}
	for (const char *p = term->codecs; p < term->codecs_end;)
	{
		const char *stop = skip_name(p + 1, term->codecs_end);
		char *json = pstrdup(out->data + start);

		out->len = start;
		if (!codec_to_cloud(pnstrdup(p + 1, stop - p - 1), json, out))
			return false;
		p = stop;
	}
	return true;
}

/* Appends what a cleared column sends instead of nothing. */
static bool
append_clear(const Expansion *x, const Term *term, StringInfo out)
{
	const Object *object = x->args->object;
	int attribute;

	if (term->kind != '\0' || term->delta != '\0' || term->arrows < term->arrows_end || x->row != NULL ||
		object == NULL)
		return false;
	attribute = attribute_index(object->kind->res, term->name, term->len);
	if (attribute < 0 || object->kind->res->attributes[attribute].clear == NULL ||
		pushed_delta(x->args->action, attribute) == NULL)
		return false;
	appendStringInfoString(out, object->kind->res->attributes[attribute].clear);
	return true;
}

static void
cut_off(StringInfo out, int len)
{
	out->len = len;
	out->data[len] = '\0';
}

static Outcome
expand_placeholder(const Expansion *x, const Placeholder *placeholder, StringInfo out)
{
	int start = out->len;

	for (int i = 0; i < placeholder->n; i++)
	{
		const Term *term = &placeholder->terms[i];
		Outcome outcome = PRESENT;

		if (append_term(x, term, &outcome, out) && refine(term, out, start))
			return outcome;
		cut_off(out, start);
	}
	if (placeholder->n == 1 && append_clear(x, &placeholder->terms[0], out))
		return PRESENT;
	return placeholder->required ? VOID : ABSENT;
}

/* ----------------------------------------------------------- expansion */

/* Text with placeholders in its midst. */
static Outcome
expand_text(const Expansion *x, const char *p, const char *end, StringInfo out)
{
	StringInfoData text, json;
	Outcome outcome = FIXED;

	initStringInfo(&text);
	initStringInfo(&json);
	while (p < end)
	{
		const char *dollar = memchr(p, '$', end - p);
		Placeholder placeholder = {.n = 1};
		JsonbValue value;
		Outcome one;

		appendBinaryStringInfo(&text, p, (dollar == NULL ? end : dollar) - p);
		if (dollar == NULL)
			break;
		p = dollar + 1;
		if (p < end && *p == '$')
		{
			appendStringInfoChar(&text, *p++);
			continue;
		}
		if (p < end && *p == '{')
		{
			const char *close = memchr(p, '}', end - p);

			if (close == NULL || !read_placeholder(p + 1, close, &placeholder))
				template_error(dollar);
			p = close + 1;
		}
		else if ((p = read_term(p, end, true, &placeholder.terms[0])) == NULL)
			template_error(dollar);
		resetStringInfo(&json);
		one = expand_placeholder(x, &placeholder, &json);
		if (one != PRESENT && one != FIXED)
			return one;
		if (one == PRESENT)
			outcome = PRESENT;
		json_parse(json.data, json.len, &value);
		appendStringInfoString(&text, json_text(&value) ? json_text(&value) : "");
	}
	json_append_string(out, text.data, text.len);
	return outcome;
}

/* A string of the template: a placeholder, or text. */
static Outcome
expand_string(const Expansion *x, const char *content, int len, StringInfo out)
{
	Placeholder placeholder;

	if (memchr(content, '$', len) == NULL)
	{
		json_append_string(out, content, len);
		return FIXED;
	}
	if (content[0] == '$' && read_placeholder(content + 1, content + len, &placeholder))
		return expand_placeholder(x, &placeholder, out);
	return expand_text(x, content, content + len, out);
}

/* In an array, an array at 'start' gives its elements. */
static bool
splice_array(StringInfo out, int start)
{
	if (out->data[start] != '[')
		return true;
	memmove(out->data + start, out->data + start + 1, out->len - start - 2);
	cut_off(out, out->len - 2);
	return strspn(out->data + start, " ") < out->len - start;
}

static Outcome expand_container(const Expansion *x, const char **p, bool outermost, StringInfo out);

static Outcome
expand_value(const Expansion *x, const char **p, bool outermost, StringInfo out)
{
	const char *content;
	int len;

	*p = skip_space(*p);
	if (**p == '{' || **p == '[')
		return expand_container(x, p, outermost, out);
	if (**p == '\'' || **p == '"')
	{
		*p = read_string(*p, &content, &len);
		return expand_string(x, content, len, out);
	}
	len = strcspn(*p, ",]} \t\n");
	if (len == 0)
		template_error(*p);
	appendBinaryStringInfo(out, *p, len);
	*p += len;
	return FIXED;
}

/* {'$:codec': value}, behind the codec's name. */
static Outcome
expand_codec(const Expansion *x, const char **p, const char *codec, StringInfo out)
{
	StringInfoData value;
	Outcome outcome;

	initStringInfo(&value);
	outcome = expand_value(x, p, false, &value);
	*p = skip_space(*p);
	if (*(*p)++ != '}')
		template_error(*p - 1);
	if ((outcome == PRESENT || outcome == FIXED) && !codec_to_cloud(codec, value.data, out))
		return ABSENT;
	return outcome;
}

static const char *
read_colon(const char *p)
{
	p = skip_space(p);
	if (*p != ':')
		template_error(p);
	return p + 1;
}

static Outcome
expand_container(const Expansion *x, const char **p, bool outermost, StringInfo out)
{
	int start = out->len;
	bool object = **p == '{';
	char close = object ? '}' : ']';
	bool any = false, lost = false, dropped = false;
	int n = 0;

	check_stack_depth();
	appendStringInfoChar(out, **p);
	*p = skip_space(*p + 1);
	while (**p != close)
	{
		int mark = out->len;
		bool quoted;
		bool whole = false, skipped = false;
		Outcome outcome;
		const char *content;
		int len;

		if (n > 0)
			appendStringInfoString(out, ", ");
		if (object)
		{
			const char *columns;

			*p = read_colon(read_string(*p, &content, &len));
			if (len > 2 && content[0] == '$' && content[1] == ':')
			{
				cut_off(out, start);
				return expand_codec(x, p, pnstrdup(content + 2, len - 2), out);
			}
			if ((columns = memchr(content, '?', len)) != NULL)
			{
				whole = pushes_any(x->args->action, pnstrdup(columns + 1, content + len - columns - 1));
				skipped = !whole;
				len = columns - content;
			}
			json_append_string(out, content, len);
			appendStringInfoString(out, ": ");
		}
		*p = skip_space(*p);
		quoted = **p == '\'' || **p == '"';
		len = out->len;
		outcome = expand_value(x, p, whole, out);
		if (outcome == VOID && !skipped)
			dropped = true;
		if (skipped)
			cut_off(out, mark);
		else if (outcome == ABSENT || outcome == VOID || (!object && quoted && !splice_array(out, len)))
		{
			lost = true;
			cut_off(out, mark);
		}
		else
		{
			any = any || outcome == PRESENT;
			n++;
		}
		*p = skip_space(*p);
		if (**p == ',')
			*p = skip_space(*p + 1);
		else if (**p != close)
			template_error(*p);
	}
	(*p)++;
	appendStringInfoChar(out, close);
	if (!outermost && (dropped || (lost && !any)))
	{
		cut_off(out, start);
		return ABSENT;
	}
	return any ? PRESENT : FIXED;
}

/* Each value on the way takes some memory, so the text alone outlives this. */
static char *
expand(const Expansion *x, const char *template_)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "iasql template", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	StringInfoData out;
	const char *p = template_;
	char *text = NULL;
	Outcome outcome;

	initStringInfo(&out);
	outcome = expand_value(x, &p, true, &out);
	if (*skip_space(p) != '\0')
		template_error(p);
	MemoryContextSwitchTo(old);
	if (outcome == PRESENT || outcome == FIXED)
		text = pnstrdup(out.data, out.len);
	MemoryContextDelete(scratch);
	return text;
}

/* The template of a part, over a row of the child table; 'args' has the carrier as parent. */
char *
template_expand_part(const Parts *parts, const PartRow *row, const TemplateArgs *args)
{
	Expansion x = {.args = args, .parts = parts, .row = row};

	return expand(&x, parts->template_);
}

char *
template_expand(const char *template_, const TemplateArgs *args, char **masked)
{
	bool secret = false;
	Expansion x = {.args = args, .secret = &secret, .strict = true};
	char *text = expand(&x, template_);

	if (masked != NULL)
	{
		x.mask = true;
		*masked = secret ? expand(&x, template_) : text;
	}
	return text;
}

/* ------------------------------------------------------------ patterns */

static bool
lookup_row(void *arg, const char *path, Size len, JsonbValue *out)
{
	const Expansion *x = arg;
	Placeholder placeholder;
	StringInfoData json;
	Outcome outcome;

	if (!read_placeholder(path, path + len, &placeholder))
		template_error(path);
	initStringInfo(&json);
	outcome = expand_placeholder(x, &placeholder, &json);
	if (outcome != PRESENT && outcome != FIXED)
		return false;
	json_parse(json.data, json.len, out);
	return true;
}

bool
pattern_matches_row(const Object *object, const Value *values, const char *pattern)
{
	TemplateArgs args = {.object = object, .values = values};
	Expansion x = {.args = &args};
	MemoryContext scratch;
	MemoryContext old;
	bool matches;

	if (pattern == NULL)
		return true;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "iasql pattern", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	matches = pattern_test(pattern, strlen(pattern), lookup_row, &x);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return matches;
}
