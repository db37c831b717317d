/*
 * use.h
 *	  Makes damaged models look whole, and uses all of what opens.
 */
#ifndef TEST_MODELS_USE_H
#define TEST_MODELS_USE_H

#include <json-c/json.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <string.h>

#include "aws/endpoint.h"
#include "aws/jmespath.h"
#include "aws/model.h"

/* Makes the checksum right again. */
static void
seal_model(char *bytes, size_t len)
{
	size_t start = offsetof(AwsModelHeader, offsets);
	AwsModelHeader *header = (AwsModelHeader *) bytes;

	EVP_Digest(bytes + start, len - start, header->digest, NULL, EVP_sha256(), NULL);
}

/* Uses whatever a caller may use; returns a sum so that nothing is left out. */
static size_t
use_model(const AwsModel *model)
{
	const AwsModelHeader *header = model->header;
	json_object *document = json_tokener_parse("{\"Bucket\": \"b\", \"Region\": \"us-east-1\", \"Items\": [1, \"a\"]}");
	json_object *value;
	size_t sum = 0;

	for (uint32_t i = 0; i + 1 < header->offsets.count; i++)
		sum += strlen(aws_model_string(model, (AwsString) i)) + aws_model_string_len(model, (AwsString) i);
	sum += aws_model_string_id(model, "no such name", 12);
	for (uint32_t i = 0; i < header->shapes.count; i++)
	{
		const AwsShape *shape = &model->shapes[i];

		sum += strlen(aws_type_name((AwsType) shape->type)) + strlen(aws_model_string(model, shape->code));
		for (uint16_t k = 0; k < shape->count; k++)
		{
			const AwsRef *ref = &model->refs[shape->first + k];

			sum +=
				aws_model_shape(model, ref)->type + aws_model_string_len(model, ref->wire) + aws_ref_time_format(ref);
			sum += aws_model_member(model, shape, ref->name) != NULL;
		}
	}
	for (uint32_t i = 0; i < header->ops.count; i++)
	{
		const AwsOp *op = &model->ops[i];
		AwsPaginator paginator;
		AwsParts parts;
		AwsEndpoint endpoint;

		sum += aws_model_op(model, aws_model_string(model, op->name), NULL) == op;
		aws_model_parts(model, op, &parts);
		for (int k = 0; k < parts.uri_count; k++)
			sum += aws_model_string_len(model, parts.uri[k].string);
		for (int k = 0; k < parts.query_count; k++)
			sum += aws_model_string_len(model, parts.query[k].key) + aws_model_string_len(model, parts.query[k].value);
		for (int k = 0; k < parts.host_count; k++)
			sum += aws_model_string_len(model, parts.host[k].string);
		for (int k = 0; k < parts.error_count; k++)
			sum += model->shapes[parts.errors[k]].flags;
		if (aws_model_paginator(model, op, &paginator))
			for (int k = 0; k < paginator.token_count + paginator.result_count; k++)
			{
				sum += aws_model_string_len(model, paginator.output_tokens[k].text);
				aws_jmespath(model, paginator.output_tokens[k].code, document, &value);
				json_object_put(value);
			}
		if (i < 20)
		{
			sum += aws_model_error(model, op, "NoSuchError") != NULL;
			if (aws_endpoint_resolve(model, op, "us-east-1", NULL, document, &endpoint, NULL))
				aws_endpoint_free(&endpoint);
		}
	}
	for (uint32_t i = 0; i < header->waiters.count; i++)
	{
		int count;
		const AwsAcceptor *acceptors = aws_model_acceptors(model, &model->waiters[i], &count);

		sum += aws_model_waiter(model, aws_model_string(model, model->waiters[i].name)) != NULL;
		for (int k = 0; k < count; k++)
		{
			aws_jmespath(model, acceptors[k].expression, document, &value);
			json_object_put(value);
		}
	}
	sum += strlen(aws_protocol_name((AwsProtocol) header->protocol));
	json_object_put(document);
	return sum;
}

#endif /* TEST_MODELS_USE_H */
