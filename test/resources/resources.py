"""The lives of all resources, by psql and boto3.  Usage: resources.py ENDPOINT [LIFE...], with PGHOST and the like set."""

import json
import os
import subprocess
import sys

import check as checks
from check import FORGET_DIGESTS, Emulator, check, finish, sql, tags

ENDPOINT = sys.argv[1]
only = sys.argv[2:]
iam, logs, ecr, ec2, elb, ecs, acm = map(Emulator(ENDPOINT), ("iam", "logs", "ecr", "ec2", "elbv2", "ecs", "acm"))


def apply(what, statement, *wanted, allow=""):
    """A change of rows, and the 'action table' rows that preview and apply report; afterwards nothing is left to do."""
    check(f"{what}: the rows", sql(statement) if statement else "", "")
    query = f"SELECT * FROM iasql_preview_apply(allow => '{{{allow}}}')"
    preview = sql(query)
    check(f"{what}: the preview is that of all bases", sql("BEGIN", FORGET_DIGESTS, query, "ROLLBACK"), preview)
    applied = sql(f"SELECT * FROM iasql_apply(allow => '{{{allow}}}')")
    check(f"{what}: the preview is the apply", applied, preview)
    check(f"{what}: the plan", [" ".join(line.split("|")[:2]) for line in applied.splitlines()], list(wanted))
    check(f"{what}: nothing is left", sql("SELECT * FROM iasql_preview_apply()"), "")


def gone(what, call, **arguments):
    try:
        check(f"{what} is gone", call(**arguments), None)
    except Exception as error:
        check(f"{what} is gone", type(error).__name__ != "ParamValidationError", True)


def trust(*services):
    return json.dumps(checks.trust(*services))


def roles():
    policy = "arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"

    def attached(role):
        return sorted(p["PolicyArn"] for p in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"])

    def profiles():
        return [(p["InstanceProfileName"], [r["RoleName"] for r in p["Roles"]])
                for p in iam.list_instance_profiles()["InstanceProfiles"]]

    apply("role", f"""INSERT INTO role (role_name, assume_role_policy_document, description, attached_policies_arns)
        VALUES ('r', '{trust("ec2.amazonaws.com", "ecs.amazonaws.com")}', 'it''s "one"', '{{{policy[0]}}}')""", "create role")
    role = iam.get_role(RoleName="r")["Role"]
    check("the role's description", role["Description"], 'it\'s "one"')
    check("its policies", attached("r"), [policy[0]])
    check("its instance profile", profiles(), [("r", ["r"])])
    check("its ARN", sql("SELECT arn FROM role WHERE role_name = 'r'"), role["Arn"])
    apply("a role's policies", f"UPDATE role SET attached_policies_arns = '{{{policy[1]}}}' WHERE role_name = 'r'", "update role")
    check("the other policy", attached("r"), [policy[1]])
    apply("a role without policies", "UPDATE role SET attached_policies_arns = '{}' WHERE role_name = 'r'", "update role")
    check("no policy", attached("r"), [])
    apply("a role's trust", f"UPDATE role SET assume_role_policy_document = '{trust('ecs-tasks.amazonaws.com')}' "
          "WHERE role_name = 'r'", "update role")
    check("no instance profile", profiles(), [])
    check("the other trust", iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"],
          json.loads(trust("ecs-tasks.amazonaws.com")))
    apply("a trust policy written another way", f"""UPDATE role SET assume_role_policy_document =
        '{trust("ecs-tasks.amazonaws.com").replace('"sts:AssumeRole"', '["sts:AssumeRole"]')}' WHERE role_name = 'r'""")
    iam.update_role(RoleName="r", Description=role["Description"], MaxSessionDuration=7200)
    apply("a role's description", "UPDATE role SET description = 'two' WHERE role_name = 'r'", "update role")
    check("the other description", iam.get_role(RoleName="r")["Role"]["Description"], "two")
    check("its longest session stays", iam.get_role(RoleName="r")["Role"]["MaxSessionDuration"], 7200)
    apply("a role without description", "UPDATE role SET description = NULL WHERE role_name = 'r'", "update role")
    check("no description", iam.get_role(RoleName="r")["Role"].get("Description", ""), "")
    apply("a role's ARN", "UPDATE role SET arn = 'x' WHERE role_name = 'r'", "update role")
    check("the ARN is put back", sql("SELECT arn FROM role WHERE role_name = 'r'"), role["Arn"])
    apply("a role's name", "UPDATE role SET role_name = 'r2' WHERE role_name = 'r'", "create role", "delete role")
    gone("the old role", iam.get_role, RoleName="r")
    apply("no role", f"UPDATE role SET attached_policies_arns = '{{{policy[0]}}}' WHERE role_name = 'r2'", "update role")
    apply("no role", "DELETE FROM role WHERE role_name = 'r2'", "delete role")
    gone("the role", iam.get_role, RoleName="r2")

    apply("100 roles", f"""INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)
        SELECT 'many-' || i, '{trust("ec2.amazonaws.com")}', '{{{policy[0]}}}' FROM generate_series(1, 100) i""",
          *["create role"] * 100)
    check("100 instance profiles", len(profiles()), 100)
    apply("no role", "DELETE FROM role WHERE role_name LIKE 'many-%'", *["delete role"] * 100)
    check("no instance profiles", profiles(), [])

    iam.create_service_linked_role(AWSServiceName="ecs.amazonaws.com")
    apply("a service's role is imported", "")
    linked = sql("SELECT role_name FROM role")
    apply("a service's role is put back", "UPDATE role SET description = 'mine'", "update role")
    apply("a service's role is no one's to delete", "DELETE FROM role")
    check("it is a row again", sql("SELECT role_name FROM role"), linked)


def log_groups():
    def names():
        return sorted(g["logGroupName"] for g in logs.describe_log_groups()["logGroups"])

    apply("log groups", "INSERT INTO log_group (log_group_name) VALUES ('a'), ('a/b')", "create log_group", "create log_group")
    check("the log groups", names(), ["a", "a/b"])
    apply("a log group's ARN", "UPDATE log_group SET log_group_arn = NULL, creation_time = now() WHERE log_group_name = 'a'",
          "update log_group")
    check("its ARN is put back", sql("SELECT log_group_arn FROM log_group WHERE log_group_name = 'a'"),
          logs.describe_log_groups(logGroupNamePrefix="a")["logGroups"][0]["arn"])
    apply("a log group's name", "UPDATE log_group SET log_group_name = 'c' WHERE log_group_name = 'a'",
          "create log_group", "delete log_group", allow="lose_data")
    check("the renamed log group", names(), ["a/b", "c"])
    apply("no log group", "DELETE FROM log_group", "delete log_group", "delete log_group")
    check("no log group is left", names(), [])


def repositories():
    def repository(name="team/app"):
        return ecr.describe_repositories(repositoryNames=[name])["repositories"][0]

    def policy(action):
        return json.dumps({"Version": "2012-10-17", "Statement": [
            {"Sid": "s", "Effect": "Allow", "Principal": "*", "Action": [f"ecr:{action}"]}]})

    apply("repository", f"""INSERT INTO repository (repository_name, scan_on_push) VALUES ('team/app', true);
        INSERT INTO repository_policy (repository_name, policy_text) VALUES ('team/app', '{policy("ListImages")}')""",
          "create repository", "create repository_policy")
    check("it scans", repository()["imageScanningConfiguration"], {"scanOnPush": True})
    check("its policy", json.loads(ecr.get_repository_policy(repositoryName="team/app")["policyText"]),
          json.loads(policy("ListImages")))
    check("its URI", sql("SELECT repository_uri FROM repository"), repository()["repositoryUri"])
    apply("a repository's settings", "UPDATE repository SET image_tag_mutability = 'IMMUTABLE', scan_on_push = false",
          "update repository")
    check("it is changed", (repository()["imageTagMutability"], repository()["imageScanningConfiguration"]),
          ("IMMUTABLE", {"scanOnPush": False}))
    apply("a repository's policy", f"UPDATE repository_policy SET policy_text = '{policy('DescribeImages')}'",
          "update repository_policy")
    check("its other policy", json.loads(ecr.get_repository_policy(repositoryName="team/app")["policyText"]),
          json.loads(policy("DescribeImages")))
    apply("what AWS says of them", "UPDATE repository SET repository_uri = 'x', registry_id = 'y';"
          "UPDATE repository_policy SET registry_id = NULL", "update repository", "update repository_policy")
    apply("a repository's name", "UPDATE repository SET repository_name = 'team/web'",
          "create repository", "replace repository_policy", "delete repository", allow="lose_data")
    gone("the former repository", repository)
    check("its policy went along", json.loads(ecr.get_repository_policy(repositoryName="team/web")["policyText"]),
          json.loads(policy("DescribeImages")))
    apply("no policy", "DELETE FROM repository_policy", "delete repository_policy")
    gone("the policy", ecr.get_repository_policy, repositoryName="team/web")
    apply("no repository", "DELETE FROM repository", "delete repository")
    gone("the repository", repository, name="team/web")

    apply("public repository", "INSERT INTO public_repository (repository_name) VALUES ('open')", "create public_repository")
    check("its URI", sql("SELECT repository_uri LIKE 'public.ecr.aws/%/open' FROM public_repository"), "t")
    apply("no public repository", "DELETE FROM public_repository", "delete public_repository")


def networks():
    def vpcs():
        return [v for v in ec2.describe_vpcs()["Vpcs"] if not v["IsDefault"]]

    apply("vpc", """INSERT INTO vpc (cidr_block, tags) VALUES ('10.0.0.0/16', '{"Name": "it", "empty": ""}');
        INSERT INTO subnet (cidr_block, availability_zone, vpc_id)
        SELECT '10.0.' || i || '.0/24', 'us-east-1a', id FROM vpc, generate_series(1, 2) i WHERE cidr_block = '10.0.0.0/16'""",
          "create vpc", "create subnet", "create subnet")
    check("its tags", tags(vpcs()[0]), {"Name": "it", "empty": ""})
    check("its default group is a row", sql("""SELECT g.group_name FROM security_group g JOIN vpc ON vpc.id = g.vpc_id
        WHERE cidr_block = '10.0.0.0/16'"""), "default")
    apply("a vpc's tags", """UPDATE vpc SET tags = '{"Name": "that", "more": "x"}' WHERE cidr_block = '10.0.0.0/16'""",
          "update vpc")
    check("its other tags", tags(vpcs()[0]), {"Name": "that", "more": "x"})
    apply("a vpc without tags", "UPDATE vpc SET tags = NULL WHERE cidr_block = '10.0.0.0/16'", "update vpc")
    check("no tags", tags(vpcs()[0]), {})
    apply("a vpc's state", "UPDATE vpc SET state = 'pending', vpc_id = 'x' WHERE cidr_block = '10.0.0.0/16'", "update vpc")
    check("its id is put back", sql("SELECT vpc_id FROM vpc WHERE cidr_block = '10.0.0.0/16'"), vpcs()[0]["VpcId"])
    apply("the default vpc", "UPDATE vpc SET tags = '{\"my\": \"own\"}' WHERE is_default", "update vpc")
    check("it is nobody's", sql("SELECT tags FROM vpc WHERE is_default"), "")
    apply("a subnet's range", "UPDATE subnet SET cidr_block = '10.0.3.0/24' WHERE cidr_block = '10.0.2.0/24'", "replace subnet")
    check("its subnets", sorted(s["CidrBlock"] for s in ec2.describe_subnets(
        Filters=[{"Name": "vpc-id", "Values": [vpcs()[0]["VpcId"]]}])["Subnets"]), ["10.0.1.0/24", "10.0.3.0/24"])
    apply("a vpc's range", """UPDATE vpc SET cidr_block = '10.1.0.0/16' WHERE cidr_block = '10.0.0.0/16';
        UPDATE subnet SET cidr_block = replace(cidr_block, '10.0.', '10.1.') WHERE cidr_block LIKE '10.0.%'""",
          "replace vpc", *["replace subnet"] * 2)
    check("its default group is a row with its rules", sql("""SELECT g.group_id, string_agg(security_group_rule_id, '|'
        ORDER BY security_group_rule_id) FROM security_group g JOIN vpc ON vpc.id = g.vpc_id JOIN security_group_rule r
        ON r.security_group_id = g.id WHERE cidr_block = '10.1.0.0/16' GROUP BY 1"""), "|".join([group := ec2.describe_security_groups(
            Filters=[{"Name": "vpc-id", "Values": [vpcs()[0]["VpcId"]]}])["SecurityGroups"][0]["GroupId"], *sorted(
                r["SecurityGroupRuleId"] for r in ec2.describe_security_group_rules(
                    Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"])]))
    apply("a rule on its default group", """INSERT INTO security_group_rule (security_group_id, is_egress, ip_protocol, from_port,
        to_port, cidr_ipv4) SELECT g.id, false, 'tcp', 80, 80, '10.9.0.0/16' FROM security_group g JOIN vpc ON vpc.id = g.vpc_id
        WHERE cidr_block = '10.1.0.0/16'""", "create security_group_rule")
    check("a vpc's range", sql("""UPDATE vpc SET cidr_block = '10.0.0.0/16' WHERE cidr_block = '10.1.0.0/16';
        UPDATE subnet SET cidr_block = replace(cidr_block, '10.1.', '10.0.') WHERE cidr_block LIKE '10.1.%'""",
                               "SELECT action, table_name FROM iasql_apply()"), "replace|vpc\nreplace|subnet\nreplace|subnet")
    apply("the rule on the new default group", "", "create security_group_rule")
    apply("a rule goes", "DELETE FROM security_group_rule WHERE cidr_ipv4 = '10.9.0.0/16'", "delete security_group_rule")
    check("ranges that overlap", "23P01" in sql(r"\set VERBOSITY verbose", """BEGIN; UPDATE subnet SET cidr_block = '10.0.1.0/25'
        WHERE cidr_block = '10.0.3.0/24'""", "SELECT iasql_apply()"), True)

    def gateways():
        return [(g["ConnectivityType"], g["NatGatewayAddresses"][0].get("AllocationId"), tags(g))
                for g in ec2.describe_nat_gateways()["NatGateways"] if g["State"] != "deleted"]

    def addresses():
        return {a["AllocationId"]: tags(a) for a in ec2.describe_addresses()["Addresses"]}

    apply("nat gateway", """INSERT INTO nat_gateway (connectivity_type, subnet_id, tags)
        SELECT 'public', id, '{"Name": "nat"}' FROM subnet WHERE cidr_block = '10.0.1.0/24'""",
          "create elastic_ip", "create nat_gateway")
    check("it has an address with its tags", (gateways(), list(addresses().values())),
          ([("public", list(addresses())[0], {"Name": "nat"})], [{"Name": "nat"}]))
    apply("a nat gateway's tags", "UPDATE nat_gateway SET tags = '{\"Name\": \"other\"}', state = 'failed'", "update nat_gateway")
    check("its other tags", gateways()[0][2], {"Name": "other"})
    apply("an address's tags", "UPDATE elastic_ip SET tags = '{\"a\": \"b\"}', public_ip = '1.2.3.4'", "update elastic_ip")
    check("the address's other tags", list(addresses().values()), [{"a": "b"}])
    apply("another address", """WITH e AS (INSERT INTO elastic_ip (tags) VALUES ('{"n": "2"}') RETURNING id)
        UPDATE nat_gateway SET elastic_ip_id = e.id FROM e""", "create elastic_ip", "replace nat_gateway")
    check("it has the other address", addresses()[gateways()[0][1]], {"n": "2"})
    apply("another subnet", """WITH e AS (INSERT INTO elastic_ip DEFAULT VALUES RETURNING id)
        UPDATE nat_gateway SET elastic_ip_id = e.id, subnet_id = (SELECT id FROM subnet WHERE cidr_block = '10.0.3.0/24')
        FROM e""", "create elastic_ip", "replace nat_gateway")
    apply("a private gateway", "UPDATE nat_gateway SET connectivity_type = 'private', elastic_ip_id = NULL",
          "replace nat_gateway")
    check("it is private", gateways(), [("private", None, {"Name": "other"})])
    apply("no gateway", "DELETE FROM nat_gateway; DELETE FROM elastic_ip", *["delete elastic_ip"] * 3, "delete nat_gateway")
    check("no gateway is left", (gateways(), addresses()), ([], {}))

    tables = [ec2.create_route_table(VpcId=vpcs()[0]["VpcId"])["RouteTable"]["RouteTableId"] for _ in range(2)]
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}'

    def endpoint():
        return [e for e in ec2.describe_vpc_endpoints()["VpcEndpoints"] if e["State"] != "deleted"][0]

    apply("endpoint", f"""INSERT INTO endpoint_gateway (service, vpc_id, route_table_ids, policy_document, tags)
        SELECT 's3', id, '{{{tables[0]}}}', '{document}', '{{"a": "b"}}' FROM vpc WHERE cidr_block = '10.0.0.0/16'""",
          "create endpoint_gateway")
    check("it is for S3", (endpoint()["ServiceName"], endpoint()["RouteTableIds"], tags(endpoint())),
          ("com.amazonaws.us-east-1.s3", [tables[0]], {"a": "b"}))
    check("its policy", json.loads(endpoint()["PolicyDocument"]), json.loads(document))
    apply("an endpoint's tables", f"UPDATE endpoint_gateway SET route_table_ids = '{{{','.join(tables)}}}', tags = '{{\"c\": \"d\"}}'",
          "update endpoint_gateway")
    check("its other table", (sorted(endpoint()["RouteTableIds"]), tags(endpoint())), (sorted(tables), {"c": "d"}))
    # the emulator has no route in a table that was added, and cannot delete an endpoint without
    apply("an endpoint's tables", f"UPDATE endpoint_gateway SET route_table_ids = '{{{tables[0]}}}'", "update endpoint_gateway")
    check("only one table", endpoint()["RouteTableIds"], tables[:1])
    apply("an endpoint's policy", f"UPDATE endpoint_gateway SET policy_document = '{document.replace('s3:*', 's3:Get*')}'",
          "update endpoint_gateway")
    check("its other policy", json.loads(endpoint()["PolicyDocument"])["Statement"][0]["Action"], "s3:Get*")
    apply("an endpoint's service", "UPDATE endpoint_gateway SET service = 'dynamodb', state = 'x'", "replace endpoint_gateway")
    check("it is for DynamoDB", endpoint()["ServiceName"], "com.amazonaws.us-east-1.dynamodb")
    apply("no endpoint", "DELETE FROM endpoint_gateway", "delete endpoint_gateway")
    apply("endpoint", "INSERT INTO endpoint_gateway (service, vpc_id) SELECT 's3', id FROM vpc WHERE cidr_block = '10.0.0.0/16'",
          "create endpoint_gateway")
    check("all route tables lead to it", sorted(endpoint()["RouteTableIds"]), sorted(
        t["RouteTableId"] for t in ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpcs()[0]["VpcId"]]}])
        ["RouteTables"]))
    apply("no endpoint", "DELETE FROM endpoint_gateway", "delete endpoint_gateway")
    for table in tables:
        ec2.delete_route_table(RouteTableId=table)
    apply("no vpc", """DELETE FROM subnet WHERE cidr_block LIKE '10.0.%';
        DELETE FROM security_group_rule WHERE security_group_id IN
            (SELECT g.id FROM security_group g JOIN vpc ON vpc.id = g.vpc_id WHERE cidr_block = '10.0.0.0/16');
        DELETE FROM security_group WHERE vpc_id IN (SELECT id FROM vpc WHERE cidr_block = '10.0.0.0/16');
        DELETE FROM vpc WHERE cidr_block = '10.0.0.0/16'""", "delete vpc", "delete subnet", "delete subnet",
          "delete security_group_rule")
    check("no vpc is left", vpcs(), [])


def groups():
    def rules(name):
        group = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"][0]["GroupId"]
        return sorted((r["IsEgress"], r["IpProtocol"], r["FromPort"], r["ToPort"],
                       r.get("CidrIpv4") or r.get("CidrIpv6") or r["ReferencedGroupInfo"]["GroupId"], r.get("Description", ""))
                      for r in ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
                      ["SecurityGroupRules"])

    def rule_ids():
        return sql("SELECT string_agg(security_group_rule_id, ' ' ORDER BY r.id) FROM security_group_rule r "
                   "JOIN security_group g ON g.id = security_group_id WHERE group_name = 'g'")

    def insert(columns, values, group="g"):
        return (f"INSERT INTO security_group_rule (security_group_id, {columns}) "
                f"SELECT id, {values} FROM security_group WHERE group_name = '{group}'")

    apply("group without rules", "INSERT INTO security_group (group_name) VALUES ('g')", "create security_group")
    check("it has no rule", rules("g"), [])
    apply("rules", insert("is_egress, ip_protocol, from_port, to_port, cidr_ipv4, description",
                          "i = 4, 'tcp', 80 + i, 80 + i, '10.0.0.0/8'::cidr, 'n' || i").replace(
          "FROM security_group", "FROM generate_series(1, 4) i, security_group"), *["create security_group_rule"] * 4)
    check("they are there", rules("g"),
          [(i == 4, "tcp", 80 + i, 80 + i, "10.0.0.0/8", f"n{i}") for i in range(1, 5)])
    ids = rule_ids()
    apply("rules' descriptions", "UPDATE security_group_rule SET description = 'm' WHERE description LIKE 'n%'",
          *["update security_group_rule"] * 4)
    check("they are the same rules", (rule_ids(), {r[5] for r in rules("g")}), (ids, {"m"}))
    apply("a rule's ports and range", "UPDATE security_group_rule SET from_port = 0, to_port = 9, ip_protocol = '17', "
          "cidr_ipv4 = '10.1.0.0/16' WHERE from_port = 81", "update security_group_rule")
    check("it is changed in place", (rule_ids(), (False, "udp", 0, 9, "10.1.0.0/16", "m") in rules("g")), (ids, True))
    apply("a rule's direction", "UPDATE security_group_rule SET is_egress = false WHERE from_port = 84",
          "replace security_group_rule")
    apply("a rule's kind of source", "UPDATE security_group_rule SET cidr_ipv4 = NULL, cidr_ipv6 = '2001:db8::/32' "
          "WHERE from_port = 82", "replace security_group_rule")
    check("they are replaced", sorted(r[:5] for r in rules("g")),
          [(False, "tcp", 82, 82, "2001:db8::/32"), (False, "tcp", 83, 83, "10.0.0.0/8"), (False, "tcp", 84, 84, "10.0.0.0/8"),
           (False, "udp", 0, 9, "10.1.0.0/16")])
    apply("a rule's description", "UPDATE security_group_rule SET description = NULL WHERE from_port = 83",
          "update security_group_rule")
    apply("a rule's id", "UPDATE security_group_rule SET security_group_rule_id = NULL WHERE from_port = 83",
          "update security_group_rule")
    apply("fewer rules", "DELETE FROM security_group_rule WHERE from_port > 82", *["delete security_group_rule"] * 2)
    check("two are left", len(rules("g")), 2)
    apply("all traffic", insert("is_egress, ip_protocol, cidr_ipv4", "false, 'ALL', '10.9.0.0/16'::cidr"),
          "create security_group_rule")
    check("has no ports", sql("SELECT ip_protocol, from_port, to_port FROM security_group_rule WHERE cidr_ipv4 = '10.9.0.0/16'"),
          "-1|-1|-1")

    # after an apply that failed in part, the next one goes on with what there is, changed rows included
    sql(insert("is_egress, ip_protocol, from_port, to_port, cidr_ipv4", "i = 4, 'tcp', i, i, '10.7.0.0/16'::cidr").replace(
        "FROM security_group", "FROM generate_series(1, 4) i, security_group"),
        "INSERT INTO subnet (cidr_block, availability_zone, vpc_id) SELECT '10.0.0.0/24', 'us-east-1a', id FROM vpc")
    check("a part fails", sql("SELECT iasql_apply()").startswith("ERROR:  could not apply 1 of 5 changes"), True)
    sql("UPDATE security_group_rule SET description = 'late' WHERE cidr_ipv4 = '10.7.0.0/16'")
    check("it fails again", sql("SELECT iasql_apply()").startswith("ERROR:  could not apply 1 of 5 changes"), True)
    apply("without it", "DELETE FROM subnet WHERE subnet_id IS NULL", *["create security_group_rule"] * 4)
    check("nothing is there twice", [r for r in rules("g") if r[4] == "10.7.0.0/16"],
          [(i == 4, "tcp", i, i, "10.7.0.0/16", "late") for i in range(1, 5)])
    apply("fewer rules", "DELETE FROM security_group_rule WHERE cidr_ipv4 = '10.7.0.0/16'", *["delete security_group_rule"] * 4)

    apply("two groups that know each other", "INSERT INTO security_group (group_name, description) VALUES ('h', 'd'); " +
          "".join(insert("is_egress, ip_protocol, from_port, to_port, source_security_group",
                         f"false, 'tcp', 1, 2, (SELECT id FROM security_group WHERE group_name = '{b}')", a) + ";"
                  for a, b in (("g", "h"), ("h", "g"), ("h", "h"))),
          "create security_group", *["create security_group_rule"] * 3)
    check("h's rules", len(rules("h")), 2)
    # the emulator cannot change the source of a rule
    apply("a rule less", """DELETE FROM security_group_rule r USING security_group g, security_group h
        WHERE g.id = r.security_group_id AND h.id = source_security_group AND g.group_name = 'g' AND h.group_name = 'h'""",
          "delete security_group_rule")
    apply("a group's description", "UPDATE security_group SET description = 'e', group_name = 'k' WHERE group_name = 'h'",
          "replace security_group", *["replace security_group_rule"] * 2)
    check("k's rules", len(rules("k")), 2)
    apply("a rule more", insert("is_egress, ip_protocol, from_port, to_port, source_security_group",
                                "false, 'tcp', 1, 2, (SELECT id FROM security_group WHERE group_name = 'k')"),
          "create security_group_rule")
    apply("no groups", """DELETE FROM security_group_rule WHERE security_group_id IN
        (SELECT id FROM security_group WHERE group_name IN ('g', 'k'));
        DELETE FROM security_group WHERE group_name IN ('g', 'k')""",
          *["delete security_group"] * 2, *["delete security_group_rule"] * 6)
    check("only the default one is left", [g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]], ["default"])

    apply("the default group", "UPDATE security_group SET description = 'mine', owner_id = 'x'", "update security_group")
    apply("the default group's rules", "UPDATE security_group_rule SET description = 'mine'", "update security_group_rule")
    check("can be changed", [r[5] for r in rules("default")], ["mine"])


def balancers():
    def balancer():
        return elb.describe_load_balancers(Names=["b"])["LoadBalancers"][0]

    def target(name="t"):
        return elb.describe_target_groups(Names=[name])["TargetGroups"][0]

    def listener():
        return elb.describe_listeners(LoadBalancerArn=balancer()["LoadBalancerArn"])["Listeners"][0]

    apply("load balancer", """
        INSERT INTO security_group (group_name) VALUES ('g1'), ('g2');
        INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
        VALUES ('b', 'internal', 'application', 'ipv4');
        INSERT INTO load_balancer_security_groups (load_balancer_name, security_group_id)
        SELECT 'b', id FROM security_group WHERE group_name = 'g1';
        INSERT INTO target_group (target_group_name, target_type, protocol, port, health_check_path)
        VALUES ('t', 'ip', 'HTTP', 80, '/up'), ('u', 'ip', 'HTTP', 81, '/up');
        INSERT INTO target_group (target_group_name, target_type) VALUES ('f', 'lambda');
        INSERT INTO listener (load_balancer_name, port, protocol, target_group_name) VALUES ('b', 80, 'HTTP', 't')""",
          *["create security_group"] * 2, "create load_balancer", *["create target_group"] * 3, "create listener")
    check("a subnet in every zone", len(balancer()["AvailabilityZones"]), 6)
    check("a function's group is in no VPC", target("f").get("VpcId"), None)
    check("its health check", (target()["HealthCheckPath"], target()["HealthCheckIntervalSeconds"]), ("/up", 30))
    apply("health checks", """UPDATE target_group SET health_check_path = '/down', health_check_interval_seconds = 20,
        health_check_timeout_seconds = 9, healthy_threshold_count = 3, unhealthy_threshold_count = 4,
        health_check_port = '8080', health_check_protocol = 'HTTPS' WHERE target_group_name = 't'""", "update target_group")
    check("they are changed", [target()[f"{name}"] for name in (
        "HealthCheckPath", "HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds", "HealthyThresholdCount",
        "UnhealthyThresholdCount", "HealthCheckPort", "HealthCheckProtocol")], ["/down", 20, 9, 3, 4, "8080", "HTTPS"])
    apply("a load balancer's subnets and groups", """
        UPDATE load_balancer SET subnets = subnets[1:2] WHERE load_balancer_name = 'b';
        UPDATE load_balancer_security_groups SET security_group_id = (SELECT id FROM security_group WHERE group_name = 'g2')
        WHERE load_balancer_name = 'b'""", "update load_balancer")
    check("they are changed", (len(balancer()["AvailabilityZones"]), balancer()["SecurityGroups"]),
          (2, [sql("SELECT group_id FROM security_group WHERE group_name = 'g2'")]))
    check("its zones", sql("SELECT cardinality(availability_zones) FROM load_balancer"), "2")
    apply("a load balancer's addresses", "UPDATE load_balancer SET ip_address_type = 'dualstack', state = 'failed'",
          "update load_balancer")
    check("they are of both kinds", balancer()["IpAddressType"], "dualstack")
    apply("a listener", "UPDATE listener SET port = 81, target_group_name = 'u', listener_arn = 'x'", "update listener")
    check("it is changed", (listener()["Port"], listener()["DefaultActions"][0]["TargetGroupArn"]),
          (81, target("u")["TargetGroupArn"]))
    elb.modify_listener(ListenerArn=listener()["ListenerArn"], DefaultActions=[{"Type": "forward", "ForwardConfig": {
        "TargetGroups": [{"TargetGroupArn": target("u")["TargetGroupArn"], "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}}])
    apply("a listener's port", "UPDATE listener SET port = 82", "update listener")
    check("its stickiness stays", listener()["DefaultActions"][0]["ForwardConfig"].get("TargetGroupStickinessConfig"),
          {"Enabled": True, "DurationSeconds": 60})
    apply("a listener's port", "UPDATE listener SET port = 81", "update listener")
    apply("a target group's port", "UPDATE target_group SET port = 90 WHERE target_group_name = 't'", "replace target_group")
    check("a target group in use", "55006" in sql(r"\set VERBOSITY verbose",
          "BEGIN; UPDATE target_group SET port = 91 WHERE target_group_name = 'u'", "SELECT iasql_apply()"), True)
    apply("a load balancer's scheme", "UPDATE load_balancer SET scheme = 'internet-facing'", "replace load_balancer",
          "replace listener")
    check("it has its listener again", (balancer()["Scheme"], listener()["Port"]), ("internet-facing", 81))
    certificate = acm.request_certificate(DomainName="example.com")["CertificateArn"]
    apply("a certificate is imported", "")
    check("it is a row", sql("SELECT domain_name, certificate_type FROM certificate"), "example.com|AMAZON_ISSUED")
    apply("HTTPS", "UPDATE listener SET protocol = 'HTTPS', certificate_id = (SELECT id FROM certificate)", "update listener")
    check("the listener's certificate", listener()["Certificates"][0]["CertificateArn"], certificate)
    apply("nothing", """DELETE FROM listener; DELETE FROM load_balancer; DELETE FROM target_group;
        DELETE FROM security_group WHERE group_name LIKE 'g_'; DELETE FROM certificate""",
          "delete certificate", *["delete security_group"] * 2, "delete load_balancer", *["delete target_group"] * 3,
          "delete listener")
    check("nothing is left", (elb.describe_load_balancers()["LoadBalancers"], elb.describe_target_groups()["TargetGroups"],
                              acm.list_certificates()["CertificateSummaryList"]), ([], [], []))


def containers():
    def definition(arn):
        return ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]

    def service(name="s"):
        return ecs.describe_services(cluster="c", services=[name])["services"][0]

    apply("service", f"""
        INSERT INTO security_group (group_name) VALUES ('g1'), ('g2');
        INSERT INTO role (role_name, assume_role_policy_document) VALUES ('task', '{trust("ecs-tasks.amazonaws.com")}');
        INSERT INTO cluster (cluster_name) VALUES ('c');
        INSERT INTO repository (repository_name) VALUES ('app');
        INSERT INTO log_group (log_group_name) VALUES ('log');
        INSERT INTO task_definition (family, cpu_memory, task_role_name) VALUES ('f', 'vCPU0.25-0.5GB', 'task');
        INSERT INTO container_definition (name, essential, repository_name, tag, container_port, env_variables,
            log_group_name, memory_reservation, task_definition_id)
        SELECT 'web', true, 'app', 'v1', 8080, '{{"B": "2", "A": "1"}}', 'log', 256, id FROM task_definition;
        INSERT INTO container_definition (name, image, digest, task_definition_id)
        SELECT 'side', 'docker.io/library/nginx', 'sha256:{"0" * 64}', id FROM task_definition;
        INSERT INTO service (name, desired_count, subnets, cluster_name, task_definition_id)
        SELECT 's', 1, ARRAY(SELECT subnet_id FROM subnet ORDER BY id LIMIT 2), 'c', id FROM task_definition;
        INSERT INTO service_security_groups (service_name, security_group_id)
        SELECT 's', id FROM security_group WHERE group_name = 'g1'""",
          "create log_group", "create role", "create repository", *["create security_group"] * 2, "create cluster",
          "create task_definition", "create service")
    first = service()["taskDefinition"]
    side, web = sorted(definition(first)["containerDefinitions"], key=lambda container: container["name"])
    check("its image", web["image"], sql("SELECT repository_uri || ':v1' FROM repository"))
    check("its environment", sorted((e["name"], e["value"]) for e in web["environment"]), [("A", "1"), ("B", "2")])
    check("its logs", web["logConfiguration"], {"logDriver": "awslogs", "options": {
        "awslogs-group": "log", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "awslogs-web"}})
    check("its port", web["portMappings"], [{"containerPort": 8080, "hostPort": 8080}])
    check("its size", (definition(first)["cpu"], definition(first)["memory"]), ("256", "512"))
    check("the other image", side["image"], f"docker.io/library/nginx@sha256:{'0' * 64}")
    apply("a service's number", "UPDATE service SET desired_count = 2", "update service")
    check("its number", service()["desiredCount"], 2)
    ecs.update_service(cluster="c", service="s", desiredCount=3)
    apply("a number that scaling changed", "")
    check("the row follows", sql("SELECT desired_count FROM service"), "3")
    apply("a service's network", """UPDATE service SET assign_public_ip = 'ENABLED', subnets = subnets[1:1];
        UPDATE service_security_groups SET security_group_id = (SELECT id FROM security_group WHERE group_name = 'g2')""",
          "update service")
    network = service()["networkConfiguration"]["awsvpcConfiguration"]
    check("its network", (len(network["subnets"]), network["securityGroups"], network["assignPublicIp"]),
          (1, [sql("SELECT group_id FROM security_group WHERE group_name = 'g2'")], "ENABLED"))
    apply("a new deployment", "UPDATE service SET force_new_deployment = true", "update service")
    check("was forced once", sql("SELECT force_new_deployment FROM service"), "f")
    apply("a container's tag", """UPDATE container_definition SET tag = 'v2' WHERE name = 'web';
        UPDATE service SET desired_count = 4, assign_public_ip = 'DISABLED'""", "update service", "replace task_definition")
    check("one call has it all, and no more", sql("""SELECT string_agg(k, ' ' ORDER BY k) FROM iasql_journal,
        jsonb_object_keys(request) k WHERE aws_operation = 'UpdateService' AND operation = (SELECT max(operation) FROM iasql_journal)"""),
          "cluster desiredCount networkConfiguration service taskDefinition")
    check("its number", service()["desiredCount"], 4)
    second = service()["taskDefinition"]
    check("the service runs the next revision", (second.split(":")[-1], definition(first)["status"]), ("2", "INACTIVE"))
    check("of the same row", sql("SELECT revision, task_definition_arn FROM task_definition"), f"2|{second}")
    apply("a container less", "DELETE FROM container_definition WHERE name = 'side'", "update service", "replace task_definition")
    apply("a definition's ARN", "UPDATE task_definition SET task_definition_arn = 'x', revision = 9, status = NULL",
          "update task_definition")
    apply("a load balancer", """
        INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
        VALUES ('b', 'internal', 'application', 'ipv4');
        INSERT INTO target_group (target_group_name, target_type, protocol, port) VALUES ('t', 'ip', 'HTTP', 8080);
        INSERT INTO listener (load_balancer_name, port, protocol, target_group_name) VALUES ('b', 80, 'HTTP', 't');
        UPDATE service SET target_group_name = 't'""",
          "create load_balancer", "create target_group", "create listener", "update service")
    check("it leads to the container", [(b["containerName"], b["containerPort"]) for b in service()["loadBalancers"]],
          [("web", 8080)])
    apply("another container and port", "UPDATE container_definition SET name = 'front', container_port = 8081 WHERE name = 'web'",
          "update service", "replace task_definition")
    check("traffic goes there", [(b["containerName"], b["containerPort"]) for b in service()["loadBalancers"]], [("front", 8081)])
    apply("a container before it", """INSERT INTO container_definition (name, image, essential, container_port, memory, task_definition_id)
        SELECT 'a', 'envoy', true, 9901, 128, id FROM task_definition""", "update service", "replace task_definition")
    check("takes no traffic away", [(b["containerName"], b["containerPort"]) for b in service()["loadBalancers"]], [("front", 8081)])
    apply("no load balancer", """UPDATE service SET target_group_name = NULL;
        DELETE FROM listener; DELETE FROM load_balancer; DELETE FROM target_group""",
          "update service", "delete load_balancer", "delete target_group", "delete listener")
    check("it leads nowhere", service()["loadBalancers"], [])
    apply("a service's name", "UPDATE service SET name = 'z', arn = NULL", "create service", "delete service")
    check("the old service", service()["status"], "INACTIVE")
    check("its groups moved", service("z")["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"],
          network["securityGroups"])
    apply("a cluster's status", "UPDATE cluster SET cluster_status = 'x', cluster_arn = 'y'", "update cluster")
    apply("nothing", """DELETE FROM service; DELETE FROM task_definition; DELETE FROM cluster; DELETE FROM repository;
        DELETE FROM log_group; DELETE FROM role WHERE role_name = 'task';
        DELETE FROM security_group WHERE group_name LIKE 'g_'""",
          "delete log_group", "delete role", "delete repository", *["delete security_group"] * 2, "delete cluster",
          "delete task_definition", "delete service")


for life, modules in {
    roles: "aws_iam", log_groups: "aws_cloudwatch", repositories: "aws_ecr", networks: "aws_security_group",
    groups: "aws_security_group", balancers: "aws_elb", containers: "aws_ecs_fargate",
}.items():
    if only and life.__name__ not in only:
        continue
    os.environ["PGDATABASE"] = life.__name__
    subprocess.run(["createdb", life.__name__], check=True)
    sql("CREATE EXTENSION iasql", f"ALTER DATABASE {life.__name__} SET iasql.endpoint_url = '{ENDPOINT}'",
        f"ALTER DATABASE {life.__name__} SET iasql.wait_timeout = '60s'")
    sql("SELECT iasql_install('aws_account')",
        "INSERT INTO aws_account (region, access_key_id, secret_access_key) VALUES ('us-east-1', 'test', 'test')")
    sql(f"SELECT iasql_install('{modules}')")
    life()
finish()
