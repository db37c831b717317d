/*
 * response_value.c
 *	  Writing an answer's values as JSON text, whatever form they came in.
 */
#include "aws/reply.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <strings.h>

#include "aws/timestamp.h"

AwsFrame *
aws_frame_push(AwsReply *reply, AwsFrameKind kind, const AwsRef *ref)
{
	AwsFrame *frame = &reply->frames[reply->depth];

	if (reply->depth >= reply->max_depth)
		aws_reply_fail(reply, "it is nested too deeply");
	else
		reply->depth++;
	*frame = (AwsFrame){.kind = kind, .ref = ref, .first = true, .path = AWS_OFF_PATH};
	if (ref != NULL)
		frame->shape = aws_model_shape(reply->model, ref);
	return frame;
}

static void
separate(AwsReply *reply, AwsFrame *frame)
{
	if (!frame->first)
		aws_buffer_char(reply->out, ',');
	frame->first = false;
}

/* "name": of a member; names of the model need no escapes */
static void
write_name(AwsReply *reply, AwsString name)
{
	aws_buffer_char(reply->out, '"');
	aws_buffer_append(reply->out, aws_model_string(reply->model, name), aws_model_string_len(reply->model, name));
	aws_buffer_append(reply->out, "\":", 2);
}

void
aws_value_begin(AwsReply *reply, AwsFrame *parent, const AwsRef *ref)
{
	if (parent->items)
		reply->out = &reply->items;
	else
		separate(reply, parent);
	if (parent->kind == AWS_FRAME_STRUCTURE)
		write_name(reply, ref->name);
	else if (parent->kind == AWS_FRAME_MAP)
	{
		if (parent->items)
			aws_buffer_string(reply->out, "{\"key\":");
		aws_buffer_append(reply->out, aws_buffer_text(&reply->key), reply->key.len);
		aws_buffer_string(reply->out, parent->items ? ",\"value\":" : ":");
	}
}

void
aws_value_end(AwsReply *reply, AwsFrame *parent)
{
	size_t start;

	if (!parent->items)
		return;
	if (parent->kind == AWS_FRAME_MAP)
		aws_buffer_char(reply->out, '}');
	reply->out = &reply->result;

	if (reply->end_count == reply->end_size)
	{
		size_t size = reply->end_size == 0 ? 64 : reply->end_size * 2;
		size_t *ends = realloc(reply->ends, size * sizeof(*ends));

		if (ends == NULL)
		{
			reply->items.failed = true;
			return;
		}
		reply->ends = ends;
		reply->end_size = size;
	}
	start = reply->end_count == 0 ? 0 : reply->ends[reply->end_count - 1];
	reply->ends[reply->end_count++] = reply->items.len;
	if (reply->keep_last && !reply->items.failed)
	{
		aws_buffer_cut(&reply->last, 0);
		aws_buffer_append(&reply->last, reply->items.data + start, reply->items.len - start);
	}
}

bool
aws_is_items(const AwsReply *reply, const AwsFrame *parent, const AwsRef *ref)
{
	return parent->path != AWS_OFF_PATH && parent->path + 1 == reply->path_len &&
		   reply->path[parent->path] == ref->name;
}

AwsFrame *
aws_container_open(AwsReply *reply, AwsFrame *parent, const AwsRef *ref)
{
	const AwsShape *shape = aws_model_shape(reply->model, ref);
	AwsFrameKind kind = shape->type == AWS_TYPE_STRUCTURE ? AWS_FRAME_STRUCTURE
						: shape->type == AWS_TYPE_LIST	  ? AWS_FRAME_LIST
														  : AWS_FRAME_MAP;
	AwsFrame *frame;

	if (kind != AWS_FRAME_STRUCTURE && aws_is_items(reply, parent, ref))
	{
		frame = aws_frame_push(reply, kind, ref);
		frame->items = true;
		return frame;
	}
	aws_value_begin(reply, parent, ref);
	aws_buffer_char(reply->out, kind == AWS_FRAME_LIST ? '[' : '{');
	frame = aws_frame_push(reply, kind, ref);
	if (kind == AWS_FRAME_STRUCTURE && parent->path < reply->path_len && reply->path[parent->path] == ref->name)
		frame->path = parent->path + 1;
	return frame;
}

void
aws_write_sides(AwsReply *reply, AwsFrame *frame)
{
	while (frame->sides != NULL)
	{
		AwsSide *side = frame->sides;
		bool list = aws_model_shape(reply->model, side->ref)->type == AWS_TYPE_LIST;

		aws_value_begin(reply, frame, side->ref);
		aws_buffer_char(reply->out, list ? '[' : '{');
		aws_buffer_append(reply->out, aws_buffer_text(&side->text), side->text.len);
		aws_buffer_char(reply->out, list ? ']' : '}');
		reply->out->failed = reply->out->failed || side->text.failed;
		frame->sides = side->next;
		aws_buffer_free(&side->text);
		free(side);
	}
}

void
aws_container_close(AwsReply *reply)
{
	AwsFrame *frame = aws_frame_top(reply);
	AwsFrame *parent = frame - 1;

	reply->depth--;
	if (frame->items)
		return;
	if (parent->kind == AWS_FRAME_ENTRY)
		parent--; /* the map, which has the value */
	aws_write_sides(reply, frame);
	if (frame->outer != NULL)
	{
		reply->out = frame->outer;
		return;
	}
	aws_buffer_char(reply->out, frame->kind == AWS_FRAME_LIST || frame->kind == AWS_FRAME_ANY_ARRAY ? ']' : '}');
	aws_value_end(reply, parent);
}

/* ---- scalars that come as text ---- */

/* Writes a timestamp in ISO 8601, or as it came when it is none. */
static void
write_timestamp(AwsBuffer *out, const char *text, size_t len)
{
	int64_t seconds;
	int nanos;

	if (!aws_timestamp_parse(text, len, &seconds, &nanos))
	{
		aws_buffer_json(out, text, len);
		return;
	}
	aws_buffer_char(out, '"');
	/* nearly all come in our form, or with ".000" */
	if (nanos == 0 && (len == 20 || len == 24) && text[10] == 'T' && (text[19] == 'Z' || text[19] == '.') &&
		text[len - 1] == 'Z')
	{
		aws_buffer_append(out, text, 19);
		aws_buffer_char(out, 'Z');
	}
	else
		aws_timestamp_write(out, seconds, nanos, AWS_TIME_ISO8601);
	aws_buffer_char(out, '"');
}

/* Writes a URL-encoded string decoded; one that is not, or decodes to something that is no text, as it came. */
static void
write_decoded(AwsBuffer *out, const char *text, size_t len)
{
	AwsBuffer decoded = {0};
	bool encoded = len > 0 && text[0] == '%';

	for (size_t i = 0; i < len && encoded; i++)
	{
		int high = text[i] == '%' && len - i > 2 ? OPENSSL_hexchar2int((unsigned char) text[i + 1]) : -1;
		int low = high >= 0 ? OPENSSL_hexchar2int((unsigned char) text[i + 2]) : -1;

		encoded = text[i] != '%' || low >= 0;
		aws_buffer_char(&decoded, low >= 0 ? (char) (high << 4 | low) : text[i]);
		i += low >= 0 ? 2 : 0;
	}
	out->failed = out->failed || decoded.failed;
	if (encoded && !decoded.failed && aws_utf8_valid(decoded.data, decoded.len))
		aws_buffer_json(out, decoded.data, decoded.len);
	else
		aws_buffer_json(out, text, len);
	aws_buffer_free(&decoded);
}

static bool
is_decoded(const AwsReply *reply, const AwsRef *ref)
{
	for (const AwsString *name = reply->decoded; *name != 0; name++)
		if (*name == ref->name)
			return true;
	return false;
}

static bool
text_is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

bool
aws_value_text(AwsReply *reply, AwsFrame *parent, const AwsRef *ref, const char *text, size_t len)
{
	AwsType type = (AwsType) aws_model_shape(reply->model, ref)->type;

	if (len == 0 && type != AWS_TYPE_STRING && type != AWS_TYPE_BLOB)
		return false;
	aws_value_begin(reply, parent, ref);
	switch (type)
	{
		case AWS_TYPE_BOOLEAN:
			if (text_is(text, len, "true") || text_is(text, len, "1"))
				aws_buffer_string(reply->out, "true");
			else if (text_is(text, len, "false") || text_is(text, len, "0"))
				aws_buffer_string(reply->out, "false");
			else
				aws_buffer_json(reply->out, text, len);
			break;
		case AWS_TYPE_INTEGER:
		case AWS_TYPE_LONG:
		case AWS_TYPE_FLOAT:
		case AWS_TYPE_DOUBLE:
			/* what is no number ("NaN") is a string */
			if (aws_json_number(text, len))
				aws_buffer_append(reply->out, text, len);
			else
				aws_buffer_json(reply->out, text, len);
			break;
		case AWS_TYPE_TIMESTAMP:
			write_timestamp(reply->out, text, len);
			break;
		default:
			if (reply->decoded[0] != 0 && is_decoded(reply, ref))
				write_decoded(reply->out, text, len);
			else
				aws_buffer_json(reply->out, text, len);
	}
	aws_value_end(reply, parent);
	return true;
}

/* ---- members that come by header ---- */

/* One element of a header's list: "a", "\"quoted, \\\"text\\\"\"" or a date with a comma in it. */
static const char *
next_element(AwsBuffer *element, const char *p, bool date)
{
	aws_buffer_cut(element, 0);
	while (*p == ' ')
		p++;
	if (*p == '"')
	{
		for (p++; *p != '\0' && *p != '"'; p++)
		{
			if (*p == '\\' && p[1] != '\0')
				p++;
			aws_buffer_char(element, *p);
		}
		p += strcspn(p, ",");
	}
	else
	{
		size_t len = strcspn(p, ",");

		if (date && p[len] == ',')
			len += 1 + strcspn(p + len + 1, ",");
		aws_buffer_append(element, p, len);
		p += len;
		while (element->len > 0 && !element->failed && element->data[element->len - 1] == ' ')
			aws_buffer_cut(element, element->len - 1);
	}
	return *p == ',' ? p + 1 : p;
}

static void
write_header(AwsReply *reply, const AwsRef *ref, const char *value)
{
	AwsFrame *root = &reply->frames[0];
	const AwsShape *shape = aws_model_shape(reply->model, ref);
	const AwsRef *element_ref = &reply->model->refs[shape->first];
	AwsBuffer text = {0};
	const char *why;

	if (!aws_utf8_valid(value, strlen(value)))
		aws_reply_fail(reply, "a header is not valid UTF-8");
	else if (shape->type == AWS_TYPE_LIST)
	{
		AwsTimeFormat format = aws_ref_time_format(element_ref);
		bool date = aws_model_shape(reply->model, element_ref)->type == AWS_TYPE_TIMESTAMP &&
					(format == AWS_TIME_DEFAULT || format == AWS_TIME_RFC822);

		aws_container_open(reply, root, ref);
		while (*value != '\0')
		{
			value = next_element(&text, value, date);
			aws_value_text(reply, aws_frame_top(reply), element_ref, aws_buffer_text(&text), text.len);
		}
		aws_container_close(reply);
	}
	else if ((ref->flags & AWS_REF_JSON_VALUE) && aws_buffer_unbase64(&text, value, strlen(value)) &&
			 aws_json_valid(aws_buffer_text(&text), text.len, reply->max_depth, &why))
	{
		aws_value_begin(reply, root, ref);
		aws_buffer_append(reply->out, text.data, text.len);
		aws_value_end(reply, root);
	}
	else
		aws_value_text(reply, root, ref, value, strlen(value));
	reply->out->failed = reply->out->failed || text.failed;
	aws_buffer_free(&text);
}

/* A map of all headers whose name has a prefix, by the rest of the name. */
static void
write_header_map(AwsReply *reply, const AwsRef *ref)
{
	const char *prefix = ref->flags & AWS_REF_NAMED ? aws_model_string(reply->model, ref->wire) : "";
	AwsFrame *map = aws_container_open(reply, &reply->frames[0], ref);

	for (const char *name = NULL; (name = aws_headers_next(&reply->headers, name)) != NULL;)
	{
		const char *value = aws_header_value(name);

		if (strncasecmp(name, prefix, strlen(prefix)) != 0)
			continue;
		if (!aws_utf8_valid(name, strlen(name)) || !aws_utf8_valid(value, strlen(value)))
			aws_reply_fail(reply, "a header is not valid UTF-8");
		aws_buffer_cut(&reply->key, 0);
		aws_buffer_json(&reply->key, name + strlen(prefix), strlen(name + strlen(prefix)));
		aws_value_text(reply, map, &reply->model->refs[map->shape->first + 1], value, strlen(value));
	}
	aws_container_close(reply);
}

void
aws_write_headers(AwsReply *reply)
{
	AwsFrame *root = &reply->frames[0];

	for (int i = 0; i < reply->output->count && !reply->failed; i++)
	{
		const AwsRef *ref = &reply->model->refs[reply->output->first + i];
		const char *value;

		switch (aws_ref_location(ref))
		{
			case AWS_IN_STATUS:
				aws_value_begin(reply, root, ref);
				aws_buffer_format(reply->out, "%d", reply->status);
				break;
			case AWS_IN_HEADER:
				value = aws_reply_header_value(reply, aws_model_string(reply->model, ref->wire));
				if (value != NULL)
					write_header(reply, ref, value);
				break;
			case AWS_IN_HEADERS:
				write_header_map(reply, ref);
				break;
			default:
				break;
		}
	}
}
