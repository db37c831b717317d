/*
 * request.c
 *	  From an operation's input to one HTTP request.
 *
 * The input is read into a tree, completed (rules, idempotency tokens),
 * judged as a whole, and only then written in the service's protocol.
 */
#include "aws/request.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>

#include "aws/error.h"
#include "aws/json.h"
#include "aws/rules.h"
#include "aws/serialize.h"
#include "aws/timestamp.h"

/* Deeper than any model's structures; a document may be anything. */
#define MAX_INPUT_DEPTH 128

/* ---- reading the input ---- */

/* Reads a JSON text; *value is NULL for JSON null. */
static bool
read_json(const char *text, size_t len, const char *what, json_object **value, AwsError *error)
{
	const char *why;

	if (aws_json_tree(text, len, MAX_INPUT_DEPTH, value, &why))
		return true;
	return why == NULL ? aws_error_memory(error)
					   : aws_error_set(error, AWS_BAD_INPUT, "the %s is not valid JSON: %s", what, why);
}

static json_object *
read_input(const char *input, size_t len, AwsError *error)
{
	json_object *object;

	if (len == 0)
	{
		object = json_object_new_object();
		if (object == NULL)
			aws_error_memory(error);
		return object;
	}
	if (!read_json(input, len, "input", &object, error))
		return NULL;
	if (!json_object_is_type(object, json_type_object))
	{
		json_object_put(object);
		aws_error_set(error, AWS_BAD_INPUT, "the input must be a JSON object");
		return NULL;
	}
	return object;
}

const AwsShape *
aws_input_shape(const AwsModel *model, const AwsOp *op)
{
	static const AwsShape none = {.type = AWS_TYPE_STRUCTURE};
	const AwsRef *ref = aws_model_ref(model, op->input);

	return ref == NULL ? &none : aws_model_shape(model, ref);
}

json_object *
aws_input_member(const AwsModel *model, json_object *input, const AwsRef *member)
{
	return json_object_object_get(input, aws_model_string(model, member->name));
}

const char *
aws_input_text(json_object *value, size_t *len)
{
	const char *text = value == NULL ? "" : json_object_get_string(value);

	if (json_object_is_type(value, json_type_string))
		*len = (size_t) json_object_get_string_len(value);
	else
		*len = text != NULL ? strlen(text) : 0;
	return text;
}

void
aws_write_scalar(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value, AwsTimeFormat format)
{
	size_t len;
	const char *text = aws_input_text(value, &len);
	int64_t seconds;
	int nanos;

	if (aws_model_shape(model, ref)->type == AWS_TYPE_TIMESTAMP && aws_timestamp_parse(text, len, &seconds, &nanos))
		aws_timestamp_write(out, seconds, nanos,
							aws_ref_time_format(ref) == AWS_TIME_DEFAULT ? format : aws_ref_time_format(ref));
	else
		aws_buffer_append(out, text, len);
}

/* ---- completing the input ---- */

/* Sets a member to a string. */
static bool
set_string(json_object *input, const char *name, const char *text, size_t len)
{
	json_object *value = json_object_new_string_len(text, (int) len);

	if (value != NULL && json_object_object_add(input, name, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

/* Sets a member to a version 4 UUID of RFC 9562. */
static bool
set_uuid(json_object *input, const char *name)
{
	unsigned char bytes[16];
	char uuid[37];
	char *out = uuid;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return false;
	bytes[6] = (unsigned char) ((bytes[6] & 0x0F) | 0x40);
	bytes[8] = (unsigned char) ((bytes[8] & 0x3F) | 0x80);
	for (int i = 0; i < 16; i++)
		out += sprintf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", bytes[i]);
	return set_string(input, name, uuid, 36);
}

static bool
set_base64(json_object *input, const char *name, json_object *value)
{
	AwsBuffer encoded = {0};
	bool ok;

	aws_buffer_base64(&encoded, json_object_get_string(value), (size_t) json_object_get_string_len(value));
	ok = !encoded.failed && set_string(input, name, aws_buffer_text(&encoded), encoded.len);
	aws_buffer_free(&encoded);
	return ok;
}

static bool
complete_input(const AwsModel *model, const AwsOp *op, json_object *input)
{
	const AwsShape *shape = aws_input_shape(model, op);
	const AwsRule *rule;

	for (int i = 0; i < shape->count; i++)
	{
		const AwsRef *ref = &model->refs[shape->first + i];
		const char *name = aws_model_string(model, ref->name);
		json_object *value = aws_input_member(model, input, ref);

		if ((ref->flags & AWS_REF_TOKEN) && value == NULL && !set_uuid(input, name))
			return false;
		/* drops a prefix that the same service's answers put before an id */
		for (rule = NULL; (rule = aws_rule(model, op, AWS_RULE_ID_PREFIX, rule)) != NULL;)
		{
			const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
			size_t len = strlen(rule->name);

			if (strncmp(text, rule->name, len) != 0)
				continue;
			if (!set_string(input, name, text + len, strlen(text + len)))
				return false;
			break;
		}
	}
	for (rule = NULL; (rule = aws_rule(model, op, AWS_RULE_DEFAULT, rule)) != NULL;)
	{
		const AwsRef *ref = aws_model_member_named(model, shape, rule->name, strlen(rule->name));

		if (ref != NULL && aws_input_member(model, input, ref) == NULL &&
			!set_string(input, rule->name, rule->value, strlen(rule->value)))
			return false;
	}
	for (rule = NULL; (rule = aws_rule(model, op, AWS_RULE_BASE64, rule)) != NULL;)
	{
		json_object *value = json_object_object_get(input, rule->name);

		if (json_object_is_type(value, json_type_string) && !set_base64(input, rule->name, value))
			return false;
	}
	return true;
}

/* ---- checksums ---- */

/* CRC-32 of ISO 3309, as zlib computes it. */
static uint32_t
crc32_of(const char *bytes, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++)
	{
		crc ^= (unsigned char) bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xEDB88320) : 0);
	}
	return ~crc;
}

/*
 * Adds the body's checksum where the operation takes or wants one, as the
 * SDKs do by default: CRC-32 unless the caller named an algorithm, nothing if
 * the caller brought a checksum.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-dataintegrity.html
 */
static bool
add_checksum(const AwsModel *model, const AwsOp *op, AwsRequest *request, json_object *input, AwsError *error)
{
	const AwsFact *fact = aws_model_fact(model, AWS_FACT_CHECKSUM_MEMBER, (uint32_t) (op - model->ops));
	const AwsRef *member = fact == NULL ? NULL : aws_model_member(model, aws_input_shape(model, op), fact->a);
	json_object *chosen = member == NULL ? NULL : aws_input_member(model, input, member);
	const char *algorithm = chosen == NULL ? "CRC32" : json_object_get_string(chosen);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int digest_len = 4;
	AwsBuffer name = {0}, value = {0};

	if (fact == NULL && !(op->flags & AWS_OP_CHECKSUM))
		return true;
	for (const char *header = NULL; (header = aws_headers_next(&request->headers, header)) != NULL;)
		if (strcasecmp(header, "Content-MD5") == 0 ||
			strncasecmp(header, "x-amz-checksum-", strlen("x-amz-checksum-")) == 0)
			return true;

	if (strcmp(algorithm, "CRC32") == 0)
	{
		uint32_t crc = crc32_of(aws_buffer_text(&request->body), request->body.len);

		for (int i = 0; i < 4; i++)
			digest[i] = (unsigned char) (crc >> (24 - 8 * i));
	}
	else if (strcmp(algorithm, "SHA256") != 0 && strcmp(algorithm, "SHA1") != 0)
		return aws_error_set(error, AWS_BAD_INPUT, "checksum algorithm \"%s\" is none of CRC32, SHA1 and SHA256",
							 algorithm);
	else if (EVP_Digest(aws_buffer_text(&request->body), request->body.len, digest, &digest_len,
						strcmp(algorithm, "SHA1") == 0 ? EVP_sha1() : EVP_sha256(), NULL) != 1)
		return aws_error_memory(error);

	aws_buffer_string(&name, "x-amz-checksum-");
	for (const char *p = algorithm; *p != '\0'; p++)
		aws_buffer_char(&name, *p >= 'A' && *p <= 'Z' ? (char) (*p | 0x20) : *p);
	aws_buffer_base64(&value, digest, digest_len);
	aws_headers_add(&request->headers, aws_buffer_text(&name), aws_buffer_text(&value));
	if (chosen == NULL && member != NULL && aws_ref_location(member) == AWS_IN_HEADER)
		aws_headers_add(&request->headers, aws_model_string(model, member->wire), algorithm);
	request->headers.failed |= name.failed || value.failed;
	aws_buffer_free(&name);
	aws_buffer_free(&value);
	return true;
}

/* ---- writing it ---- */

static bool
write_rpc(const AwsModel *model, const AwsOp *op, AwsRequest *request, json_object *input, AwsError *error)
{
	const AwsRef *ref = aws_model_ref(model, op->input);

	aws_buffer_char(&request->path, '/');
	if (model->header->protocol != AWS_PROTOCOL_JSON)
	{
		aws_write_query(model, op, &request->body, input);
		aws_headers_add(&request->headers, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
		return true;
	}
	if (ref == NULL)
		aws_buffer_string(&request->body, "{}");
	else
		aws_write_json(model, &request->body, ref, input, false);
	aws_buffer_format(&request->headers, "X-Amz-Target%c%s.%s%cContent-Type%capplication/x-amz-json-%s%c", 0,
					  aws_model_string(model, model->header->target_prefix), aws_model_string(model, op->name), 0, 0,
					  aws_model_string(model, model->header->json_version), 0);
	/* asks for the error codes that the service's query protocol had */
	if (model->header->flags & AWS_MODEL_QUERY_COMPATIBLE)
		aws_headers_add(&request->headers, "x-amzn-query-mode", "true");
	return true;
}

/* Whether the operation can be called at all. */
static bool
check_callable(const AwsModel *model, const AwsOp *op, AwsError *error)
{
	const char *why = model->header->protocol == AWS_PROTOCOL_CBOR			  ? "speaks CBOR only"
					  : (model->header->flags & AWS_MODEL_OLD_SIGNATURE) != 0 ? "wants Signature Version 2"
					  : (op->flags & AWS_OP_EVENT_STREAM) != 0				  ? "uses an event stream"
					  : (op->flags & AWS_OP_BEARER) != 0					  ? "wants a bearer token"
																			  : NULL;

	return why == NULL ||
		   aws_error_set(error, AWS_BAD_INPUT, "operation \"%s\" of service \"%s\" %s, which is not supported",
						 aws_model_string(model, op->name), aws_model_string(model, model->header->service), why);
}

bool
aws_request_rebuild(const AwsModel *model, const AwsOp *op, AwsRequest *request, AwsError *error)
{
	bool rest = model->header->protocol == AWS_PROTOCOL_REST_JSON || model->header->protocol == AWS_PROTOCOL_REST_XML;
	AwsBuffer *const parts[] = {&request->path, &request->query, &request->host_prefix, &request->headers,
								&request->body};
	bool failed = false;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		aws_buffer_cut(parts[i], 0);
	if (!aws_input_check(model, op, request->input, error))
		return false;

	request->method = aws_model_string(model, op->method);
	request->no_auth = (op->flags & AWS_OP_NO_AUTH) != 0;
	request->unsigned_body = (op->flags & AWS_OP_UNSIGNED_BODY) != 0;
	request->hash_header = request->unsigned_body || aws_rule(model, op, AWS_RULE_HASH_HEADER, NULL) != NULL;
	if (!(rest ? aws_write_rest : write_rpc)(model, op, request, request->input, error) ||
		!aws_write_host_prefix(model, op, request, request->input, error) ||
		!add_checksum(model, op, request, request->input, error))
		return false;
	for (const AwsRule *rule = NULL; (rule = aws_rule(model, op, AWS_RULE_HEADER, rule)) != NULL;)
		if (aws_headers_get(&request->headers, rule->name) == NULL)
			aws_headers_add(&request->headers, rule->name, rule->value);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		failed |= parts[i]->failed;
	return !failed || aws_error_memory(error);
}

bool
aws_request_build(const AwsModel *model, const AwsOp *op, const char *input, size_t len, AwsRequest *request,
				  AwsError *error)
{
	if (check_callable(model, op, error) && (request->input = read_input(input, len, error)) != NULL &&
		(complete_input(model, op, request->input) || aws_error_memory(error)) &&
		aws_request_rebuild(model, op, request, error))
		return true;
	aws_request_free(request);
	aws_error_at(error, aws_model_string(model, model->header->service), aws_model_string(model, op->name));
	return false;
}

bool
aws_request_set(AwsRequest *request, const char *name, const char *value, AwsError *error)
{
	json_object *member = NULL;

	if (value == NULL)
		json_object_object_del(request->input, name);
	else if (!read_json(value, strlen(value), "value", &member, error))
		return false;
	else if (json_object_object_add(request->input, name, member) != 0)
	{
		json_object_put(member);
		return aws_error_memory(error);
	}
	return true;
}

void
aws_request_free(AwsRequest *request)
{
	aws_buffer_free(&request->path);
	aws_buffer_free(&request->query);
	aws_buffer_free(&request->host_prefix);
	aws_buffer_free(&request->body);
	aws_buffer_free(&request->headers);
	json_object_put(request->input);
	*request = (AwsRequest){0};
}
