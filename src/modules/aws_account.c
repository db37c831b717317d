/*
 * aws_account.c
 *	  The workspace's account and regions.  Local settings: nothing of AWS is
 *	  behind these tables.
 */
#include "modules/modules.h"

const Module aws_account_module = {
	.name = "aws_account",
	.depends = {"iasql_platform"},
	.tables = {"aws_regions", "aws_account"},
};
