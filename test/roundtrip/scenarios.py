"""What goes beyond one object's life: many at once, two regions, moves between them, and rows of what is AWS's own.

    scenarios.py REGISTRY ENDPOINT

On the database of PGHOST and the like, with aws_account installed.
"""

import collections
import sys

from check import Emulator, check, finish, trust
from database import Session, Tables, literal, registry

WEST = "us-west-2"


class Scenario:
    def __init__(self, session, resources, aws):
        self.sql, self.resources, self.aws = session, resources, aws

    def apply(self, what, *statements, **wanted):
        """Rows change; the preview is the apply, a second one is empty.  'wanted' is ACTION_TABLE = how many."""
        check(f"{what}: the rows change", self.sql("BEGIN", *statements), "")
        preview = self.sql("SELECT * FROM iasql_preview_apply()")
        applied = self.sql("SELECT * FROM iasql_apply()")
        check(f"{what}: the apply does what the preview shows", applied, preview)
        plan = collections.Counter("_".join(line.split("|")[:2]) for line in applied.splitlines())
        check(f"{what}: the plan", dict(plan), wanted)
        self.sql("COMMIT")
        check(f"{what}: a second apply is empty", self.sql("SELECT * FROM iasql_apply()"), "")

    def installed(self, modules):
        """Uninstalls and installs, and compares the rows."""
        before = Tables(self.sql, self.resources).canonical()
        self.sql(f"SELECT iasql_uninstall({modules})", f"SELECT iasql_install({modules})")
        after = Tables(self.sql, self.resources).canonical()
        for table in before:
            check(f"{table} has the same rows", after[table], before[table])

    def groups(self, region, vpc_id):
        """Rules by group, as boto3 shows them: (name, number of rules, names of groups that they name)."""
        found = self.aws("ec2", region).describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])
        names = {g["GroupId"]: g["GroupName"] for g in found["SecurityGroups"]}
        shown = []
        for group in found["SecurityGroups"]:
            permissions = group["IpPermissions"] + group["IpPermissionsEgress"]
            sources = sorted(names[p["GroupId"]] for rule in permissions for p in rule["UserIdGroupPairs"])
            ranges = sum(len(rule["IpRanges"]) + len(rule["Ipv6Ranges"]) for rule in permissions)
            shown.append((group["GroupName"], ranges, sources))
        return sorted(shown)

    def vpc_ids(self, region=None):
        return [v["VpcId"] for v in self.aws("ec2", region).describe_vpcs()["Vpcs"] if not v["IsDefault"]]


def many_groups(s):
    """Two VPCs, five groups and twenty rules, all in one apply."""
    s.apply(
        "two VPCs with groups", "INSERT INTO vpc (cidr_block) VALUES ('10.20.0.0/16'), ('10.21.0.0/16')",
        """INSERT INTO security_group (group_name, description, vpc_id)
        SELECT 'many-' || i, 'd', v.id FROM generate_series(1, 5) i
        JOIN vpc v ON v.cidr_block = CASE WHEN i < 3 THEN '10.20.0.0/16' ELSE '10.21.0.0/16' END""",
        """INSERT INTO security_group_rule (security_group_id, is_egress, ip_protocol, from_port, to_port, cidr_ipv4, cidr_ipv6,
            description)
        SELECT g.id, n = 1, CASE n WHEN 2 THEN 'udp' ELSE 'tcp' END, n, 100 * n, CASE WHEN n < 4 THEN '10.0.0.0/8'::cidr END,
            CASE WHEN n = 4 THEN '2001:db8::/48'::cidr END, 'rule ' || n
        FROM security_group g, generate_series(1, 4) n WHERE g.group_name LIKE 'many-%'""",
        create_vpc=2, create_security_group=5, create_security_group_rule=20,
    )
    shown = sorted(g for vpc in s.vpc_ids() for g in s.groups(None, vpc) if g[0] != "default")
    check("the groups have four rules each", shown, [(f"many-{i}", 4, []) for i in range(1, 6)])
    s.installed("'aws_vpc', 'aws_security_group', 'aws_elb', 'aws_ecs_fargate'")
    s.apply(
        "all gone",
        "DELETE FROM security_group_rule WHERE security_group_id IN (SELECT id FROM security_group"
        " WHERE vpc_id IN (SELECT id FROM vpc WHERE NOT is_default))",
        "DELETE FROM security_group WHERE vpc_id IN (SELECT id FROM vpc WHERE NOT is_default)",
        "DELETE FROM vpc WHERE NOT is_default",
        delete_vpc=2, delete_security_group=5, delete_security_group_rule=22,
    )
    check("no VPC is left", s.vpc_ids(), [])


def two_regions(s):
    """The same in two regions, with groups that name each other: made, and unmade, in one apply."""
    s.apply("another region is enabled", f"UPDATE aws_regions SET is_enabled = true WHERE region = '{WEST}'")
    check("its zones are rows", s.sql(f"SELECT count(*) > 0 FROM availability_zone WHERE region = '{WEST}'"), "t")
    regions = f"(VALUES ('us-east-1'), ('{WEST}')) r (region)"
    s.apply(
        "both regions",
        f"INSERT INTO vpc (cidr_block, region) SELECT '10.30.0.0/16', region FROM {regions}",
        """INSERT INTO subnet (cidr_block, availability_zone, vpc_id, region)
        SELECT '10.30.1.0/24', region || 'a', id, region FROM vpc WHERE cidr_block = '10.30.0.0/16'""",
        """INSERT INTO security_group (group_name, description, vpc_id, region)
        SELECT name, 'd', id, region FROM vpc, unnest('{a,b}'::text[]) name WHERE cidr_block = '10.30.0.0/16'""",
        """INSERT INTO security_group_rule (security_group_id, source_security_group, is_egress, ip_protocol, from_port, to_port,
            region)
        SELECT g.id, h.id, false, 'tcp', 80, 80, g.region FROM security_group g
        JOIN security_group h ON h.region = g.region AND g.group_name || h.group_name IN ('ab', 'ba')""",
        f"INSERT INTO log_group (log_group_name, region) SELECT 'both', region FROM {regions}",
        f"INSERT INTO repository (repository_name, region) SELECT 'both', region FROM {regions}",
        f"INSERT INTO cluster (cluster_name, region) SELECT 'both', region FROM {regions}",
        f"""INSERT INTO target_group (target_group_name, target_type, protocol, port, vpc, region)
        SELECT 'both', 'ip', 'HTTP', 80, id, region FROM vpc WHERE cidr_block = '10.30.0.0/16'""",
        create_vpc=2, create_subnet=2, create_security_group=4, create_security_group_rule=4, create_log_group=2,
        create_repository=2, create_cluster=2, create_target_group=2,
    )
    for region in "us-east-1", WEST:
        (vpc,) = s.vpc_ids(region)
        check(f"the groups of {region} name each other", s.groups(region, vpc),
              [("a", 0, ["b"]), ("b", 0, ["a"]), ("default", 1, [])])
        check(f"{region} has its log group",
              [g["logGroupName"] for g in s.aws("logs", region).describe_log_groups()["logGroups"]], ["both"])
        (repository,) = s.aws("ecr", region).describe_repositories()["repositories"]
        check(f"the repository's row of {region}", repository["repositoryUri"],
              s.sql(f"SELECT repository_uri FROM repository WHERE region = '{region}'"))
        check(f"the target group of {region}", s.aws("elbv2", region).describe_target_groups()["TargetGroups"][0]["VpcId"], vpc)
    s.apply(
        "both regions emptied",
        "DELETE FROM target_group", "DELETE FROM cluster", "DELETE FROM repository", "DELETE FROM log_group",
        "DELETE FROM subnet WHERE vpc_id IN (SELECT id FROM vpc WHERE NOT is_default)",
        "DELETE FROM security_group_rule WHERE security_group_id IN (SELECT id FROM security_group"
        " WHERE vpc_id IN (SELECT id FROM vpc WHERE NOT is_default))",
        "DELETE FROM security_group WHERE vpc_id IN (SELECT id FROM vpc WHERE NOT is_default)",
        "DELETE FROM vpc WHERE NOT is_default",
        delete_vpc=2, delete_subnet=2, delete_security_group=4, delete_security_group_rule=6, delete_log_group=2,
        delete_repository=2, delete_cluster=2, delete_target_group=2,
    )
    check("no VPC is left in either", (s.vpc_ids(), s.vpc_ids(WEST)), ([], []))


def moves(s):
    """A row that moves to another region: its object is made there, and deleted here."""
    s.apply(
        "objects to move", "INSERT INTO vpc (cidr_block) VALUES ('10.40.0.0/16')",
        "INSERT INTO elastic_ip (tags) VALUES ('{\"Name\": \"moves\"}')",
        "INSERT INTO cluster (cluster_name) VALUES ('moves')",
        create_vpc=1, create_elastic_ip=1, create_cluster=1,
    )
    group = "(SELECT g.id FROM security_group g JOIN vpc v ON v.id = g.vpc_id WHERE cidr_block = '10.40.0.0/16')"
    s.apply(
        "they move",
        f"DELETE FROM security_group_rule WHERE security_group_id = {group}", f"DELETE FROM security_group WHERE id = {group}",
        f"UPDATE vpc SET region = '{WEST}' WHERE cidr_block = '10.40.0.0/16'", f"UPDATE elastic_ip SET region = '{WEST}'",
        f"UPDATE cluster SET region = '{WEST}'",
        create_vpc=1, create_elastic_ip=1, create_cluster=1, delete_vpc=1, delete_elastic_ip=1, delete_cluster=1,
        delete_security_group_rule=1,
    )
    clusters = [s.aws("ecs", r).describe_clusters(clusters=["moves"])["clusters"][0] for r in ("us-east-1", WEST)]
    check("the cluster has moved", [c["status"] for c in clusters], ["INACTIVE", "ACTIVE"])
    check("its row knows", s.sql("SELECT cluster_arn FROM cluster"), clusters[1]["clusterArn"])
    check("the VPC has moved", (s.vpc_ids(), s.vpc_ids(WEST)),
          ([], [s.sql("SELECT vpc_id FROM vpc WHERE cidr_block = '10.40.0.0/16'")]))
    addresses = [[a["AllocationId"] for a in s.aws("ec2", r).describe_addresses()["Addresses"]] for r in ("us-east-1", WEST)]
    check("the address has moved", addresses, [[], [s.sql("SELECT allocation_id FROM elastic_ip")]])
    s.apply(
        "they go", f"DELETE FROM security_group_rule WHERE security_group_id = {group}",
        f"DELETE FROM security_group WHERE id = {group}", "DELETE FROM vpc WHERE NOT is_default", "DELETE FROM elastic_ip",
        "DELETE FROM cluster", delete_vpc=1, delete_elastic_ip=1, delete_cluster=1, delete_security_group_rule=1,
    )


def of_aws(s):
    """Rows of what only AWS makes: an invented one goes, a deleted one comes back."""
    count = "SELECT count(*) FROM availability_zone WHERE region = 'us-east-1'"
    before = s.sql(count)
    s.apply("an invented zone", "INSERT INTO availability_zone (name) VALUES ('us-east-1z')")
    check("it is gone", s.sql(count), before)
    s.apply("a deleted zone of another region",
            f"DELETE FROM availability_zone a WHERE region = '{WEST}' AND NOT EXISTS (SELECT FROM subnet s"
            f" WHERE s.availability_zone = a.name AND s.region = a.region)")
    check("the others are as they were", s.sql(count), before)
    s.apply("an invented certificate", "INSERT INTO certificate (domain_name) VALUES ('example.com')")
    check("it is gone, too", s.sql("SELECT count(*) FROM certificate"), "0")


def role_in_use(s):
    """A role that a task definition names can be deleted once its module is away; then the reference is NULL."""
    s.apply(
        "a task definition with a role",
        f"INSERT INTO role (role_name, assume_role_policy_document) VALUES ('task', {literal(trust('ecs-tasks.amazonaws.com'))})",
        "INSERT INTO task_definition (family, cpu_memory, task_role_name) VALUES ('f', 'vCPU0.25-0.5GB', 'task')",
        "INSERT INTO container_definition (name, image, essential, task_definition_id)"
        " SELECT 'c', 'nginx', true, id FROM task_definition",
        create_role=1, create_task_definition=1,
    )
    check("its module cannot go before", "23503" in s.sql("DELETE FROM role") or "2BP01" in s.sql("DELETE FROM role"), True)
    s.sql("SELECT iasql_uninstall('aws_ecs_fargate')")
    s.apply("the role goes", "DELETE FROM role WHERE role_name = 'task'", delete_role=1)
    s.sql("SELECT iasql_install('aws_ecs_fargate')")
    check("the reference is NULL", s.sql("SELECT family, task_role_name IS NULL FROM task_definition"), "f|t")
    check("and nothing is to be done", s.sql("SELECT * FROM iasql_apply()"), "")
    s.apply("the task definition goes", "DELETE FROM task_definition", delete_task_definition=1)


def main(program, endpoint):
    session, resources = Session(), registry(program)
    modules = ", ".join(literal(m) for m in dict.fromkeys(r.module for r in resources.values()))
    check("the modules are installed", "ERROR" in session(f"SELECT iasql_install({modules})"), False)
    scenario = Scenario(session, resources, Emulator(endpoint))
    for tell in many_groups, role_in_use, two_regions, moves, of_aws:
        tell(scenario)
    session.close()
    finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
