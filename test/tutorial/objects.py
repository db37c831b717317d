"""Check by boto3 that an emulated account holds what the tutorial's migration asks for: objects.py URL

Ends with "N passed, N failed".
"""
import sys

from check import Emulator, check, finish

ec2, ecr, ecs, elb, iam, logs = map(Emulator(sys.argv[1]), ("ec2", "ecr", "ecs", "elbv2", "iam", "logs"))


def part(item, *members):
    return {member: item.get(member) for member in members}


group = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["quickstart-security-group"]}])[
    "SecurityGroups"
]
check("security groups", [g["Description"] for g in group], ["quickstart security group"])
default_vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
check("its VPC", group[0]["VpcId"], default_vpc)
group_id = group[0]["GroupId"]
rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group_id]}])["SecurityGroupRules"]
check(
    "its rules",
    sorted((r["IsEgress"], r["IpProtocol"], r["FromPort"], r["ToPort"], r["CidrIpv4"], r["Description"]) for r in rules),
    [
        (False, "tcp", 8088, 8088, "0.0.0.0/0", "quickstart-security-group"),
        (True, "-1", -1, -1, "0.0.0.0/0", "quickstart-security-group"),
    ],
)

target_group = elb.describe_target_groups(Names=["quickstart-target"])["TargetGroups"][0]
check(
    "target group",
    part(target_group, "TargetType", "Protocol", "Port", "HealthCheckPath", "VpcId"),
    {"TargetType": "ip", "Protocol": "HTTP", "Port": 8088, "HealthCheckPath": "/health", "VpcId": default_vpc},
)
balancer = elb.describe_load_balancers(Names=["quickstart-load-balancer"])["LoadBalancers"][0]
check(
    "load balancer",
    part(balancer, "Scheme", "Type", "IpAddressType", "SecurityGroups", "VpcId"),
    {
        "Scheme": "internet-facing",
        "Type": "application",
        "IpAddressType": "ipv4",
        "SecurityGroups": [group_id],
        "VpcId": default_vpc,
    },
)
listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
check("listener", [part(item, "Port", "Protocol") for item in listeners], [{"Port": 8088, "Protocol": "HTTP"}])
check(
    "its action",
    [part(action, "Type", "TargetGroupArn") for action in listeners[0]["DefaultActions"]],
    [{"Type": "forward", "TargetGroupArn": target_group["TargetGroupArn"]}],
)

check("log groups", [g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]], ["quickstart-log-group"])
repository = ecr.describe_repositories(repositoryNames=["quickstart-repository"])["repositories"][0]

role = iam.get_role(RoleName="ecsTaskExecRole-")["Role"]
check(
    "role's trust",
    role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"],
    {"Service": "ecs-tasks.amazonaws.com"},
)
check(
    "role's policies",
    [p["PolicyArn"] for p in iam.list_attached_role_policies(RoleName="ecsTaskExecRole-")["AttachedPolicies"]],
    ["arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"],
)

cluster = ecs.describe_clusters(clusters=["quickstart-cluster"])["clusters"][0]
check("cluster", cluster["status"], "ACTIVE")
arns = ecs.list_task_definitions(familyPrefix="quickstart-td", status="ACTIVE")["taskDefinitionArns"]
check("task definition's revisions", len(arns), 1)
task = ecs.describe_task_definition(taskDefinition=arns[0])["taskDefinition"]
check(
    "task definition",
    part(task, "family", "cpu", "memory", "networkMode", "requiresCompatibilities", "taskRoleArn", "executionRoleArn"),
    {
        "family": "quickstart-td",
        "cpu": "2048",
        "memory": "8192",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "taskRoleArn": role["Arn"],
        "executionRoleArn": role["Arn"],
    },
)
container = task["containerDefinitions"][0]
check(
    "container",
    part(container, "name", "essential", "image", "memoryReservation"),
    {
        "name": "quickstart-container",
        "essential": True,
        "image": repository["repositoryUri"] + ":latest",
        "memoryReservation": 8192,
    },
)
check(
    "its ports",
    [part(mapping, "containerPort", "hostPort", "protocol") for mapping in container["portMappings"]],
    [{"containerPort": 8088, "hostPort": 8088, "protocol": "tcp"}],
)
check("its log driver", container["logConfiguration"]["logDriver"], "awslogs")
check("its log group", container["logConfiguration"]["options"]["awslogs-group"], "quickstart-log-group")

service = ecs.describe_services(cluster="quickstart-cluster", services=["quickstart-service"])["services"][0]
check(
    "service",
    part(service, "status", "desiredCount", "launchType", "taskDefinition", "clusterArn"),
    {
        "status": "ACTIVE",
        "desiredCount": 1,
        "launchType": "FARGATE",
        "taskDefinition": task["taskDefinitionArn"],
        "clusterArn": cluster["clusterArn"],
    },
)
check(
    "its load balancer",
    [part(item, "targetGroupArn", "containerName", "containerPort") for item in service["loadBalancers"]],
    [{"targetGroupArn": target_group["TargetGroupArn"], "containerName": "quickstart-container", "containerPort": 8088}],
)
network = service["networkConfiguration"]["awsvpcConfiguration"]
check("its network", part(network, "securityGroups", "assignPublicIp"), {"securityGroups": [group_id], "assignPublicIp": "ENABLED"})
known = {s["SubnetId"] for s in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [default_vpc]}])["Subnets"]}
check("its subnets", (len(network["subnets"]), set(network["subnets"]) <= known), (3, True))

finish()
