/*
 * request_xml.c
 *	  Bodies in XML, for rest-xml.
 *
 * https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
 */
#include "aws/serialize.h"

/* Escapes for both text and attributes; line ends as references, or XML readers would change them. */
static void
write_escaped(AwsBuffer *out, const char *text, size_t len)
{
	static const char special[] = "&<>\"\r\n";
	static const char *const escapes[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#xD;", "&#xA;"};

	for (size_t i = 0; i < len; i++)
	{
		const char *found = text[i] != '\0' ? strchr(special, text[i]) : NULL;

		if (found != NULL)
			aws_buffer_string(out, escapes[found - special]);
		else
			aws_buffer_char(out, text[i]);
	}
}

static void
write_scalar(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value)
{
	AwsBuffer text = {0};

	aws_write_scalar(model, &text, ref, value, AWS_TIME_ISO8601);
	write_escaped(out, aws_buffer_text(&text), text.len);
	out->failed = out->failed || text.failed;
	aws_buffer_free(&text);
}

/* The start of an open tag, with the namespace that the model gives. */
static void
start_tag(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, const char *name)
{
	aws_buffer_format(out, "<%s", name);
	if (ref->flags & AWS_REF_NAMESPACE)
	{
		const AwsFact *fact = aws_model_fact(model, AWS_FACT_NAMESPACE, (uint32_t) (ref - model->refs));

		aws_buffer_format(out, fact->b != 0 ? " xmlns:%s=\"" : " xmlns%s=\"", aws_model_string(model, fact->b));
		write_escaped(out, aws_model_string(model, fact->a), aws_model_string_len(model, fact->a));
		aws_buffer_char(out, '"');
	}
}

static void
open_tag(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, const char *name)
{
	start_tag(model, out, ref, name);
	aws_buffer_char(out, '>');
}

static void
close_tag(AwsBuffer *out, const char *name)
{
	aws_buffer_format(out, "</%s>", name);
}

static void write_element(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value,
						  const char *name, bool body);

static void
write_structure(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, const AwsShape *shape, json_object *value,
				const char *name, bool body)
{
	const AwsRef *refs = &model->refs[shape->first];

	start_tag(model, out, ref, name);
	for (int i = 0; i < shape->count; i++)
	{
		json_object *member = aws_input_member(model, value, &refs[i]);

		if (member == NULL || !(refs[i].flags & AWS_REF_XML_ATTRIBUTE))
			continue;
		aws_buffer_format(out, " %s=\"", aws_model_string(model, refs[i].wire));
		write_scalar(model, out, &refs[i], member);
		aws_buffer_char(out, '"');
	}
	aws_buffer_char(out, '>');
	for (int i = 0; i < shape->count; i++)
	{
		json_object *member = aws_input_member(model, value, &refs[i]);

		if (member == NULL || (refs[i].flags & AWS_REF_XML_ATTRIBUTE) ||
			(body && aws_ref_location(&refs[i]) != AWS_IN_BODY))
			continue;
		write_element(model, out, &refs[i], member, aws_model_string(model, refs[i].wire), false);
	}
	close_tag(out, name);
}

/* Lists and maps: flattened ones repeat their own name, others are an element around their elements. */
static void
write_collection(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, const AwsShape *shape, json_object *value,
				 const char *name)
{
	const AwsRef *refs = &model->refs[shape->first];
	bool flattened = (ref->flags & AWS_REF_FLATTENED) != 0;
	const char *element_name = flattened					 ? name
							   : shape->type == AWS_TYPE_MAP ? "entry"
															 : aws_model_string(model, refs->wire);

	if (!flattened)
		open_tag(model, out, ref, name);
	if (shape->type == AWS_TYPE_LIST)
	{
		for (size_t i = 0; i < json_object_array_length(value); i++)
			write_element(model, out, refs, json_object_array_get_idx(value, i), element_name, false);
	}
	else
	{
		json_object_object_foreach(value, key, element)
		{
			const char *key_name = aws_model_string(model, refs[0].wire);

			if (flattened)
				open_tag(model, out, ref, element_name);
			else
				aws_buffer_string(out, "<entry>");
			open_tag(model, out, &refs[0], key_name);
			write_escaped(out, key, strlen(key));
			close_tag(out, key_name);
			write_element(model, out, &refs[1], element, aws_model_string(model, refs[1].wire), false);
			close_tag(out, element_name);
		}
	}
	if (!flattened)
		close_tag(out, name);
}

static void
write_element(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value, const char *name, bool body)
{
	const AwsShape *shape = aws_model_shape(model, ref);

	if (value == NULL)
		return;
	switch ((AwsType) shape->type)
	{
		case AWS_TYPE_STRUCTURE:
			write_structure(model, out, ref, shape, value, name, body);
			break;
		case AWS_TYPE_LIST:
		case AWS_TYPE_MAP:
			write_collection(model, out, ref, shape, value, name);
			break;
		default:
			open_tag(model, out, ref, name);
			write_scalar(model, out, ref, value);
			close_tag(out, name);
	}
}

void
aws_write_xml(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value, bool body)
{
	write_element(model, out, ref, value, aws_model_string(model, ref->wire), body);
}
