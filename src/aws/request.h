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

/* Sets a member of the input to a JSON value, or takes it away: NULL.  For aws_request_rebuild. */
extern bool aws_request_set(AwsRequest *request, const char *name, const char *value, AwsError *error);

/* Makes the request anew from its input, as for the next page; the request stays to be freed if that fails. */
extern bool aws_request_rebuild(const AwsModel *model, const AwsOp *op, AwsRequest *request, AwsError *error);

#endif /* AWS_REQUEST_H */
