/*
 * policy.c
 *	  The canonical form of an IAM policy document.
 *
 * One policy can be written in many ways, and AWS gives back another one than
 * it got.  The form taken here is the longest: what may be a single value or
 * an array is a sorted array without duplicates, whatever is compared without
 * regard to case is in lower case, "*" as principal is every AWS principal,
 * and an account is its number rather than the ARN of its root.  Statements
 * have no order either: a policy allows or denies by all of them together.
 *
 * Sources: "IAM JSON policy elements reference" and "Grammar of the IAM JSON
 * policy language" of the IAM User Guide: single values for arrays, action
 * names and condition keys without regard to case, {"AWS": "*"}, account ids,
 * the default version 2008-10-17.
 *
 * The form is for comparison only, it is never sent.
 */
#include "postgres.h"

#include "utils/formatting.h"

#include "engine/engine.h"

static bool
key_is(const JsonbValue *key, const char *name)
{
	return key->val.string.len == strlen(name) && memcmp(key->val.string.val, name, key->val.string.len) == 0;
}

typedef char *(*Rewrite)(char *text);

static char *
lower_case(char *text)
{
	return asc_tolower(text, strlen(text));
}

/* "arn:aws:iam::123456789012:root" -> "123456789012" */
static char *
account(char *text)
{
	Size len = strlen(text);
	char *id = strstr(text, ":iam::");

	if (strncmp(text, "arn:", 4) == 0 && id != NULL && strspn(id + 6, "0123456789") == 12 &&
		id + 6 + 12 + 5 == text + len && strcmp(id + 18, ":root") == 0)
		return pnstrdup(id + 6, 12);
	return text;
}

/* Adds the texts of a value or an array of them. */
static List *
add_texts(List *texts, const JsonbValue *v, Rewrite rewrite)
{
	JsonElements e = {.of = v};
	JsonbValue element;

	while (json_next_element(&e, &element))
	{
		char *text = json_text(&element);

		if (text != NULL)
			texts = lappend(texts, rewrite == NULL ? text : rewrite(text));
	}
	return texts;
}

static void
append_array(StringInfo out, List *texts)
{
	appendStringInfoString(out, texts == NIL ? "[]" : sorted_json_array(texts));
}

static void
append_principal(StringInfo out, const JsonbValue *v)
{
	JsonbIterator *it = NULL;
	JsonbValue key, value;
	const char *separator = "{";

	if (!json_is_object(v))
	{
		/* the only principal that is no object is "*" */
		appendStringInfoString(out, "{\"AWS\": ");
		append_array(out, add_texts(NIL, v, account));
		appendStringInfoChar(out, '}');
		return;
	}
	while (json_next_member(v, &it, &key, &value))
	{
		appendStringInfoString(out, separator);
		json_append(out, &key);
		appendStringInfoString(out, ": ");
		append_array(out, add_texts(NIL, &value, key_is(&key, "AWS") ? account : NULL));
		separator = ", ";
	}
	appendStringInfoString(out, *separator == '{' ? "{}" : "}");
}

typedef struct ConditionKey
{
	char *name;
	JsonbValue values;
} ConditionKey;

static int
compare_condition_keys(const void *a, const void *b)
{
	return strcmp(((const ConditionKey *) a)->name, ((const ConditionKey *) b)->name);
}

/* {"StringEquals": {"aws:x": …}}: keys in lower case; those that become one are one. */
static void
append_condition(StringInfo out, const JsonbValue *v)
{
	JsonbIterator *it = NULL;
	JsonbValue operator, keys;
	const char *separator = "{";

	while (json_next_member(v, &it, &operator, & keys))
	{
		JsonbIterator *inner = NULL;
		JsonbValue key, values;
		ConditionKey *sorted;
		int n = 0;

		appendStringInfoString(out, separator);
		separator = ", ";
		json_append(out, &operator);
		appendStringInfoString(out, ": ");
		if (!json_is_object(&keys))
		{
			json_append(out, &keys);
			continue;
		}
		sorted = palloc(sizeof(ConditionKey) * (JsonContainerSize(keys.val.binary.data) + 1));
		while (json_next_member(&keys, &inner, &key, &values))
			sorted[n++] = (ConditionKey){lower_case(json_text(&key)), values};
		qsort(sorted, n, sizeof(ConditionKey), compare_condition_keys);
		appendStringInfoChar(out, '{');
		for (int i = 0; i < n;)
		{
			List *texts = NIL;
			int first = i;

			for (; i < n && strcmp(sorted[i].name, sorted[first].name) == 0; i++)
				texts = add_texts(texts, &sorted[i].values, NULL);
			appendStringInfoString(out, first > 0 ? ", " : "");
			json_append_string(out, sorted[first].name, strlen(sorted[first].name));
			appendStringInfoString(out, ": ");
			append_array(out, texts);
		}
		appendStringInfoChar(out, '}');
	}
	appendStringInfoString(out, *separator == '{' ? "{}" : "}");
}

static char *
statement_text(const JsonbValue *statement)
{
	JsonbIterator *it = NULL;
	JsonbValue key, value;
	const char *separator = "{";
	StringInfoData out;

	initStringInfo(&out);
	if (!json_is_object(statement))
	{
		json_append(&out, statement);
		return out.data;
	}
	while (json_next_member(statement, &it, &key, &value))
	{
		/* an empty statement id is none */
		if (key_is(&key, "Sid") && value.type == jbvString && value.val.string.len == 0)
			continue;
		appendStringInfoString(&out, separator);
		separator = ", ";
		json_append(&out, &key);
		appendStringInfoString(&out, ": ");
		if (key_is(&key, "Action") || key_is(&key, "NotAction"))
			append_array(&out, add_texts(NIL, &value, lower_case));
		else if (key_is(&key, "Resource") || key_is(&key, "NotResource"))
			append_array(&out, add_texts(NIL, &value, NULL));
		else if (key_is(&key, "Principal") || key_is(&key, "NotPrincipal"))
			append_principal(&out, &value);
		else if (key_is(&key, "Condition") && json_is_object(&value))
			append_condition(&out, &value);
		else
			json_append(&out, &value);
	}
	appendStringInfoString(&out, *separator == '{' ? "{}" : "}");
	return out.data;
}

/* The text is palloc'd.  What is JSON but no object stays as it is; what is no JSON is an error. */
char *
policy_canonical(const char *policy)
{
	JsonbValue document, key, value, version = {.type = jbvNull};
	JsonbIterator *it = NULL;
	StringInfoData out;

	json_parse(policy, strlen(policy), &document);
	if (!json_is_object(&document))
		return pstrdup(policy);
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	while (json_next_member(&document, &it, &key, &value))
	{
		if (key_is(&key, "Version"))
		{
			version = value;
			continue;
		}
		json_append(&out, &key);
		appendStringInfoString(&out, ": ");
		if (key_is(&key, "Statement"))
		{
			List *statements = NIL;
			JsonElements e = {.of = &value};
			JsonbValue statement;
			ListCell *lc;

			while (json_next_element(&e, &statement))
				statements = lappend(statements, statement_text(&statement));
			list_sort(statements, compare_texts);
			appendStringInfoChar(&out, '[');
			foreach (lc, statements)
				appendStringInfo(&out, "%s%s", foreach_current_index(lc) > 0 ? ", " : "", (char *) lfirst(lc));
			appendStringInfoChar(&out, ']');
		}
		else
			json_append(&out, &value);
		appendStringInfoString(&out, ", ");
	}
	appendStringInfoString(&out, "\"Version\": ");
	if (version.type == jbvNull)
		appendStringInfoString(&out, "\"2008-10-17\"}");
	else
	{
		json_append(&out, &version);
		appendStringInfoChar(&out, '}');
	}
	return out.data;
}
