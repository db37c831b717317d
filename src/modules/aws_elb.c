/*
 * aws_elb.c
 *	  Load balancers of the second kind, their listeners, and target groups.
 */
#include "modules/modules.h"

/* Whether a row has no object in its region: it is new, or was moved there. */
#define NOT_YET(arn, region) "coalesce(nullif(split_part(" arn ", ':', 4), '') <> " region ", " arn " IS NULL)"

#define MAX_ARNS 20 /* Elastic Load Balancing API Reference, DescribeLoadBalancers; the others name no limit */

static const Resource load_balancer = {
	.name = "load_balancer",
	.service = "elbv2",
	.list = {"DescribeLoadBalancers", .items = "LoadBalancers"},
	.get = "DescribeLoadBalancers",
	.get_input = "{'LoadBalancerArns': '$#'}",
	.get_items = "LoadBalancers",
	.get_batch = MAX_ARNS,
	.gone = "LoadBalancerNotFound",
	/* One subnet a zone: AWS takes no more. */
	.prepare =
		{
			"UPDATE load_balancer b SET subnets = ("
			" SELECT array_agg(z.subnet_id ORDER BY z.subnet_id) FROM ("
			"  SELECT DISTINCT ON (s.availability_zone) s.subnet_id"
			"  FROM subnet s JOIN vpc v ON v.id = s.vpc_id AND v.region = s.region"
			"  WHERE s.region = b.region AND v.is_default AND v.vpc_id IS NOT NULL AND s.subnet_id IS NOT NULL"
			"  ORDER BY s.availability_zone, s.subnet_id) z)"
			" WHERE " NOT_YET("b.load_balancer_arn", "b.region") " AND coalesce(b.subnets, '{}') = '{}'",
		},
	.broken = "State.Code=failed",
	.stays_in = "vpc=subnets->vpc_id",
	.blocks = "subnets,security_groups,vpc",
	.reply_complete = 1,
	.attributes =
		{
			{"load_balancer_name", "LoadBalancerName", FORM_SCALAR, ATTR_KEY | ATTR_REPLACE},
			{"load_balancer_arn", "LoadBalancerArn", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"dns_name", "DNSName", FORM_SCALAR, ATTR_COMPUTED},
			{"canonical_hosted_zone_id", "CanonicalHostedZoneId", FORM_SCALAR, ATTR_COMPUTED},
			{"created_time", "CreatedTime", FORM_SCALAR, ATTR_COMPUTED},
			{"scheme", "Scheme", FORM_SCALAR, ATTR_REPLACE},
			{"state", "State.Code", FORM_SCALAR, ATTR_COMPUTED},
			{"load_balancer_type", "Type", FORM_SCALAR, ATTR_REPLACE},
			{"subnets", "AvailabilityZones[].SubnetId", FORM_IDS, ATTR_KEEP, .refers = "subnet"},
			{"availability_zones", "AvailabilityZones[].ZoneName", FORM_SET, ATTR_COMPUTED},
			{"ip_address_type", "IpAddressType", FORM_SCALAR},
			{"customer_owned_ipv4_pool", "CustomerOwnedIpv4Pool", FORM_SCALAR, ATTR_REPLACE | ATTR_KEEP},
			{"vpc", "VpcId", FORM_REF, ATTR_COMPUTED, .refers = "vpc"},
			{"security_groups", "SecurityGroups", FORM_JOIN, ATTR_KEEP, .refers = "security_group",
			 .join = "load_balancer_security_groups"},
		},
	.create =
		{
			{
				.operation = "CreateLoadBalancer",
				.input = "{'Name': '$load_balancer_name', 'Type': '$load_balancer_type', 'Scheme': '$scheme',"
						 " 'Subnets': '$subnets', 'SecurityGroups': '$security_groups',"
						 " 'IpAddressType': '$ip_address_type', 'CustomerOwnedIpv4Pool': '$customer_owned_ipv4_pool'}",
				.item = "LoadBalancers[0]",
			},
			{.until = "State.Code=active|active_impaired",
			 .waiter = "LoadBalancerAvailable",
			 .bad = "State.Code=failed"},
		},
	.changes =
		{
			{
				"ip_address_type",
				{
					{
						.operation = "SetIpAddressType",
						.input = "{'LoadBalancerArn': '$load_balancer_arn', 'IpAddressType': '$ip_address_type'}",
					},
				},
			},
			{
				"subnets",
				{
					{
						.operation = "SetSubnets",
						.input = "{'LoadBalancerArn': '$load_balancer_arn', 'Subnets': '$subnets'}",
					},
					{.until = "State.Code=active|active_impaired",
					 .waiter = "LoadBalancerAvailable",
					 .bad = "State.Code=failed"},
				},
			},
			{
				"security_groups",
				{
					{
						.operation = "SetSecurityGroups",
						.input = "{'LoadBalancerArn': '$load_balancer_arn', 'SecurityGroups': '$security_groups'}",
					},
				},
			},
		},
	.remove =
		{
			{
				.operation = "DeleteLoadBalancer",
				.input = "{'LoadBalancerArn': '$load_balancer_arn'}",
				.done = "LoadBalancerNotFound",
			},
			{.until = "gone", .waiter = "LoadBalancersDeleted"},
		},
	.created_at = "CreatedTime",
};

#define HEALTH_CHECK                                                                             \
	" 'HealthCheckProtocol': '$health_check_protocol', 'HealthCheckPort': '$health_check_port'," \
	" 'HealthCheckEnabled': '$health_check_enabled', 'HealthCheckPath': '$health_check_path',"   \
	" 'HealthCheckIntervalSeconds': '$health_check_interval_seconds',"                           \
	" 'HealthCheckTimeoutSeconds': '$health_check_timeout_seconds',"                             \
	" 'HealthyThresholdCount': '$healthy_threshold_count',"                                      \
	" 'UnhealthyThresholdCount': '$unhealthy_threshold_count'}"

static const Resource target_group = {
	.name = "target_group",
	.service = "elbv2",
	.list = {"DescribeTargetGroups", .items = "TargetGroups"},
	.get = "DescribeTargetGroups",
	.get_input = "{'TargetGroupArns': '$#'}",
	.get_items = "TargetGroups",
	.get_batch = MAX_ARNS,
	.gone = "TargetGroupNotFound",
	/* Functions are in no VPC. */
	.prepare =
		{
			"UPDATE target_group g SET vpc = v.id FROM vpc v"
			" WHERE g.vpc IS NULL AND " NOT_YET(
				"g.target_group_arn", "g.region") " AND g.target_type <> 'lambda'"
												  " AND v.is_default AND v.vpc_id IS NOT NULL AND v.region = g.region",
		},
	.reply_complete = 1,
	.attributes =
		{
			{"target_group_name", "TargetGroupName", FORM_SCALAR, ATTR_KEY | ATTR_REPLACE},
			{"target_type", "TargetType", FORM_SCALAR, ATTR_REPLACE},
			{"target_group_arn", "TargetGroupArn", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"ip_address_type", "IpAddressType", FORM_SCALAR, ATTR_REPLACE | ATTR_KEEP},
			{"protocol", "Protocol", FORM_SCALAR, ATTR_REPLACE | ATTR_KEEP},
			{"port", "Port", FORM_SCALAR, ATTR_REPLACE | ATTR_KEEP},
			{"health_check_protocol", "HealthCheckProtocol", FORM_SCALAR, ATTR_KEEP},
			{"health_check_port", "HealthCheckPort", FORM_SCALAR, ATTR_KEEP},
			{"health_check_enabled", "HealthCheckEnabled", FORM_SCALAR, ATTR_KEEP},
			{"health_check_interval_seconds", "HealthCheckIntervalSeconds", FORM_SCALAR, ATTR_KEEP},
			{"health_check_timeout_seconds", "HealthCheckTimeoutSeconds", FORM_SCALAR, ATTR_KEEP},
			{"healthy_threshold_count", "HealthyThresholdCount", FORM_SCALAR, ATTR_KEEP},
			{"unhealthy_threshold_count", "UnhealthyThresholdCount", FORM_SCALAR, ATTR_KEEP},
			{"health_check_path", "HealthCheckPath", FORM_SCALAR, ATTR_KEEP},
			{"protocol_version", "ProtocolVersion", FORM_SCALAR, ATTR_REPLACE | ATTR_KEEP},
			{"vpc", "VpcId", FORM_REF, ATTR_REPLACE | ATTR_KEEP, .refers = "vpc"},
		},
	.create =
		{
			{
				.operation = "CreateTargetGroup",
				.input = "{'Name': '$target_group_name', 'TargetType': '$target_type', 'Protocol': '$protocol',"
						 " 'ProtocolVersion': '$protocol_version', 'Port': '$port', 'VpcId': '$vpc',"
						 " 'IpAddressType': '$ip_address_type'," HEALTH_CHECK,
				.item = "TargetGroups[0]",
			},
		},
	.changes =
		{
			{
				"health_check_protocol,health_check_port,health_check_enabled,health_check_interval_seconds,"
				"health_check_timeout_seconds,healthy_threshold_count,unhealthy_threshold_count,health_check_path",
				{
					{
						.operation = "ModifyTargetGroup",
						.input = "{'TargetGroupArn': '$target_group_arn'," HEALTH_CHECK,
						.item = "TargetGroups[0]",
					},
				},
			},
		},
	.remove =
		{
			{
				.operation = "DeleteTargetGroup",
				.input = "{'TargetGroupArn': '$target_group_arn'}",
				.done = "TargetGroupNotFound",
				.retry = "ResourceInUse",
			},
		},
};

/* A change of something else leaves the actions, which may be sticky, as they are. */
#define LISTENER(changed)                                                    \
	" 'Port': '$port', 'Protocol': '$protocol', 'SslPolicy': '$ssl_policy'," \
	" 'Certificates': [{'CertificateArn': '$certificate_id'}],"              \
	" 'DefaultActions" changed "': [{'Type': '$action_type', 'TargetGroupArn': '$target_group_name'}]}"

static const Resource listener = {
	.name = "listener",
	.service = "elbv2",
	.list =
		{
			.operation = "DescribeListeners",
			.input = "{'LoadBalancerArn': '$^load_balancer_arn'}",
			.items = "Listeners",
			.per = "load_balancer",
			.per_parent_gone = "LoadBalancerNotFound",
		},
	.get = "DescribeListeners",
	.get_input = "{'ListenerArns': '$#'}",
	.get_items = "Listeners",
	.get_batch = MAX_ARNS,
	.gone = "ListenerNotFound|LoadBalancerNotFound",
	.unmanaged = "DefaultActions[0].ForwardConfig.TargetGroups[1]",
	.unmanaged_why = "it forwards to more than one target group",
	.dies_with = "load_balancer_name",
	.blocks = "target_group_name,certificate_id",
	.reply_complete = 1,
	.attributes =
		{
			{"listener_arn", "ListenerArn", FORM_SCALAR, ATTR_ID | ATTR_COMPUTED},
			{"port", "Port", FORM_SCALAR, ATTR_KEY},
			{"protocol", "Protocol", FORM_SCALAR},
			{"action_type", "DefaultActions[0].Type", FORM_SCALAR},
			{"ssl_policy", "SslPolicy", FORM_SCALAR, ATTR_KEEP},
			{"load_balancer_name", "LoadBalancerArn", FORM_REF, ATTR_KEY | ATTR_REPLACE, .refers = "load_balancer"},
			{"target_group_name",
			 "DefaultActions[0].TargetGroupArn|DefaultActions[0].ForwardConfig.TargetGroups[0].TargetGroupArn",
			 FORM_REF, .refers = "target_group"},
			{"certificate_id", "Certificates[0].CertificateArn", FORM_REF, .refers = "certificate"},
		},
	.create =
		{
			{
				.operation = "CreateListener",
				.input = "{'LoadBalancerArn': '$load_balancer_name'," LISTENER(""),
				.item = "Listeners[0]",
			},
		},
	.changes =
		{
			{
				"port,protocol,action_type,ssl_policy,target_group_name,certificate_id",
				{
					{
						.operation = "ModifyListener",
						.input = "{'ListenerArn': '$listener_arn'," LISTENER("?action_type,target_group_name"),
						.item = "Listeners[0]",
					},
				},
			},
		},
	.remove =
		{
			{
				.operation = "DeleteListener",
				.input = "{'ListenerArn': '$listener_arn'}",
				.done = "ListenerNotFound",
			},
		},
};

static const Resource *const resources[] = {&load_balancer, &target_group, &listener, NULL};

const Module aws_elb_module = {
	.name = "aws_elb",
	.depends = {"iasql_platform", "aws_account", "aws_acm_list", "aws_vpc", "aws_security_group"},
	.tables = {"load_balancer", "target_group", "listener", "load_balancer_security_groups"},
	.resources = resources,
};
