/*
 * endpoint.h
 *	  Where a call goes and how it is signed, by the service's endpoint rules.
 *
 * AWS publishes for each service a rule set
 * (https://smithy.io/2.0/additional-specs/rules-engine/): a tree of conditions
 * over parameters such as the region, whose leaves are URLs or errors.  This
 * gathers the parameters of a call, walks the tree, and reads the outcome.
 */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "aws/model.h"

struct json_object;

typedef struct AwsEndpoint
{
	char *url; /* scheme, host, maybe a port and a path before the operation's own */
	char *signing_name;
	char *signing_region;
	bool disable_double_encoding; /* the path is signed as it is sent */
	struct json_object *headers;  /* to send besides: {name: [value, ...]}, or NULL */
} AwsEndpoint;

/*
 * Resolves the endpoint of a call with this input (an object or NULL), in a
 * region, at 'endpoint_url' instead of AWS's own unless that is NULL.  Fills
 * *endpoint, to be freed by aws_endpoint_free.  False with AWS_NO_ENDPOINT and
 * the rules' own words, or AWS_BAD_INPUT for a region that cannot be one.
 */
extern bool aws_endpoint_resolve(const AwsModel *model, const AwsOp *op, const char *region, const char *endpoint_url,
								 struct json_object *input, AwsEndpoint *endpoint, AwsError *error);

extern void aws_endpoint_free(AwsEndpoint *endpoint);

/* ---- the two steps of it, for tests ---- */

/*
 * The rules' parameters for a call: those that the operation fixes, then those
 * that its input's members give, then those that expressions over the input
 * give, then 'built_ins' by their official names ("AWS::Region").  A new
 * object, or NULL for lack of memory.
 */
extern struct json_object *aws_endpoint_parameters(const AwsModel *model, const AwsOp *op,
												   struct json_object *built_ins, struct json_object *input);

/*
 * Evaluates the rules: a new object {"url": ..., "properties": {...},
 * "headers": {...}}, the last two only if the rules give them; or NULL.
 */
extern struct json_object *aws_endpoint_evaluate(const AwsModel *model, struct json_object *parameters,
												 AwsError *error);

#endif /* AWS_ENDPOINT_H */
