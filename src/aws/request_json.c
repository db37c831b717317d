/*
 * request_json.c
 *	  Bodies in JSON, for json and rest-json.
 *
 * https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 * https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
 */
#include "aws/json.h"
#include "aws/serialize.h"

static void
write_scalar(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, AwsType type, json_object *value)
{
	AwsBuffer text = {0};
	bool quoted;

	if (ref->flags & AWS_REF_JSON_VALUE && !json_object_is_type(value, json_type_string))
		aws_json_write(&text, value);
	else
		aws_write_scalar(model, &text, ref, value, AWS_TIME_EPOCH);
	if (type == AWS_TYPE_TIMESTAMP)
		quoted = aws_ref_time_format(ref) == AWS_TIME_ISO8601 || aws_ref_time_format(ref) == AWS_TIME_RFC822;
	else
		/* numbers and booleans as they are, but "NaN" and the like as strings */
		quoted = json_object_is_type(value, json_type_string) || type == AWS_TYPE_STRING;
	if (quoted)
		aws_buffer_json(out, aws_buffer_text(&text), text.len);
	else
		aws_buffer_append(out, aws_buffer_text(&text), text.len);
	out->failed = out->failed || text.failed;
	aws_buffer_free(&text);
}

static void
separate(AwsBuffer *out, bool *first)
{
	if (!*first)
		aws_buffer_char(out, ',');
	*first = false;
}

void
aws_write_json(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value, bool body)
{
	const AwsShape *shape = aws_model_shape(model, ref);
	const AwsRef *refs = &model->refs[shape->first];
	bool first = true;

	if (value == NULL)
	{
		aws_buffer_string(out, "null");
		return;
	}
	if (shape->flags & AWS_SHAPE_DOCUMENT)
	{
		aws_json_write(out, value);
		return;
	}
	switch ((AwsType) shape->type)
	{
		case AWS_TYPE_STRUCTURE:
			aws_buffer_char(out, '{');
			for (int i = 0; i < shape->count; i++)
			{
				json_object *member = aws_input_member(model, value, &refs[i]);

				if (member == NULL || (body && aws_ref_location(&refs[i]) != AWS_IN_BODY))
					continue;
				separate(out, &first);
				aws_buffer_json(out, aws_model_string(model, refs[i].wire), aws_model_string_len(model, refs[i].wire));
				aws_buffer_char(out, ':');
				aws_write_json(model, out, &refs[i], member, false);
			}
			aws_buffer_char(out, '}');
			break;
		case AWS_TYPE_LIST:
			aws_buffer_char(out, '[');
			for (size_t i = 0; i < json_object_array_length(value); i++)
			{
				separate(out, &first);
				aws_write_json(model, out, refs, json_object_array_get_idx(value, i), false);
			}
			aws_buffer_char(out, ']');
			break;
		case AWS_TYPE_MAP:
			aws_buffer_char(out, '{');
			json_object_object_foreach(value, key, element)
			{
				separate(out, &first);
				aws_buffer_json(out, key, strlen(key));
				aws_buffer_char(out, ':');
				aws_write_json(model, out, &refs[1], element, false);
			}
			aws_buffer_char(out, '}');
			break;
		default:
			write_scalar(model, out, ref, (AwsType) shape->type, value);
	}
}
