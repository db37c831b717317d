/*
 * aws_cloudwatch.c
 *	  CloudWatch log groups.
 */
#include "modules/modules.h"

static const Resource log_group = {
	.name = "log_group",
	.service = "logs",
	.list = {"DescribeLogGroups", .items = "logGroups"},
	.get = "DescribeLogGroups",
	.get_input = "{'logGroupIdentifiers': '$#'}",
	.get_items = "logGroups",
	.get_batch = 50,
	.gone = "ResourceNotFoundException",
	.loses_data = 1,
	.attributes =
		{
			{"log_group_name", "logGroupName", FORM_SCALAR, ATTR_ID | ATTR_KEY | ATTR_REPLACE},
			{"log_group_arn", "arn", FORM_SCALAR, ATTR_COMPUTED},
			{"creation_time", "creationTime:epoch_ms", FORM_SCALAR, ATTR_COMPUTED},
		},
	.create =
		{
			{
				.operation = "CreateLogGroup",
				.input = "{'logGroupName': '$log_group_name'}",
				.retry = "OperationAbortedException",
			},
		},
	.remove =
		{
			{
				.operation = "DeleteLogGroup",
				.input = "{'logGroupName': '$log_group_name'}",
				.done = "ResourceNotFoundException",
				.retry = "OperationAbortedException",
			},
		},
	.created_at = "creationTime:epoch_ms",
};

static const Resource *const resources[] = {&log_group, NULL};

const Module aws_cloudwatch_module = {
	.name = "aws_cloudwatch",
	.depends = {"iasql_platform", "aws_account"},
	.tables = {"log_group"},
	.resources = resources,
};
