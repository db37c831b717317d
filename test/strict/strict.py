"""Lives of infrastructure on an account that refuses as AWS does: strict.py ENDPOINT REQUEST_LOG LAG [CASE...]

Each case is a function that leaves account and tables as they were.  An apply must make what its preview shows, with
exactly the refused requests that are named, and a second one must find nothing to do.
"""

import collections
import json
import subprocess
import sys
import threading
import urllib.request

import botocore.exceptions

import check as checks
import snapshot
from check import Emulator, converge, finish, requests, sql, trust, tutorial
from proxy import Proxy

ENDPOINT, LOG, LAG = sys.argv[1], sys.argv[2], int(sys.argv[3])
WEST = "us-west-2"
TRUST = json.dumps(trust("ec2.amazonaws.com"))
aws = Emulator(ENDPOINT)
ec2, elb, ecs, ecr, iam, acm = map(aws, ("ec2", "elbv2", "ecs", "ecr", "iam", "acm"))


def check(what, got, wanted):
    checks.check(f"lag {LAG}: {case.__name__}: {what}", got, wanted)


def do(*statements):
    """Statements that must be silent."""
    check("; ".join(statements)[:60], sql(*statements), "")


def sent():
    """The requests that change something since the last call: (operation, code of the error or None)."""
    seen = requests(LOG, reads=False)
    open(LOG, "w").close()
    return seen


def apply(what, *statements, refused=(), **wanted):
    """Rows change and are applied; 'wanted' is ACTION_TABLE = how many, 'refused' are lines "OPERATION CODE"; None: any."""
    do(*statements) if statements else None
    preview = sql("SELECT * FROM iasql_preview_apply()")
    sent()
    applied = sql("SELECT * FROM iasql_apply()")
    refusals_seen = [" ".join(request) for request in sent() if request[1]]
    check(f"{what}: refused requests", refusals_seen, refusals_seen if refused is None else list(refused))
    check(f"{what}: the apply does what the preview shows", applied, preview)
    plan = collections.Counter("_".join(line.split("|")[:2]) for line in applied.splitlines())
    check(f"{what}: the plan", dict(plan), wanted)
    check(f"{what}: then there is nothing to do", (sql("SELECT * FROM iasql_apply()"), sent()), ("", []))


def held(region="us-east-1"):
    """What the account holds, without what AWS keeps as a record only."""
    return {json.dumps([kind, item], sort_keys=True, default=str)
            for kind, item in snapshot.objects(aws, region) if item.get("State") not in ("deleted", "failed")}


def refusal(call, **arguments):
    """The code and message of a call that must be refused."""
    try:
        return call(**arguments) and None
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]


# ------------------------------------------------------------------ rows

GROUP = "(SELECT id FROM security_group WHERE group_name = '%s' AND region = '%s')"
SUBNETS = """(SELECT array_agg(subnet_id::text ORDER BY subnet_id) FROM subnet s JOIN vpc v ON v.id = s.vpc_id
    WHERE v.is_default AND s.region = '%s')"""


def group(name, region="us-east-1"):
    return f"INSERT INTO security_group (group_name, description, region) VALUES ('{name}', 'd', '{region}')"


def task(family="web", region="us-east-1", cpu="vCPU0.25-0.5GB"):
    return f"""WITH t AS (INSERT INTO task_definition (family, cpu_memory, region) VALUES ('{family}', '{cpu}', '{region}')
        RETURNING id)
        INSERT INTO container_definition (name, image, essential, container_port, host_port, protocol, task_definition_id, region)
        SELECT 'c', 'nginx', true, 80, 80, 'tcp', id, '{region}' FROM t"""


def balancer(name="web", region="us-east-1"):
    """A load balancer with its group, and a listener on a target group."""
    return [
        group(name, region),
        f"""INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type, region)
        VALUES ('{name}', 'internet-facing', 'application', 'ipv4', '{region}')""",
        f"INSERT INTO load_balancer_security_groups SELECT '{name}', {GROUP % (name, region)}, '{region}'",
        f"""INSERT INTO target_group (target_group_name, target_type, protocol, port, region)
        VALUES ('{name}', 'ip', 'HTTP', 80, '{region}')""",
        f"""INSERT INTO listener (load_balancer_name, port, protocol, target_group_name, region)
        VALUES ('{name}', 80, 'HTTP', '{name}', '{region}')""",
    ]


def service(name="web", region="us-east-1"):
    return [
        f"INSERT INTO cluster (cluster_name, region) VALUES ('{name}', '{region}')",
        task(name, region),
        f"""INSERT INTO service (name, desired_count, subnets, cluster_name, task_definition_id, target_group_name, region)
        SELECT '{name}', 2, {SUBNETS % region}, '{name}', id, '{name}', '{region}' FROM task_definition WHERE family = '{name}'""",
        f"INSERT INTO service_security_groups SELECT '{name}', {GROUP % (name, region)}, '{region}'",
    ]


# The plans of balancer(), and of it with service().
BALANCED = dict.fromkeys((f"create_{table}" for table in ("security_group", "load_balancer", "target_group", "listener")), 1)
WEB = BALANCED | {"create_cluster": 1, "create_task_definition": 1, "create_service": 1}
GONE = ["DELETE FROM service", "DELETE FROM task_definition", "DELETE FROM cluster", "DELETE FROM listener",
        "DELETE FROM target_group", "DELETE FROM load_balancer", "DELETE FROM security_group WHERE group_name <> 'default'"]


def instead(action, plan):
    """A plan that does something else to what another one creates."""
    return {key.replace("create", action): count for key, count in plan.items()}


# ------------------------------------------------------------------ the emulator itself


def refusals():
    """What the applies below must not run into: each refusal is there, in AWS's words."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    one, two = (ec2.create_security_group(GroupName=n, Description="d", VpcId=vpc)["GroupId"] for n in ("one", "two"))
    pair = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": one}]}]
    ec2.authorize_security_group_ingress(GroupId=two, IpPermissions=pair)
    check("a group that another names", refusal(ec2.delete_security_group, GroupId=one),
          ("DependencyViolation", f"resource {one} has a dependent object"))
    ec2.revoke_security_group_ingress(GroupId=two, IpPermissions=pair)
    check("a VPC with groups", refusal(ec2.delete_vpc, VpcId=vpc)[0], "DependencyViolation")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    states = [ec2.describe_nat_gateways()["NatGateways"][0]["State"] for _ in range(2)]
    check("a public NAT gateway without a way out", states, ["pending", "failed"])
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    check("an address in use", refusal(ec2.release_address, AllocationId=address)[0], "InvalidIPAddress.InUse")
    check("a gateway in use", refusal(ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)[0], "DependencyViolation")
    check("a subnet in use", refusal(ec2.delete_subnet, SubnetId=subnet),
          ("DependencyViolation", f"The subnet '{subnet}' has dependencies and cannot be deleted."))
    ec2.delete_nat_gateway(NatGatewayId=nat)
    states = [ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] for _ in range(2)]
    check("a NAT gateway goes", states, ["deleting", "deleted"])
    for name in one, two:
        ec2.delete_security_group(GroupId=name)
    ec2.release_address(AllocationId=address)
    ec2.delete_subnet(SubnetId=subnet)
    check("a VPC with a gateway", refusal(ec2.delete_vpc, VpcId=vpc),
          ("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted."))
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_vpc(VpcId=vpc)

    subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]][:2]
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    web = ec2.create_security_group(GroupName="web", Description="d", VpcId=vpc)["GroupId"]
    arn = elb.create_load_balancer(Name="web", Subnets=subnets, SecurityGroups=[web])["LoadBalancers"][0]["LoadBalancerArn"]
    check("the same load balancer again", elb.create_load_balancer(Name="web", Subnets=subnets, SecurityGroups=[web])[
        "LoadBalancers"][0]["LoadBalancerArn"], arn)
    check("another of its name", refusal(elb.create_load_balancer, Name="web", Subnets=subnets)[0], "DuplicateLoadBalancerName")
    target = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")[
        "TargetGroups"][0]["TargetGroupArn"]
    ecs.create_cluster(clusterName="web")
    definition = {"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
                  "memory": "512", "containerDefinitions": [{"name": "c", "image": "nginx", "portMappings": [{"containerPort": 80}]}]}
    ecs.register_task_definition(**definition)
    wanted = {"cluster": "web", "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE",
              "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [web]}},
              "loadBalancers": [{"targetGroupArn": target, "containerName": "c", "containerPort": 80}]}
    check("a target group without a listener", refusal(ecs.create_service, **wanted),
          ("InvalidParameterException", f"The target group with targetGroupArn {target} does not have an associated load balancer."))
    forward = [{"Type": "forward", "TargetGroupArn": target}]
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
    for said, name, port in ("d does not exist in the task definition.", "d", 80), ("c did not have a container port 81 defined.", "c", 81):
        behind = [{"targetGroupArn": target, "containerName": name, "containerPort": port}]
        check("traffic to what is not there", refusal(ecs.create_service, **wanted | {"loadBalancers": behind}),
              ("InvalidParameterException", f"The container {said}"))
    ecs.create_service(**wanted)
    check("a target group in use", refusal(elb.delete_target_group, TargetGroupArn=target)[0], "ResourceInUse")
    check("a cluster with services", refusal(ecs.delete_cluster, cluster="web"),
          ("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."))
    elb.delete_load_balancer(LoadBalancerArn=arn)
    check("a group of a load balancer that goes, and of a service", [
        refusal(ec2.delete_security_group, GroupId=web)[0] for _ in range(2)], ["DependencyViolation"] * 2)
    ecs.update_service(cluster="web", service="web", desiredCount=0)
    ecs.delete_service(cluster="web", service="web")
    check("a cluster with tasks", refusal(ecs.delete_cluster, cluster="web"),
          ("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active."))
    check("a service that goes", refusal(ecs.update_service, cluster="web", service="web", desiredCount=1)[0],
          "ServiceNotActiveException")
    states = [ecs.describe_services(cluster="web", services=["web"])["services"][0]["status"] for _ in range(2)]
    check("drains", states, ["DRAINING", "INACTIVE"])
    check("its group", refusal(ec2.delete_security_group, GroupId=web)[0], "DependencyViolation")
    ec2.delete_security_group(GroupId=web)
    ecs.delete_cluster(cluster="web")

    results = []
    threads = [threading.Thread(target=lambda: results.append(refusal(aws("ecs").register_task_definition, **definition)))
               for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("two revisions at once", sorted(r[1][:46] if r else "" for r in results),
          ["", "Too many concurrent attempts to create a new r"])
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    check("a role with policies", refusal(iam.delete_role, RoleName="r"),
          ("DeleteConflict", "Cannot delete entity, must detach all policies first."))
    token = {"SubnetId": subnets[0], "ConnectivityType": "private", "ClientToken": "once"}
    ids = {ec2.create_nat_gateway(**token)["NatGateway"]["NatGatewayId"] for _ in range(2)}
    check("a client token", len(ids), 1)
    urllib.request.urlopen(urllib.request.Request(ENDPOINT + "/moto-api/reset", method="POST")).read()


# ------------------------------------------------------------------ cases


def the_tutorial():
    before = held()
    apply("up", tutorial("up"), create_log_group=1, create_role=1, create_repository=1, create_security_group_rule=2, **WEB)
    apply("down", tutorial("down"), refused=["DeleteSecurityGroup DependencyViolation"], delete_log_group=1, delete_role=1,
          delete_repository=1, delete_security_group_rule=2, **instead("delete", WEB))
    check("the account is as before", held() ^ before, set())


def groups_that_name_each_other():
    before = held()
    apply("created", group("a"), group("b"), group("c"),
          """INSERT INTO security_group_rule (security_group_id, source_security_group, is_egress, ip_protocol, from_port, to_port)
          SELECT g.id, h.id, false, 'tcp', 80, 80 FROM security_group g, security_group h
          WHERE g.group_name || h.group_name IN ('ab', 'bc', 'ca', 'aa')""",
          create_security_group=3, create_security_group_rule=4)
    apply("one is renamed", "UPDATE security_group SET group_name = 'd' WHERE group_name = 'a'",
          replace_security_group=1, replace_security_group_rule=2, update_security_group_rule=1)
    apply("deleted", "DELETE FROM security_group_rule WHERE security_group_id IN (SELECT id FROM security_group"
          " WHERE group_name <> 'default')", "DELETE FROM security_group WHERE group_name <> 'default'",
          delete_security_group=3, delete_security_group_rule=4)
    check("the account is as before", held() ^ before, set())


def network():
    before = held()
    gone = [
        "DELETE FROM endpoint_gateway", "DELETE FROM nat_gateway", "DELETE FROM elastic_ip",
        "DELETE FROM subnet WHERE cidr_block = '10.0.0.0/24'", "DELETE FROM security_group_rule WHERE security_group_id IN"
        " (SELECT g.id FROM security_group g JOIN vpc v ON v.id = g.vpc_id WHERE NOT is_default)",
        "DELETE FROM security_group WHERE vpc_id IN (SELECT id FROM vpc WHERE NOT is_default)",
        "DELETE FROM vpc WHERE NOT is_default",
    ]
    apply(
        "created", "INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/16')",
        """INSERT INTO subnet (cidr_block, availability_zone, vpc_id)
        SELECT '10.0.0.0/24', 'us-east-1a', id FROM vpc WHERE cidr_block = '10.0.0.0/16'""",
        "INSERT INTO elastic_ip (tags) VALUES ('{\"Name\": \"nat\"}')",
        """INSERT INTO nat_gateway (connectivity_type, subnet_id)
        SELECT 'private', id FROM subnet WHERE cidr_block = '10.0.0.0/24'""",
        """INSERT INTO nat_gateway (connectivity_type, subnet_id, elastic_ip_id) SELECT 'public', (SELECT min(s.id) FROM subnet s
        JOIN vpc v ON v.id = s.vpc_id WHERE v.is_default AND s.region = 'us-east-1'), id FROM elastic_ip""",
        "INSERT INTO endpoint_gateway (service, vpc_id) SELECT 's3', id FROM vpc WHERE cidr_block = '10.0.0.0/16'",
        """INSERT INTO security_group (group_name, description, vpc_id)
        SELECT 'g', 'd', id FROM vpc WHERE cidr_block = '10.0.0.0/16'""",
        create_vpc=1, create_subnet=1, create_elastic_ip=1, create_nat_gateway=2, create_endpoint_gateway=1,
        create_security_group=1,
    )
    apply("another address", "INSERT INTO elastic_ip (tags) VALUES ('{\"Name\": \"other\"}')",
          "UPDATE nat_gateway SET elastic_ip_id = (SELECT max(id) FROM elastic_ip) WHERE connectivity_type = 'public'",
          create_elastic_ip=1, replace_nat_gateway=1)
    apply(
        "deleted", *gone, delete_vpc=1, delete_subnet=1, delete_elastic_ip=2, delete_nat_gateway=2, delete_endpoint_gateway=1,
        delete_security_group=1, delete_security_group_rule=1,
    )
    apply("a NAT gateway whose VPC has no way out", "INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/16')",
          """INSERT INTO subnet (cidr_block, availability_zone, vpc_id)
          SELECT '10.0.0.0/24', 'us-east-1a', id FROM vpc WHERE NOT is_default""", create_vpc=1, create_subnet=1)
    do("INSERT INTO nat_gateway (connectivity_type, subnet_id)"
       " SELECT 'public', id FROM subnet WHERE cidr_block = '10.0.0.0/24'")
    check("fails, and the error says so", "it ended in a state" in sql("SELECT iasql_apply()"), True)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    attached = {"InternetGatewayId": gateway, "VpcId": sql("SELECT vpc_id FROM vpc WHERE NOT is_default")}
    ec2.attach_internet_gateway(**attached)
    check("with a way out it is made anew", "ERROR" in sql("SELECT iasql_apply()"), False)
    check("which works, with the same address", (sql("SELECT state FROM nat_gateway"), len(ec2.describe_addresses()["Addresses"]),
          len(alive("nat_gateways", "NatGateways"))), ("available", 1, 1))
    check("and nothing is left to do", sql("SELECT * FROM iasql_apply()"), "")
    do("DELETE FROM nat_gateway")
    check("it goes", sql("SELECT action, table_name FROM iasql_apply()"), "delete|nat_gateway")
    check("its address is a row that stays", sql("SELECT count(*) FROM elastic_ip WHERE allocation_id IS NOT NULL"), "1")
    ec2.detach_internet_gateway(**attached)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    sql("SET iasql.orphan_grace = 0", *gone, "SELECT iasql_apply()")
    check("the account is as before", held() ^ before, set())


def endpoints():
    """A policy is reset, a difference of route tables sent, and a failure inside an answer is one."""
    before = held()
    apply("created", "INSERT INTO endpoint_gateway (service, vpc_id, policy_document, tags) SELECT 's3', id,"
          """ '{"Version": "2012-10-17", "Statement": []}', '{"managed": "yes"}' FROM vpc WHERE region = 'us-east-1'""",
          create_endpoint_gateway=1)
    apply("its policy is reset", "UPDATE endpoint_gateway SET policy_document = NULL", update_endpoint_gateway=1)
    shown = ec2.describe_vpc_endpoints()["VpcEndpoints"][-1]
    check("to AWS's own", (json.loads(shown["PolicyDocument"])["Statement"][0]["Action"], sql(
        "SELECT policy_document LIKE '%Allow%' FROM endpoint_gateway")), ("*", "t"))
    other = ec2.create_route_table(VpcId=shown["VpcId"])["RouteTable"]["RouteTableId"]
    for member, change in ("AddRouteTableIds", "array_append"), ("RemoveRouteTableIds", "array_remove"):
        apply(member, f"UPDATE endpoint_gateway SET route_table_ids = {change}(route_table_ids, '{other}')", update_endpoint_gateway=1)
        check("is all that is sent", sql("""SELECT request - 'VpcEndpointId' FROM iasql_journal
            WHERE aws_operation = 'ModifyVpcEndpoint' ORDER BY id DESC LIMIT 1"""), f'{{"{member}": ["{other}"]}}')
    do("DELETE FROM endpoint_gateway")
    check("it is not taken for deleted", "OperationNotPermitted: Requester-managed" in sql("SELECT iasql_apply()"), True)
    ec2.delete_tags(Resources=[shown["VpcEndpointId"]], Tags=[{"Key": "managed"}])
    check("then it goes", converge(), "")
    ec2.delete_route_table(RouteTableId=other)
    check("the account is as before", held() ^ before, set())


def replacements():
    before = held()
    apply("created", *balancer(), *service(), **WEB)
    apply("another container and port behind the load balancer", "UPDATE container_definition SET name = 'd', container_port = 81,"
          " host_port = 81", update_service=1, replace_task_definition=1)
    apply("another name", "UPDATE service SET name = 'web2'", replace_service=1)
    apply("another group, and the old one goes", group("web2"),
          f"UPDATE service_security_groups SET security_group_id = {GROUP % ('web2', 'us-east-1')}",
          f"UPDATE load_balancer_security_groups SET security_group_id = {GROUP % ('web2', 'us-east-1')}",
          "DELETE FROM security_group WHERE group_name = 'web'", refused=["DeleteSecurityGroup DependencyViolation"],
          create_security_group=1, update_load_balancer=1, update_service=1, delete_security_group=1)
    apply("another target group", "UPDATE target_group SET target_group_name = 'web2'",
          replace_target_group=1, update_listener=1, update_service=1)
    apply("another revision", "UPDATE task_definition SET cpu_memory = 'vCPU0.5-1GB'", update_service=1, replace_task_definition=1)
    apply("another load balancer", "UPDATE load_balancer SET load_balancer_name = 'web2'", replace_load_balancer=1, replace_listener=1)
    apply("another cluster", "UPDATE cluster SET cluster_name = 'web2'", replace_cluster=1, replace_service=1)
    apply("deleted", *GONE, refused=["DeleteSecurityGroup DependencyViolation"],
          **instead("delete", WEB))
    check("the account is as before", held() ^ before, set())


def replacements_that_fail():
    """What an earlier apply made before it failed is what the next one goes on with."""
    before = held()
    (subnet, *_) = ec2.describe_subnets()["Subnets"]
    apply("created", group("f"), "INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/16')", create_security_group=1, create_vpc=1)
    used = ec2.create_network_interface(SubnetId=subnet["SubnetId"], Groups=[sql(
        "SELECT group_id FROM security_group WHERE group_name = 'f'")])["NetworkInterface"]["NetworkInterfaceId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    attached = {"InternetGatewayId": gateway, "VpcId": sql("SELECT vpc_id FROM vpc WHERE NOT is_default")}
    ec2.attach_internet_gateway(**attached)
    rules = ("DELETE FROM security_group_rule r USING security_group g, vpc v WHERE g.id = r.security_group_id"
             " AND v.id = g.vpc_id AND NOT v.is_default")
    while sql("SELECT count(*) FROM security_group_rule") != "2":
        sql("SELECT iasql_apply()")
    apply("the rule of the VPC's own group goes", rules, delete_security_group_rule=1)
    do("UPDATE security_group SET group_name = 'g' WHERE group_name = 'f'",
       "UPDATE vpc SET cidr_block = '10.1.0.0/16' WHERE NOT is_default")

    def refused():
        return sql("SET iasql.wait_timeout = '1s'", "SELECT iasql_apply()").count(": DependencyViolation")

    sent()
    check("the old ones are in use", any(refused() == 2 for _ in range(10)), True)  # once the new ones are there
    check("and still are", refused(), 2)
    made = [name for name, code in sent() if name.startswith("Create") and code is None]
    check("each new one was made once", sorted(made), ["CreateSecurityGroup", "CreateVpc"])
    ec2.delete_network_interface(NetworkInterfaceId=used)
    ec2.detach_internet_gateway(**attached)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    check("then they go", converge(), "")
    check("two groups, two VPCs", (sorted(g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]),
                                   [v["CidrBlock"] for v in ec2.describe_vpcs()["Vpcs"]]),
          (["default", "default", "g"], ["172.31.0.0/16", "10.1.0.0/16"]))
    sql(rules, "DELETE FROM security_group g USING vpc v WHERE v.id = g.vpc_id"
        " AND (NOT v.is_default OR group_name = 'g')", "DELETE FROM vpc WHERE NOT is_default", "SELECT iasql_apply()")
    check("the account is as before", held() ^ before, set())


def what_holds_them():
    """Deletions that a network interface holds up: one that goes with its owner is waited for, another ends it at once."""
    before = held()
    lingering = [statement.replace("'web'", "'lingers'") for statement in balancer()]
    gone = GONE[3:]
    for key in ("lagging",) if LAG else ("blind", "lagging"):
        do(f"UPDATE aws_account SET access_key_id = '{key}'")
        apply("a load balancer", *lingering, **BALANCED)
        apply(f"{key}: its interface is waited for", *gone, refused=["DeleteSecurityGroup DependencyViolation"] * 3,
              **instead("delete", BALANCED))
    apply("a VPC", "INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/16')", """INSERT INTO subnet (cidr_block, availability_zone,
        vpc_id) SELECT '10.0.0.0/24', 'us-east-1a', id FROM vpc WHERE NOT is_default""", """INSERT INTO security_group
        (group_name, description, vpc_id) SELECT 'held', 'd', id FROM vpc WHERE NOT is_default""",
          create_vpc=1, create_subnet=1, create_security_group=1)
    used = ec2.create_network_interface(SubnetId=sql("SELECT subnet_id FROM subnet WHERE cidr_block = '10.0.0.0/24'"), Groups=[
        sql("SELECT group_id FROM security_group WHERE group_name = 'held'")], Description="mine")["NetworkInterface"]["NetworkInterfaceId"]
    rows = ["DELETE FROM security_group_rule WHERE security_group_id IN (SELECT g.id FROM security_group g JOIN vpc v"
            " ON v.id = g.vpc_id WHERE NOT v.is_default)",
            "DELETE FROM security_group g USING vpc v WHERE v.id = g.vpc_id AND NOT v.is_default",
            "DELETE FROM subnet s USING vpc v WHERE v.id = s.vpc_id AND NOT v.is_default", "DELETE FROM vpc WHERE NOT is_default"]
    do(*rows)
    sent()
    output = sql("SELECT iasql_apply()")
    deletions = collections.Counter(operation for operation, code in sent() if code == "DependencyViolation")
    check("the user's own ends the deletions", sorted(o for o, count in deletions.items() if 3 <= count <= 5),
          ["DeleteSecurityGroup", "DeleteSubnet"])
    check("and is named", output.count(
        f"; it is held by network interface {used} (InterfaceType interface, Status available, Description mine)"), 2)
    check("with a hint", "HINT:  What was done is recorded: delete the network interface or take it out and call" in output, True)
    ec2.delete_network_interface(NetworkInterfaceId=used)
    check("then they go", converge(), "")
    check("the account is as before", held() ^ before, set())


def families():
    apply("three of one family, one of another", task("one"), task("one", cpu="vCPU0.5-1GB"), task("one", cpu="vCPU1-2GB"),
          task("two"), create_task_definition=4)
    apply("edited and deleted", "UPDATE task_definition SET cpu_memory = 'vCPU2-4GB' WHERE revision < 3",
          "DELETE FROM task_definition WHERE revision = 3", replace_task_definition=3, delete_task_definition=1)
    apply("deleted", "DELETE FROM task_definition", delete_task_definition=3)


def what_holds_more():
    """A role with policies and an instance profile; a repository with an image."""
    policies = "ARRAY['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::aws:policy/job-function/ViewOnlyAccess']"
    apply("created", f"INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)"
          f" VALUES ('rr', '{TRUST}', {policies})", "INSERT INTO repository (repository_name) VALUES ('rr')",
          create_role=1, create_repository=1)
    check("with its profile", [p["Roles"][0]["RoleName"] for p in iam.list_instance_profiles()["InstanceProfiles"]], ["rr"])
    apply("the role goes", "DELETE FROM role", delete_role=1)
    ecr.put_image(repositoryName="rr", imageTag="t", imageManifest=json.dumps(
        {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}))
    do("DELETE FROM repository")
    check("a repository with images stays", "RepositoryNotEmptyException" in sql("SELECT iasql_apply()"), True)
    check("and its images", len(ecr.list_images(repositoryName="rr")["imageIds"]), 1)
    ecr.batch_delete_image(repositoryName="rr", imageIds=[{"imageTag": "t"}])
    apply("an empty one goes", delete_repository=1)


def at_once_again():
    """Objects that lists do not show yet, or still show."""
    rows = ["INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/16')", "INSERT INTO elastic_ip (tags) VALUES ('{\"Name\": \"a\"}')",
            group("web"), f"INSERT INTO role (role_name, assume_role_policy_document) VALUES ('rr', '{TRUST}')"]
    wanted = {"create_vpc": 1, "create_elastic_ip": 1, "create_security_group": 1, "create_role": 1}
    gone = ["DELETE FROM security_group_rule WHERE security_group_id IN (SELECT g.id FROM security_group g JOIN vpc v"
            " ON v.id = g.vpc_id WHERE NOT is_default)", "DELETE FROM security_group WHERE group_name = 'web' OR vpc_id IN"
            " (SELECT id FROM vpc WHERE NOT is_default)", "DELETE FROM vpc WHERE NOT is_default", "DELETE FROM elastic_ip",
            "DELETE FROM role"]
    for _ in range(2):
        apply("created", *rows, **wanted)
        apply("deleted", *gone, delete_vpc=1, delete_elastic_ip=1, delete_security_group=1, delete_role=1,
              **({} if LAG else {"delete_security_group_rule": 1}))
    rows.append("INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)"
                f" VALUES ('bad', '{TRUST}', ARRAY['arn:aws:iam::aws:policy/None'])")
    check("a migration that fails", "could not apply 1 of" in sql("BEGIN", *rows, "SELECT iasql_apply()", "COMMIT"), True)
    rows[-1] = "INSERT INTO role (role_name, assume_role_policy_document) VALUES ('bad', '%s')" % TRUST
    apply("and is repeated", *rows, **{**wanted, "create_role": 2})
    check("one VPC and one address", (len(ec2.describe_vpcs()["Vpcs"]), len(ec2.describe_addresses()["Addresses"])), (2, 1))
    do("SELECT FROM iasql_uninstall('aws_ecs_fargate', 'aws_elb', 'aws_security_group', 'aws_vpc')",
       "SELECT FROM iasql_install('aws_ecs_fargate', 'aws_elb', 'aws_security_group', 'aws_vpc')")
    check("nothing is left to do", sql("SELECT * FROM iasql_apply()"), "")
    sql(*gone, "SELECT iasql_apply()")


def alive(what, member):
    return [item for item in getattr(ec2, f"describe_{what}")()[member] if item["State"] not in ("deleted", "failed")]


def answers_lost():
    """A create whose answer is lost is sent again with its token."""
    proxy = Proxy(ENDPOINT)
    do(f"ALTER DATABASE lag{LAG} SET iasql.endpoint_url = '{proxy.url}'", *balancer())
    sql("SELECT iasql_apply()")
    for what, rows, operation, count in (
        ("NAT gateway", ["INSERT INTO nat_gateway (connectivity_type, subnet_id) SELECT 'private', min(id) FROM subnet"],
         "CreateNatGateway", lambda: len(alive("nat_gateways", "NatGateways"))),
        ("endpoint", ["INSERT INTO endpoint_gateway (service, vpc_id) SELECT 's3', id FROM vpc WHERE region = 'us-east-1'"],
         "CreateVpcEndpoint", lambda: len(alive("vpc_endpoints", "VpcEndpoints"))),
        ("service", service(), "CreateService", lambda: len(ecs.list_services(cluster="web")["serviceArns"])),
    ):
        do(*rows)
        sent()
        proxy.arm(3 if what == "service" else 1, "reset_done")
        check(f"{what}: the apply succeeds", "ERROR" in sql("SELECT iasql_apply()"), False)
        check(f"{what}: it was sent twice", [request for request in sent() if request[0] == operation], [(operation, None)] * 2)
        check(f"{what}: and is there once", count(), 1)
    check("there is nothing left to do", sql("SELECT * FROM iasql_apply()"), "")
    do(f"ALTER DATABASE lag{LAG} SET iasql.endpoint_url = '{ENDPOINT}'")
    apply("all goes", *GONE, "DELETE FROM nat_gateway", "DELETE FROM endpoint_gateway",
          refused=["DeleteSecurityGroup DependencyViolation"], delete_nat_gateway=1, delete_endpoint_gateway=1,
          **instead("delete", WEB))


def certificate(name, *key):
    """A key, made as openssl is told, and a certificate that it has signed itself."""
    command = ["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days", "9", "-subj", f"/CN={name}", "-keyout", "-"]
    text = subprocess.check_output(command, stderr=subprocess.DEVNULL, text=True)
    at = text.index("-----BEGIN CERTIFICATE")
    return {"PrivateKey": text[:at], "Certificate": text[at:]}


class Slow(Proxy):
    """Shows NAT gateways as pending until one look has been at 'all' of them 'pending' times; 'looks' counts those looks."""

    all, pending, looks = 4, 3, 0

    async def forward(self, headers, body):
        answer = await super().forward(headers, body)
        if b"Action=DescribeNatGateways&" not in body or b"Filter.1.Value." not in body:
            return answer
        self.looks += body.count(b"Filter.1.Value.") == self.all
        return answer.replace(b"<state>available</state>", b"<state>pending</state>  ") if self.looks <= self.pending else answer


def waits():
    """Who waits for the same waits together: a look is at all of them."""
    slow = Slow(ENDPOINT)
    do(f"ALTER DATABASE lag{LAG} SET iasql.endpoint_url = '{slow.url}'")
    apply("gateways that become ready together", "INSERT INTO nat_gateway (connectivity_type, subnet_id)"
          f" SELECT 'private', min(id) FROM subnet, generate_series(1, {slow.all}) WHERE region = 'us-east-1' GROUP BY generate_series",
          create_nat_gateway=slow.all)
    check("looks at all of them", slow.looks, slow.pending + 1)
    do(f"ALTER DATABASE lag{LAG} SET iasql.endpoint_url = '{ENDPOINT}'")
    apply("they go", "DELETE FROM nat_gateway", delete_nat_gateway=slow.all)


def https():
    arns = [acm.import_certificate(**certificate(f"{name}.example.com", *key))["CertificateArn"] for name, *key in (
        ("one", "rsa:2048"), ("two", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))]
    check("who asks for no key types is not shown all", [
        c["CertificateArn"] for c in acm.list_certificates()["CertificateSummaryList"]], arns[:1])
    apply("certificates are imported")
    while sql("SELECT count(*) FROM certificate") != "2":
        apply("late ones, too")
    chosen = "(SELECT id FROM certificate WHERE domain_name = '%s.example.com')"
    apply("a listener with one", *balancer(), "UPDATE listener SET port = 443, protocol = 'HTTPS', certificate_id = "
          + chosen % "one", **BALANCED)

    def shown():
        (load_balancer,) = elb.describe_load_balancers()["LoadBalancers"]
        (listener,) = elb.describe_listeners(LoadBalancerArn=load_balancer["LoadBalancerArn"])["Listeners"]
        return listener["Port"], listener["Protocol"], [c["CertificateArn"] for c in listener["Certificates"]]

    check("the listener", shown(), (443, "HTTPS", arns[:1]))
    check("its policy is written back", sql("SELECT ssl_policy LIKE 'ELBSecurityPolicy-%' FROM listener"), "t")
    apply("the other certificate, and the first one goes", "UPDATE listener SET certificate_id = " + chosen % "two",
          "DELETE FROM certificate WHERE domain_name = 'one.example.com'", update_listener=1, delete_certificate=1)
    check("the listener", shown(), (443, "HTTPS", arns[1:]))
    apply("both go", *GONE[3:], "DELETE FROM certificate", refused=["DeleteSecurityGroup DependencyViolation"],
          delete_listener=1, delete_target_group=1, delete_load_balancer=1, delete_security_group=1, delete_certificate=1)
    check("no certificate is left", acm.list_certificates(Includes={"keyTypes": ["RSA_2048", "EC_prime256v1"]})[
        "CertificateSummaryList"], [])


def ipv6():
    """In a VPC with an IPv6 range AWS gives a group a second rule."""
    ranges = """SELECT coalesce(cidr_ipv4::text, cidr_ipv6::text), r.description FROM security_group_rule r
        JOIN security_group g ON g.id = security_group_id WHERE group_name = '%s'"""
    rule = """INSERT INTO security_group_rule (security_group_id, is_egress, ip_protocol, from_port, to_port, cidr_ipv6, description)
        SELECT id, true, '-1', -1, -1, '::/0', '%s' FROM security_group WHERE group_name = '%s'"""
    in_vpc = "INSERT INTO security_group (group_name, description, vpc_id) SELECT '%s', 'd', id FROM vpc WHERE cidr_block = '%s'"
    before = held()
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    for _ in range(LAG + 1):
        sql("SELECT iasql_apply()")
    do("DELETE FROM security_group_rule WHERE security_group_id IN (SELECT g.id FROM security_group g"
       " JOIN vpc v ON v.id = g.vpc_id WHERE NOT is_default)")
    sql("SELECT iasql_apply()")

    def shown(name):
        (found,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
        return sorted(r.get("CidrIp") or r["CidrIpv6"] for p in found["IpPermissionsEgress"] for r in p["IpRanges"] + p["Ipv6Ranges"])

    check("the VPC is a row", sql(f"SELECT cidr_block FROM vpc WHERE vpc_id = '{vpc}'"), "10.0.0.0/16")
    apply("a group without rules", in_vpc % ("none", "10.0.0.0/16"), create_security_group=1)
    check("has none", (shown("none"), sql(ranges % "none")), ([], ""))
    apply("a group with the rule", in_vpc % ("same", "10.0.0.0/16"), rule % ("mine", "same"),
          create_security_group=1, create_security_group_rule=1)
    check("has it", (shown("same"), sql(ranges % "same")), (["::/0"], "::/0|mine"))
    apply("a VPC and a group, both new", "INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16')", in_vpc % ("new", "10.1.0.0/16"),
          rule % ("also", "new"), create_vpc=1, create_security_group=1, create_security_group_rule=1)
    check("with a rule that no range asks for", shown("new"), ["::/0"])
    do("DELETE FROM security_group_rule r USING security_group g, vpc v WHERE g.id = r.security_group_id AND v.id = g.vpc_id"
       " AND NOT v.is_default")
    sql("DELETE FROM security_group g USING vpc v WHERE v.id = g.vpc_id AND NOT v.is_default", "DELETE FROM vpc WHERE NOT is_default",
        "SELECT iasql_apply()")
    check("the account is as before", held() ^ before, set())


def load_balancers_move():
    """A load balancer cannot leave its region or its VPC: it is made anew in the other one, and never without subnets there."""
    if LAG:
        return
    do(f"UPDATE aws_regions SET is_enabled = true WHERE region = '{WEST}'")
    apply("another region")
    before = held(), held(WEST)
    apply("created", *balancer(), **BALANCED)
    there = ["BEGIN", "SET CONSTRAINTS ALL DEFERRED", f"UPDATE target_group SET region = '{WEST}', vpc = NULL",
             f"UPDATE security_group SET region = '{WEST}', vpc_id = NULL WHERE group_name = 'web'"]
    move = f"UPDATE load_balancer SET region = '{WEST}', vpc = NULL"
    sent()
    output = sql(*there, move, "SELECT iasql_apply()")
    check("its old subnets are refused", (output.count(f"load_balancer web in {WEST} refers to subnet subnet-"), sent()), (1, []))
    check("with a hint", f"HINT:  Set \"subnets\" to what is in region \"{WEST}\", or to NULL" in output, True)
    apply("without them it moves", *there, move + ", subnets = NULL", "COMMIT",
          refused=["DeleteSecurityGroup DependencyViolation"], **BALANCED, **instead("delete", BALANCED))
    check("it has those of the default VPC there", sql("SELECT vpc = (SELECT id FROM vpc WHERE is_default AND region = b.region),"
          f" subnets::text[] @> {SUBNETS % WEST} FROM load_balancer b"), "t|t")

    vpc = "(SELECT id FROM vpc WHERE cidr_block = '10.0.0.0/16')"
    apply("a VPC", f"INSERT INTO vpc (cidr_block, region) VALUES ('10.0.0.0/16', '{WEST}')",
          f"""INSERT INTO subnet (cidr_block, availability_zone, vpc_id, region)
          SELECT '10.0.' || i || '.0/24', '{WEST}' || chr(96 + i), {vpc}, '{WEST}' FROM generate_series(1, 2) i""",
          create_vpc=1, create_subnet=2)
    apply("another VPC", f"UPDATE security_group SET vpc_id = {vpc} WHERE group_name = 'web'", f"UPDATE target_group SET vpc = {vpc}",
          "UPDATE load_balancer SET subnets = (SELECT array_agg(subnet_id) FROM subnet WHERE cidr_block LIKE '10.0.%')",
          refused=["DeleteSecurityGroup DependencyViolation"], **instead("replace", BALANCED))
    apply("the VPC is replaced", "UPDATE vpc SET cidr_block = '10.1.0.0/16' WHERE cidr_block = '10.0.0.0/16'",
          "UPDATE subnet SET cidr_block = replace(cidr_block, '10.0.', '10.1.') WHERE cidr_block LIKE '10.0.%'",
          refused=None, replace_vpc=1, replace_subnet=2, **instead("replace", BALANCED))
    check("its row has the new subnets", sql("SELECT subnets @> (SELECT array_agg(subnet_id) FROM subnet"
          " WHERE cidr_block LIKE '10.1.%'), vpc = (SELECT id FROM vpc WHERE cidr_block = '10.1.0.0/16') FROM load_balancer"), "t|t")
    rules = "DELETE FROM security_group_rule r USING security_group g, vpc v WHERE g.id = security_group_id AND v.id = g.vpc_id" \
            " AND cidr_block = '10.1.0.0/16'"
    do(rules, "DELETE FROM listener", "DELETE FROM target_group", "DELETE FROM load_balancer", "DELETE FROM security_group g"
        " USING vpc v WHERE v.id = g.vpc_id AND cidr_block = '10.1.0.0/16'", "DELETE FROM subnet WHERE cidr_block LIKE '10.1.%'",
        "DELETE FROM vpc WHERE cidr_block = '10.1.0.0/16'")
    check("all goes", converge(), "")
    check("both regions are as before", held() ^ before[0] | held(WEST) ^ before[1], set())


def moves():
    """Rows that move to another region: what is there is made there, and deleted here."""
    do(f"UPDATE aws_regions SET is_enabled = true WHERE region = '{WEST}'")
    apply("another region")
    before = held(), held(WEST)
    apply("a group with rules", group("moves"), f"""INSERT INTO security_group_rule (security_group_id, is_egress, ip_protocol,
        from_port, to_port, cidr_ipv4) VALUES ({GROUP % ('moves', 'us-east-1')}, false, 'tcp', 80, 80, '10.0.0.0/8')""",
        create_security_group=1, create_security_group_rule=1)
    apply("moves", f"""UPDATE security_group SET region = '{WEST}', vpc_id = (SELECT id FROM vpc WHERE is_default
        AND region = '{WEST}') WHERE group_name = 'moves'""",
          create_security_group=1, create_security_group_rule=1, delete_security_group=1, delete_security_group_rule=1)
    names = [[g["GroupName"] for g in aws("ec2", r).describe_security_groups()["SecurityGroups"]] for r in ("us-east-1", WEST)]
    check("is there", names, [["default"], ["default", "moves"]])
    apply("goes", "DELETE FROM security_group_rule WHERE cidr_ipv4 = '10.0.0.0/8'",
          "DELETE FROM security_group WHERE group_name = 'moves'", delete_security_group=1, delete_security_group_rule=1)

    apply("a service behind a load balancer", *balancer(), *service(), **WEB)
    check("a part of it cannot move alone", "violates foreign key" in sql(f"UPDATE cluster SET region = '{WEST}'"), True)
    vpc = f"(SELECT id FROM vpc WHERE is_default AND region = '{WEST}')"
    apply("moves", "BEGIN", "SET CONSTRAINTS ALL DEFERRED",
          f"UPDATE security_group SET region = '{WEST}', vpc_id = {vpc} WHERE group_name = 'web'",
          f"UPDATE target_group SET region = '{WEST}', vpc = {vpc}",
          f"UPDATE load_balancer SET region = '{WEST}', vpc = {vpc}, subnets = {SUBNETS % WEST}",
          f"UPDATE cluster SET region = '{WEST}'", f"UPDATE task_definition SET region = '{WEST}'",
          f"UPDATE service SET region = '{WEST}', subnets = {SUBNETS % WEST}", "COMMIT",
          refused=["DeleteSecurityGroup DependencyViolation"],
          **WEB, **instead("delete", WEB))
    check("nothing is left", held() ^ before[0], set())
    check("its ARNs are of the other region", sql("SELECT " + " + ".join(
        f"(SELECT count(*) FROM {table} WHERE {arn} LIKE '%:{WEST}:%')" for table, arn in (
            ("load_balancer", "load_balancer_arn"), ("target_group", "target_group_arn"), ("listener", "listener_arn"),
            ("cluster", "cluster_arn"), ("task_definition", "task_definition_arn"), ("service", "arn")))), "6")
    apply("goes", *GONE, refused=["DeleteSecurityGroup DependencyViolation"],
          **instead("delete", WEB))
    check("both regions are as before", held() ^ before[0] | held(WEST) ^ before[1], set())


def late():
    """What AWS does not show for long is neither made twice, nor forgotten, nor taken for somebody else's."""
    row = "INSERT INTO elastic_ip (tags) VALUES ('{\"late\": \"yes\"}')"
    waits = "is left alone: AWS does not show it, though it was made less than iasql.consistency_window ago"
    before = held()

    def settled(what, *statements):
        """Applied while AWS does not show an object: nothing is done."""
        sent()
        said = sql(*statements, "SET client_min_messages = notice", "SELECT * FROM iasql_apply()")
        check(what, (said.count("NOTICE"), waits in said, sent()), (1, True, []))

    def until(*actions):
        """The applies up to the first that does something; four have looked more often than lists lag."""
        for _ in range(4):
            done = sql("SELECT action FROM iasql_apply()").split()
            if done:
                break
        check(f"then {actions}", done, list(actions))

    def made():
        return len(held() - before)

    check("an address", sql(row, "SELECT action FROM iasql_apply()"), "create")
    settled("its row is left alone")
    settled("also when it is deleted", "DELETE FROM elastic_ip")
    until("delete")
    check("nothing is left", held() ^ before, set())
    check("an address of a transaction that is undone",
          sql("BEGIN", row, "SELECT action FROM iasql_apply()", "ROLLBACK"), "create")
    settled("the same row again", row)
    until("create")
    check("is bound to it", (made(), sql("SELECT count(*) FROM elastic_ip WHERE public_ip IS NOT NULL")), (1, "1"))
    do("DELETE FROM elastic_ip")
    until("delete")
    check("a group", sql(group("late"), "SELECT action FROM iasql_apply()"), "create")
    check("is shown at last", [sql("SELECT action FROM iasql_apply()") for _ in range(4)], [""] * 4)
    do("UPDATE security_group SET group_name = 'later' WHERE group_name = 'late'")
    check("a replacement that is undone", sql("BEGIN", "SELECT action FROM iasql_apply()", "ROLLBACK"), "replace")
    settled("its row waits for the new group")
    until("create", "delete")  # what the first try has made is the row's, and the old one goes
    check("which is there once", made(), 1)
    do("DELETE FROM security_group WHERE group_name = 'later'")
    until("delete")
    check("nothing is left at the end", held() ^ before, set())


CASES = [the_tutorial, groups_that_name_each_other, network, endpoints, replacements, replacements_that_fail, what_holds_them,
         families, what_holds_more, at_once_again,
         answers_lost, waits, https, ipv6, load_balancers_move, moves]
if LAG > 6:  # longer than an apply looks
    CASES = [late]
case = refusals
if LAG == 0:
    refusals()
ec2.describe_vpcs()  # moto needs seconds to load what a region has
sql("SELECT iasql_install('aws_ecs_fargate')")
for case in CASES:
    if case.__name__ in sys.argv[4:] or len(sys.argv) == 4:
        case()
finish()
