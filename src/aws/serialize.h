/*
 * serialize.h
 *	  Between the files that make requests: request.c and request_*.c.
 *
 * request_check.c has judged the whole input before anything is written, so
 * that the writers below may rely on every member being known and of its
 * type.  They write members in the model's order, so that equal inputs give
 * equal requests and XML comes in the order that schemas ask for.  Lack of
 * memory is noted in the buffers and asked for once, at the end.
 *
 * json-c stays within these files; it is meant for small documents.
 */
#ifndef AWS_SERIALIZE_H
#define AWS_SERIALIZE_H

#include <json-c/json.h>

#include "aws/request.h"

/*
 * Judges an input: members known, of their type, none missing.  False with
 * AWS_BAD_INPUT and the parameter's path in the error.
 */
extern bool aws_input_check(const AwsModel *model, const AwsOp *op, json_object *input, AwsError *error);

/* What an operation takes; of one without input an empty structure. */
extern const AwsShape *aws_input_shape(const AwsModel *model, const AwsOp *op);

/* A structure's member in an input; NULL when absent or null. */
extern json_object *aws_input_member(const AwsModel *model, json_object *input, const AwsRef *member);

/*
 * A string's bytes, or a number's or boolean's text; NULL for lack of memory.
 * json-c keeps a text that it made, so this cannot fail for what
 * aws_input_check has seen.
 */
extern const char *aws_input_text(json_object *value, size_t *len);

/* Appends a scalar as text; a timestamp whose model says nothing in 'format'. */
extern void aws_write_scalar(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value,
							 AwsTimeFormat format);

/* Appends "Action=...&Version=..." and the input in the ec2 or query form. */
extern void aws_write_query(const AwsModel *model, const AwsOp *op, AwsBuffer *out, json_object *input);

/* Appends a value as JSON; 'body' leaves out a structure's members that travel elsewhere. */
extern void aws_write_json(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value, bool body);

/* Likewise as an XML element. */
extern void aws_write_xml(const AwsModel *model, AwsBuffer *out, const AwsRef *ref, json_object *value, bool body);

/* Fills path, query, headers and body of a rest-json or rest-xml request. */
extern bool aws_write_rest(const AwsModel *model, const AwsOp *op, AwsRequest *request, json_object *input,
						   AwsError *error);

/* Fills the host prefix from its template, for any protocol. */
extern bool aws_write_host_prefix(const AwsModel *model, const AwsOp *op, AwsRequest *request, json_object *input,
								  AwsError *error);

#endif /* AWS_SERIALIZE_H */
