/*
 * jmespath.h
 *	  Values inside a JSON document, by the expressions of a service model.
 *
 * Waiters, pagination tokens and some endpoint parameters are given as
 * JMESPath (https://jmespath.org/specification.html).  The model compiler has
 * parsed them; this evaluates what AWS's models use of the language: fields,
 * indexes, projections, flattening, filters, comparisons, and, or, not,
 * multi-select lists, literals, length() and keys().
 */
#ifndef AWS_JMESPATH_H
#define AWS_JMESPATH_H

#include "aws/model.h"

struct json_object;

/*
 * Evaluates an expression of the model on a document, which may be NULL.
 * *result is a new reference, or NULL for null, which is also what a function
 * gives for an argument of a wrong type.  False only for lack of memory.
 */
extern bool aws_jmespath(const AwsModel *model, AwsExpression expression, struct json_object *document,
						 struct json_object **result);

#endif /* AWS_JMESPATH_H */
