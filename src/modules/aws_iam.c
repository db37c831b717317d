/*
 * aws_iam.c
 *	  IAM roles.
 *
 * EC2 takes a role only through an instance profile, which the API does not
 * make by itself.  A role that EC2 may assume gets one of the same name, as
 * the console makes it.
 */
#include "modules/modules.h"

#define EC2_MAY_ASSUME \
	"assume_role_policy_document.Statement[Effect=Allow&Principal.Service=ec2.amazonaws.com|ec2.amazonaws.com.cn]"

#define ROLE "{'RoleName': '$role_name'}"
#define ROLE_IN_PROFILE "{'InstanceProfileName': '$role_name', 'RoleName': '$role_name'}"
#define PROFILE "{'InstanceProfileName': '$role_name'}"
#define ROLE_AND_POLICY "{'RoleName': '$role_name', 'PolicyArn': '$@'}"

#define ATTACH(policies, codes)                                                                      \
	{                                                                                                \
		.operation = "AttachRolePolicy", .input = ROLE_AND_POLICY, .each = policies, .retry = codes, \
	}
#define DETACH(policies)                                                                                     \
	{                                                                                                        \
		.operation = "DetachRolePolicy", .input = ROLE_AND_POLICY, .each = policies, .done = "NoSuchEntity", \
		.retry = "ConcurrentModification",                                                                   \
	}

/* New names reach all of IAM's servers with a delay. */
#define CREATE_PROFILE                                                                                                \
	{                                                                                                                 \
		.operation = "CreateInstanceProfile", .input = PROFILE, .when = EC2_MAY_ASSUME, .done = "EntityAlreadyExists" \
	}
#define FILL_PROFILE                                                                               \
	{                                                                                              \
		.operation = "AddRoleToInstanceProfile", .input = ROLE_IN_PROFILE, .when = EC2_MAY_ASSUME, \
		.done = "LimitExceeded", .retry = "NoSuchEntity"                                           \
	}
#define EMPTY_PROFILE(condition)                                                                   \
	{                                                                                              \
		.operation = "RemoveRoleFromInstanceProfile", .input = ROLE_IN_PROFILE, .when = condition, \
		.done = "NoSuchEntity"                                                                     \
	}
#define DELETE_PROFILE(condition)                                                                         \
	{                                                                                                     \
		.operation = "DeleteInstanceProfile", .input = PROFILE, .when = condition, .done = "NoSuchEntity" \
	}

static const Resource role = {
	.name = "role",
	.service = "iam",
	.region = "aws-global",
	.list = {"ListRoles", .input = "{'MaxItems': 1000}", .items = "Roles"},
	.joins =
		{
			{
				.operation = "GetAccountAuthorizationDetails",
				.input = "{'Filter': ['Role'], 'MaxItems': 1000}",
				.items = "RoleDetailList",
				.key = "RoleName",
				.match = "RoleName",
				.as = "Details",
			},
		},
	.get = "GetRole",
	.get_input = ROLE,
	.get_items = "Role",
	.get_batch = 1,
	.gone = "NoSuchEntity",
	.protect = "Path=/aws-service-role/*",
	.reply_complete = 1,
	.attributes =
		{
			{"arn", "Arn", FORM_SCALAR, ATTR_COMPUTED},
			{"role_name", "RoleName", FORM_SCALAR, ATTR_ID | ATTR_KEY | ATTR_REPLACE},
			{"assume_role_policy_document", "AssumeRolePolicyDocument:url_json", FORM_POLICY},
			{"description", "Description", FORM_SCALAR, .clear = "\"\""},
			{"attached_policies_arns", "Details.AttachedManagedPolicies[].PolicyArn", FORM_SET},
		},
	.create =
		{
			{
				.operation = "CreateRole",
				.input = "{'RoleName': '$role_name', 'Description': '$description',"
						 " 'AssumeRolePolicyDocument': '$assume_role_policy_document:json_text'}",
				.item = "Role",
				.retry = "ConcurrentModification",
			},
			ATTACH("attached_policies_arns", "NoSuchEntity:role|ConcurrentModification"),
			CREATE_PROFILE,
			FILL_PROFILE,
		},
	.changes =
		{
			{
				"assume_role_policy_document",
				{
					{
						.operation = "UpdateAssumeRolePolicy",
						.input = "{'RoleName': '$role_name',"
								 " 'PolicyDocument': '$assume_role_policy_document:json_text'}",
						.retry = "ConcurrentModification|UnmodifiableEntity",
					},
					CREATE_PROFILE,
					FILL_PROFILE,
					EMPTY_PROFILE(EC2_MAY_ASSUME "="),
					DELETE_PROFILE(EC2_MAY_ASSUME "="),
				},
			},
			{
				"description",
				{
					{
						/* UpdateRole would set the longest session to an hour, too (IAM API Reference) */
						.operation = "UpdateRoleDescription",
						.input = "{'RoleName': '$role_name', 'Description': '$description'}",
						.retry = "ConcurrentModification|UnmodifiableEntity",
					},
				},
			},
			{
				"attached_policies_arns",
				{
					ATTACH("attached_policies_arns+", "ConcurrentModification"),
					DETACH("attached_policies_arns-"),
				},
			},
		},
	.remove =
		{
			EMPTY_PROFILE(EC2_MAY_ASSUME),
			DELETE_PROFILE(EC2_MAY_ASSUME),
			DETACH("attached_policies_arns"),
			{
				.operation = "DeleteRole",
				.input = ROLE,
				.done = "NoSuchEntity",
				.retry = "ConcurrentModification|DeleteConflict:must detach all policies",
			},
		},
	.created_at = "CreateDate",
};

static const Resource *const resources[] = {&role, NULL};

const Module aws_iam_module = {
	.name = "aws_iam",
	.depends = {"iasql_platform", "aws_account"},
	.tables = {"role"},
	.resources = resources,
};
