/*
 * response_xml.c
 *	  Answers in XML: expat's events, guided by the output's shape.
 *
 * Elements mostly come in the model's order, so each structure tries the
 * member after the last one before it looks the name up.  Namespaces are not
 * looked at: a prefix is cut off.  A document type is refused, and with it
 * all entities but XML's own.
 */
#include "aws/reply.h"

#include <stdlib.h>
#include <strings.h>

/* expat scans an unfinished token again with every feed; markup of AWS is far shorter than this */
#define MAX_PENDING (1024 * 1024)

static const char *
local_name(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon == NULL ? name : colon + 1;
}

/* ---- the output ---- */

/* The members of a structure that are attributes of its element. */
static void
take_attributes(AwsReply *reply, AwsFrame *frame, const char **attributes)
{
	for (int i = 0; i < frame->shape->count && attributes[0] != NULL; i++)
	{
		const AwsRef *ref = &reply->model->refs[frame->shape->first + i];

		if (!(ref->flags & AWS_REF_XML_ATTRIBUTE))
			continue;
		for (const char **attribute = attributes; attribute[0] != NULL; attribute += 2)
			if (strcmp(attribute[0], aws_model_string(reply->model, ref->xml)) == 0)
			{
				aws_value_text(reply, frame, ref, attribute[1], strlen(attribute[1]));
				break;
			}
	}
}

/* Opens a flattened list or map, which goes on where it stopped before. */
static AwsFrame *
open_flattened(AwsReply *reply, AwsFrame *parent, const AwsRef *ref)
{
	bool list = aws_model_shape(reply->model, ref)->type == AWS_TYPE_LIST;
	bool items = aws_is_items(reply, parent, ref);
	AwsFrame *frame = aws_frame_push(reply, list ? AWS_FRAME_LIST : AWS_FRAME_MAP, ref);
	AwsSide *side = parent->sides;

	frame->joined = true;
	frame->items = items;
	if (items)
		return frame;
	while (side != NULL && side->ref != ref)
		side = side->next;
	if (side == NULL)
	{
		side = calloc(1, sizeof(*side));
		if (side == NULL)
		{
			aws_reply_memory(reply);
			return frame;
		}
		side->ref = ref;
		side->next = parent->sides;
		parent->sides = side;
	}
	frame->first = side->text.len == 0;
	frame->outer = reply->out;
	reply->out = &side->text;
	return frame;
}

/* Opens the frame for an element that stands for 'ref' within 'parent'. */
static void
enter(AwsReply *reply, AwsFrame *parent, const AwsRef *ref, const char **attributes)
{
	const AwsShape *shape = aws_model_shape(reply->model, ref);
	bool flattened = (ref->flags & AWS_REF_FLATTENED) && parent->kind == AWS_FRAME_STRUCTURE;
	AwsFrame *frame;

	if (shape->type > AWS_TYPE_MAP)
	{
		aws_buffer_cut(&reply->text, 0);
		aws_frame_push(reply, AWS_FRAME_SCALAR, ref);
		return;
	}
	if (!flattened || shape->type == AWS_TYPE_STRUCTURE)
	{
		frame = aws_container_open(reply, parent, ref);
		if (shape->type == AWS_TYPE_STRUCTURE && !reply->failed)
			take_attributes(reply, frame, attributes);
		return;
	}
	/* the element is not the list but one of its elements */
	frame = open_flattened(reply, parent, ref);
	if (reply->failed)
		return;
	if (shape->type == AWS_TYPE_LIST)
		enter(reply, frame, &reply->model->refs[shape->first], attributes);
	else
		aws_frame_push(reply, AWS_FRAME_ENTRY, ref);
}

/* The member that an element stands for, or NULL. */
static const AwsRef *
find_member(const AwsModel *model, AwsFrame *frame, const char *name)
{
	const AwsRef *refs = &model->refs[frame->shape->first];
	unsigned count = frame->shape->count;
	unsigned i = frame->cursor;
	size_t len = strlen(name);
	bool found = i < count && aws_model_string_len(model, refs[i].xml) == len &&
				 memcmp(aws_model_string(model, refs[i].xml), name, len) == 0 &&
				 !(refs[i].flags & AWS_REF_XML_ATTRIBUTE);

	if (!found)
	{
		AwsString id = aws_model_string_id(model, name, len);

		for (unsigned tried = 0; id != 0 && tried < count && !found; tried++)
		{
			i = i + 1 < count ? i + 1 : 0;
			found = refs[i].xml == id && !(refs[i].flags & AWS_REF_XML_ATTRIBUTE);
		}
		if (!found)
			return NULL;
	}
	frame->cursor = (uint16_t) (refs[i].flags & AWS_REF_FLATTENED ? i : i + 1);
	return &refs[i];
}

static bool
is_request_id(const char *name)
{
	return strcasecmp(name, "RequestId") == 0;
}

/* Gathers the text of the element that begins, instead of dropping it. */
static void
gather(AwsReply *reply, AwsBuffer *buffer)
{
	reply->gather = buffer;
	aws_buffer_cut(buffer, 0);
}

/* An element within the output. */
static void
start_inside(AwsReply *reply, const char *name, const char **attributes)
{
	AwsFrame *frame = aws_frame_top(reply);
	const AwsRef *refs = &reply->model->refs[frame->kind == AWS_FRAME_SCALAR ? 0 : frame->shape->first];
	const AwsRef *ref = NULL;

	switch (frame->kind)
	{
		case AWS_FRAME_STRUCTURE:
			ref = find_member(reply->model, frame, name);
			if (ref == NULL && reply->depth == 1 && is_request_id(name))
				gather(reply, &reply->request_id);
			break;
		case AWS_FRAME_LIST:
			ref = refs;
			break;
		case AWS_FRAME_MAP:
			aws_frame_push(reply, AWS_FRAME_ENTRY, frame->ref);
			return;
		case AWS_FRAME_ENTRY:
			if (strcmp(name, aws_model_string(reply->model, refs[0].xml)) == 0)
				ref = &refs[0];
			else if (strcmp(name, aws_model_string(reply->model, refs[1].xml)) == 0)
			{
				if (!frame->keyed)
				{
					aws_reply_fail(reply, "a map's value comes without a key before it");
					return;
				}
				ref = &refs[1];
				frame->keyed = false;
				frame--; /* the map, which has the value */
			}
			break;
		default:
			break;
	}
	if (ref != NULL)
		enter(reply, frame, ref, attributes);
	else
		reply->skip = 1;
}

/* Ends the top frame with its element, and the list around it if the element stood for both. */
static void
leave(AwsReply *reply)
{
	AwsFrame *frame = aws_frame_top(reply);
	AwsFrame *parent = frame - 1;

	switch (frame->kind)
	{
		case AWS_FRAME_SCALAR:
			reply->depth--;
			if (parent->kind == AWS_FRAME_ENTRY && frame->ref == &reply->model->refs[parent->shape->first])
			{
				aws_buffer_cut(&reply->key, 0);
				aws_buffer_json(&reply->key, aws_buffer_text(&reply->text), reply->text.len);
				parent->keyed = true;
				break;
			}
			/* a value's entry is above its map */
			if (parent->kind == AWS_FRAME_ENTRY)
				parent--;
			aws_value_text(reply, parent, frame->ref, aws_buffer_text(&reply->text), reply->text.len);
			break;
		case AWS_FRAME_ENTRY:
			reply->depth--;
			break;
		default:
			aws_container_close(reply);
	}
	while (aws_frame_top(reply)->joined)
		aws_container_close(reply);
}

/* The element that is the output, or its payload, begins. */
static void
enter_output(AwsReply *reply, const char **attributes)
{
	reply->inside = true;
	reply->entered = true;
	if (reply->payload != NULL)
		enter(reply, &reply->frames[0], reply->payload, attributes);
	else
		take_attributes(reply, &reply->frames[0], attributes);
}

/* An element around the output. */
static void
start_outside(AwsReply *reply, const char *name, const char **attributes)
{
	AwsString wrapper = reply->op->result_wrapper;

	reply->outside++;
	if (reply->outside == 1)
	{
		AwsProtocol protocol = (AwsProtocol) reply->model->header->protocol;

		if (strcasecmp(name, "html") == 0)
			aws_reply_fail(reply, "it is an HTML page");
		else if (protocol == AWS_PROTOCOL_EC2 || (protocol == AWS_PROTOCOL_QUERY && wrapper == 0) ||
				 protocol == AWS_PROTOCOL_REST_XML)
			enter_output(reply, attributes);
	}
	else if (reply->outside == 2 && wrapper != 0 && strcmp(name, aws_model_string(reply->model, wrapper)) == 0)
		enter_output(reply, attributes);
	else if (is_request_id(name))
		gather(reply, &reply->request_id);
}

/* ---- error answers ---- */

/*
 * <Response><Errors><Error><Code>, <ErrorResponse><Error><Code>,
 * <Error><Code>, and of Route 53 <InvalidChangeBatch><Messages><Message>.
 */
static void
start_error(AwsReply *reply, const char *name)
{
	reply->outside++;
	reply->gather = NULL;
	if (reply->error_level == 0 && strcmp(name, "Error") == 0)
		reply->error_level = reply->outside;
	else if (reply->outside == 1 && aws_model_error(reply->model, reply->op, name) != NULL)
		aws_buffer_string(&reply->code, name);
	else if (reply->error_level > 0 && reply->outside == reply->error_level + 1 && strcmp(name, "Code") == 0)
		gather(reply, &reply->code);
	else if (strcasecmp(name, "Message") == 0 &&
			 (reply->error_level > 0 ? reply->outside == reply->error_level + 1 : reply->message.len == 0))
		gather(reply, &reply->message);
	else if (is_request_id(name))
		gather(reply, &reply->request_id);
}

/* ---- expat ---- */

static void XMLCALL
on_start(void *arg, const char *name, const char **attributes)
{
	AwsReply *reply = arg;

	if (reply->failed)
		return;
	name = local_name(name);
	if (!reply->refused && reply->outside == 0 && reply->status < 300 && strcmp(name, "Error") == 0 &&
		reply->error_in_success)
		reply->refused = true;
	if (reply->refused)
		start_error(reply, name);
	else if (reply->skip > 0)
	{
		reply->skip++;
		reply->gather = NULL;
	}
	else if (reply->inside)
		start_inside(reply, name, attributes);
	else
		start_outside(reply, name, attributes);
	/* expat has no limit of its own, and what nobody wants has no frames */
	if (++reply->level > reply->max_depth)
	{
		aws_reply_fail(reply, "it is nested too deeply");
		XML_StopParser(reply->xml, XML_FALSE);
	}
	else if (reply->failed)
		XML_StopParser(reply->xml, XML_FALSE);
}

static void XMLCALL
on_end(void *arg, const char *name)
{
	AwsReply *reply = arg;

	if (reply->failed)
		return;
	reply->level--;
	reply->gather = NULL;
	if (reply->skip > 0)
		reply->skip--;
	else if (reply->refused || !reply->inside)
	{
		if (reply->error_level == reply->outside)
			reply->error_level = -1; /* only the first error counts */
		reply->outside--;
	}
	else
	{
		if (reply->depth > 1)
			leave(reply);
		else
			reply->inside = false;
		if (reply->depth == 1 && reply->payload != NULL)
			reply->inside = false;
		if (!reply->inside)
			reply->outside--;
	}
}

static void XMLCALL
on_text(void *arg, const char *text, int len)
{
	AwsReply *reply = arg;

	if (reply->failed)
		return;
	if (reply->gather != NULL)
	{
		if (reply->gather->len + (size_t) len <= AWS_MAX_ERROR_TEXT)
			aws_buffer_append(reply->gather, text, (size_t) len);
	}
	else if (reply->inside && reply->skip == 0 && aws_frame_top(reply)->kind == AWS_FRAME_SCALAR)
		aws_buffer_append(&reply->text, text, (size_t) len);
}

static void XMLCALL
on_doctype(void *arg, const char *name, const char *system_id, const char *public_id, int internal)
{
	AwsReply *reply = arg;

	aws_reply_fail(reply, "it has a document type");
	XML_StopParser(reply->xml, XML_FALSE);
}

static bool
parse(AwsReply *reply, const char *bytes, size_t len, bool last)
{
	static const XML_Memory_Handling_Suite wiping = {malloc, aws_secret_realloc, aws_secret_free};

	if (reply->xml == NULL)
	{
		reply->xml = XML_ParserCreate_MM("UTF-8", &wiping, NULL);
		if (reply->xml == NULL)
			return aws_reply_memory(reply);
		XML_SetUserData(reply->xml, reply);
		XML_SetElementHandler(reply->xml, on_start, on_end);
		XML_SetCharacterDataHandler(reply->xml, on_text);
		XML_SetStartDoctypeDeclHandler(reply->xml, on_doctype);
	}
	if (XML_Parse(reply->xml, bytes, (int) len, last) != XML_STATUS_OK)
	{
		enum XML_Error code = XML_GetErrorCode(reply->xml);

		if (code == XML_ERROR_NO_MEMORY)
			return aws_reply_memory(reply);
		return aws_reply_fail(reply, "the XML is wrong in line %lu: %s",
							  (unsigned long) XML_GetCurrentLineNumber(reply->xml), XML_ErrorString(code));
	}
	if (!last && (XML_Index) reply->received - XML_GetCurrentByteIndex(reply->xml) > MAX_PENDING)
		return aws_reply_fail(reply, "its markup is too long");
	return !reply->failed;
}

static bool
xml_feed(AwsReply *reply, const char *bytes, size_t len)
{
	/* expat counts in int */
	while (len > 0)
	{
		size_t part = len < 65536 ? len : 65536;

		reply->received += part;
		if (!parse(reply, bytes, part, false))
			return false;
		bytes += part;
		len -= part;
	}
	return true;
}

static bool
xml_finish(AwsReply *reply)
{
	return reply->received == 0 || parse(reply, "", 0, true);
}

const AwsBodyParser aws_xml_body = {.feed = xml_feed, .finish = xml_finish};
