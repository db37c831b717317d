/*
 * request_rest.c
 *	  HTTP bindings: members in path, query, headers and body.
 *
 * https://smithy.io/2.0/spec/http-bindings.html
 */
#include "aws/error.h"
#include "aws/rules.h"
#include "aws/json.h"
#include "aws/serialize.h"

/* Adds a header; a value that could end its line is refused. */
static bool
add_header(AwsRequest *request, const char *name, const AwsBuffer *value, AwsError *error)
{
	const char *text = aws_buffer_text(value);

	if (value->failed)
		return aws_error_memory(error);
	for (size_t i = 0; i < value->len; i++)
		if ((unsigned char) text[i] < 0x20 || text[i] == 0x7F)
			return aws_error_set(error, AWS_BAD_INPUT, "the value of header \"%s\" has a control character", name);
	aws_headers_add(&request->headers, name, text);
	return true;
}

/* Elements are joined by commas; strings with a comma or quote are quoted. */
static void
write_header_value(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value)
{
	const AwsShape *shape = aws_model_shape(model, ref);

	if (shape->type == AWS_TYPE_LIST)
	{
		const AwsRef *element_ref = &model->refs[shape->first];
		bool strings = aws_model_shape(model, element_ref)->type == AWS_TYPE_STRING;

		for (size_t i = 0; i < json_object_array_length(value); i++)
		{
			json_object *element = json_object_array_get_idx(value, i);
			size_t len;
			const char *text = aws_input_text(element, &len);

			if (i > 0)
				aws_buffer_char(out, ',');
			if (!strings || (memchr(text, ',', len) == NULL && memchr(text, '"', len) == NULL))
			{
				write_header_value(model, out, element_ref, element);
				continue;
			}
			aws_buffer_char(out, '"');
			for (size_t k = 0; k < len; k++)
			{
				if (text[k] == '"' || text[k] == '\\')
					aws_buffer_char(out, '\\');
				aws_buffer_char(out, text[k]);
			}
			aws_buffer_char(out, '"');
		}
	}
	else if (ref->flags & AWS_REF_JSON_VALUE)
	{
		AwsBuffer text = {0};

		aws_json_write(&text, value);
		aws_buffer_base64(out, aws_buffer_text(&text), text.len);
		out->failed |= text.failed;
		aws_buffer_free(&text);
	}
	else
		aws_write_scalar(model, out, ref, value, AWS_TIME_RFC822);
}

static bool
write_header(const AwsModel *model, AwsRequest *request, const AwsRef *ref, json_object *value, AwsError *error)
{
	AwsBuffer text = {0};
	bool ok = true;

	if (aws_ref_location(ref) == AWS_IN_HEADER)
	{
		/* an empty list is no header */
		if (!json_object_is_type(value, json_type_array) || json_object_array_length(value) > 0)
		{
			write_header_value(model, &text, ref, value);
			ok = add_header(request, aws_model_string(model, ref->wire), &text, error);
		}
	}
	else
	{
		AwsBuffer name = {0};

		json_object_object_foreach(value, key, element)
		{
			size_t len;
			const char *value_text = aws_input_text(element, &len);

			if (element == NULL || !ok)
				continue;
			aws_buffer_cut(&name, 0);
			aws_buffer_cut(&text, 0);
			if (ref->flags & AWS_REF_NAMED)
				aws_buffer_string(&name, aws_model_string(model, ref->wire));
			aws_buffer_string(&name, key);
			aws_buffer_append(&text, value_text, len);
			/* a header's name is a token of RFC 9110 */
			if (name.failed)
				ok = aws_error_memory(error);
			else if (name.len == 0 ||
					 strspn(name.data,
							"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~") !=
						 name.len)
				ok = aws_error_set(error, AWS_BAD_INPUT, "parameter \"%s\" has a key that cannot be a header's name",
								   aws_model_string(model, ref->name));
			else
				ok = add_header(request, name.data, &text, error);
		}
		aws_buffer_free(&name);
	}
	aws_buffer_free(&text);
	return ok;
}

/* "key=value", of a list so many. */
static void
write_pairs(const AwsModel *model, AwsBuffer *query, const char *key, const AwsRef *ref, json_object *value)
{
	const AwsShape *shape = aws_model_shape(model, ref);
	AwsBuffer text = {0};

	if (value == NULL)
		return;
	if (shape->type == AWS_TYPE_LIST)
	{
		for (size_t i = 0; i < json_object_array_length(value); i++)
			write_pairs(model, query, key, &model->refs[shape->first], json_object_array_get_idx(value, i));
		return;
	}
	if (query->len > 0)
		aws_buffer_char(query, '&');
	aws_buffer_url(query, key, strlen(key), "");
	aws_buffer_char(query, '=');
	aws_write_scalar(model, &text, ref, value, AWS_TIME_ISO8601);
	aws_buffer_url(query, aws_buffer_text(&text), text.len, "");
	query->failed |= text.failed;
	aws_buffer_free(&text);
}

/* Whether a query key is the template's or a member's own, which go before a map's. */
static bool
query_key_taken(const AwsModel *model, const AwsShape *shape, const AwsParts *parts, json_object *input,
				const char *key)
{
	for (int i = 0; i < parts->query_count; i++)
		if (strcmp(aws_model_string(model, parts->query[i].key), key) == 0)
			return true;
	for (int i = 0; i < shape->count; i++)
	{
		const AwsRef *ref = &model->refs[shape->first + i];

		if (aws_ref_location(ref) == AWS_IN_QUERY && aws_model_shape(model, ref)->type != AWS_TYPE_MAP &&
			strcmp(aws_model_string(model, ref->wire), key) == 0 && aws_input_member(model, input, ref) != NULL)
			return true;
	}
	return false;
}

static void
write_query(const AwsModel *model, AwsBuffer *query, const AwsShape *shape, const AwsParts *parts, json_object *input)
{
	for (int i = 0; i < parts->query_count; i++)
	{
		if (query->len > 0)
			aws_buffer_char(query, '&');
		aws_buffer_string(query, aws_model_string(model, parts->query[i].key));
		if (parts->query[i].value != 0)
			aws_buffer_format(query, "=%s", aws_model_string(model, parts->query[i].value));
	}
	/* maps last: what else is there goes before them */
	for (int maps = 0; maps <= 1; maps++)
	{
		for (int i = 0; i < shape->count; i++)
		{
			const AwsRef *ref = &model->refs[shape->first + i];
			const AwsShape *member = aws_model_shape(model, ref);
			json_object *value = aws_input_member(model, input, ref);

			if (value == NULL || aws_ref_location(ref) != AWS_IN_QUERY || (member->type == AWS_TYPE_MAP) != maps)
				continue;
			if (!maps)
			{
				write_pairs(model, query, aws_model_string(model, ref->wire), ref, value);
				continue;
			}
			json_object_object_foreach(value, key, element)
			{
				if (!query_key_taken(model, shape, parts, input, key))
					write_pairs(model, query, key, &model->refs[member->first + 1], element);
			}
		}
	}
}

/* The member that fills a label, of a path by its wire name or of a host prefix by its name. */
static const AwsRef *
label_member(const AwsModel *model, const AwsShape *shape, AwsString label, bool host)
{
	for (int i = 0; i < shape->count; i++)
	{
		const AwsRef *ref = &model->refs[shape->first + i];

		if (host ? (ref->flags & AWS_REF_HOST_LABEL) && ref->name == label
				 : aws_ref_location(ref) == AWS_IN_URI && ref->wire == label)
			return ref;
	}
	return NULL;
}

static bool
write_template(const AwsModel *model, AwsBuffer *out, const AwsPart *parts, int count, const AwsShape *shape,
			   json_object *input, bool host, AwsError *error)
{
	AwsBuffer text = {0};

	for (int i = 0; i < count; i++)
	{
		const char *label = aws_model_string(model, parts[i].string);
		const AwsRef *ref;
		json_object *value;
		bool bad;

		if (parts[i].kind == AWS_PART_LITERAL)
		{
			aws_buffer_string(out, label);
			continue;
		}
		ref = label_member(model, shape, parts[i].string, host);
		value = ref == NULL ? NULL : aws_input_member(model, input, ref);
		aws_buffer_cut(&text, 0);
		if (value != NULL)
			aws_write_scalar(model, &text, ref, value, AWS_TIME_ISO8601);
		if (ref != NULL)
			label = aws_model_string(model, ref->name);
		bad =
			text.len == 0 ||
			(host && strspn(text.data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") != text.len);
		if (bad && !text.failed)
		{
			aws_error_set(error, AWS_BAD_INPUT, "parameter \"%s\" %s", label,
						  value == NULL	  ? "is required"
						  : text.len == 0 ? "must not be empty"
										  : "can only have letters, digits, '-' and '.'");
			aws_buffer_free(&text);
			return false;
		}
		if (host)
			aws_buffer_append(out, aws_buffer_text(&text), text.len);
		else
			aws_buffer_url(out, aws_buffer_text(&text), text.len, parts[i].kind == AWS_PART_GREEDY ? "/" : "");
	}
	out->failed = out->failed || text.failed;
	aws_buffer_free(&text);
	return !out->failed || aws_error_memory(error);
}

bool
aws_write_host_prefix(const AwsModel *model, const AwsOp *op, AwsRequest *request, json_object *input, AwsError *error)
{
	AwsParts parts;

	if (aws_rule(model, op, AWS_RULE_HOST_PREFIX, NULL) != NULL)
		return true;
	aws_model_parts(model, op, &parts);
	return write_template(model, &request->host_prefix, parts.host, parts.host_count, aws_input_shape(model, op), input,
						  true, error);
}

static bool
write_path(const AwsModel *model, const AwsOp *op, const AwsParts *parts, AwsRequest *request, json_object *input,
		   AwsError *error)
{
	const AwsRule *rule = aws_rule(model, op, AWS_RULE_PATH_LABEL, NULL);
	int skip = 0;

	if (rule != NULL && parts->uri_count >= 2 && parts->uri[1].kind != AWS_PART_LITERAL &&
		strcmp(aws_model_string(model, parts->uri[1].string), rule->name) == 0)
		skip = 2; /* '/' and the label */
	return write_template(model, &request->path, parts->uri + skip, parts->uri_count - skip, aws_input_shape(model, op),
						  input, false, error);
}

/* The body, by the member that is the payload or of all members that travel nowhere else. */
static void
write_body(const AwsModel *model, const AwsOp *op, AwsBuffer *body, json_object *input, const char **content_type)
{
	bool json = model->header->protocol == AWS_PROTOCOL_REST_JSON;
	const AwsRef *ref = aws_model_ref(model, op->input);
	const AwsShape *shape = aws_model_shape(model, ref);
	bool any = false;

	*content_type = json ? "application/json" : "application/xml";
	if (shape->payload != 0)
	{
		const AwsRef *payload = &model->refs[shape->first + shape->payload - 1];
		const AwsShape *payload_shape = aws_model_shape(model, payload);
		json_object *value = aws_input_member(model, input, payload);
		size_t len;
		const char *text = aws_input_text(value, &len);

		if (payload_shape->type == AWS_TYPE_BLOB || payload_shape->type == AWS_TYPE_STRING)
		{
			*content_type = NULL;
			if (value != NULL && payload_shape->type == AWS_TYPE_BLOB)
				aws_buffer_unbase64(body, text, len);
			else if (value != NULL)
				aws_buffer_append(body, text, len);
		}
		else if (value != NULL && json)
			aws_write_json(model, body, payload, value, false);
		else if (value != NULL)
			aws_write_xml(model, body, payload, value, false);
		else if (json)
			aws_buffer_string(body, "{}");
		return;
	}
	for (int i = 0; i < shape->count && !any; i++)
	{
		const AwsRef *member = &model->refs[shape->first + i];

		any = aws_ref_location(member) == AWS_IN_BODY && aws_input_member(model, input, member) != NULL;
	}
	if (any && json)
		aws_write_json(model, body, ref, input, true);
	else if (any)
		aws_write_xml(model, body, ref, input, true);
	else if (json && (shape->flags & AWS_SHAPE_HAS_BODY))
		aws_buffer_string(body, "{}");
}

bool
aws_write_rest(const AwsModel *model, const AwsOp *op, AwsRequest *request, json_object *input, AwsError *error)
{
	const AwsShape *shape = aws_input_shape(model, op);
	const char *content_type = NULL;
	AwsParts parts;

	aws_model_parts(model, op, &parts);
	if (!write_path(model, op, &parts, request, input, error))
		return false;
	write_query(model, &request->query, shape, &parts, input);
	for (int i = 0; i < shape->count; i++)
	{
		const AwsRef *ref = &model->refs[shape->first + i];
		json_object *value = aws_input_member(model, input, ref);

		if (value != NULL && (aws_ref_location(ref) == AWS_IN_HEADER || aws_ref_location(ref) == AWS_IN_HEADERS) &&
			!write_header(model, request, ref, value, error))
			return false;
	}
	if (aws_model_ref(model, op->input) != NULL)
		write_body(model, op, &request->body, input, &content_type);
	if (request->body.len > 0 && content_type != NULL && aws_headers_get(&request->headers, "Content-Type") == NULL)
		aws_headers_add(&request->headers, "Content-Type", content_type);
	return true;
}
