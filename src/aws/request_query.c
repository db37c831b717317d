/*
 * request_query.c
 *	  The ec2 and query forms: a flat list of encoded pairs as the body.
 *
 * "Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1": structures add a name, lists
 * a number from 1.  query puts ".member" (or the element's name) before the
 * number unless the list is flattened, and "=" for an empty list; ec2 treats
 * every list as flattened and leaves an empty one out.
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 * https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
 */
#include "aws/serialize.h"

typedef struct Query
{
	const AwsModel *model;
	AwsBuffer *out;
	AwsBuffer name;	   /* of the value in hand */
	AwsBuffer scratch; /* a scalar's text */
	bool ec2;
} Query;

/* Adds a part to the name and returns the length to cut it back to. */
static size_t
name_add(Query *query, AwsString part)
{
	size_t before = query->name.len;

	if (before > 0)
		aws_buffer_char(&query->name, '.');
	aws_buffer_append(&query->name, aws_model_string(query->model, part), aws_model_string_len(query->model, part));
	return before;
}

static void
write_pair(Query *query, const char *value, size_t len)
{
	aws_buffer_char(query->out, '&');
	aws_buffer_url(query->out, aws_buffer_text(&query->name), query->name.len, "");
	aws_buffer_char(query->out, '=');
	aws_buffer_url(query->out, value, len, "");
}

static void
write_value(Query *query, const AwsRef *ref, json_object *value)
{
	const AwsModel *model = query->model;
	const AwsShape *shape = aws_model_shape(model, ref);
	const AwsRef *refs = &model->refs[shape->first];
	bool flattened = query->ec2 || (ref->flags & AWS_REF_FLATTENED) != 0;
	size_t before = query->name.len, numbered;
	int n = 0;

	switch ((AwsType) shape->type)
	{
		case AWS_TYPE_STRUCTURE:
			for (int i = 0; i < shape->count; i++)
			{
				json_object *member = aws_input_member(model, value, &refs[i]);

				if (member == NULL)
					continue;
				name_add(query, refs[i].wire);
				write_value(query, &refs[i], member);
				aws_buffer_cut(&query->name, before);
			}
			break;
		case AWS_TYPE_LIST:
			if (json_object_array_length(value) == 0 && !query->ec2)
				write_pair(query, "", 0);
			if (!flattened)
				name_add(query, refs->wire);
			numbered = query->name.len;
			for (size_t i = 0; i < json_object_array_length(value); i++)
			{
				json_object *element = json_object_array_get_idx(value, i);

				aws_buffer_format(&query->name, ".%zu", i + 1);
				if (element != NULL)
					write_value(query, refs, element);
				aws_buffer_cut(&query->name, numbered);
			}
			break;
		case AWS_TYPE_MAP:
			if (!(ref->flags & AWS_REF_FLATTENED))
				aws_buffer_string(&query->name, ".entry");
			numbered = query->name.len;
			json_object_object_foreach(value, key, element)
			{
				size_t entry;

				aws_buffer_format(&query->name, ".%d", ++n);
				entry = name_add(query, refs[0].wire);
				write_pair(query, key, strlen(key));
				aws_buffer_cut(&query->name, entry);
				name_add(query, refs[1].wire);
				if (element != NULL)
					write_value(query, &refs[1], element);
				aws_buffer_cut(&query->name, numbered);
			}
			break;
		default:
			aws_buffer_cut(&query->scratch, 0);
			aws_write_scalar(model, &query->scratch, ref, value, AWS_TIME_ISO8601);
			write_pair(query, aws_buffer_text(&query->scratch), query->scratch.len);
	}
	aws_buffer_cut(&query->name, before);
}

void
aws_write_query(const AwsModel *model, const AwsOp *op, AwsBuffer *out, json_object *input)
{
	Query query = {model, out, .ec2 = model->header->protocol == AWS_PROTOCOL_EC2};
	const AwsRef *ref = aws_model_ref(model, op->input);

	aws_buffer_format(out, "Action=%s&Version=%s", aws_model_string(model, op->name),
					  aws_model_string(model, model->header->api_version));
	if (ref != NULL)
		write_value(&query, ref, input);
	out->failed = out->failed || query.name.failed || query.scratch.failed;
	aws_buffer_free(&query.name);
	aws_buffer_free(&query.scratch);
}
