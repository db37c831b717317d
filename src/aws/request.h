/*
 * request.h
 *	  From an operation's input, as JSON text, to one HTTP request.
 *
 * What is made here is the same for every try, region and endpoint: the
 * client puts scheme, host and the endpoint's own path in front, adds host,
 * date and user agent, and signs.
 */
#ifndef AWS_REQUEST_H
#define AWS_REQUEST_H

#include "aws/buffer.h"
#include "aws/model.h"

struct json_object;

/* A request.  A zeroed one is empty; aws_request_free frees what it holds. */
typedef struct AwsRequest
{
	const char *method;	   /* the model's */
	AwsBuffer path;		   /* encoded; begins with '/', or is empty: the endpoint's own path alone */
	AwsBuffer query;	   /* encoded, without '?': "a=1&b", in no order; may be empty */
	AwsBuffer host_prefix; /* goes in front of the host; may be empty */
	AwsBuffer headers;	   /* as aws_headers_add has them, names in the model's case */
	AwsBuffer body;
	struct json_object *input; /* as completed, for aws_endpoint_resolve */
	bool no_auth;			   /* to be sent unsigned */
	bool unsigned_body;		   /* signed with UNSIGNED-PAYLOAD in place of the body's hash */
	bool hash_header;		   /* wants the header x-amz-content-sha256 */
} AwsRequest;

/*
 * Fills *request, which must be zeroed, from 'input', a JSON object (0 bytes:
 * an empty one).  JSON null is an absent member.  Absent members with the
 * idempotency token trait get a random UUID, so a call must build its request
 * once and send the same one on every try.
 *
 * On failure: false, *request is empty, and the error is AWS_BAD_INPUT with
 * the parameter's path ("Filters[0].Values") in the message and the nearest
 * names, for one that is not known, in the hint; or AWS_NO_MEMORY.
 */
extern bool aws_request_build(const AwsModel *model, const AwsOp *op, const char *input, size_t len,
							  AwsRequest *request, AwsError *error);

extern void aws_request_free(AwsRequest *request);

/*
 * A copy of an input with one member, given by a path of names with dots, set
 * to a JSON value (a page token, a page size, an id).  malloc'ed, its length
 * in *out_len; NULL when the input is no JSON object, the value no JSON or
 * memory is short.
 */
extern char *aws_input_with(const char *input, size_t len, const char *path, const char *value, size_t value_len,
							size_t *out_len, AwsError *error);

#endif /* AWS_REQUEST_H */
