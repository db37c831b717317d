/*
 * jmespath.c
 *	  Evaluates compiled JMESPath trees on json-c values.
 *
 * A node's evaluation gives a new reference; null is NULL.  Lack of memory is
 * noted in the run and seen once at the end.  model_check.c has proved the
 * trees, so their depth is bounded and each tag is known.
 */
#include "aws/jmespath.h"

#include <json-c/json.h>

#include "aws/trees.h"

typedef struct Run
{
	const AwsModel *model;
	bool failed; /* out of memory */
} Run;

static json_object *run_node(Run *run, uint16_t offset, json_object *value);

/* A value just made; NULL is lack of memory. */
static json_object *
run_made(Run *run, json_object *value)
{
	if (value == NULL)
		run->failed = true;
	return value;
}

/* Adds to a list; takes the reference. */
static void
run_add(Run *run, json_object *list, json_object *value)
{
	if (list == NULL || json_object_array_add(list, value) != 0)
	{
		json_object_put(value);
		run->failed = true;
	}
}

/* JMESPath's truth: false, null, "", [] and {} are false. */
static bool
run_true(const json_object *value)
{
	switch (json_object_get_type(value))
	{
		case json_type_null:
			return false;
		case json_type_boolean:
			return json_object_get_boolean(value);
		case json_type_string:
			return json_object_get_string_len(value) > 0;
		case json_type_array:
			return json_object_array_length(value) > 0;
		case json_type_object:
			return json_object_object_length(value) > 0;
		default:
			return true;
	}
}

static bool
run_number(const json_object *value)
{
	return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
}

/* Takes both references. */
static json_object *
run_compare(Run *run, uint16_t comparison, json_object *left, json_object *right)
{
	bool numbers = run_number(left) && run_number(right);
	double l = numbers ? json_object_get_double(left) : 0;
	double r = numbers ? json_object_get_double(right) : 0;
	bool equal = numbers ? l == r : json_object_equal(left, right) != 0;

	json_object_put(left);
	json_object_put(right);
	if (comparison == JMES_EQ || comparison == JMES_NE)
		return run_made(run, json_object_new_boolean(equal == (comparison == JMES_EQ)));
	if (!numbers)
		return NULL;
	return run_made(run, json_object_new_boolean(comparison == JMES_LT	 ? l < r
												 : comparison == JMES_LE ? l <= r
												 : comparison == JMES_GT ? l > r
																		 : l >= r));
}

/* An empty list to fill from a value of the wanted type; NULL for one of another type. */
static json_object *
run_list_from(Run *run, const json_object *value, json_type type)
{
	return json_object_is_type(value, type) ? run_made(run, json_object_new_array()) : NULL;
}

/* The elements of a list for which 'condition' holds (0: all), each through 'right', nulls left out. */
static json_object *
run_project(Run *run, const json_object *list, uint16_t right, uint16_t condition)
{
	json_object *result = run_list_from(run, list, json_type_array);

	for (size_t i = 0; result != NULL && i < json_object_array_length(list) && !run->failed; i++)
	{
		json_object *element = json_object_array_get_idx(list, i);
		json_object *held = condition != 0 ? run_node(run, condition, element) : NULL;

		if (condition == 0 || run_true(held))
		{
			json_object *value = run_node(run, right, element);

			if (value != NULL)
				run_add(run, result, value);
		}
		json_object_put(held);
	}
	return result;
}

static json_object *
run_flatten(Run *run, const json_object *list)
{
	json_object *result = run_list_from(run, list, json_type_array);

	for (size_t i = 0; result != NULL && i < json_object_array_length(list) && !run->failed; i++)
	{
		json_object *element = json_object_array_get_idx(list, i);

		if (json_object_is_type(element, json_type_array))
			for (size_t k = 0; k < json_object_array_length(element); k++)
				run_add(run, result, json_object_get(json_object_array_get_idx(element, k)));
		else
			run_add(run, result, json_object_get(element));
	}
	return result;
}

static json_object *
run_values(Run *run, json_object *object, uint16_t right)
{
	json_object *result = run_list_from(run, object, json_type_object);

	if (result == NULL)
		return NULL;
	json_object_object_foreach(object, key, member)
	{
		json_object *value = run_node(run, right, member);

		(void) key;
		if (value != NULL)
			run_add(run, result, value);
	}
	return result;
}

static json_object *
run_call(Run *run, uint16_t function, json_object *argument)
{
	json_type type = json_object_get_type(argument);
	json_object *keys;

	if (function == JMES_LENGTH)
	{
		int64_t length = 0;

		if (type == json_type_array)
			length = (int64_t) json_object_array_length(argument);
		else if (type == json_type_object)
			length = json_object_object_length(argument);
		else if (type == json_type_string)
		{
			/* in characters: every byte but UTF-8's continuations */
			for (const char *c = json_object_get_string(argument); *c != '\0'; c++)
				length += ((unsigned char) *c & 0xc0) != 0x80;
		}
		else
			return NULL;
		return run_made(run, json_object_new_int64(length));
	}
	keys = run_list_from(run, argument, json_type_object);
	if (keys == NULL)
		return NULL;
	json_object_object_foreach(argument, key, member)
	{
		(void) member;
		run_add(run, keys, run_made(run, json_object_new_string(key)));
	}
	return keys;
}

static json_object *
run_literal(Run *run, uint16_t kind, uint16_t value)
{
	if (kind == AWS_EXPECT_BOOLEAN)
		return run_made(run, json_object_new_boolean(value != 0));
	if (kind == AWS_EXPECT_INTEGER)
		return run_made(run, json_object_new_int(value));
	return run_made(run, json_object_new_string(aws_model_string(run->model, value)));
}

static json_object *
run_node(Run *run, uint16_t offset, json_object *value)
{
	const uint16_t *node = run->model->code + offset;
	json_object *left = NULL;
	json_object *result = NULL;

	if (run->failed)
		return NULL;
	switch (node[0])
	{
		case JMES_FIELD:
			if (json_object_is_type(value, json_type_object))
				json_object_object_get_ex(value, aws_model_string(run->model, node[1]), &result);
			return json_object_get(result);
		case JMES_IDENTITY:
			return json_object_get(value);
		case JMES_LITERAL:
			return run_literal(run, node[1], node[2]);
		case JMES_INDEX:
			if (json_object_is_type(value, json_type_array))
			{
				int64_t length = (int64_t) json_object_array_length(value);
				int64_t index = (int16_t) node[1];

				if (index < 0)
					index += length; /* from the end */
				if (index >= 0 && index < length)
					result = json_object_array_get_idx(value, (size_t) index);
			}
			return json_object_get(result);
		case JMES_CHAIN:
			result = json_object_get(value);
			for (uint16_t i = 0; i < node[1]; i++)
			{
				left = result;
				result = run_node(run, node[2 + i], left);
				json_object_put(left);
			}
			return result;
		case JMES_LIST:
			if (value == NULL)
				return NULL;
			result = run_made(run, json_object_new_array());
			for (uint16_t i = 0; i < node[1]; i++)
				run_add(run, result, run_node(run, node[2 + i], value));
			return result;
		case JMES_COMPARE:
			left = run_node(run, node[2], value);
			return run_compare(run, node[1], left, run_node(run, node[3], value));
		case JMES_AND:
		case JMES_OR:
			left = run_node(run, node[1], value);
			if (run_true(left) == (node[0] == JMES_OR))
				return left;
			result = run_node(run, node[2], value);
			break;
		case JMES_NOT:
			left = run_node(run, node[1], value);
			result = run_made(run, json_object_new_boolean(!run_true(left)));
			break;
		case JMES_PROJECT:
			left = run_node(run, node[1], value);
			result = run_project(run, left, node[2], 0);
			break;
		case JMES_FILTER:
			left = run_node(run, node[1], value);
			result = run_project(run, left, node[2], node[3]);
			break;
		case JMES_FLATTEN:
			left = run_node(run, node[1], value);
			result = run_flatten(run, left);
			break;
		case JMES_VALUES:
			left = run_node(run, node[1], value);
			result = run_values(run, left, node[2]);
			break;
		case JMES_CALL:
			left = run_node(run, node[2], value);
			result = run_call(run, node[1], left);
			break;
	}
	json_object_put(left);
	return result;
}

bool
aws_jmespath(const AwsModel *model, AwsExpression expression, struct json_object *document, struct json_object **result)
{
	Run run = {.model = model};

	*result = expression != 0 ? run_node(&run, expression, document) : NULL;
	if (run.failed)
	{
		json_object_put(*result);
		*result = NULL;
	}
	return !run.failed;
}
