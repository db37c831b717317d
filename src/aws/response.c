/*
 * response.c
 *	  An answer from its first header to its last byte.
 *
 * This file knows what an answer consists of and when it has failed; the
 * bodies are read by response_xml.c and response_json.c, values are written by
 * response_value.c.
 */
#include "aws/response.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "aws/error.h"
#include "aws/jmespath.h"
#include "aws/reply.h"
#include "aws/rules.h"

#define DEFAULT_MAX_DEPTH 128
#define DEFAULT_MAX_BYTES ((size_t) 256 * 1024 * 1024)

static const AwsShape no_output = {.type = AWS_TYPE_STRUCTURE};

/* ---- failures ---- */

bool
aws_reply_memory(AwsReply *reply)
{
	reply->failed = true;
	reply->failure = AWS_NO_MEMORY;
	return false;
}

bool
aws_reply_fail(AwsReply *reply, const char *format, ...)
{
	char text[256];
	va_list args;

	if (reply->failed || reply->refused)
		return false;
	reply->failed = true;
	reply->failure = AWS_BAD_REPLY;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	aws_buffer_cut(&reply->message, 0);
	aws_buffer_string(&reply->message, text);
	return false;
}

/* Asks, after a piece of work, whether memory was short or there is too much output. */
static bool
check_buffers(AwsReply *reply)
{
	size_t total = reply->result.len + reply->items.len + reply->text.len;
	bool memory = reply->result.failed || reply->items.failed || reply->text.failed || reply->key.failed ||
				  reply->headers.failed || reply->last.failed || reply->code.failed || reply->message.failed ||
				  reply->request_id.failed;

	for (int i = 0; i < reply->depth; i++)
		for (const AwsSide *side = reply->frames[i].sides; side != NULL; side = side->next)
		{
			total += side->text.len;
			memory = memory || side->text.failed;
		}
	if (memory)
		return aws_reply_memory(reply);
	if (total > reply->max_bytes)
		return aws_reply_fail(reply, "it makes more than %zu bytes", reply->max_bytes);
	return !reply->failed;
}

/* ---- life ---- */

/* Appends the names of a dotted path; false when the output has no list or map there. */
static bool
find_items(AwsReply *reply, const char *path)
{
	const AwsModel *model = reply->model;
	const AwsShape *shape = reply->output;

	for (;;)
	{
		size_t len = strcspn(path, ".");
		const AwsRef *ref;

		if (shape->type != AWS_TYPE_STRUCTURE || reply->path_len == AWS_MAX_ITEM_PATH)
			return false;
		ref = aws_model_member_named(model, shape, path, len);
		if (ref == NULL)
			return false;
		shape = aws_model_shape(model, ref);
		reply->path[reply->path_len++] = ref->name;
		if (path[len] == '\0')
			break;
		path += len + 1;
	}
	return shape->type == AWS_TYPE_LIST || shape->type == AWS_TYPE_MAP;
}

static bool
prepare_items(AwsReply *reply, const char *items, AwsError *error)
{
	AwsPaginator paginator;
	bool paged = aws_model_paginator(reply->model, reply->op, &paginator);

	for (int i = 0; paged && i < paginator.token_count; i++)
		if (strchr(aws_model_string(reply->model, paginator.output_tokens[i].text), '[') != NULL)
			reply->keep_last = true;
	if (items[0] != '\0')
		return find_items(reply, items) ||
			   aws_error_set(error, AWS_BAD_INPUT, "the output of \"%s\" has no list \"%s\"",
							 aws_model_string(reply->model, reply->op->name), items);
	/* of several result keys the first may be a number */
	for (int i = 0; paged && i < paginator.result_count; i++)
	{
		if (find_items(reply, aws_model_string(reply->model, paginator.result_keys[i].text)))
			return true;
		reply->path_len = 0;
	}
	return true;
}

static void
prepare_rules(AwsReply *reply)
{
	const AwsModel *model = reply->model;
	const AwsRule *rule = aws_rule(model, reply->op, AWS_RULE_ROOT_VALUE, NULL);
	int n = 0;

	if (reply->output->payload != 0)
	{
		AwsType type;

		reply->payload = &model->refs[reply->output->first + reply->output->payload - 1];
		type = (AwsType) aws_model_shape(model, reply->payload)->type;
		reply->raw = type == AWS_TYPE_BLOB || type == AWS_TYPE_STRING;
	}
	if (rule != NULL)
		reply->payload = aws_model_member_named(model, reply->output, rule->name, strlen(rule->name));
	reply->error_in_success = aws_rule(model, reply->op, AWS_RULE_ERROR_IN_200, NULL) != NULL;
	for (rule = NULL; n < AWS_MAX_DECODED && (rule = aws_rule(model, reply->op, AWS_RULE_URL_DECODE, rule)) != NULL;)
	{
		reply->decoded[n] = aws_model_string_id(model, rule->name, strlen(rule->name));
		if (reply->decoded[n] != 0)
			n++;
	}
}

AwsReply *
aws_reply_new(const AwsModel *model, const AwsOp *op, const char *items, const AwsLimits *limits, AwsError *error)
{
	AwsReply *reply = calloc(1, sizeof(*reply));
	const AwsRef *output = aws_model_ref(model, op->output);
	bool ok;

	if (reply == NULL)
	{
		aws_error_memory(error);
		return NULL;
	}
	reply->model = model;
	reply->op = op;
	reply->output = output == NULL ? &no_output : aws_model_shape(model, output);
	reply->max_depth = limits != NULL && limits->max_depth > 0 ? limits->max_depth : DEFAULT_MAX_DEPTH;
	if (reply->max_depth < 4)
		reply->max_depth = 4;
	if (reply->max_depth > AWS_JSON_MAX_DEPTH)
		reply->max_depth = AWS_JSON_MAX_DEPTH;
	reply->max_bytes = limits != NULL && limits->max_reply_bytes > 0 ? limits->max_reply_bytes : DEFAULT_MAX_BYTES;
	reply->out = &reply->result;
	reply->frames = calloc((size_t) reply->max_depth + 1, sizeof(*reply->frames));
	ok = reply->frames != NULL || aws_error_memory(error);
	if (ok)
	{
		prepare_rules(reply);
		ok = items == NULL || prepare_items(reply, items, error);
	}
	if (!ok)
	{
		aws_reply_free(reply);
		return NULL;
	}
	return reply;
}

void
aws_reply_free(AwsReply *reply)
{
	if (reply == NULL)
		return;
	for (int i = 0; i < reply->depth; i++)
		while (reply->frames[i].sides != NULL)
		{
			AwsSide *side = reply->frames[i].sides;

			reply->frames[i].sides = side->next;
			aws_buffer_free(&side->text);
			free(side);
		}
	free(reply->frames);
	if (reply->xml != NULL)
		XML_ParserFree(reply->xml);
	aws_json_free(&reply->json);
	aws_buffer_free(&reply->headers);
	aws_buffer_free(&reply->message);
	aws_buffer_free(&reply->code);
	aws_buffer_free(&reply->request_id);
	aws_buffer_free(&reply->result);
	aws_buffer_free(&reply->items);
	aws_buffer_free(&reply->last);
	aws_buffer_free(&reply->text);
	aws_buffer_free(&reply->key);
	free(reply->ends);
	for (int i = 0; i < reply->token_count; i++)
		free(reply->tokens[i]);
	free(reply);
}

/* ---- head ---- */

void
aws_reply_head(AwsReply *reply, int status)
{
	reply->status = status;
	aws_buffer_cut(&reply->headers, 0);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void
aws_reply_header(AwsReply *reply, const char *name, size_t name_len, const char *value, size_t value_len)
{
	while (value_len > 0 && is_blank(value[0]))
	{
		value++;
		value_len--;
	}
	while (value_len > 0 && is_blank(value[value_len - 1]))
		value_len--;
	if (memchr(name, '\0', name_len) != NULL || memchr(value, '\0', value_len) != NULL)
		aws_reply_fail(reply, "a header has a NUL byte");
	else
	{
		aws_buffer_append(&reply->headers, name, name_len);
		aws_buffer_char(&reply->headers, '\0');
		aws_buffer_append(&reply->headers, value, value_len);
		aws_buffer_char(&reply->headers, '\0');
	}
}

const char *
aws_reply_header_value(const AwsReply *reply, const char *name)
{
	return aws_headers_get(&reply->headers, name);
}

const char *
aws_reply_request_id(const AwsReply *reply)
{
	static const char *const names[] = {"x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		const char *value = aws_reply_header_value(reply, names[i]);

		if (value != NULL && value[0] != '\0' && aws_utf8_valid(value, strlen(value)))
			return value;
	}
	return reply->request_id.len > 0 ? reply->request_id.data : NULL;
}

/* ---- body ---- */

static bool
is_json(const AwsReply *reply)
{
	return reply->model->header->protocol == AWS_PROTOCOL_JSON ||
		   reply->model->header->protocol == AWS_PROTOCOL_REST_JSON;
}

/* The head is complete: decides how the body is read. */
static bool
begin(AwsReply *reply)
{
	AwsProtocol protocol = (AwsProtocol) reply->model->header->protocol;
	bool rpc_xml = protocol == AWS_PROTOCOL_EC2 || protocol == AWS_PROTOCOL_QUERY;

	reply->begun = true;
	if (reply->failed)
		return false;
	reply->refused = reply->status < 200 || reply->status > 299;
	reply->parser = is_json(reply) ? &aws_json_body : &aws_xml_body;
	if (reply->refused)
		return true;

	aws_frame_push(reply, AWS_FRAME_STRUCTURE, NULL);
	reply->frames[0].shape = reply->output;
	reply->frames[0].path = 0;
	aws_buffer_char(&reply->result, '{');
	if (protocol == AWS_PROTOCOL_REST_JSON || protocol == AWS_PROTOCOL_REST_XML)
		aws_write_headers(reply);
	/* of an operation without output only what may still be an error is looked at */
	if (reply->raw || (reply->output == &no_output && !rpc_xml && !reply->error_in_success))
		reply->parser = NULL;
	return check_buffers(reply);
}

bool
aws_reply_feed(AwsReply *reply, const char *bytes, size_t len)
{
	if (reply->taken > 0 && reply->taken == reply->end_count)
	{
		/* all complete items are gone: what is left belongs to the one at hand */
		size_t done = reply->ends[reply->end_count - 1];
		size_t rest = reply->items.len - done;

		if (rest > 0)
			memmove(reply->items.data, reply->items.data + done, rest);
		aws_buffer_cut(&reply->items, rest);
		reply->taken = reply->end_count = 0;
	}
	if (!reply->begun && !begin(reply))
		return false;
	if (reply->failed)
		return false;
	if (len > reply->max_bytes - reply->received)
	{
		reply->refused = false;
		return aws_reply_fail(reply, "it is longer than %zu bytes", reply->max_bytes);
	}
	if (reply->raw && !reply->refused)
	{
		reply->received += len;
		aws_buffer_append(&reply->text, bytes, len);
	}
	else if (reply->parser != NULL && len > 0 && !reply->parser->feed(reply, bytes, len))
	{
		if (reply->failed)
			return false;
		reply->parser = NULL; /* an error answer that cannot be read: its status must do */
	}
	return check_buffers(reply);
}

/* Writes a body that is one member. */
static bool
finish_raw(AwsReply *reply)
{
	bool blob = aws_model_shape(reply->model, reply->payload)->type == AWS_TYPE_BLOB;

	if (reply->text.len == 0)
		return true;
	if (!blob && !aws_utf8_valid(reply->text.data, reply->text.len))
		return aws_reply_fail(reply, "it is not valid UTF-8");
	aws_value_begin(reply, &reply->frames[0], reply->payload);
	if (blob)
	{
		aws_buffer_char(reply->out, '"');
		aws_buffer_base64(reply->out, reply->text.data, reply->text.len);
		aws_buffer_char(reply->out, '"');
	}
	else
		aws_buffer_json(reply->out, reply->text.data, reply->text.len);
	aws_buffer_free(&reply->text);
	return true;
}

static bool
finish_body(AwsReply *reply)
{
	if (!reply->begun && !begin(reply))
		return false;
	if (reply->parser != NULL && !reply->parser->finish(reply) && reply->failed)
		return false;
	if (reply->refused)
		return !reply->failed;
	if (reply->raw && !finish_raw(reply))
		return false;
	/* a list that did not come is not an empty list */
	if (reply->path_len > 0 && reply->received == 0)
		return aws_reply_fail(reply, "it is empty");
	if (reply->op->result_wrapper != 0 && reply->received > 0 && !reply->entered)
		return aws_reply_fail(reply, "it has no element \"%s\"",
							  aws_model_string(reply->model, reply->op->result_wrapper));
	aws_write_sides(reply, &reply->frames[0]);
	aws_buffer_char(&reply->result, '}');
	return check_buffers(reply);
}

/* ---- pages ---- */

/* Puts the last item where its list was, for tokens such as "Contents[-1].Key". */
static bool
put_last_item(AwsReply *reply, json_object *document)
{
	json_object *parent = document;
	json_object *list = json_object_new_array();
	json_object *item;
	const char *why;
	bool ok = aws_json_tree(reply->last.data, reply->last.len, AWS_JSON_MAX_DEPTH, &item, &why) && list != NULL &&
			  json_object_array_add(list, item) == 0;

	if (!ok)
		json_object_put(item);
	for (int i = 0; i < reply->path_len - 1 && parent != NULL; i++)
		parent = json_object_object_get(parent, aws_model_string(reply->model, reply->path[i]));
	ok = ok && parent != NULL &&
		 json_object_object_add(parent, aws_model_string(reply->model, reply->path[reply->path_len - 1]), list) == 0;
	if (!ok)
		json_object_put(list);
	return ok;
}

/* Evaluates one of the paginator's expressions; *text is NULL for null, false and "". */
static bool
evaluate(AwsReply *reply, json_object *document, const AwsPath *path, char **text)
{
	json_object *value;
	AwsBuffer json = {0};

	*text = NULL;
	if (!aws_jmespath(reply->model, path->code, document, &value))
		return aws_reply_memory(reply);
	aws_json_write(&json, value);
	json_object_put(value);
	if (strcmp(aws_buffer_text(&json), "null") != 0 && strcmp(aws_buffer_text(&json), "false") != 0 &&
		strcmp(aws_buffer_text(&json), "\"\"") != 0)
		*text = json.failed ? NULL : aws_buffer_take(&json);
	if (json.failed)
		aws_reply_memory(reply);
	aws_buffer_free(&json);
	return !reply->failed;
}

static bool
find_tokens(AwsReply *reply)
{
	AwsPaginator paginator;
	json_object *document;
	const char *why;
	bool more = false;
	bool ok;

	if (reply->path_len == 0 || !aws_model_paginator(reply->model, reply->op, &paginator))
		return true;
	ok = aws_json_tree(reply->result.data, reply->result.len, AWS_JSON_MAX_DEPTH, &document, &why);
	if (!ok && why != NULL)
		return aws_reply_fail(reply, "%s", why);
	if (!ok || (reply->last.len > 0 && !put_last_item(reply, document)))
		ok = aws_reply_memory(reply);

	for (int i = 0; ok && i < paginator.token_count; i++)
	{
		ok = evaluate(reply, document, &paginator.output_tokens[i], &reply->tokens[i]);
		reply->token_count++;
		more = more || reply->tokens[i] != NULL;
	}
	if (ok && more && paginator.more_results.code != 0)
	{
		char *text;

		ok = evaluate(reply, document, &paginator.more_results, &text);
		more = text != NULL;
		free(text);
	}
	reply->more = ok && more;
	json_object_put(document);
	return ok;
}

/* ---- the end ---- */

static char *
copy_text(const AwsBuffer *buffer)
{
	return buffer->len == 0 ? NULL : strndup(buffer->data, buffer->len);
}

/*
 * The code of an error answer in JSON: the header goes before the body, the
 * service's older code before both; a namespace and a URI are cut off.
 * https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
 */
static void
refine_code(AwsReply *reply)
{
	const char *header = aws_reply_header_value(reply, "x-amzn-errortype");
	const char *query = aws_reply_header_value(reply, "x-amzn-query-error");
	const char *code;
	const char *hash;
	AwsBuffer refined = {0};

	if (!(reply->model->header->flags & AWS_MODEL_QUERY_COMPATIBLE))
		query = NULL;
	code = query != NULL && query[0] != '\0'	 ? query
		   : header != NULL && header[0] != '\0' ? header
												 : aws_buffer_text(&reply->code);
	if (!aws_utf8_valid(code, strlen(code)))
		code = "";
	hash = strchr(code, '#');
	if (hash != NULL && hash < code + strcspn(code, ":"))
		code = hash + 1;
	aws_buffer_append(&refined, code, strcspn(code, ":;"));
	aws_buffer_free(&reply->code);
	reply->code = refined;
}

static void
report(AwsReply *reply, AwsError *error)
{
	const char *request_id = aws_reply_request_id(reply);

	if (reply->failed && reply->failure == AWS_NO_MEMORY)
		aws_error_memory(error);
	else if (reply->failed)
		aws_error_set(error, AWS_BAD_REPLY, "the answer cannot be used: %s", aws_buffer_text(&reply->message));
	else if (reply->message.len > 0)
		aws_error_set(error, AWS_REFUSED, "%s", reply->message.data);
	else
		aws_error_set(error, AWS_REFUSED, "the service answered with HTTP status %d", reply->status);
	if (error == NULL)
		return;
	aws_error_at(error, aws_model_string(reply->model, reply->model->header->service),
				 aws_model_string(reply->model, reply->op->name));
	/* an error that comes with success stands for a 500: AWS's own rule for its retries */
	error->http_status = reply->status < 300 && !reply->failed ? 500 : reply->status;
	free(error->code);
	free(error->request_id);
	error->code = reply->failed ? NULL : copy_text(&reply->code);
	error->request_id = request_id == NULL ? NULL : strdup(request_id);
}

bool
aws_reply_finish(AwsReply *reply, AwsError *error)
{
	if (!reply->failed && finish_body(reply) && !reply->refused && find_tokens(reply))
		return true;
	if (!reply->failed && is_json(reply))
		refine_code(reply);
	/* the answer to HEAD has no body to say more */
	if (!reply->failed && reply->code.len == 0 &&
		strcmp(aws_model_string(reply->model, reply->op->method), "HEAD") == 0)
		aws_buffer_format(&reply->code, "%d", reply->status);
	report(reply, error);
	return false;
}

const char *
aws_reply_item(AwsReply *reply, size_t *len)
{
	size_t start;

	if (reply->taken == reply->end_count || reply->items.failed)
		return NULL;
	start = reply->taken == 0 ? 0 : reply->ends[reply->taken - 1];
	*len = reply->ends[reply->taken++] - start;
	return reply->items.data + start;
}

const char *
aws_reply_result(const AwsReply *reply, size_t *len)
{
	*len = reply->result.len;
	return aws_buffer_text(&reply->result);
}

bool
aws_reply_more(const AwsReply *reply)
{
	return reply->more;
}

const char *
aws_reply_token(const AwsReply *reply, int n)
{
	return n < reply->token_count ? reply->tokens[n] : NULL;
}
