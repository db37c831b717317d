/*
 * modules.c
 *	  The list of all modules, dependencies first.
 */
#include "modules/modules.h"

/* The extension's own tables; they have no script and are in every workspace. */
static const Module iasql_platform_module = {
	.name = "iasql_platform",
	.tables = {"iasql_workspace", "iasql_module", "iasql_dependencies", "iasql_tables", "iasql_operation",
			   "iasql_audit_log", "iasql_state", "iasql_journal"},
};

static const Module iasql_functions_module = {
	.name = "iasql_functions",
	.depends = {"iasql_platform"},
};

const Module *const iasql_modules[] = {
	&iasql_platform_module,		&iasql_functions_module, &aws_account_module,	  &aws_acm_list_module,
	&aws_cloudwatch_module,		&aws_iam_module,		 &aws_ecr_module,		  &aws_vpc_module,
	&aws_security_group_module, &aws_elb_module,		 &aws_ecs_fargate_module, NULL,
};
