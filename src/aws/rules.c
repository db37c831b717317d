/*
 * rules.c
 *	  The table of hand rules, and looking one up.
 *
 * The AWS SDKs hold these rules in code; botocore has most of its own in
 * botocore/handlers.py and botocore/auth.py.  Here are those that managing
 * infrastructure meets.
 */
#include "aws/rules.h"

#include <string.h>

static const AwsRule rules[] = {
	/* The endpoint rules put bucket and account into host or path. */
	{"s3", NULL, AWS_RULE_PATH_LABEL, "Bucket"},
	{"s3control", NULL, AWS_RULE_HOST_PREFIX},

	/* S3 signs over x-amz-content-sha256; so does S3 on Outposts, and Glacier. */
	{"s3", NULL, AWS_RULE_HASH_HEADER},
	{"s3control", NULL, AWS_RULE_HASH_HEADER},
	{"s3outposts", NULL, AWS_RULE_HASH_HEADER},
	{"glacier", NULL, AWS_RULE_HASH_HEADER},

	/* <LocationConstraint>eu-west-1</LocationConstraint> is the whole answer. */
	{"s3", "GetBucketLocation", AWS_RULE_ROOT_VALUE, "LocationConstraint"},

	/* S3 sends the status before it knows whether a copy succeeds. */
	{"s3", NULL, AWS_RULE_ERROR_IN_200},

	/* API Gateway answers in HAL unless asked for plain JSON. */
	{"apigateway", NULL, AWS_RULE_HEADER, "Accept", "application/json"},

	{"glacier", NULL, AWS_RULE_HEADER, "x-amz-glacier-version", "2012-06-01"},
	{"glacier", NULL, AWS_RULE_DEFAULT, "accountId", "-"},

	/* Calls without the trait that the model has elsewhere for base64. */
	{"ec2", "RunInstances", AWS_RULE_BASE64, "UserData"},
	{"autoscaling", "CreateLaunchConfiguration", AWS_RULE_BASE64, "UserData"},

	/* Route 53 answers with "/hostedzone/Z1" and wants "Z1". */
	{"route53", NULL, AWS_RULE_ID_PREFIX, "/hostedzone/"},
	{"route53", NULL, AWS_RULE_ID_PREFIX, "/change/"},
	{"route53", NULL, AWS_RULE_ID_PREFIX, "/delegationset/"},

	/* IAM answers with policy documents encoded by RFC 3986. */
	{"iam", NULL, AWS_RULE_URL_DECODE, "AssumeRolePolicyDocument"},
	{"iam", NULL, AWS_RULE_URL_DECODE, "PolicyDocument"},
	{"iam", NULL, AWS_RULE_URL_DECODE, "Document"},
};

const AwsRule *
aws_rule(const AwsModel *model, const AwsOp *op, AwsRuleKind kind, const AwsRule *after)
{
	const char *service = aws_model_string(model, model->header->service);
	const char *operation = aws_model_string(model, op->name);
	const AwsRule *rule = after == NULL ? rules : after + 1;

	for (; rule < rules + sizeof(rules) / sizeof(rules[0]); rule++)
		if (rule->kind == kind && strcmp(rule->service, service) == 0 &&
			(rule->operation == NULL || strcmp(rule->operation, operation) == 0))
			return rule;
	return NULL;
}
