/*
 * driver.c
 *	  Builds requests and reads answers for compare.py, one line of JSON each.
 *
 *	  driver FOLDER < questions > answers
 *
 * {"model", "operation", "input": text} asks for a request; with "status" and
 * maybe "headers": [[name, value]], "body": base64, "items", "depth", "bytes"
 * it is about an answer.  Answers are read in one piece, byte by byte and in
 * pieces of 7, and all three must agree.
 */
#include <json-c/json.h>

#include "../aws.h"
#include "aws/buffer.h"
#include "aws/error.h"
#include "aws/request.h"
#include "aws/response.h"

static json_object *
member(json_object *object, const char *name)
{
	return json_object_object_get(object, name);
}

static const char *
text_of(json_object *object, const char *name)
{
	return json_object_get_string(member(object, name));
}

static void
add_text(json_object *object, const char *name, const char *text)
{
	if (text != NULL)
		json_object_object_add(object, name, json_object_new_string(text));
}

static void
add_base64(json_object *object, const char *name, const AwsBuffer *bytes)
{
	AwsBuffer encoded = {0};

	aws_buffer_base64(&encoded, aws_buffer_text(bytes), bytes->len);
	add_text(object, name, aws_buffer_text(&encoded));
	aws_buffer_free(&encoded);
}

static void
add_error(json_object *answer, const AwsError *error)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "kind", json_object_new_int((int) error->kind));
	json_object_object_add(object, "status", json_object_new_int(error->http_status));
	add_text(object, "code", error->code);
	add_text(object, "message", error->message);
	add_text(object, "hint", error->hint);
	add_text(object, "request_id", error->request_id);
	json_object_object_add(answer, "error", object);
}

static void
ask_request(const AwsModel *model, const AwsOp *op, json_object *question, json_object *answer)
{
	AwsRequest request = {0};
	AwsError error = {0};
	const char *input = text_of(question, "input");

	if (!aws_request_build(model, op, input, strlen(input), &request, &error))
		add_error(answer, &error);
	else
	{
		json_object *headers = json_object_new_array();

		add_text(answer, "method", request.method);
		add_text(answer, "path", aws_buffer_text(&request.path));
		add_text(answer, "query", aws_buffer_text(&request.query));
		add_text(answer, "host_prefix", aws_buffer_text(&request.host_prefix));
		add_base64(answer, "body", &request.body);
		for (const char *name = NULL; (name = aws_headers_next(&request.headers, name)) != NULL;)
		{
			json_object *pair = json_object_new_array();

			json_object_array_add(pair, json_object_new_string(name));
			json_object_array_add(pair, json_object_new_string(aws_header_value(name)));
			json_object_array_add(headers, pair);
		}
		json_object_object_add(answer, "headers", headers);
		json_object_object_add(
			answer, "flags",
			json_object_new_int(request.no_auth | request.unsigned_body << 1 | request.hash_header << 2));
	}
	aws_request_free(&request);
	aws_error_clear(&error);
}

static void
take_items(AwsReply *reply, json_object *items)
{
	const char *item;
	size_t len;

	while ((item = aws_reply_item(reply, &len)) != NULL)
		json_object_array_add(items, json_object_new_string_len(item, (int) len));
}

static json_object *
read_reply(const AwsModel *model, const AwsOp *op, json_object *question, size_t piece)
{
	json_object *answer = json_object_new_object();
	json_object *items = json_object_new_array();
	json_object *headers = member(question, "headers");
	const char *encoded = text_of(question, "body");
	AwsLimits limits = {.max_depth = json_object_get_int(member(question, "depth")),
						.max_reply_bytes = (size_t) json_object_get_int(member(question, "bytes"))};
	AwsError error = {0};
	AwsBuffer body = {0};
	AwsReply *reply = aws_reply_new(model, op, text_of(question, "items"), &limits, &error);
	size_t len = 0;

	if (encoded != NULL)
		aws_buffer_unbase64(&body, encoded, strlen(encoded));
	if (reply != NULL)
	{
		aws_reply_head(reply, json_object_get_int(member(question, "status")));
		for (size_t i = 0; headers != NULL && i < json_object_array_length(headers); i++)
		{
			json_object *pair = json_object_array_get_idx(headers, i);
			json_object *name = json_object_array_get_idx(pair, 0);
			json_object *value = json_object_array_get_idx(pair, 1);

			aws_reply_header(reply, json_object_get_string(name), (size_t) json_object_get_string_len(name),
							 json_object_get_string(value), (size_t) json_object_get_string_len(value));
		}
		for (size_t at = 0; at < body.len; at += piece)
		{
			/* a piece of its own, so that reading beyond it is seen */
			size_t part = body.len - at < piece ? body.len - at : piece;
			char *copy = malloc(part);

			if (copy == NULL)
				exit(1);
			memcpy(copy, body.data + at, part);
			if (!aws_reply_feed(reply, copy, part))
				at = body.len;
			free(copy);
			take_items(reply, items);
		}
	}
	if (reply != NULL && aws_reply_finish(reply, &error))
	{
		const char *result = aws_reply_result(reply, &len);
		json_object *tokens = json_object_new_array();

		json_object_object_add(answer, "result", json_object_new_string_len(result, (int) len));
		for (int i = 0; aws_reply_token(reply, i) != NULL; i++)
			json_object_array_add(tokens, json_object_new_string(aws_reply_token(reply, i)));
		json_object_object_add(answer, "tokens", tokens);
		json_object_object_add(answer, "more", json_object_new_boolean(aws_reply_more(reply)));
		add_text(answer, "request_id", aws_reply_request_id(reply));
	}
	else
		add_error(answer, &error);
	if (reply != NULL)
		take_items(reply, items);
	json_object_object_add(answer, "items", items);
	aws_reply_free(reply);
	aws_buffer_free(&body);
	aws_error_clear(&error);
	return answer;
}

static json_object *
ask(const char *folder, json_object *question)
{
	const AwsModel *model = model_named(folder, text_of(question, "model"));
	const AwsOp *op = model == NULL ? NULL : aws_model_op(model, text_of(question, "operation"), NULL);
	json_object *answer;

	if (op == NULL || member(question, "status") == NULL)
	{
		AwsError error = {.kind = AWS_BAD_MODEL, .message = "the model cannot be opened"};

		answer = json_object_new_object();
		if (op == NULL)
			add_error(answer, &error);
		else
			ask_request(model, op, question, answer);
		return answer;
	}
	answer = read_reply(model, op, question, (size_t) 1 << 30);
	for (int i = 0; i < 2; i++)
	{
		json_object *again = read_reply(model, op, question, i == 0 ? 1 : 7);

		if (!json_object_equal(answer, again))
			json_object_object_add(answer, "unstable", json_object_get(again));
		json_object_put(again);
	}
	return answer;
}

int
main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0)
	{
		json_object *question = json_tokener_parse(line);
		json_object *answer = ask(argc > 1 ? argv[1] : ".", question);

		puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN));
		json_object_put(answer);
		json_object_put(question);
	}
	free(line);
	model_named(NULL, NULL);
	return 0;
}
