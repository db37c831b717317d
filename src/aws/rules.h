/*
 * rules.h
 *	  What no service model says: the table of hand rules.
 */
#ifndef AWS_RULES_H
#define AWS_RULES_H

#include "aws/model.h"

typedef enum AwsRuleKind
{
	AWS_RULE_PATH_LABEL,   /* the path's first label 'name' is the endpoint rules' business */
	AWS_RULE_HOST_PREFIX,  /* so is the whole host prefix */
	AWS_RULE_HASH_HEADER,  /* the body's hash is wanted in a header */
	AWS_RULE_HEADER,	   /* a request header 'name' with 'value' unless there is one */
	AWS_RULE_DEFAULT,	   /* 'value' for an absent input member 'name' */
	AWS_RULE_BASE64,	   /* the input member 'name', a string in the model, travels as base64 */
	AWS_RULE_ID_PREFIX,	   /* string members of the input lose a prefix 'name' */
	AWS_RULE_ROOT_VALUE,   /* the root element of the answer is the member 'name' */
	AWS_RULE_ERROR_IN_200, /* a successful status may come with an error as body */
	AWS_RULE_URL_DECODE	   /* string members 'name', at any depth of the answer, are URL-encoded */
} AwsRuleKind;

typedef struct AwsRule
{
	const char *service;
	const char *operation; /* NULL: every one */
	AwsRuleKind kind;
	const char *name;
	const char *value;
} AwsRule;

/* The next rule of a kind for an operation after 'after', or the first one after NULL; NULL: there is none (more). */
extern const AwsRule *aws_rule(const AwsModel *model, const AwsOp *op, AwsRuleKind kind, const AwsRule *after);

#endif /* AWS_RULES_H */
