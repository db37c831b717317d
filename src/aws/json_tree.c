/*
 * json_tree.c
 *	  JSON text to json-c values and back.
 *
 * Our tokenizer reads the text and json-c only keeps the values: json-c's own
 * parser takes more than JSON, does not say what is wrong, and its parser and
 * printer give half a result when memory runs out.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>

#include "aws/json.h"

typedef struct Tree
{
	json_object *open[AWS_JSON_MAX_DEPTH]; /* the objects and arrays around the next value */
	int depth;
	json_object *root;
	AwsBuffer key; /* of the next value, in an object */
	AwsBuffer text;
} Tree;

/* A number; what is no integer of 64 bits keeps its text. */
static json_object *
new_number(const char *text)
{
	char *end;
	int64_t whole;
	uint64_t large;

	errno = 0;
	whole = strtoll(text, &end, 10);
	if (*end == '\0' && errno == 0)
		return json_object_new_int64(whole);
	errno = 0;
	large = strtoull(text, &end, 10);
	if (*end == '\0' && errno == 0 && *text != '-')
		return json_object_new_uint64(large);
	return json_object_new_double_s(strtod(text, NULL), text);
}

/* Takes a tokenizer's event. */
static bool
grow(void *arg, AwsJsonEvent event, const char *text, size_t len)
{
	Tree *tree = arg;
	AwsBuffer *decoded = event == AWS_JSON_KEY ? &tree->key : &tree->text;
	json_object *parent = tree->depth > 0 ? tree->open[tree->depth - 1] : NULL;
	json_object *value = NULL;
	bool added;

	if (event == AWS_JSON_KEY || event == AWS_JSON_STRING || event == AWS_JSON_NUMBER)
	{
		aws_buffer_cut(decoded, 0);
		aws_json_decode(decoded, text, len);
		if (decoded->failed)
			return false;
	}
	switch (event)
	{
		case AWS_JSON_OBJECT_END:
		case AWS_JSON_ARRAY_END:
			tree->depth--;
			return true;
		case AWS_JSON_KEY:
			return true;
		case AWS_JSON_OBJECT:
			value = json_object_new_object();
			break;
		case AWS_JSON_ARRAY:
			value = json_object_new_array();
			break;
		case AWS_JSON_STRING:
			value = json_object_new_string_len(aws_buffer_text(decoded), (int) decoded->len);
			break;
		case AWS_JSON_NUMBER:
			value = new_number(aws_buffer_text(decoded));
			break;
		case AWS_JSON_BOOLEAN:
			value = json_object_new_boolean(text[0] == 't');
			break;
		case AWS_JSON_NULL:
			break;
	}
	if (value == NULL && event != AWS_JSON_NULL)
		return false;
	if (parent == NULL)
	{
		tree->root = value;
		added = true;
	}
	else if (json_object_is_type(parent, json_type_array))
		added = json_object_array_add(parent, value) == 0;
	else
		added = json_object_object_add(parent, aws_buffer_text(&tree->key), value) == 0;
	if (!added)
		json_object_put(value);
	else if (event == AWS_JSON_OBJECT || event == AWS_JSON_ARRAY)
		tree->open[tree->depth++] = value;
	return added;
}

bool
aws_json_tree(const char *text, size_t len, int max_depth, struct json_object **value, const char **why)
{
	Tree tree = {.depth = 0};
	AwsJson json = {.event = grow, .arg = &tree, .max_depth = max_depth};
	bool ok;

	*value = NULL;
	/* json-c's strings have an int for their length */
	if (len >= INT32_MAX)
	{
		*why = "it is too long";
		return false;
	}
	/* Strings may be secrets: in one block, that never moves, they can be wiped. */
	ok = aws_buffer_reserve(&tree.text, len) && aws_json_feed(&json, text, len) && aws_json_finish(&json);
	*why = json.error;
	if (ok)
		*value = tree.root;
	else
		json_object_put(tree.root);
	aws_json_free(&json);
	aws_buffer_free(&tree.key);
	aws_secret_buffer_free(&tree.text);
	return ok;
}

void
aws_json_write(AwsBuffer *buffer, struct json_object *value)
{
	const char *text;

	switch (json_object_get_type(value))
	{
		case json_type_null:
			aws_buffer_string(buffer, "null");
			break;
		case json_type_string:
			aws_buffer_json(buffer, json_object_get_string(value), (size_t) json_object_get_string_len(value));
			break;
		case json_type_array:
			aws_buffer_char(buffer, '[');
			for (size_t i = 0; i < json_object_array_length(value); i++)
			{
				if (i > 0)
					aws_buffer_char(buffer, ',');
				aws_json_write(buffer, json_object_array_get_idx(value, i));
			}
			aws_buffer_char(buffer, ']');
			break;
		case json_type_object:
		{
			size_t start = buffer->len + 1;

			aws_buffer_char(buffer, '{');
			json_object_object_foreach(value, key, member)
			{
				if (buffer->len > start)
					aws_buffer_char(buffer, ',');
				aws_buffer_json(buffer, key, strlen(key));
				aws_buffer_char(buffer, ':');
				aws_json_write(buffer, member);
			}
			aws_buffer_char(buffer, '}');
			break;
		}
		default:
			text = json_object_get_string(value);
			if (text != NULL)
				aws_buffer_string(buffer, text);
			else
				buffer->failed = true;
	}
}
