"""What the round trips of roundtrip.py need to know of each resource, and the registry cannot tell: values to give, and where
boto3 shows them.

    lives.py [ministack]    prints what is left out, and why

A life is what happens to one object.  Values are plain, or Of(LABEL): a reference to another object of the round trip.
"""

import datetime
import json
import sys

import jmespath
from check import tags, trust


class Of:
    """A reference to the object LABEL."""

    def __init__(self, label):
        self.label = label


class Sql:
    """A value that the database computes."""

    def __init__(self, text):
        self.text = text


def look(where, item):
    """What a JMESPath expression or a function finds in an item."""
    return jmespath.search(where, item) if isinstance(where, str) else where(item)


class Life:
    """
    read(aws, row)  the object of a row as boto3 shows it, or None when it is gone
    see             column -> where it stands in what read gives
    make            the columns of the new row
    change          changes in place, all columns that can be changed so
    null            what a cleared column is in AWS, where that is not nothing
    replace         changes that need another object, one after the other; under None what else they are planned to do
    """

    def __init__(self, read, see, make=None, change=None, null=None, replace=()):
        self.read, self.see, self.make = read, see, make or {}
        self.change, self.null, self.replace = change or {}, null or {}, replace


def reader(service, operation, member, argument, column, wrap=True, **fixed):
    """A function that reads an object by the value of a column; what is not there is no error."""

    def read(aws, row):
        if row[column] is None:
            return None
        client = aws(service, row.get("region"))
        try:
            found = getattr(client, operation)(**{argument: [row[column]] if wrap else row[column], **fixed})
        except client.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            if "NotFound" in code or code in ("NoSuchEntity", "ClientException"):
                return None
            raise
        return jmespath.search(member, found)

    return read


def document(member):
    return lambda item: json.loads(item[member]) if item.get(member) else None


def allow(action, **more):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": action, **more}]}


def policy_arns(*names):
    return [f"arn:aws:iam::aws:policy/{name}" for name in names]


def read_role(aws, row):
    role = reader("iam", "get_role", "Role", "RoleName", "role_name", wrap=False)(aws, row)
    if role is not None:
        attached = aws("iam", None).list_attached_role_policies(RoleName=row["role_name"])["AttachedPolicies"]
        role["Policies"] = [p["PolicyArn"] for p in attached]
    return role


def read_log_group(aws, row):
    found = aws("logs", row["region"]).describe_log_groups(logGroupNamePrefix=row["log_group_name"])["logGroups"]
    return next((g for g in found if g["logGroupName"] == row["log_group_name"]), None)


def read_service(aws, row):
    found = reader("ecs", "describe_services", "services", "services", "name", cluster=row["cluster_name"])(aws, row)
    return next((s for s in found or [] if s["status"] != "INACTIVE"), None)


def living(read, *gone):
    """A reader for objects that are shown for a while after their end."""

    def still(aws, row):
        item = read(aws, row)
        return None if item is None or (item.get("State") or item.get("status") or "").lower() in gone else item

    return still


def container_image(image):
    """(name, tag, digest) of an image."""
    name, _, digest = image.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return head + slash + last, tag or None, digest or None


# container_definition: column -> where it stands in a container of the task definition
CONTAINER = {
    "name": "name",
    "image": lambda c: container_image(c["image"])[0],
    "repository_name": lambda c: container_image(c["image"])[0],
    "public_repository_name": lambda c: container_image(c["image"])[0],
    "tag": lambda c: container_image(c["image"])[1],
    "digest": lambda c: container_image(c["image"])[2],
    "essential": "essential",
    "cpu": lambda c: c.get("cpu") or None,
    "memory": "memory",
    "memory_reservation": "memoryReservation",
    "host_port": "portMappings[0].hostPort",
    "container_port": "portMappings[0].containerPort",
    "protocol": "portMappings[0].protocol",
    "env_variables": lambda c: {e["name"]: e["value"] for e in c.get("environment", [])},
    "log_group_name": 'logConfiguration.options."awslogs-group"',
}

# The containers that the task definition begins with, and what they change to one after the other.
CONTAINERS = [
    {"name": "web", "essential": True, "repository_name": Of("repository"), "tag": "v1", "memory_reservation": 128,
     "container_port": 8080, "host_port": 8080, "protocol": "tcp", "env_variables": {"A": "1", "B": "2"}, "cpu": 64,
     "memory": 256, "log_group_name": Of("log_group")},
    {"name": "side", "image": "docker.io/library/nginx", "digest": "sha256:" + "0" * 64},
]
CONTAINER_CHANGES = [
    [{"tag": "v2"}, {"memory_reservation": 130}, {"container_port": 8081, "host_port": 8081}, {"env_variables": {"A": "2", "C": ""}},
     {"cpu": 65}, {"memory": 300}],
    [{"tag": None, "digest": "sha256:" + "1" * 64}, {"memory_reservation": None}, {"protocol": "udp"}, {"env_variables": None},
     {"cpu": None}, {"log_group_name": None}],
    [{"repository_name": None, "public_repository_name": Of("public_repository")},
     {"container_port": None, "host_port": None, "protocol": None}, {"log_group_name": Of("log_group")}, {"essential": False}],
    [{"public_repository_name": None, "repository_name": None, "image": "redis:5000/team/app"}, {"essential": True}, {"name": "front"},
     {"container_port": 8080, "host_port": 8080, "protocol": "tcp"}],
]

LIVES = {
    "certificate": Life(
        read=reader("acm", "describe_certificate", "Certificate", "CertificateArn", "arn", wrap=False),
        see={
            "arn": "CertificateArn",
            "certificate_id": lambda c: c["CertificateArn"].rpartition("/")[2],
            "domain_name": "DomainName",
            "certificate_type": "Type",
            "status": "Status",
            "renewal_eligibility": "RenewalEligibility",
            "in_use": lambda c: bool(c["InUseBy"]),
        },
    ),
    "log_group": Life(
        read=read_log_group,
        see={"log_group_name": "logGroupName", "log_group_arn": "arn",
             "creation_time": lambda g: datetime.datetime.fromtimestamp(g["creationTime"] / 1000, datetime.timezone.utc)},
        make={"log_group_name": "rt/log"},
        replace=[{"log_group_name": "rt/other-log", None: ["replace task_definition"]}],
    ),
    "role": Life(
        read=read_role,
        see={
            "arn": "Arn",
            "role_name": "RoleName",
            "assume_role_policy_document": "AssumeRolePolicyDocument",
            "description": "Description",
            "attached_policies_arns": "Policies",
        },
        make={
            "role_name": "rt-role",
            "assume_role_policy_document": trust("ecs-tasks.amazonaws.com"),
            "description": "it's \"one\"",
            "attached_policies_arns": policy_arns("ReadOnlyAccess", "job-function/ViewOnlyAccess"),
        },
        change={
            "assume_role_policy_document": trust("ec2.amazonaws.com", "ecs-tasks.amazonaws.com"),
            "description": "two",
            "attached_policies_arns": policy_arns("ReadOnlyAccess", "SecurityAudit"),
        },
        replace=[{"role_name": "rt-other-role"}],
    ),
    "public_repository": Life(
        read=reader("ecr-public", "describe_repositories", "repositories[0]", "repositoryNames", "repository_name"),
        see={
            "repository_name": "repositoryName",
            "repository_arn": "repositoryArn",
            "registry_id": "registryId",
            "repository_uri": "repositoryUri",
            "created_at": "createdAt",
        },
        make={"repository_name": "rt/public"},
        replace=[{"repository_name": "rt/other-public"}],
    ),
    "repository": Life(
        read=reader("ecr", "describe_repositories", "repositories[0]", "repositoryNames", "repository_name"),
        see={
            "repository_name": "repositoryName",
            "repository_arn": "repositoryArn",
            "registry_id": "registryId",
            "repository_uri": "repositoryUri",
            "created_at": "createdAt",
            "image_tag_mutability": "imageTagMutability",
            "scan_on_push": "imageScanningConfiguration.scanOnPush",
        },
        make={"repository_name": "rt/app", "scan_on_push": True},
        change={"image_tag_mutability": "IMMUTABLE", "scan_on_push": False},
        replace=[{"repository_name": "rt/other-app", None: ["replace repository_policy"]}],
    ),
    "repository_policy": Life(
        read=reader("ecr", "get_repository_policy", "@", "repositoryName", "repository_name", wrap=False),
        see={"registry_id": "registryId", "policy_text": document("policyText"), "repository_name": "repositoryName"},
        make={"repository_name": Of("repository"), "policy_text": allow("ecr:ListImages")},
        change={"policy_text": allow(["ecr:DescribeImages", "ecr:ListImages"])},
        replace=[{"repository_name": Of("second repository")}],
    ),
    "availability_zone": Life(
        read=reader("ec2", "describe_availability_zones", "AvailabilityZones[0]", "ZoneNames", "name"),
        see={"name": "ZoneName"},
    ),
    "elastic_ip": Life(
        read=reader("ec2", "describe_addresses", "Addresses[0]", "AllocationIds", "allocation_id"),
        see={"allocation_id": "AllocationId", "public_ip": "PublicIp", "tags": tags},
        make={"tags": {"Name": "rt", "empty": ""}},
        change={"tags": {"Name": "other", "more": "x"}},
    ),
    "vpc": Life(
        read=reader("ec2", "describe_vpcs", "Vpcs[0]", "VpcIds", "vpc_id"),
        see={"vpc_id": "VpcId", "cidr_block": "CidrBlock", "state": "State", "is_default": "IsDefault", "tags": tags},
        make={"cidr_block": "10.10.0.0/16", "tags": {"Name": "rt"}},
        change={"tags": {"Name": "other", "more": ""}},
        replace=[{"cidr_block": "10.12.0.0/20"}],
    ),
    "subnet": Life(
        read=reader("ec2", "describe_subnets", "Subnets[0]", "SubnetIds", "subnet_id"),
        see={
            "state": "State",
            "available_ip_address_count": "AvailableIpAddressCount",
            "cidr_block": "CidrBlock",
            "subnet_id": "SubnetId",
            "owner_id": "OwnerId",
            "subnet_arn": "SubnetArn",
            "availability_zone": "AvailabilityZone",
            "vpc_id": "VpcId",
        },
        make={"cidr_block": "10.11.1.0/24", "availability_zone": "us-east-1a", "vpc_id": Of("second vpc")},
        replace=[
            {"cidr_block": "10.11.1.0/25"},
            {"availability_zone": "us-east-1c"},
            {"vpc_id": Of("third vpc"), "cidr_block": "10.13.1.0/24"},
        ],
    ),
    "nat_gateway": Life(
        read=living(reader("ec2", "describe_nat_gateways", "NatGateways[0]", "NatGatewayIds", "nat_gateway_id"), "deleted"),
        see={
            "nat_gateway_id": "NatGatewayId",
            "connectivity_type": "ConnectivityType",
            "state": "State",
            "tags": tags,
            "subnet_id": "SubnetId",
            "elastic_ip_id": "NatGatewayAddresses[0].AllocationId",
        },
        make={"connectivity_type": "public", "subnet_id": Of("second subnet"), "elastic_ip_id": Of("elastic_ip"),
              "tags": {"Name": "rt"}},
        change={"tags": {"Name": "other"}},
        replace=[
            {"elastic_ip_id": Of("second elastic_ip")},
            # moto never frees the address of a deleted gateway
            {"subnet_id": Of("third subnet"), "elastic_ip_id": Of("third elastic_ip")},
            {"connectivity_type": "private", "elastic_ip_id": None},
        ],
    ),
    "endpoint_gateway": Life(
        read=living(
            reader("ec2", "describe_vpc_endpoints", "VpcEndpoints[0]", "VpcEndpointIds", "vpc_endpoint_id"), "deleted"
        ),
        see={
            "vpc_endpoint_id": "VpcEndpointId",
            "service": lambda e: e["ServiceName"].rpartition(".")[2],
            "policy_document": document("PolicyDocument"),
            "state": "State",
            "route_table_ids": "RouteTableIds",
            "tags": tags,
            "vpc_id": "VpcId",
        },
        make={"service": "s3", "vpc_id": Of("second vpc"), "tags": {"Name": "rt"},
              "policy_document": allow("s3:GetObject", Resource="*"), "route_table_ids": Of("route tables")},
        change={"tags": {"Name": "other"}, "policy_document": allow("s3:*", Resource="*"),
                "route_table_ids": Of("more route tables")},
        replace=[{"service": "dynamodb"}, {"vpc_id": Of("third vpc"), "route_table_ids": None}],
    ),
    "security_group": Life(
        read=reader("ec2", "describe_security_groups", "SecurityGroups[0]", "GroupIds", "group_id"),
        see={
            "description": "Description",
            "group_name": "GroupName",
            "owner_id": "OwnerId",
            "group_id": "GroupId",
            "vpc_id": "VpcId",
        },
        make={"group_name": "rt", "description": "one", "vpc_id": Of("second vpc")},
        replace=[{"group_name": "rt-other"}, {"description": "two"}, {"vpc_id": Of("third vpc")}],
    ),
    "security_group_rule": Life(
        read=reader("ec2", "describe_security_group_rules", "SecurityGroupRules[0]", "SecurityGroupRuleIds",
                    "security_group_rule_id"),
        see={
            "security_group_rule_id": "SecurityGroupRuleId",
            "is_egress": "IsEgress",
            "ip_protocol": "IpProtocol",
            "from_port": "FromPort",
            "to_port": "ToPort",
            "cidr_ipv4": "CidrIpv4",
            "cidr_ipv6": "CidrIpv6",
            "prefix_list_id": "PrefixListId",
            "description": "Description",
            "security_group_id": "GroupId",
            "source_security_group": "ReferencedGroupInfo.GroupId",
        },
        make={"is_egress": False, "ip_protocol": "tcp", "from_port": 80, "to_port": 80, "cidr_ipv4": "10.0.0.0/8",
              "description": "one", "security_group_id": Of("second security_group")},
        change={"ip_protocol": "udp", "from_port": 0, "to_port": 81, "cidr_ipv4": "10.0.0.0/16", "description": "two"},
        replace=[
            {"cidr_ipv4": None, "cidr_ipv6": "2001:db8::/64"},
            # moto keeps the description of a range, and loses that of other sources
            {"cidr_ipv6": None, "source_security_group": Of("fourth security_group"), "description": None},
            {"security_group_id": Of("third security_group"), "source_security_group": Of("third security_group")},
            {"is_egress": True},
            {"source_security_group": None, "prefix_list_id": "pl-12345678"},
        ],
    ),
    "load_balancer": Life(
        read=reader("elbv2", "describe_load_balancers", "LoadBalancers[0]", "LoadBalancerArns", "load_balancer_arn"),
        see={
            "load_balancer_name": "LoadBalancerName",
            "load_balancer_arn": "LoadBalancerArn",
            "dns_name": "DNSName",
            "canonical_hosted_zone_id": "CanonicalHostedZoneId",
            "created_time": "CreatedTime",
            "scheme": "Scheme",
            "state": "State.Code",
            "load_balancer_type": "Type",
            "subnets": "AvailabilityZones[].SubnetId",
            "availability_zones": "AvailabilityZones[].ZoneName",
            "ip_address_type": "IpAddressType",
            "vpc": "VpcId",
            "security_groups": "SecurityGroups",
        },
        make={"load_balancer_name": "rt", "scheme": "internal", "load_balancer_type": "application",
              "ip_address_type": "ipv4", "subnets": [Of("second subnet"), Of("third subnet")],
              "security_groups": [Of("second security_group")]},
        change={"ip_address_type": "dualstack", "subnets": [Of("second subnet"), Of("fourth subnet")],
                "security_groups": [Of("fourth security_group"), Of("second security_group")]},
        replace=[{"load_balancer_name": "rt-other"}, {"scheme": "internet-facing"}, {"load_balancer_type": "network"}],
    ),
    "target_group": Life(
        read=reader("elbv2", "describe_target_groups", "TargetGroups[0]", "TargetGroupArns", "target_group_arn"),
        see={
            "target_group_name": "TargetGroupName",
            "target_type": "TargetType",
            "target_group_arn": "TargetGroupArn",
            "ip_address_type": "IpAddressType",
            "protocol": "Protocol",
            "port": "Port",
            "health_check_protocol": "HealthCheckProtocol",
            "health_check_port": "HealthCheckPort",
            "health_check_enabled": "HealthCheckEnabled",
            "health_check_interval_seconds": "HealthCheckIntervalSeconds",
            "health_check_timeout_seconds": "HealthCheckTimeoutSeconds",
            "healthy_threshold_count": "HealthyThresholdCount",
            "unhealthy_threshold_count": "UnhealthyThresholdCount",
            "health_check_path": "HealthCheckPath",
            "protocol_version": "ProtocolVersion",
            "vpc": "VpcId",
        },
        make={"target_group_name": "rt", "target_type": "ip", "protocol": "HTTP", "port": 80, "vpc": Of("second vpc")},
        change={"health_check_protocol": "HTTPS", "health_check_port": "8080", "health_check_interval_seconds": 20,
                "health_check_timeout_seconds": 9, "healthy_threshold_count": 3, "unhealthy_threshold_count": 4,
                "health_check_path": "/down"},
        replace=[
            {"target_group_name": "rt-other"}, {"target_type": "instance"}, {"protocol": "HTTPS"}, {"port": 81},
            {"protocol_version": "HTTP2"}, {"vpc": Of("third vpc")},
        ],
    ),
    "listener": Life(
        read=reader("elbv2", "describe_listeners", "Listeners[0]", "ListenerArns", "listener_arn"),
        see={
            "listener_arn": "ListenerArn",
            "port": "Port",
            "protocol": "Protocol",
            "action_type": "DefaultActions[0].Type",
            "ssl_policy": "SslPolicy",
            "load_balancer_name": "LoadBalancerArn",
            "target_group_name": "DefaultActions[0].TargetGroupArn",
            "certificate_id": "Certificates[0].CertificateArn",
        },
        make={"load_balancer_name": Of("second load_balancer"), "port": 443, "protocol": "HTTPS", "certificate_id":
              Of("certificate"), "target_group_name": Of("second target_group")},
        change={"port": 444, "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-2021-06", "target_group_name":
                Of("third target_group"), "certificate_id": Of("second certificate")},
        replace=[{"load_balancer_name": Of("third load_balancer")}],
    ),
    "cluster": Life(
        read=living(reader("ecs", "describe_clusters", "clusters[0]", "clusters", "cluster_name"), "inactive"),
        see={"cluster_name": "clusterName", "cluster_arn": "clusterArn", "cluster_status": "status"},
        make={"cluster_name": "rt"},
        replace=[{"cluster_name": "rt-other"}],
    ),
    "task_definition": Life(
        read=living(
            reader("ecs", "describe_task_definition", "taskDefinition", "taskDefinition", "task_definition_arn", wrap=False),
            "inactive"
        ),
        see={
            "task_definition_arn": "taskDefinitionArn",
            "family": "family",
            "revision": "revision",
            "status": "status",
            "cpu_memory": lambda t: f"vCPU{int(t['cpu']) / 1024:g}-{int(t['memory']) / 1024:g}GB",
            "task_role_name": lambda t: t.get("taskRoleArn", "").rpartition("/")[2],
            "execution_role_name": lambda t: t.get("executionRoleArn", "").rpartition("/")[2],
            "containers": "containerDefinitions",
        },
        make={"family": "rt", "cpu_memory": "vCPU1-2GB", "task_role_name": Of("second role"), "containers": CONTAINERS},
        replace=[{"cpu_memory": "vCPU2-8GB"}, {"execution_role_name": Of("second role")}, {"task_role_name": None},
                 {"task_role_name": Of("second role"), "execution_role_name": None}, {"family": "rt-other"}],
    ),
    "service": Life(
        read=read_service,
        see={
            "name": "serviceName",
            "arn": "serviceArn",
            "status": "status",
            "desired_count": "desiredCount",
            "subnets": "networkConfiguration.awsvpcConfiguration.subnets",
            "assign_public_ip": "networkConfiguration.awsvpcConfiguration.assignPublicIp",
            "cluster_name": "clusterArn",
            "task_definition_id": "taskDefinition",
            "target_group_name": "loadBalancers[0].targetGroupArn",
            "security_groups": "networkConfiguration.awsvpcConfiguration.securityGroups",
        },
        make={"name": "rt", "desired_count": 1, "subnets": [Of("second subnet")], "cluster_name": Of("second cluster"),
              "task_definition_id": Of("second task_definition"), "target_group_name": Of("second target_group"),
              "security_groups": [Of("second security_group")]},
        change={"desired_count": 3, "subnets": [Of("second subnet"), Of("third subnet")], "assign_public_ip": "ENABLED",
                "task_definition_id": Of("third task_definition"), "target_group_name": Of("third target_group"),
                "security_groups": [Of("second security_group"), Of("fourth security_group")]},
        replace=[{"name": "rt-other"}, {"cluster_name": Of("third cluster")}],
    ),
}

# Objects that others refer to, and that stay as they are.
COMPANIONS = {
    "second role": ("role", {"role_name": "rt-2", "assume_role_policy_document": trust("ecs-tasks.amazonaws.com")}),
    "second repository": ("repository", {"repository_name": "rt/2"}),
    "second elastic_ip": ("elastic_ip", {}),
    "third elastic_ip": ("elastic_ip", {}),
    "second vpc": ("vpc", {"cidr_block": "10.11.0.0/16"}),
    "third vpc": ("vpc", {"cidr_block": "10.13.0.0/16"}),
    "second subnet": ("subnet", {"cidr_block": "10.11.2.0/24", "availability_zone": "us-east-1a", "vpc_id": Of("second vpc")}),
    "third subnet": ("subnet", {"cidr_block": "10.11.3.0/24", "availability_zone": "us-east-1b", "vpc_id": Of("second vpc")}),
    "fourth subnet": ("subnet", {"cidr_block": "10.11.4.0/24", "availability_zone": "us-east-1b", "vpc_id": Of("second vpc")}),
    "second security_group": ("security_group", {"group_name": "rt-2", "vpc_id": Of("second vpc")}),
    "third security_group": ("security_group", {"group_name": "rt-3", "vpc_id": Of("second vpc")}),
    "fourth security_group": ("security_group", {"group_name": "rt-4", "vpc_id": Of("second vpc")}),
    "second load_balancer": ("load_balancer", {
        "load_balancer_name": "rt-2", "scheme": "internal", "load_balancer_type": "application", "ip_address_type": "ipv4",
        "subnets": [Of("second subnet"), Of("third subnet")]}),
    "third load_balancer": ("load_balancer", {
        "load_balancer_name": "rt-3", "scheme": "internal", "load_balancer_type": "application", "ip_address_type": "ipv4",
        "subnets": [Of("second subnet"), Of("third subnet")]}),
    "second target_group": ("target_group", {
        "target_group_name": "rt-2", "target_type": "ip", "protocol": "HTTP", "port": 80, "vpc": Of("second vpc")}),
    "third target_group": ("target_group", {
        "target_group_name": "rt-3", "target_type": "ip", "protocol": "HTTP", "port": 80, "vpc": Of("second vpc")}),
    "second cluster": ("cluster", {"cluster_name": "rt-2"}),
    "third cluster": ("cluster", {"cluster_name": "rt-3"}),
    "second task_definition": ("task_definition", {
        "family": "rt-2", "cpu_memory": "vCPU0.25-0.5GB",
        "containers": [{"name": "app", "image": "nginx", "essential": True, "container_port": 80, "protocol": "tcp"}]}),
    "third task_definition": ("task_definition", {
        "family": "rt-3", "cpu_memory": "vCPU0.25-0.5GB",
        "containers": [{"name": "app", "image": "nginx", "essential": True, "container_port": 80, "protocol": "tcp"}]}),
}

# Columns, and whole tables, that a part of the round trip leaves out: the reason is printed.
REASONS = {
    ("load_balancer", "customer_owned_ipv4_pool"): "an Outpost's pool; moto neither takes nor shows it",
    ("listener", "action_type"): "has one value only",
    ("listener", "protocol"): "HTTP and HTTPS differ in the certificate they must have; see test/resources",
    ("target_group", "health_check_enabled"): "can be false only for functions, where moto keeps it true",
    ("target_group", "ip_address_type"): "moto makes every group one of IPv4",
    ("service", "force_new_deployment"): "acts, and is nowhere to be seen; see test/resources",
    ("availability_zone", "name"): "AWS's own, and subnets refer to it; see test/resources",
}

# Changeable columns that are not set to NULL.
NOT_NULL = {
    ("security_group_rule", "cidr_ipv4"): "a rule has one source",
    ("security_group_rule", "from_port"): "TCP and UDP need ports",
    ("security_group_rule", "to_port"): "TCP and UDP need ports",
    ("listener", "certificate_id"): "HTTPS needs one",
    ("endpoint_gateway", "policy_document"): "moto knows no ResetPolicy",
}

# What ministack lacks: whole resources, or columns that are then neither changed nor compared.
MINISTACK = {
    ("public_repository", None): "no ECR Public",
    ("nat_gateway", None): "DescribeNatGateways shows no address",
    ("availability_zone", None): "three zones, all with default subnets",
    ("certificate", "certificate_type"): "ListCertificates shows no type",
    ("endpoint_gateway", "policy_document"): "DescribeVpcEndpoints shows none",
    ("target_group", "protocol_version"): "not kept",
    ("security_group_rule", "prefix_list_id"): "rules of prefix lists get no id",
}
MINISTACK_NOT_NULL = {
    ("role", "description"): "an empty one counts as none given",
    ("security_group_rule", "description"): "an empty one counts as none given",
}


def ministack_subnets(offset):
    """Whatever subnets a load balancer is in, ministack says that it is in the default VPC."""
    return Sql("ARRAY(SELECT s.subnet_id FROM subnet s JOIN vpc v ON v.id = s.vpc_id AND v.is_default"
               f" ORDER BY s.availability_zone LIMIT 2 OFFSET {offset})")


def leave_out(lacking):
    """Takes the resources and columns that an emulator lacks out of the tables above, and what refers to them."""
    gone = {label for label, (resource, _) in COMPANIONS.items() if (resource, None) in lacking}
    gone |= {resource for resource, column in lacking if column is None}

    def kept(resource, values):
        return {c: v for c, v in values.items() if (resource, c) not in lacking and not (isinstance(v, Of) and v.label in gone)}

    for label in gone:
        LIVES.pop(label, None)
        COMPANIONS.pop(label, None)
    for resource, life in LIVES.items():
        life.see, life.make, life.change = (kept(resource, values) for values in (life.see, life.make, life.change))
        life.replace = [step for step in life.replace if step == kept(resource, step)]
    for group in CONTAINER_CHANGES:
        group[:] = [change for change in group if change == kept("container_definition", change)]
    if lacking:
        NOT_NULL.update(MINISTACK_NOT_NULL)
        balancer = LIVES["load_balancer"]
        for values in balancer.make, balancer.change, COMPANIONS["second load_balancer"][1], COMPANIONS["third load_balancer"][1]:
            values["subnets"] = ministack_subnets(1 if values is balancer.change else 0)
    REASONS.update({key: reason for key, reason in lacking.items() if key[1] is not None})


if __name__ == "__main__":
    lacking = MINISTACK if sys.argv[1:] == ["ministack"] else {}
    leave_out(lacking)
    for (table, column), reason in {**lacking, **REASONS, **NOT_NULL}.items():
        what = "not set to NULL" if (table, column) in NOT_NULL else "left out"
        print(f"{what}: {table}{f'.{column}' if column else ''}: {reason}")
