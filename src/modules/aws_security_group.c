/*
 * aws_security_group.c
 *	  Security groups and their rules.
 *
 * AWS gives a new group a rule that allows all outbound traffic, and one more
 * for IPv6 if the VPC has such a range.  A row that says the same takes it
 * over; without such a row it is revoked, so that a group has exactly the
 * rules that have rows.
 */
#include "modules/modules.h"

/* The rule for all addresses of one kind. */
#define DEFAULT_EGRESS(column, all, ranges)                                                                    \
	.resource = "security_group_rule", .parent = "security_group_id",                                          \
	.columns = "is_egress=true&ip_protocol=-1&" column "=" all,                                                \
	.remove = {                                                                                                \
		.operation = "RevokeSecurityGroupEgress",                                                              \
		.input = "{'GroupId': '$group_id', 'IpPermissions': [{'IpProtocol': '-1', " ranges ": '" all "'}]}]}", \
		.done = "InvalidPermission.NotFound",                                                                  \
		.retry = "InvalidGroup.NotFound",                                                                      \
	}

/* What a rule allows, in the form of IpPermissions. */
#define PERMISSION                                                                             \
	"{'IpProtocol': '$ip_protocol', 'FromPort': '$from_port', 'ToPort': '$to_port',"           \
	" 'IpRanges': [{'CidrIp': '$cidr_ipv4!', 'Description': '$description'}],"                 \
	" 'Ipv6Ranges': [{'CidrIpv6': '$cidr_ipv6!', 'Description': '$description'}],"             \
	" 'PrefixListIds': [{'PrefixListId': '$prefix_list_id!', 'Description': '$description'}]," \
	" 'UserIdGroupPairs': [{'GroupId': '$source_security_group!', 'Description': '$description'}]}"

#define AUTHORIZE(name, condition)                                                                                  \
	{                                                                                                               \
		.operation = name, .input = "{'GroupId': '$security_group_id', 'IpPermissions': '$#'}", .when = condition,  \
		.batch = "security_group_id", .element = PERMISSION, .batch_max = 100, .reply_items = "SecurityGroupRules", \
		.done = "InvalidPermission.Duplicate", .retry = "InvalidGroup.NotFound"                                     \
	}

#define REVOKE(name, condition)                                                                                    \
	{                                                                                                              \
		.operation = name, .input = "{'GroupId': '$security_group_id', 'SecurityGroupRuleIds': '$#'}",             \
		.when = condition, .batch = "security_group_id", .element = "'$security_group_rule_id'", .batch_max = 100, \
		.done = "InvalidGroup.NotFound|InvalidSecurityGroupRuleId.NotFound|InvalidPermission.NotFound"             \
	}

static const Resource security_group = {
	.name = "security_group",
	.service = "ec2",
	.list = {"DescribeSecurityGroups", .items = "SecurityGroups"},
	.get = "DescribeSecurityGroups",
	.get_input = EC2_BY_IDS("group-id"),
	.get_items = "SecurityGroups",
	.get_batch = EC2_MAX_FILTER_VALUES,
	.find_input = EC2_BY_IDS("vpc-id"),
	.find_parent = "vpc_id",
	.prepare =
		{
			"UPDATE security_group g SET vpc_id = v.id FROM vpc v"
			" WHERE g.vpc_id IS NULL AND g.group_id IS NULL"
			" AND v.is_default AND v.vpc_id IS NOT NULL AND v.region = g.region",
		},
	.equal = "SELECT a.id, b.id FROM vpc v JOIN security_group a ON a.vpc_id = v.id AND v.is_default"
			 " JOIN security_group b ON b.vpc_id IS NULL AND b.group_name = a.group_name AND b.region = a.region",
	.protect = "GroupName=default",
	.blocks = "vpc_id",
	.reply_complete = 1,
	.reply_lacks = "description,vpc_id",
	.attributes =
		{
			{"description", "Description", FORM_SCALAR, ATTR_REPLACE | ATTR_KEEP},
			{"group_name", "GroupName", FORM_SCALAR, ATTR_KEY | ATTR_REPLACE},
			{"owner_id", "OwnerId", FORM_SCALAR, ATTR_COMPUTED | ATTR_ACCOUNT},
			{"group_id", "GroupId", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"vpc_id", "VpcId", FORM_REF, ATTR_KEY | ATTR_REPLACE | ATTR_KEEP, .refers = "vpc"},
		},
	.create =
		{
			{
				.operation = "CreateSecurityGroup",
				.input = "{'GroupName': '$group_name', 'Description': '$description|group_name',"
						 " 'VpcId': '$vpc_id', " EC2_TAGS_OF_NEW("security-group", "") "}",
				.item = ".",
				.retry = "InvalidVpcID.NotFound",
			},
		},
	.remove =
		{
			{
				.operation = "DeleteSecurityGroup",
				.input = "{'GroupId': '$group_id'}",
				.done = "InvalidGroup.NotFound",
				.retry = "DependencyViolation",
			},
		},
	.holders = EC2_HELD_BY_INTERFACES("group-id", "group_id"),
	.born =
		{
			{DEFAULT_EGRESS("cidr_ipv4", "0.0.0.0/0", "'IpRanges': [{'CidrIp'")},
			{
				DEFAULT_EGRESS("cidr_ipv6", "::/0", "'Ipv6Ranges': [{'CidrIpv6'"),
				.of = "vpc_id",
				.where = "Ipv6CidrBlockAssociationSet[Ipv6CidrBlockState.State=associated]",
			},
		},
	.mark_path = EC2_MARK_PATH,
};

/* AWS answers with names of protocols, and -1 for all ports, whatever was asked for. */
#define SPELLED                                                                                                           \
	"WITH spelled AS ("                                                                                                   \
	" SELECT r.*, protocol, CASE WHEN all_ports THEN coalesce(from_port, -1) ELSE from_port END AS first,"                \
	" CASE WHEN all_ports THEN coalesce(to_port, -1) ELSE to_port END AS last"                                            \
	" FROM security_group_rule r, LATERAL (SELECT CASE lower(ip_protocol) WHEN '6' THEN 'tcp' WHEN '17' THEN"             \
	" 'udp' WHEN '1' THEN 'icmp' WHEN '58' THEN 'icmpv6' WHEN 'all' THEN '-1' ELSE lower(ip_protocol) END) p (protocol)," \
	" LATERAL (SELECT protocol IN ('-1', 'icmp', 'icmpv6')) q (all_ports)) "
#define RULE(r) \
	"(" r ".first, " r ".last, " r ".cidr_ipv4, " r ".cidr_ipv6, " r ".prefix_list_id, " r ".source_security_group)"

static const Resource security_group_rule = {
	.name = "security_group_rule",
	.service = "ec2",
	.list = {"DescribeSecurityGroupRules", .items = "SecurityGroupRules"},
	.get = "DescribeSecurityGroupRules",
	.get_input = EC2_BY_IDS("security-group-rule-id"),
	.get_items = "SecurityGroupRules",
	.get_batch = EC2_MAX_FILTER_VALUES,
	.find_input = EC2_BY_IDS("group-id"),
	.find_parent = "security_group_id",
	.prepare =
		{
			SPELLED "UPDATE security_group_rule r SET ip_protocol = s.protocol, from_port = s.first, to_port = s.last"
					" FROM spelled s WHERE r.id = s.id"
					" AND (s.from_port IS NULL OR s.to_port IS NULL"
					" OR s.ip_protocol NOT IN ('tcp', 'udp', 'icmp', 'icmpv6', '-1'))"
					" AND (s.ip_protocol, s.from_port, s.to_port) IS DISTINCT FROM (s.protocol, s.first, s.last)",
		},
	.equal = SPELLED "SELECT a.id, b.id FROM spelled a JOIN spelled b"
					 " ON a.id < b.id AND a.security_group_id = b.security_group_id AND a.is_egress = b.is_egress"
					 " AND a.protocol = b.protocol AND " RULE("a") " IS NOT DISTINCT FROM " RULE("b"),
	.dies_with = "security_group_id",
	.blocks = "source_security_group",
	.reply_complete = 1,
	.attributes =
		{
			{"security_group_rule_id", "SecurityGroupRuleId", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"is_egress", "IsEgress", FORM_SCALAR, ATTR_KEY | ATTR_REPLACE},
			{"ip_protocol", "IpProtocol", FORM_SCALAR, ATTR_KEY},
			{"from_port", "FromPort", FORM_SCALAR, ATTR_KEY},
			{"to_port", "ToPort", FORM_SCALAR, ATTR_KEY},
			{"cidr_ipv4", "CidrIpv4", FORM_SCALAR, ATTR_KEY | ATTR_VARIANT},
			{"cidr_ipv6", "CidrIpv6", FORM_SCALAR, ATTR_KEY | ATTR_VARIANT},
			{"prefix_list_id", "PrefixListId", FORM_SCALAR, ATTR_KEY | ATTR_VARIANT},
			{"description", "Description", FORM_SCALAR, .clear = "\"\""},
			{"security_group_id", "GroupId", FORM_REF, ATTR_KEY | ATTR_REPLACE, .refers = "security_group"},
			{"source_security_group", "ReferencedGroupInfo.GroupId", FORM_REF, ATTR_KEY | ATTR_VARIANT,
			 .refers = "security_group"},
		},
	.create =
		{
			AUTHORIZE("AuthorizeSecurityGroupIngress", "is_egress=false"),
			AUTHORIZE("AuthorizeSecurityGroupEgress", "is_egress=true"),
		},
	.changes =
		{
			{
				"ip_protocol,from_port,to_port,cidr_ipv4,cidr_ipv6,prefix_list_id,source_security_group,description",
				{
					{
						.operation = "ModifySecurityGroupRules",
						.input = "{'GroupId': '$security_group_id', 'SecurityGroupRules': '$#'}",
						.when = "security_group_rule_id!=",
						.batch = "security_group_id",
						.element = "{'SecurityGroupRuleId': '$security_group_rule_id',"
								   " 'SecurityGroupRule': {'IpProtocol': '$ip_protocol', 'FromPort': '$from_port',"
								   " 'ToPort': '$to_port', 'CidrIpv4': '$cidr_ipv4', 'CidrIpv6': '$cidr_ipv6',"
								   " 'PrefixListId': '$prefix_list_id',"
								   " 'ReferencedGroupId': '$source_security_group',"
								   " 'Description': '$description'}}",
						.batch_max = 100,
					},
					/* The rule that came with the group: no reply has given its id. */
					{
						.operation = "UpdateSecurityGroupRuleDescriptionsEgress",
						.input = "{'GroupId': '$security_group_id', 'IpPermissions': [" PERMISSION "]}",
						.when = "security_group_rule_id=",
						.retry = "InvalidGroup.NotFound|InvalidPermission.NotFound",
					},
				},
			},
		},
	.remove =
		{
			REVOKE("RevokeSecurityGroupIngress", "is_egress=false"),
			REVOKE("RevokeSecurityGroupEgress", "is_egress=true"),
		},
};

static const Resource *const resources[] = {&security_group, &security_group_rule, NULL};

const Module aws_security_group_module = {
	.name = "aws_security_group",
	.depends = {"iasql_platform", "aws_account", "aws_vpc"},
	.tables = {"security_group", "security_group_rule"},
	.resources = resources,
};
