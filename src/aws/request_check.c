/*
 * request_check.c
 *	  Judging an operation's input by its shape, before anything is sent.
 *
 * AWS's own messages about a wrong parameter differ from service to service,
 * and several services ignore what they do not know.  So a misspelt member is
 * an error here, with its path and the names that are near.
 */
#include "aws/error.h"
#include "aws/serialize.h"
#include "aws/timestamp.h"

typedef struct Check
{
	const AwsModel *model;
	AwsError *error;
	AwsBuffer path; /* of the value in hand: "Filters[0].Values" */
} Check;

static bool check_value(Check *check, const AwsRef *ref, json_object *value);

static const char *
json_kind(json_object *value)
{
	switch (json_object_get_type(value))
	{
		case json_type_null:
			return "null";
		case json_type_boolean:
			return "a boolean";
		case json_type_double:
		case json_type_int:
			return "a number";
		case json_type_object:
			return "an object";
		case json_type_array:
			return "a list";
		default:
			return "a string";
	}
}

static bool
refuse(Check *check, const char *what, json_object *value)
{
	if (check->path.failed)
		return aws_error_memory(check->error);
	return aws_error_set(check->error, AWS_BAD_INPUT, "parameter \"%s\" must be %s, not %s",
						 aws_buffer_text(&check->path), what, json_kind(value));
}

/* A message about a member of the structure at hand; the path stays as it was. */
static bool
refuse_member(Check *check, const char *name, size_t len, const char *what)
{
	size_t before = check->path.len;

	if (before > 0)
		aws_buffer_char(&check->path, '.');
	aws_buffer_append(&check->path, name, len);
	if (check->path.failed)
		return aws_error_memory(check->error);
	aws_error_set(check->error, AWS_BAD_INPUT, "parameter \"%s\" %s", check->path.data, what);
	aws_buffer_cut(&check->path, before);
	return false;
}

static bool
unknown_member(Check *check, const AwsShape *shape, const char *name)
{
	AwsSuggest suggest = {.wanted = name};

	for (int i = 0; i < shape->count; i++)
		aws_suggest_try(&suggest, aws_model_string(check->model, check->model->refs[shape->first + i].name));
	refuse_member(check, name, strlen(name), "does not exist");
	if (check->error != NULL && check->error->kind == AWS_BAD_INPUT)
		aws_error_hint(check->error, aws_suggest_hint(&suggest));
	return false;
}

static bool
check_structure(Check *check, const AwsShape *shape, json_object *value)
{
	const AwsModel *model = check->model;
	size_t before = check->path.len;

	if (!json_object_is_type(value, json_type_object))
		return refuse(check, "an object", value);
	json_object_object_foreach(value, name, member_value)
	{
		const AwsRef *member = aws_model_member_named(model, shape, name, strlen(name));

		if (member == NULL)
			return unknown_member(check, shape, name);
		if (member_value == NULL)
			continue;
		if (before > 0)
			aws_buffer_char(&check->path, '.');
		aws_buffer_string(&check->path, name);
		if (!check_value(check, member, member_value))
			return false;
		aws_buffer_cut(&check->path, before);
	}
	for (int i = 0; i < shape->count; i++)
	{
		const AwsRef *member = &model->refs[shape->first + i];

		if ((member->flags & AWS_REF_REQUIRED) && aws_input_member(model, value, member) == NULL)
			return refuse_member(check, aws_model_string(model, member->name),
								 aws_model_string_len(model, member->name), "is required");
	}
	return true;
}

static bool
check_list(Check *check, const AwsShape *shape, json_object *value)
{
	size_t before = check->path.len;

	if (!json_object_is_type(value, json_type_array))
		return refuse(check, "a list", value);
	for (size_t i = 0; i < json_object_array_length(value); i++)
	{
		json_object *element = json_object_array_get_idx(value, i);

		aws_buffer_format(&check->path, "[%zu]", i);
		if (element == NULL ? !(shape->flags & AWS_SHAPE_SPARSE) && !refuse(check, "a value", element)
							: !check_value(check, &check->model->refs[shape->first], element))
			return false;
		aws_buffer_cut(&check->path, before);
	}
	return true;
}

static bool
check_map(Check *check, const AwsShape *shape, json_object *value)
{
	size_t before = check->path.len;

	if (!json_object_is_type(value, json_type_object))
		return refuse(check, "an object", value);
	json_object_object_foreach(value, key, element)
	{
		aws_buffer_char(&check->path, '.');
		aws_buffer_string(&check->path, key);
		if (element != NULL && !check_value(check, &check->model->refs[shape->first + 1], element))
			return false;
		aws_buffer_cut(&check->path, before);
	}
	return true;
}

static bool
check_number(Check *check, AwsType type, json_object *value)
{
	bool whole = json_object_is_type(value, json_type_int);
	const char *text = json_object_get_string(value);

	switch (type)
	{
		case AWS_TYPE_INTEGER:
			return (whole && json_object_get_int64(value) >= INT32_MIN && json_object_get_int64(value) <= INT32_MAX) ||
				   refuse(check, "a whole number of 32 bits", value);
		case AWS_TYPE_LONG:
			return whole || refuse(check, "a whole number", value);
		default:
			return whole || json_object_is_type(value, json_type_double) ||
				   (json_object_is_type(value, json_type_string) &&
					(strcmp(text, "NaN") == 0 || strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0)) ||
				   refuse(check, "a number, \"NaN\", \"Infinity\" or \"-Infinity\"", value);
	}
}

static bool
check_scalar(Check *check, const AwsRef *ref, AwsType type, json_object *value)
{
	bool string = json_object_is_type(value, json_type_string);
	size_t len;
	const char *text = aws_input_text(value, &len);
	int64_t seconds;
	int nanos;
	AwsBuffer bytes = {0};
	bool ok;

	if (text == NULL)
		return aws_error_memory(check->error);
	switch (type)
	{
		case AWS_TYPE_BOOLEAN:
			return json_object_is_type(value, json_type_boolean) || refuse(check, "a boolean", value);
		case AWS_TYPE_STRING:
			return string || (ref->flags & AWS_REF_JSON_VALUE) || refuse(check, "a string", value);
		case AWS_TYPE_TIMESTAMP:
			ok =
				(string || json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double)) &&
				aws_timestamp_parse(text, len, &seconds, &nanos);
			return ok || refuse(check, "a timestamp such as \"2020-01-01T00:00:00Z\"", value);
		case AWS_TYPE_BLOB:
			ok = string && aws_buffer_unbase64(&bytes, text, len);
			if (bytes.failed)
				aws_error_memory(check->error);
			else if (!ok)
				refuse(check, "a string in base64", value);
			ok = ok && !bytes.failed;
			aws_buffer_free(&bytes);
			return ok;
		default:
			return check_number(check, type, value);
	}
}

static bool
check_value(Check *check, const AwsRef *ref, json_object *value)
{
	const AwsShape *shape = aws_model_shape(check->model, ref);

	if (shape->flags & AWS_SHAPE_DOCUMENT)
		return true;
	switch ((AwsType) shape->type)
	{
		case AWS_TYPE_STRUCTURE:
			return check_structure(check, shape, value);
		case AWS_TYPE_LIST:
			return check_list(check, shape, value);
		case AWS_TYPE_MAP:
			return check_map(check, shape, value);
		default:
			return check_scalar(check, ref, (AwsType) shape->type, value);
	}
}

bool
aws_input_check(const AwsModel *model, const AwsOp *op, json_object *input, AwsError *error)
{
	Check check = {model, error};
	bool ok = check_structure(&check, aws_input_shape(model, op), input);

	if (ok && check.path.failed)
		ok = aws_error_memory(error);
	aws_buffer_free(&check.path);
	return ok;
}
