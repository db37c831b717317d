/*
 * value.c
 *	  Values of attributes: equality, and the way between JSON and the one
 *	  text that a column's value has.
 *
 * A value from AWS and the same value from a row have to give the same text,
 * or every apply would see a difference.  So both pass through the column
 * type's input and output functions, under the session's pinned settings.
 * Those functions raise errors at what they cannot read, and AWS may send
 * anything: such a call runs in a subtransaction.  As that costs more than
 * the conversion itself, types whose canonical text is evident (texts,
 * integers, booleans, enums, well-formed timestamps) do without.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "catalog/pg_enum.h"

#include "engine/engine.h"

/* ------------------------------------------------------------------ JSON */

void
jsonb_root(Jsonb *doc, JsonbValue *out)
{
	if (JB_ROOT_IS_SCALAR(doc))
		(void) JsonbExtractScalar(&doc->root, out);
	else
	{
		out->type = jbvBinary;
		out->val.binary.data = &doc->root;
		out->val.binary.len = VARSIZE(doc) - VARHDRSZ;
	}
}

void
json_parse(const char *json, Size len, JsonbValue *out)
{
	/* most values are strings without escapes */
	if (len >= 2 && json[0] == '"' && memchr(json + 1, '"', len - 1) == json + len - 1 &&
		memchr(json, '\\', len) == NULL)
	{
		out->type = jbvString;
		out->val.string.val = pnstrdup(json + 1, len - 2);
		out->val.string.len = len - 2;
		return;
	}
	jsonb_root(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(json, len)))), out);
}

void
json_append_string(StringInfo out, const char *text, Size len)
{
	appendStringInfoCharMacro(out, '"');
	for (const char *end = text + len; text < end; text++)
	{
		const char *plain = text;

		while (text < end && (unsigned char) *text >= ' ' && *text != '"' && *text != '\\')
			text++;
		appendBinaryStringInfo(out, plain, text - plain);
		if (text == end)
			break;
		if (*text == '"' || *text == '\\')
		{
			appendStringInfoCharMacro(out, '\\');
			appendStringInfoCharMacro(out, *text);
		}
		else if (*text == '\n')
			appendStringInfoString(out, "\\n");
		else if (*text == '\t')
			appendStringInfoString(out, "\\t");
		else if (*text == '\r')
			appendStringInfoString(out, "\\r");
		else if (*text == '\b')
			appendStringInfoString(out, "\\b");
		else if (*text == '\f')
			appendStringInfoString(out, "\\f");
		else
			appendStringInfo(out, "\\u%04x", (unsigned char) *text);
	}
	appendStringInfoCharMacro(out, '"');
}

void
json_append(StringInfo out, const JsonbValue *value)
{
	if (value->type == jbvString)
		json_append_string(out, value->val.string.val, value->val.string.len);
	else
	{
		char *text = json_text(value);

		appendStringInfoString(out, text == NULL ? "null" : text);
	}
}

char *
json_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return NULL;
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		case jbvBinary:
			return JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
		default:
		{
			/* a container just built, or a datetime, which no reply gives */
			Jsonb *doc = JsonbValueToJsonb((JsonbValue *) value);

			return JsonbToCString(NULL, &doc->root, VARSIZE(doc));
		}
	}
}

bool
json_is_array(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data);
}

bool
json_is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

bool
json_next_element(JsonElements *elements, JsonbValue *out)
{
	bool first = !elements->started;

	elements->started = true;
	if (!json_is_array(elements->of))
	{
		*out = *elements->of;
		return first;
	}
	if (first)
	{
		elements->it = JsonbIteratorInit(elements->of->val.binary.data);
		(void) JsonbIteratorNext(&elements->it, out, true);
	}
	return JsonbIteratorNext(&elements->it, out, true) == WJB_ELEM;
}

bool
json_next_member(const JsonbValue *object, JsonbIterator **it, JsonbValue *key, JsonbValue *value)
{
	if (*it == NULL)
	{
		*it = JsonbIteratorInit(object->val.binary.data);
		(void) JsonbIteratorNext(it, key, true);
	}
	if (JsonbIteratorNext(it, key, true) != WJB_KEY)
		return false;
	(void) JsonbIteratorNext(it, value, true);
	return true;
}

/* ---------------------------------------------------------- conversions */

/* An error message fit to be kept with an object: hostile values may be long. */
static const char *
clip(const char *message)
{
	int len = strlen(message);

	return len <= 200 ? message : psprintf("%.*s...", pg_mbcliplen(message, len, 200), message);
}

/* What a value can be to blame for; other errors go on. */
static bool
is_data_error(int sqlstate)
{
	int category = ERRCODE_TO_CATEGORY(sqlstate);

	return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		   category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

static bool
attempt(void (*work)(void *arg), void *arg, const char **why)
{
	ErrorData *error;

	if (subtransaction(work, arg, is_data_error, &error))
		return true;
	*why = clip(error->message);
	return false;
}

typedef struct Conversion
{
	Oid type;		  /* of the column */
	const char *text; /* in and out */
	Size len;
	JsonbValue *json; /* result of parsing */
} Conversion;

static void
convert_text(void *arg)
{
	Conversion *c = arg;
	Oid function, parameter;
	bool varlena;
	Datum value;

	getTypeInputInfo(c->type, &function, &parameter);
	value = OidInputFunctionCall(function, (char *) c->text, parameter, -1);
	getTypeOutputInfo(c->type, &function, &varlena);
	c->text = OidOutputFunctionCall(function, value);
}

static void
convert_json(void *arg)
{
	Conversion *c = arg;

	json_parse(c->text, c->len, c->json);
}

/* Like json_parse for text that need not be JSON: false and *why instead of an error. */
bool
json_try(const char *json, Size len, JsonbValue *out, const char **why)
{
	Conversion c = {.text = json, .len = len, .json = out};

	return attempt(convert_json, &c, why);
}

static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == InvalidOid;
}

static bool
is_number(Oid type)
{
	return type == INT4OID || type == INT8OID || type == INT2OID || type == FLOAT8OID || type == FLOAT4OID ||
		   type == NUMERICOID;
}

/* Digits of a number that its integer type can hold; "80.0" loses its fraction in place. */
static bool
is_integer(Oid type, char *text)
{
	char *digits = text + (*text == '-' ? 1 : 0);
	Size n = strspn(digits, "0123456789");
	long long value;

	if (n == 0 || n > 18 || (digits[0] == '0' && (n > 1 || digits > text)))
		return false;
	if (digits[n] == '.' && strspn(digits + n + 1, "0") == strlen(digits + n + 1))
		digits[n] = '\0';
	if (digits[n] != '\0')
		return false;
	value = strtoll(text, NULL, 10);
	return type == INT8OID || (type == INT4OID && value == (int32) value) ||
		   (type == INT2OID && value == (int16) value);
}

/* Takes 'width' digits of at most 'most' at *p. */
static bool
digits_within(const char **p, int width, int least, int most, int *value)
{
	*value = 0;
	for (int i = 0; i < width; i++, (*p)++)
	{
		if (**p < '0' || **p > '9')
			return false;
		*value = *value * 10 + **p - '0';
	}
	return *value >= least && *value <= most;
}

/* A point in UTC, as AWS or PostgreSQL writes it: no input function objects to it. */
static bool
is_timestamp(const char *p)
{
	int year, month, day, unused;

	if (!digits_within(&p, 4, 1, 9999, &year) || *p++ != '-' || !digits_within(&p, 2, 1, 12, &month) || *p++ != '-' ||
		!digits_within(&p, 2, 1, 31, &day) || (*p != 'T' && *p != ' '))
		return false;
	p++;
	if (day > 28 && (month == 2 || (day == 31 && (month == 4 || month == 6 || month == 9 || month == 11))))
		return false;
	if (!digits_within(&p, 2, 0, 23, &unused) || *p++ != ':' || !digits_within(&p, 2, 0, 59, &unused) || *p++ != ':' ||
		!digits_within(&p, 2, 0, 59, &unused))
		return false;
	if (*p == '.')
	{
		Size n = strspn(p + 1, "0123456789");

		if (n == 0 || n > 9)
			return false;
		p += n + 1;
	}
	return strcmp(p, "Z") == 0 || strcmp(p, "+00") == 0 || strcmp(p, "+00:00") == 0;
}

/* The canonical text of 'text' in a column type, or NULL and *why. */
static const char *
canonical(Oid type, char *text, const char **why)
{
	Conversion c = {.type = type, .text = text};

	if (is_text(type) || ((type == INT4OID || type == INT8OID || type == INT2OID) && is_integer(type, text)))
		return text;
	if (type == BOOLOID && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		return text;
	if (type == TIMESTAMPTZOID && is_timestamp(text))
	{
		convert_text(&c);
		return c.text;
	}
	if (type_is_enum(type) && strlen(text) < NAMEDATALEN &&
		SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type), CStringGetDatum(text)))
		return text;
	if (!attempt(convert_text, &c, why))
		return NULL;
	/* as JSON and the modules' patterns have it, unlike boolout */
	return type != BOOLOID ? c.text : *c.text == 't' ? "true" : "false";
}

static const char *
not_scalar(const Attribute *attr, const char **why)
{
	*why = psprintf("an array or object where column \"%s\" takes a single value", attr->column);
	return NULL;
}

/* SET, IDS, JOIN: an array, or a single value for one of it. */
static const char *
set_from_json(const Kind *kind, int attribute, JsonbValue *json, const char **why)
{
	const Attribute *attr = &kind->res->attributes[attribute];
	Oid type = attr->form == FORM_SET ? get_element_type(kind->type[attribute]) : InvalidOid;
	JsonElements elements = {.of = json};
	List *texts = NIL;
	JsonbValue element;

	while (json_next_element(&elements, &element))
	{
		char *text;

		if (element.type == jbvBinary)
			return not_scalar(attr, why);
		text = json_text(&element);
		if (text == NULL || *text == '\0')
			continue;
		text = (char *) canonical(type, text, why);
		if (text == NULL)
			return NULL;
		texts = lappend(texts, text);
	}
	return sorted_json_array(texts);
}

/* MAP: texts by name; the names that AWS and this extension reserve are not seen. */
static const char *
map_from_json(const Attribute *attr, JsonbValue *json, const char **why)
{
	JsonbParseState *state = NULL;
	JsonbIterator *it = NULL;
	JsonbValue key, value;
	int n = 0;

	if (!json_is_object(json))
	{
		*why = psprintf("no object where column \"%s\" takes one", attr->column);
		return NULL;
	}
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while (json_next_member(json, &it, &key, &value))
	{
		if (name_is_reserved(key.val.string.val, key.val.string.len))
			continue;
		if (value.type != jbvString)
		{
			char *text = json_text(&value);

			value.type = jbvString;
			value.val.string.val = text == NULL ? "" : text;
			value.val.string.len = strlen(value.val.string.val);
		}
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
		n++;
	}
	return n == 0 ? NULL : json_text(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* JSON and POLICY.  A text column, and IAM, keep documents as strings. */
static const char *
document_from_json(const Kind *kind, int attribute, JsonbValue *json)
{
	JsonbValue document = *json;

	if (json->type == jbvString &&
		(kind->res->attributes[attribute].form == FORM_POLICY || is_text(kind->type[attribute])) &&
		!codec_from_cloud("url_json", json, &document))
		document = *json;
	if (document.type == jbvBinary && JsonContainerSize(document.val.binary.data) == 0)
		return NULL;
	if (document.type == jbvString)
	{
		StringInfoData out;

		if (document.val.string.len == 0)
			return NULL;
		initStringInfo(&out);
		json_append(&out, &document);
		return out.data;
	}
	return json_text(&document);
}

/*
 * Takes the value of a reply, or of to_jsonb(row): there is one canonical text
 * for both.  A reference's text is what the reply says, not yet resolved.
 * 'row', unless NULL, is what the column holds: the same text needs no conversion.
 */
const char *
value_from_json(const Kind *kind, int attribute, JsonbValue *json, const char *row, const char **why)
{
	const Attribute *attr = &kind->res->attributes[attribute];
	char *text;

	*why = NULL;
	if (json->type == jbvNull)
		return NULL;
	switch (attr->form)
	{
		case FORM_SET:
		case FORM_IDS:
		case FORM_JOIN:
			return set_from_json(kind, attribute, json, why);
		case FORM_MAP:
			return map_from_json(attr, json, why);
		case FORM_JSON:
		case FORM_POLICY:
			return document_from_json(kind, attribute, json);
		case FORM_PARTS:
			return parts_from_reply(attr->parts, json);
		case FORM_SCALAR:
		case FORM_REF:
			break;
	}
	if (json->type == jbvBinary)
		return not_scalar(attr, why);
	text = json_text(json);
	if (text == NULL || *text == '\0')
		return NULL;
	if (row != NULL && strcmp(text, row) == 0)
		return row;
	return canonical(attr->form == FORM_REF ? InvalidOid : kind->type[attribute], text, why);
}

void
value_to_json(const Kind *kind, int attribute, const Value *value, StringInfo out)
{
	const char *text = value->text;
	Oid type = kind->type[attribute];

	if (text == NULL)
	{
		appendStringInfoString(out, "null");
		return;
	}
	switch (kind->res->attributes[attribute].form)
	{
		case FORM_SCALAR:
			if (type == BOOLOID || type == JSONOID || type == JSONBOID ||
				(is_number(type) && IsValidJsonNumber(text, strlen(text))))
				appendStringInfoString(out, text);
			else
				json_append_string(out, text, strlen(text));
			break;
		case FORM_REF:
			json_append_string(out, text, strlen(text));
			break;
		default:
			/* documents and arrays are JSON as they are; "" stands for references that are not known yet */
			appendStringInfoString(out, *text == '\0' ? "[]" : text);
			break;
	}
}

/* -------------------------------------------------------------- equality */

bool
value_is_null(const Value *v)
{
	return v->text == NULL && v->nrefs == 0;
}

/* Whether both refer to the same objects; the order is not the same, and the sets are small. */
static bool
same_refs(const Value *a, const Value *b)
{
	if (a->nrefs != b->nrefs || a->nrefs == 0)
		return false;
	for (int i = 0; i < a->nrefs; i++)
	{
		int j = 0;

		while (j < b->nrefs && a->refs[i] != b->refs[j])
			j++;
		if (j == b->nrefs)
			return false;
	}
	return true;
}

/* JSON numbers have several texts: 1 and 1.0 */
static bool
same_document(const char *a, const char *b)
{
	JsonbValue va, vb;

	json_parse(a, strlen(a), &va);
	json_parse(b, strlen(b), &vb);
	return va.type == jbvBinary && vb.type == jbvBinary &&
		   compareJsonbContainers(va.val.binary.data, vb.val.binary.data) == 0;
}

bool
value_unheld(const Attribute *attr, const Value *v)
{
	return attr->form == FORM_REF && v->text != NULL && *v->text != '\0' &&
		   (v->nrefs == 0 || (v->refs[0]->row_key == NULL && !v->refs[0]->imported));
}

bool
value_equal(const Attribute *attr, const Value *a, const Value *b)
{
	bool reference = attr->form == FORM_REF || attr->form == FORM_JOIN;

	if (value_is_null(a) || value_is_null(b))
		return (value_is_null(a) || value_unheld(attr, a)) && (value_is_null(b) || value_unheld(attr, b));
	if (reference && same_refs(a, b))
		return true;
	/* "": an object that AWS does not know, which is not even equal to another of them */
	if (a->text == NULL || b->text == NULL || (reference && (*a->text == '\0' || *b->text == '\0')))
		return false;
	if (strcmp(a->text, b->text) == 0)
		return true;
	switch (attr->form)
	{
		case FORM_POLICY:
			return strcmp(policy_canonical(a->text), policy_canonical(b->text)) == 0;
		case FORM_JSON:
		case FORM_PARTS:
			return same_document(a->text, b->text);
		default:
			return false;
	}
}

/* ---------------------------------------------------------------- arrays */

int
compare_texts(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Sorts the list itself. */
char *
sorted_json_array(List *strings)
{
	StringInfoData out;
	const char *last = NULL;
	ListCell *lc;

	if (strings == NIL)
		return NULL;
	list_sort(strings, compare_texts);
	initStringInfo(&out);
	foreach (lc, strings)
	{
		const char *text = lfirst(lc);

		if (last != NULL && strcmp(text, last) == 0)
			continue;
		appendStringInfoString(&out, last == NULL ? "[" : ", ");
		json_append_string(&out, text, strlen(text));
		last = text;
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}

List *
json_array_strings(const char *array)
{
	List *strings = NIL;
	JsonbValue v, element;
	JsonElements elements = {.of = &v};

	if (array == NULL || *array == '\0')
		return NIL;
	json_parse(array, strlen(array), &v);
	while (json_next_element(&elements, &element))
	{
		char *text = json_text(&element);

		if (text != NULL)
			strings = lappend(strings, text);
	}
	return strings;
}
