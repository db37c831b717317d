/*
 * response_json.c
 *	  Answers in JSON: the tokenizer's events, guided by the output's shape.
 *
 * Strings are copied as they stand, escapes and all.  A value of another kind
 * than the model says, and all within a document, is copied as it comes: what
 * it means is for the reader to say.  Only the list of items must be one.
 */
#include "aws/reply.h"

/* The ref whose value comes next within a frame; NULL: nobody wants it. */
static const AwsRef *
value_ref(AwsReply *reply, const AwsFrame *frame)
{
	const AwsRef *refs;

	if (frame->kind == AWS_FRAME_STRUCTURE)
		return reply->member;
	refs = &reply->model->refs[frame->shape->first];
	return frame->kind == AWS_FRAME_MAP ? &refs[1] : refs;
}

static bool
is_any(const AwsFrame *frame)
{
	return frame->kind == AWS_FRAME_ANY_OBJECT || frame->kind == AWS_FRAME_ANY_ARRAY;
}

/* Comma before a value that is copied; in an object the key had it. */
static void
any_separate(AwsReply *reply, AwsFrame *frame)
{
	if (frame->kind == AWS_FRAME_ANY_ARRAY && !frame->first)
		aws_buffer_char(reply->out, ',');
	frame->first = false;
}

/* Opens an object or array within 'parent'. */
static void
open_value(AwsReply *reply, AwsFrame *parent, bool array)
{
	const AwsRef *ref = is_any(parent) ? NULL : value_ref(reply, parent);
	const AwsShape *shape = ref == NULL ? NULL : aws_model_shape(reply->model, ref);

	if (!is_any(parent))
	{
		if (ref == NULL)
		{
			reply->skip = 1;
			return;
		}
		if (!(shape->flags & AWS_SHAPE_DOCUMENT) &&
			(array ? shape->type == AWS_TYPE_LIST : shape->type == AWS_TYPE_STRUCTURE || shape->type == AWS_TYPE_MAP))
		{
			aws_container_open(reply, parent, ref);
			return;
		}
		if (aws_is_items(reply, parent, ref))
		{
			aws_reply_fail(reply, "what should be the list of items is none");
			return;
		}
		aws_value_begin(reply, parent, ref);
	}
	else
		any_separate(reply, parent);
	aws_buffer_char(reply->out, array ? '[' : '{');
	aws_frame_push(reply, array ? AWS_FRAME_ANY_ARRAY : AWS_FRAME_ANY_OBJECT, NULL);
}

static void
close_value(AwsReply *reply)
{
	AwsFrame *frame = aws_frame_top(reply);

	if (!is_any(frame))
		aws_container_close(reply);
	else
	{
		reply->depth--;
		aws_buffer_char(reply->out, frame->kind == AWS_FRAME_ANY_ARRAY ? ']' : '}');
		if (!is_any(frame - 1))
			aws_value_end(reply, frame - 1);
	}
}

/* Writes a scalar as it came. */
static void
copy_scalar(AwsReply *reply, AwsJsonEvent event, const char *text, size_t len)
{
	if (event == AWS_JSON_STRING)
		aws_buffer_char(reply->out, '"');
	aws_buffer_append(reply->out, text, len);
	if (event == AWS_JSON_STRING)
		aws_buffer_char(reply->out, '"');
}

static void
take_scalar(AwsReply *reply, AwsFrame *parent, AwsJsonEvent event, const char *text, size_t len)
{
	const AwsRef *ref;
	const AwsShape *shape;

	if (is_any(parent))
	{
		any_separate(reply, parent);
		copy_scalar(reply, event, text, len);
		return;
	}
	ref = value_ref(reply, parent);
	if (ref == NULL)
		return;
	shape = aws_model_shape(reply->model, ref);
	if (event == AWS_JSON_NULL)
	{
		/* absent, but in lists, where it has a place, and where the model has nulls */
		if (parent->items || parent->kind == AWS_FRAME_STRUCTURE ||
			(parent->kind == AWS_FRAME_MAP && !(parent->shape->flags & AWS_SHAPE_SPARSE)))
			return;
	}
	else if (aws_is_items(reply, parent, ref))
	{
		aws_reply_fail(reply, "what should be the list of items is none");
		return;
	}
	else if (shape->type == AWS_TYPE_TIMESTAMP && memchr(text, '\\', len) == NULL)
	{
		aws_value_text(reply, parent, ref, text, len);
		return;
	}
	aws_value_begin(reply, parent, ref);
	copy_scalar(reply, event, text, len);
	aws_value_end(reply, parent);
}

/* The member that a key names, or NULL. */
static const AwsRef *
find_member(AwsReply *reply, AwsFrame *frame, const char *name, size_t len)
{
	const AwsModel *model = reply->model;
	const AwsRef *refs = &model->refs[frame->shape->first];
	unsigned count = frame->shape->count;
	unsigned i = frame->cursor;
	AwsString id;

	if (memchr(name, '\\', len) != NULL)
	{
		aws_buffer_cut(&reply->text, 0);
		aws_json_decode(&reply->text, name, len);
		name = aws_buffer_text(&reply->text);
		len = reply->text.len;
	}
	id = aws_model_string_id(model, name, len);
	for (unsigned tried = 0; id != 0 && tried < count; tried++, i++)
	{
		if (i >= count)
			i = 0;
		if (refs[i].wire == id && aws_ref_location(&refs[i]) == AWS_IN_BODY)
		{
			frame->cursor = (uint16_t) (i + 1);
			return &refs[i];
		}
	}
	return NULL;
}

static void
take_key(AwsReply *reply, AwsFrame *frame, const char *text, size_t len)
{
	if (frame->kind == AWS_FRAME_STRUCTURE)
	{
		reply->member = find_member(reply, frame, text, len);
		return;
	}
	if (frame->kind == AWS_FRAME_MAP)
	{
		aws_buffer_cut(&reply->key, 0);
		aws_buffer_char(&reply->key, '"');
		aws_buffer_append(&reply->key, text, len);
		aws_buffer_char(&reply->key, '"');
		return;
	}
	if (!frame->first)
		aws_buffer_char(reply->out, ',');
	frame->first = false;
	copy_scalar(reply, AWS_JSON_STRING, text, len);
	aws_buffer_char(reply->out, ':');
}

/* The first event: the output, or the payload, begins. */
static bool
take_root(AwsReply *reply, AwsJsonEvent event)
{
	reply->inside = true;
	reply->entered = true;
	if (reply->payload != NULL)
	{
		reply->member = reply->payload;
		return false;
	}
	if (event != AWS_JSON_OBJECT && !(event == AWS_JSON_NULL && reply->path_len == 0))
		aws_reply_fail(reply, "it is not a JSON object");
	return true;
}

static bool
on_output(void *arg, AwsJsonEvent event, const char *text, size_t len)
{
	AwsReply *reply = arg;
	AwsFrame *top = aws_frame_top(reply);
	bool opens = event == AWS_JSON_OBJECT || event == AWS_JSON_ARRAY;
	bool closes = event == AWS_JSON_OBJECT_END || event == AWS_JSON_ARRAY_END;

	if (reply->skip > 0)
		reply->skip += opens ? 1 : closes ? -1 : 0;
	else if (!reply->entered && take_root(reply, event))
		;
	else if (opens)
		open_value(reply, top, event == AWS_JSON_ARRAY);
	else if (closes)
	{
		/* the output itself stays open */
		if (reply->depth > 1)
			close_value(reply);
	}
	else if (event == AWS_JSON_KEY)
		take_key(reply, top, text, len);
	else
		take_scalar(reply, top, event, text, len);
	return !reply->failed;
}

/* ---- error answers ---- */

/* {"__type": "prefix#Code", "message": ...} and their variants, at the top level only. */
static bool
on_error(void *arg, AwsJsonEvent event, const char *text, size_t len)
{
	static const struct
	{
		const char *key;
		bool code;
	} members[] = {
		{"__type", true},
		{"code", true},
		{"Code", true},
		{"message", false},
		{"Message", false},
		{"errorMessage", false},
		{"error_description", false},
	};
	AwsReply *reply = arg;

	if (event == AWS_JSON_KEY)
	{
		reply->gather = NULL;
		for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && reply->json.depth == 1; i++)
			if (strlen(members[i].key) == len && memcmp(members[i].key, text, len) == 0)
				reply->gather = members[i].code ? &reply->code : &reply->message;
	}
	else if (event == AWS_JSON_STRING && reply->json.depth == 1 && reply->gather != NULL && reply->gather->len == 0 &&
			 len <= AWS_MAX_ERROR_TEXT)
		aws_json_decode(reply->gather, text, len);
	return true;
}

static bool
judge(AwsReply *reply, bool ok)
{
	if (ok || reply->failed)
		return !reply->failed;
	return reply->json.error == NULL ? aws_reply_memory(reply)
									 : aws_reply_fail(reply, "the JSON is wrong: %s", reply->json.error);
}

static bool
json_feed(AwsReply *reply, const char *bytes, size_t len)
{
	if (reply->received == 0)
		reply->json =
			(AwsJson){.event = reply->refused ? on_error : on_output, .arg = reply, .max_depth = reply->max_depth};
	reply->received += len;
	return judge(reply, aws_json_feed(&reply->json, bytes, len));
}

static bool
json_finish(AwsReply *reply)
{
	return reply->received == 0 || judge(reply, aws_json_finish(&reply->json));
}

const AwsBodyParser aws_json_body = {.feed = json_feed, .finish = json_finish};
