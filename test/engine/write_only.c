/*
 * write_only.c
 *	  The list of modules with another resource in place of log groups: secrets
 *	  of Secrets Manager, whose values AWS takes and never shows in a listing.
 */
#define aws_cloudwatch_module secrets_module
#include "modules/modules.c"

static const Resource secret = {
	.name = "log_group",
	.service = "secretsmanager",
	.list = {"ListSecrets", .items = "SecretList"},
	.get = "DescribeSecret",
	.get_input = "{'SecretId': '$log_group_arn'}",
	.get_items = ".",
	.get_batch = 1,
	.gone = "ResourceNotFoundException",
	.attributes =
		{
			{"log_group_arn", "ARN", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"log_group_name", "Name", FORM_SCALAR, ATTR_KEY | ATTR_REPLACE},
			{"description", "Description", FORM_SCALAR},
			{"password", NULL, FORM_SCALAR, ATTR_SECRET},
		},
	.create =
		{
			{
				.operation = "CreateSecret",
				.input = "{'Name': '$log_group_name', 'Description': '$description', 'SecretString': '$password',"
						 " 'ClientRequestToken': '$!token'}",
				.item = ".",
				.token_ok = 1,
			},
		},
	.changes =
		{
			{
				.columns = "description, password",
				.calls =
					{
						{
							.operation = "UpdateSecret",
							.input = "{'SecretId': '$log_group_arn', 'Description?description': '$description',"
									 " 'SecretString?password': '$password', 'ClientRequestToken': '$!token'}",
							.token_ok = 1,
						},
					},
			},
		},
	.remove =
		{
			{
				.operation = "DeleteSecret",
				.input = "{'SecretId': '$log_group_arn', 'ForceDeleteWithoutRecovery': true}",
				.done = "ResourceNotFoundException",
			},
		},
};

static const Resource *const secrets[] = {&secret, NULL};

const Module secrets_module = {
	.name = "aws_cloudwatch",
	.depends = {"iasql_platform", "aws_account"},
	.tables = {"log_group"},
	.resources = secrets,
};
