"""Print what lives in an emulated account, as canonical JSON, so that two snapshots can be compared by diff.

    snapshot.py URL [REGION...]

All live objects of the services of the tutorial, asked by boto3, a client that shares nothing with iasql.  What AWS keeps as
a record only (deregistered task definitions, inactive clusters and services) is left out.
"""

import collections
import json
import sys

from check import Emulator


def pages(client, operation, member, **parameters):
    """All items of a listing, over all pages where boto3 knows how to turn them."""
    if client.can_paginate(operation):
        return [item for page in client.get_paginator(operation).paginate(**parameters) for item in page[member]]
    return getattr(client, operation)(**parameters)[member]


def ecs(client):
    for arn in pages(client, "list_clusters", "clusterArns"):
        cluster = client.describe_clusters(clusters=[arn])["clusters"][0]
        if cluster["status"] != "INACTIVE":
            yield "cluster", cluster
        services = pages(client, "list_services", "serviceArns", cluster=arn)
        for service in client.describe_services(cluster=arn, services=services)["services"] if services else []:
            if service["status"] == "ACTIVE":
                yield "service", service
    for arn in pages(client, "list_task_definitions", "taskDefinitionArns", status="ACTIVE"):
        yield "task definition", client.describe_task_definition(taskDefinition=arn)["taskDefinition"]


def elb(client):
    for target_group in pages(client, "describe_target_groups", "TargetGroups"):
        yield "target group", target_group
    for load_balancer in pages(client, "describe_load_balancers", "LoadBalancers"):
        yield "load balancer", load_balancer
        for listener in pages(client, "describe_listeners", "Listeners", LoadBalancerArn=load_balancer["LoadBalancerArn"]):
            yield "listener", listener


def iam(client):
    for role in pages(client, "list_roles", "Roles"):
        policies = pages(client, "list_attached_role_policies", "AttachedPolicies", RoleName=role["RoleName"])
        yield "role", {**role, "AttachedPolicies": policies}
    for profile in pages(client, "list_instance_profiles", "InstanceProfiles"):
        yield "instance profile", profile


LISTED = {
    "ec2": {
        "describe_vpcs": "Vpcs",
        "describe_subnets": "Subnets",
        "describe_security_groups": "SecurityGroups",
        "describe_security_group_rules": "SecurityGroupRules",
        "describe_route_tables": "RouteTables",
        "describe_addresses": "Addresses",
        "describe_nat_gateways": "NatGateways",
        "describe_vpc_endpoints": "VpcEndpoints",
    },
    "acm": {"list_certificates": "CertificateSummaryList"},
    "ecr": {"describe_repositories": "repositories"},
    "ecr-public": {"describe_repositories": "repositories"},
    "logs": {"describe_log_groups": "logGroups"},
}


def objects(aws, region):
    """Yield (kind, object) for all that lives in one region, and in the services that know no regions."""
    for service, listings in LISTED.items():
        for operation, member in listings.items():
            for item in pages(aws(service, region), operation, member):
                yield f"{service} {member}", item
    for service, listing in (("ecs", ecs), ("elbv2", elb), ("iam", iam)):
        yield from listing(aws(service, region))


def account(aws):
    """How many of each kind an account holds; what is deleted but still listed does not count."""
    return dict(collections.Counter(kind for kind, item in objects(aws, "us-east-1") if item.get("State") != "deleted"))


def main(url, *regions):
    aws = Emulator(url)
    lines = set()
    for region in regions or ["us-east-1"]:
        for kind, item in objects(aws, region):
            lines.add(json.dumps([kind, item], sort_keys=True, default=str))
    print("\n".join(sorted(lines)))


if __name__ == "__main__":
    main(*sys.argv[1:])
