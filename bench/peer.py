"""The same work with boto3: python peer.py WORKLOAD PHASE N THREADS URL

As a script would do it: one call after another, or that many at once.  Prints nothing; the caller counts and times.
"""
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

workload, phase, n, threads, url = sys.argv[1:3] + [int(a) for a in sys.argv[3:5]] + sys.argv[5:]
pool = ThreadPoolExecutor(threads)
config = Config(max_pool_connections=threads, retries={"total_max_attempts": 1})
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
POLICY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def client(service):
    return boto3.client(service, region_name="us-east-1", endpoint_url=url, aws_access_key_id="123456789012",
                        aws_secret_access_key="test", config=config)


def each(work, items):
    """Do the work for each item, as many at once as there are threads; return the results."""
    return list(pool.map(work, items))


def group_ids(ec2):
    pages = ec2.get_paginator("describe_security_groups").paginate()
    return {g["GroupName"]: g["GroupId"] for page in pages for g in page["SecurityGroups"]
            if g["GroupName"].startswith("peer-")}


def permission(port, cidr="10.0.0.0/8"):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}


def groups():
    """N security groups with four rules each; AWS's own egress rule stays."""
    ec2 = client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]

    def create(i):
        group = ec2.create_security_group(GroupName=f"peer-{i}", Description="peer", VpcId=vpc)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(8000 + r) for r in range(4)])

    def change(group):
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission(8000)])
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(8000, "10.1.0.0/16")])

    if phase == "create":
        each(create, range(n))
        return
    ids = group_ids(ec2).values()
    each({"change": change, "nothing": lambda i: ec2.describe_security_groups(GroupIds=[i]),
          "destroy": lambda i: ec2.delete_security_group(GroupId=i)}[phase], ids)


def roles():
    """N roles with one attached policy each."""
    iam = client("iam")

    def create(name):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Description="peer")
        iam.attach_role_policy(RoleName=name, PolicyArn=POLICY)

    def look(name):
        iam.get_role(RoleName=name)
        iam.list_attached_role_policies(RoleName=name)

    def destroy(name):
        iam.detach_role_policy(RoleName=name, PolicyArn=POLICY)
        iam.delete_role(RoleName=name)

    each({"create": create, "nothing": look, "destroy": destroy,
          "change": lambda name: iam.update_role(RoleName=name, Description="changed")}[phase],
         [f"peer-{i}" for i in range(n)])


{"W2": groups, "W3": roles}[workload]()
