/*
 * aws_vpc.c
 *	  Availability zones, VPCs, subnets, elastic IPs, NAT gateways and gateway
 *	  endpoints.
 */
#include "modules/modules.h"

/* Only what differs is sent, so that no tag is missing meanwhile.  Deletions first: there may be 50 at most. */
#define TAGS_CHANGE(id)                                                               \
	{                                                                                 \
		"tags",                                                                       \
			{                                                                         \
				{                                                                     \
					.operation = "DeleteTags",                                        \
					.input = "{'Resources': ['$" id "'], 'Tags': '$tags-:tag_keys'}", \
					.needs = "tags-",                                                 \
				},                                                                    \
				{                                                                     \
					.operation = "CreateTags",                                        \
					.input = "{'Resources': ['$" id "'], 'Tags': '$tags+:tags'}",     \
					.needs = "tags+",                                                 \
				},                                                                    \
			},                                                                        \
	}

#define TAGS                          \
	{                                 \
		"tags", "Tags:tags", FORM_MAP \
	}

static const Resource availability_zone = {
	.name = "availability_zone",
	.service = "ec2",
	.read_only = 1,
	.list = {"DescribeAvailabilityZones", .items = "AvailabilityZones"},
	.attributes = {{"name", "ZoneName", FORM_SCALAR, ATTR_ID | ATTR_KEY | ATTR_COMPUTED}},
};

static const Resource elastic_ip = {
	.name = "elastic_ip",
	.service = "ec2",
	.list = {"DescribeAddresses", .items = "Addresses", .only = "AllocationId"},
	.get = "DescribeAddresses",
	.get_input = EC2_BY_IDS("allocation-id"),
	.get_items = "Addresses",
	.get_batch = EC2_MAX_FILTER_VALUES,
	.protect = "ServiceManaged",
	.attributes =
		{
			{"allocation_id", "AllocationId", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"public_ip", "PublicIp", FORM_SCALAR, ATTR_COMPUTED},
			TAGS,
		},
	.create =
		{
			{
				.operation = "AllocateAddress",
				.input = "{'Domain': 'vpc', " EC2_TAGS_OF_NEW("elastic-ip", "'$tags:tags', ") "}",
				.item = ".",
			},
		},
	.changes = {TAGS_CHANGE("allocation_id")},
	.remove =
		{
			{
				.operation = "ReleaseAddress",
				.input = "{'AllocationId': '$allocation_id'}",
				.done = "InvalidAllocationID.NotFound",
			},
		},
	.mark_path = EC2_MARK_PATH,
};

static const Resource vpc = {
	.name = "vpc",
	.service = "ec2",
	.list = {"DescribeVpcs", .items = "Vpcs"},
	.get = "DescribeVpcs",
	.get_input = EC2_BY_IDS("vpc-id"),
	.get_items = "Vpcs",
	.get_batch = EC2_MAX_FILTER_VALUES,
	.protect = "IsDefault=true",
	.reply_complete = 1,
	.attributes =
		{
			{"vpc_id", "VpcId", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"cidr_block", "CidrBlock", FORM_SCALAR, ATTR_REPLACE},
			{"state", "State", FORM_SCALAR, ATTR_COMPUTED},
			{"is_default", "IsDefault", FORM_SCALAR, ATTR_COMPUTED},
			TAGS,
		},
	.create =
		{
			{
				.operation = "CreateVpc",
				.input = "{'CidrBlock': '$cidr_block', " EC2_TAGS_OF_NEW("vpc", "'$tags:tags', ") "}",
				.item = "Vpc",
			},
			{.until = "State=available", .waiter = "VpcAvailable"},
		},
	.changes = {TAGS_CHANGE("vpc_id")},
	.remove =
		{
			{
				.operation = "DeleteVpc",
				.input = "{'VpcId': '$vpc_id'}",
				.done = "InvalidVpcID.NotFound",
				.retry = "DependencyViolation",
			},
		},
	.holders = EC2_HELD_BY_INTERFACES("vpc-id", "vpc_id"),
	.born = {{"security_group", "vpc_id", "group_name=default", .import = 1}},
	.mark_path = EC2_MARK_PATH,
};

static const Resource subnet = {
	.name = "subnet",
	.service = "ec2",
	.list = {"DescribeSubnets", .items = "Subnets"},
	.get = "DescribeSubnets",
	.get_input = EC2_BY_IDS("subnet-id"),
	.get_items = "Subnets",
	.get_batch = EC2_MAX_FILTER_VALUES,
	.protect = "DefaultForAz=true",
	.blocks = "vpc_id",
	.overlaps = "cidr_block,vpc_id",
	.reply_complete = 1,
	.attributes =
		{
			{"state", "State", FORM_SCALAR, ATTR_COMPUTED},
			{"available_ip_address_count", "AvailableIpAddressCount", FORM_SCALAR, ATTR_COMPUTED | ATTR_VOLATILE},
			{"cidr_block", "CidrBlock", FORM_SCALAR, ATTR_KEY | ATTR_REPLACE | ATTR_KEEP},
			{"subnet_id", "SubnetId", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"owner_id", "OwnerId", FORM_SCALAR, ATTR_COMPUTED},
			{"subnet_arn", "SubnetArn", FORM_SCALAR, ATTR_COMPUTED},
			{"availability_zone", "AvailabilityZone", FORM_REF, ATTR_REPLACE, .refers = "availability_zone"},
			{"vpc_id", "VpcId", FORM_REF, ATTR_KEY | ATTR_REPLACE, .refers = "vpc"},
		},
	.create =
		{
			{
				.operation = "CreateSubnet",
				.input = "{'VpcId': '$vpc_id', 'CidrBlock': '$cidr_block', 'AvailabilityZone': '$availability_zone',"
						 " " EC2_TAGS_OF_NEW("subnet", "") "}",
				.item = "Subnet",
				.retry = "InvalidVpcID.NotFound",
			},
			{.until = "State=available",
			 .waiter = "SubnetAvailable",
			 .bad = "State=failed|failed-insufficient-capacity"},
		},
	.remove =
		{
			{
				.operation = "DeleteSubnet",
				.input = "{'SubnetId': '$subnet_id'}",
				.done = "InvalidSubnetID.NotFound",
				.retry = "DependencyViolation",
			},
		},
	.holders = EC2_HELD_BY_INTERFACES("subnet-id", "subnet_id"),
	.mark_path = EC2_MARK_PATH,
};

static const Resource nat_gateway = {
	.name = "nat_gateway",
	.service = "ec2",
	.list = {"DescribeNatGateways", .items = "NatGateways"},
	.get = "DescribeNatGateways",
	.get_input = "{'Filter': [{'Name': 'nat-gateway-id', 'Values': '$#'}]}",
	.get_items = "NatGateways",
	.get_batch = EC2_MAX_FILTER_VALUES,
	/*
	 * A new public gateway without an address gets a new one, with its tags.
	 * Its id is the next free one, since what a sequence gave in a preview would
	 * not come again.
	 */
	.prepare =
		{
			"WITH gateways AS ("
			" SELECT id, region, tags, row_number() OVER (ORDER BY id)"
			" + (SELECT coalesce(max(id), 0) FROM elastic_ip) AS elastic_ip_id FROM nat_gateway"
			" WHERE connectivity_type = 'public' AND elastic_ip_id IS NULL AND nat_gateway_id IS NULL"
			"), addresses AS ("
			" INSERT INTO elastic_ip (id, tags, region) SELECT elastic_ip_id, tags, region FROM gateways"
			") "
			"UPDATE nat_gateway SET elastic_ip_id = gateways.elastic_ip_id"
			" FROM gateways WHERE nat_gateway.id = gateways.id",
			"SELECT setval(ids, last) FROM ("
			" SELECT pg_get_serial_sequence('elastic_ip', 'id')::regclass AS ids, max(id) AS last FROM elastic_ip) e"
			" WHERE last > coalesce(pg_sequence_last_value(ids), 0)",
		},
	.absent = "State=deleted",
	.leaving = "State=deleting",
	.broken = "State=failed",
	.blocks = "subnet_id,elastic_ip_id",
	.reply_complete = 1,
	.attributes =
		{
			{"nat_gateway_id", "NatGatewayId", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"connectivity_type", "ConnectivityType|'public'", FORM_SCALAR, ATTR_REPLACE},
			{"state", "State", FORM_SCALAR, ATTR_COMPUTED},
			TAGS,
			{"subnet_id", "SubnetId", FORM_REF, ATTR_REPLACE, .refers = "subnet"},
			{"elastic_ip_id", "NatGatewayAddresses[IsPrimary=true].AllocationId|NatGatewayAddresses[0].AllocationId",
			 FORM_REF, ATTR_REPLACE | ATTR_EXCLUSIVE, .refers = "elastic_ip"},
		},
	.create =
		{
			{
				.operation = "CreateNatGateway",
				.input = "{'SubnetId': '$subnet_id', 'ConnectivityType': '$connectivity_type',"
						 " 'AllocationId': '$elastic_ip_id', 'ClientToken': '$!token',"
						 " " EC2_TAGS_OF_NEW("natgateway", "'$tags:tags', ") "}",
				.item = "NatGateway",
				.retry = "InvalidSubnetID.NotFound|InvalidAllocationID.NotFound",
				.token_ok = 1,
			},
			{.until = "State=available", .waiter = "NatGatewayAvailable", .bad = "State=failed|deleting|deleted"},
		},
	.changes = {TAGS_CHANGE("nat_gateway_id")},
	.remove =
		{
			{
				.operation = "DeleteNatGateway",
				.input = "{'NatGatewayId': '$nat_gateway_id'}",
				.done = "NatGatewayNotFound",
			},
			{.until = "gone", .waiter = "NatGatewayDeleted"},
		},
	.created_at = "CreateTime",
	.mark_path = EC2_MARK_PATH,
};

/* A policy is set, or reset to AWS's own. */
#define MODIFY_ENDPOINT(condition, policy)                                                                        \
	{                                                                                                             \
		.operation = "ModifyVpcEndpoint", .when = condition,                                                      \
		.input = "{'VpcEndpointId': '$vpc_endpoint_id', 'AddRouteTableIds?route_table_ids': '$route_table_ids+'," \
				 " 'RemoveRouteTableIds?route_table_ids': '$route_table_ids-', " policy "}",                      \
	}

static const Resource endpoint_gateway = {
	.name = "endpoint_gateway",
	.service = "ec2",
	.list =
		{
			.operation = "DescribeVpcEndpoints",
			.input = "{'Filters': [{'Name': 'vpc-endpoint-type', 'Values': ['Gateway']}]}",
			.items = "VpcEndpoints",
			.only = "VpcEndpointType=Gateway",
		},
	.get = "DescribeVpcEndpoints",
	.get_input = "{'VpcEndpointIds': ['$vpc_endpoint_id']}",
	.get_items = "VpcEndpoints[0]",
	.get_batch = 1,
	.gone = "InvalidVpcEndpointId.NotFound",
	/* States are documented with a capital, and answered without. */
	.absent = "State=deleted|Deleted",
	.leaving = "State=deleting|Deleting",
	.broken = "State=failed|Failed|rejected|Rejected|expired|Expired",
	.blocks = "vpc_id",
	.attributes =
		{
			{"vpc_endpoint_id", "VpcEndpointId", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"service", "ServiceName:last_label", FORM_SCALAR, ATTR_REPLACE},
			{"policy_document", "PolicyDocument:json_text", FORM_POLICY},
			{"state", "State", FORM_SCALAR, ATTR_COMPUTED},
			{"route_table_ids", "RouteTableIds", FORM_SET, ATTR_INSIDE},
			TAGS,
			{"vpc_id", "VpcId", FORM_REF, ATTR_REPLACE, .refers = "vpc"},
		},
	/* An endpoint that no route table leads to would be of no use. */
	.lookup =
		{
			.operation = "DescribeRouteTables",
			.input = "{'Filters': [{'Name': 'vpc-id', 'Values': ['$vpc_id']}]}",
			.when = "route_table_ids=",
			.item = "RouteTables[].RouteTableId",
		},
	.create =
		{
			{
				.operation = "CreateVpcEndpoint",
				.input = "{'VpcEndpointType': 'Gateway', 'VpcId': '$vpc_id',"
						 " 'ServiceName': 'com.amazonaws.${!region}.${service}',"
						 " 'PolicyDocument': '$policy_document:json_text', 'RouteTableIds': '$route_table_ids|#',"
						 " 'ClientToken': '$!token', " EC2_TAGS_OF_NEW("vpc-endpoint", "'$tags:tags', ") "}",
				.item = "VpcEndpoint",
				.retry = "InvalidVpcId.NotFound",
				.token_ok = 1,
			},
		},
	.changes =
		{
			{
				"policy_document,route_table_ids",
				{
					MODIFY_ENDPOINT("policy_document!=",
									"'PolicyDocument?policy_document': '$policy_document:json_text'"),
					MODIFY_ENDPOINT("policy_document=", "'ResetPolicy?policy_document': true"),
				},
			},
			TAGS_CHANGE("vpc_endpoint_id"),
		},
	.remove =
		{
			{
				.operation = "DeleteVpcEndpoints",
				.input = "{'VpcEndpointIds': ['$vpc_endpoint_id']}",
				.fail = "Unsuccessful",
				.done = "InvalidVpcEndpointId.NotFound|InvalidVpcEndpoint.NotFound",
			},
			{.until = "gone"},
		},
	.created_at = "CreationTimestamp",
	.mark_path = EC2_MARK_PATH,
};

static const Resource *const resources[] = {
	&availability_zone, &elastic_ip, &vpc, &subnet, &nat_gateway, &endpoint_gateway, NULL,
};

const Module aws_vpc_module = {
	.name = "aws_vpc",
	.depends = {"iasql_platform", "aws_account"},
	.tables = {"availability_zone", "elastic_ip", "vpc", "subnet", "nat_gateway", "endpoint_gateway"},
	.resources = resources,
};
