/*
 * aws_ecr.c
 *	  ECR repositories, private with their policies, and public.  ECR Public is
 *	  one service for all regions and answers in us-east-1.
 */
#include "modules/modules.h"

#define NAME "{'repositoryName': '$repository_name'}"

#define REPOSITORY_ATTRIBUTES                                                              \
	{"repository_name", "repositoryName", FORM_SCALAR, ATTR_ID | ATTR_KEY | ATTR_REPLACE}, \
		{"repository_arn", "repositoryArn", FORM_SCALAR, ATTR_COMPUTED},                   \
		{"registry_id", "registryId", FORM_SCALAR, ATTR_COMPUTED},                         \
		{"repository_uri", "repositoryUri", FORM_SCALAR, ATTR_COMPUTED},                   \
	{                                                                                      \
		"created_at", "createdAt", FORM_SCALAR, ATTR_COMPUTED                              \
	}

/* Not by force: one that holds images stays, with AWS's error. */
#define DELETE_REPOSITORY                                                                     \
	{                                                                                         \
		.operation = "DeleteRepository", .input = NAME, .done = "RepositoryNotFoundException" \
	}

static const Resource repository = {
	.name = "repository",
	.service = "ecr",
	.list = {"DescribeRepositories", "{'maxResults': 1000}", "repositories"},
	.get = "DescribeRepositories",
	.get_input = "{'repositoryNames': ['$repository_name']}",
	.get_items = "repositories[0]",
	.get_batch = 1,
	.gone = "RepositoryNotFoundException",
	.reply_complete = 1,
	.loses_data = 1,
	.attributes =
		{
			REPOSITORY_ATTRIBUTES,
			{"image_tag_mutability", "imageTagMutability", FORM_SCALAR, ATTR_KEEP},
			{"scan_on_push", "imageScanningConfiguration.scanOnPush", FORM_SCALAR, ATTR_KEEP},
		},
	.create =
		{
			{
				.operation = "CreateRepository",
				.input = "{'repositoryName': '$repository_name', 'imageTagMutability': '$image_tag_mutability',"
						 " 'imageScanningConfiguration': {'scanOnPush': '$scan_on_push'}}",
				.item = "repository",
			},
		},
	.changes =
		{
			{
				"image_tag_mutability",
				{
					{
						.operation = "PutImageTagMutability",
						.input = "{'repositoryName': '$repository_name',"
								 " 'imageTagMutability': '$image_tag_mutability'}",
					},
				},
			},
			{
				"scan_on_push",
				{
					{
						.operation = "PutImageScanningConfiguration",
						.input = "{'repositoryName': '$repository_name',"
								 " 'imageScanningConfiguration': {'scanOnPush': '$scan_on_push'}}",
					},
				},
			},
		},
	.remove = {DELETE_REPOSITORY},
	.created_at = "createdAt",
};

#define NO_POLICY "RepositoryPolicyNotFoundException|RepositoryNotFoundException"
#define SET_POLICY                                                                                 \
	{                                                                                              \
		.operation = "SetRepositoryPolicy", .item = ".",                                           \
		.input = "{'repositoryName': '$repository_name', 'policyText': '$policy_text:json_text'}", \
	}

static const Resource repository_policy = {
	.name = "repository_policy",
	.service = "ecr",
	.list =
		{
			.operation = "GetRepositoryPolicy",
			.input = "{'repositoryName': '$^repository_name'}",
			.items = ".",
			.per = "repository",
			.per_parent_gone = NO_POLICY,
		},
	.get = "GetRepositoryPolicy",
	.get_input = NAME,
	.get_items = ".",
	.get_batch = 1,
	.gone = NO_POLICY,
	.dies_with = "repository_name",
	.reply_complete = 1,
	.attributes =
		{
			{"registry_id", "registryId", FORM_SCALAR, ATTR_COMPUTED},
			{"policy_text", "policyText:json_text", FORM_POLICY, ATTR_KEEP},
			{"repository_name", "repositoryName", FORM_REF, ATTR_ID | ATTR_KEY | ATTR_REPLACE, .refers = "repository"},
		},
	.create = {SET_POLICY},
	.changes = {{"policy_text", {SET_POLICY}}},
	.remove = {{.operation = "DeleteRepositoryPolicy", .input = NAME, .done = NO_POLICY}},
};

static const Resource public_repository = {
	.name = "public_repository",
	.service = "ecr-public",
	.region = "us-east-1",
	.list = {"DescribeRepositories", "{'maxResults': 1000}", "repositories"},
	.get = "DescribeRepositories",
	.get_input = "{'repositoryNames': ['$repository_name']}",
	.get_items = "repositories[0]",
	.get_batch = 1,
	.gone = "RepositoryNotFoundException",
	.reply_complete = 1,
	.loses_data = 1,
	.attributes = {REPOSITORY_ATTRIBUTES},
	.create = {{.operation = "CreateRepository", .input = NAME, .item = "repository"}},
	.remove = {DELETE_REPOSITORY},
	.created_at = "createdAt",
};

static const Resource *const resources[] = {&public_repository, &repository, &repository_policy, NULL};

const Module aws_ecr_module = {
	.name = "aws_ecr",
	.depends = {"iasql_platform", "aws_account"},
	.tables = {"public_repository", "repository", "repository_policy"},
	.resources = resources,
};
