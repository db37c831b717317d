"""What the account of the suite holds, and how some of it goes: account.py EMULATOR_URL [LOG_GROUP...]"""

import json
import sys

from check import Emulator, trust

client = Emulator(sys.argv[1])
if sys.argv[2:]:
    for name in sys.argv[2:]:
        client("logs").delete_log_group(logGroupName=name)
    sys.exit()

iam = client("iam")
iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(trust("ecs-tasks.amazonaws.com")))
iam.attach_role_policy(RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
ec2 = client("ec2")
subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]][:1]
group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
ecs = client("ecs")
ecs.register_task_definition(
    family="task",
    networkMode="awsvpc",
    requiresCompatibilities=["FARGATE"],
    cpu="256",
    memory="512",
    containerDefinitions=[{"name": "c", "image": "nginx:1", "essential": True}],
)
for cluster in ("one", "two"):
    ecs.create_cluster(clusterName=cluster)
    for number in range(2):
        ecs.create_service(
            cluster=cluster,
            serviceName=f"{cluster}-{number}",
            taskDefinition="task",
            desiredCount=0,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group], "assignPublicIp": "ENABLED"}},
        )
for region in ("us-east-1", "eu-west-1"):
    for name in ("app", "nulXNULXinside", "halfXHALFXinside"):
        client("logs", region).create_log_group(logGroupName=name)
ecr = client("ecr")
for name in ("open", "plain"):
    ecr.create_repository(repositoryName=name)
ecr.set_repository_policy(repositoryName="open", policyText=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Sid": "s", "Effect": "Allow", "Principal": "*", "Action": ["ecr:ListImages"]}]}))
for name in ("lost1", "lost2"):
    client("logs").create_log_group(logGroupName=name)
