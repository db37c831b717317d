"""Make a Fargate service of somebody else in an emulated account, with a security group of its own: service.py URL"""
import sys

import boto3

session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
ec2, ecs = (session.client(name, endpoint_url=sys.argv[1]) for name in ("ec2", "ecs"))

vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
group = ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=vpc)["GroupId"]
ecs.create_cluster(clusterName="theirs")
ecs.register_task_definition(
    family="theirs",
    cpu="256",
    memory="512",
    networkMode="awsvpc",
    requiresCompatibilities=["FARGATE"],
    containerDefinitions=[{"name": "theirs", "image": "nginx:1", "essential": True, "memoryReservation": 512}],
)
ecs.create_service(
    cluster="theirs",
    serviceName="theirs",
    taskDefinition="theirs",
    desiredCount=1,
    launchType="FARGATE",
    networkConfiguration={
        "awsvpcConfiguration": {"subnets": [subnets[0]["SubnetId"]], "securityGroups": [group], "assignPublicIp": "ENABLED"}
    },
)
