"""The decisions of apply and sync, by psql and boto3.  Usage: apply.py ENDPOINT REQUEST_LOG [CASE...]

Each case is a function; it begins with an empty account and a new database.
"""

import collections
import json
import os
import subprocess
import sys
import time
import urllib.request

import check as checks
from check import Emulator, finish, requests, sql, trust

ENDPOINT, LOG = sys.argv[1:3]
only = sys.argv[3:]
TRUST = json.dumps(trust("ecs-tasks.amazonaws.com"))
aws = Emulator(ENDPOINT)
iam, logs, ecr, ec2, elb, ecs = map(aws, ("iam", "logs", "ecr", "ec2", "elbv2", "ecs"))


def check(what, got, wanted):
    checks.check(f"{case.__name__}: {what}", got, wanted)


def contains(what, got, *parts):
    missing = [part for part in parts if part not in got]
    check(what + (f": {got!r}" if missing else ""), missing, [])


def do(*statements, **options):
    """Statements that must be silent."""
    check("; ".join(statements)[:60], sql(*statements, **options), "")


def actions(verb="apply", arguments="", **options):
    return sql(f"SELECT action, table_name, description FROM iasql_{verb}({arguments})", **options).splitlines()


def start(*modules):
    urllib.request.urlopen(urllib.request.Request(ENDPOINT + "/moto-api/reset", method="POST")).read()
    open(LOG, "w").close()
    subprocess.run(["dropdb", "--if-exists", "--force", "t"], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["createdb", "t"], check=True)
    os.environ["PGDATABASE"] = "t"
    sql("CREATE EXTENSION iasql", f"ALTER DATABASE t SET iasql.endpoint_url = '{ENDPOINT}'")
    sql("SELECT iasql_install('aws_account')",
        "INSERT INTO aws_account (region, access_key_id, secret_access_key) VALUES ('us-east-1', 'test', 'test')")
    if modules:
        sql("SELECT iasql_install(" + ", ".join(f"'{module}'" for module in modules) + ")")


def changing():
    """Operations that change something, in the order in which the emulator saw them."""
    return [name for name, _ in requests(LOG, reads=False)]


def counts(call):
    """How often each operation is seen while this is done."""
    open(LOG, "w").close()
    call()
    return collections.Counter(name for name, _ in requests(LOG))


def add_role(name, description="theirs"):
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Description=description)


def role_row(name, description="ours"):
    return (f"INSERT INTO role (role_name, assume_role_policy_document, description)"
            f" VALUES ('{name}', '{TRUST}', '{description}')")


def cloud_description(name):
    return iam.get_role(RoleName=name)["Role"].get("Description")


def role_names():
    return sorted(role["RoleName"] for role in iam.list_roles()["Roles"])


def row_description(name):
    return sql(f"SELECT description FROM role WHERE role_name = '{name}'")


def row_without_object():
    start("aws_iam")
    do(role_row("a"))
    check("a sync drops the row", actions("sync"), ["delete|role|a"])
    do(role_row("a"))
    check("the preview says create", actions("preview_apply"), ["create|role|a"])
    check("and writes nothing", role_names(), [])
    check("the apply creates", actions(), ["create|role|a"])
    check("the object is there", cloud_description("a"), "ours")
    check("and there is nothing left", actions(), [])


def row_of_an_unknown_object():
    start("aws_iam")
    add_role("a")
    do(role_row("a"))
    check("a sync gives the row the cloud's values", actions("sync"), ["update|role|a"])
    check("the row", row_description("a"), "theirs")
    add_role("b")
    do(role_row("b"))
    check("an apply adopts and changes in place", actions(), ["update|role|b"])
    check("the cloud follows", cloud_description("b"), "ours")
    add_role("c", "same")
    do(role_row("c", "same"))
    check("an equal one is adopted without a word", actions(), [])
    do("DELETE FROM role WHERE role_name = 'c'")
    check("and is ours from then on", actions(), ["delete|role|c"])


def adoption_is_no_replacement():
    start("aws_security_group")
    vpc = sql("SELECT vpc_id FROM vpc WHERE is_default")
    ec2.create_security_group(GroupName="g", Description="theirs", VpcId=vpc)
    do("INSERT INTO security_group (group_name, description) VALUES ('g', 'ours')")
    contains("refused, naming row and column", sql("SELECT iasql_apply()"), "g", '"description"', "cannot be changed in place")
    check("before any call", changing().count("CreateSecurityGroup"), 1)


def unchanged_and_edited():
    start("aws_iam")
    do(role_row("a"))
    actions()
    check("nothing to do", actions("preview_apply"), [])
    do("UPDATE role SET description = 'new' WHERE role_name = 'a'")
    check("an edit is pushed", actions(), ["update|role|a"])
    check("the cloud follows", cloud_description("a"), "new")
    do("UPDATE role SET description = 'newer' WHERE role_name = 'a'")
    check("a sync takes it back", actions("sync"), ["update|role|a"])
    check("the row", row_description("a"), "new")
    do("UPDATE role SET description = 'newer' WHERE role_name = 'a'")
    iam.update_role_description(RoleName="a", Description="theirs")
    check("it has the cloud's value where both changed", (actions("sync"), row_description("a")), (["update|role|a"], "theirs"))


def drift():
    start("aws_iam")
    do(role_row("a"))
    actions()

    def drifts():
        iam.update_role_description(RoleName="a", Description="drift")

    drifts()
    check("report leaves both", actions(arguments="drift => 'report'"), [])
    check("the cloud", cloud_description("a"), "drift")
    check("the view tells", sql("SELECT resource, column_name, base, desired, actual, kind FROM iasql_drift"),
          "role|description|ours|ours|drift|cloud changed")
    check("revert puts the cloud back", actions(), ["update|role|a"])
    check("the cloud", cloud_description("a"), "ours")
    check("the view is empty", sql("SELECT count(*) FROM iasql_drift"), "0")
    drifts()
    actions(arguments="drift => 'import'")
    check("import: the row follows", row_description("a"), "drift")
    check("and that is agreed", actions(), [])
    iam.update_role_description(RoleName="a", Description="drift 2")
    do("UPDATE role SET description = 'mine' WHERE role_name = 'a'")
    sql("SELECT iasql_refresh()")
    check("a conflict is shown", sql("SELECT kind FROM iasql_drift WHERE column_name = 'description'"), "both")
    check("the row wins", actions(), ["update|role|a"])
    check("the cloud", cloud_description("a"), "mine")


def gone():
    start("aws_iam")
    do(role_row("a"), role_row("b"))
    actions()
    iam.delete_role(RoleName="a")
    check("it is created again", actions(), ["create|role|a"])
    check("the object", cloud_description("a"), "ours")
    iam.delete_role(RoleName="a")
    check("a sync drops the row", actions("sync"), ["delete|role|a"])
    do("DELETE FROM role WHERE role_name = 'b'")
    iam.delete_role(RoleName="b")
    check("row and object gone: forgotten", actions(), [])
    check("the state too", sql("SELECT count(*) FROM iasql_state WHERE resource = 'role'"), "0")
    do(role_row("c"))
    actions()
    do("DELETE FROM role WHERE role_name = 'c'")
    iam.delete_role(RoleName="c")
    check("by a sync as well", (actions("sync"), sql("SELECT count(*) FROM iasql_state WHERE resource = 'role'")), ([], "0"))


def deleted_rows():
    start("aws_iam")
    do(role_row("a"))
    actions()
    do("DELETE FROM role")
    check("a sync brings the row back", actions("sync"), ["create|role|a"])
    check("the row", row_description("a"), "ours")
    do("DELETE FROM role")
    check("an apply deletes", actions(), ["delete|role|a"])
    check("the object", role_names(), [])
    do(role_row("b"))
    sql("SELECT delete_all_records()")
    check("all rows but the account's", sql("SELECT (SELECT count(*) FROM role), (SELECT count(*) FROM aws_account),"
                                            " (SELECT count(*) > 1 FROM aws_regions)"), "0|1|t")


def never_a_row():
    start("aws_iam")
    add_role("theirs")
    check("an apply imports", actions(), [])
    check("the row", row_description("theirs"), "theirs")
    add_role("later")
    do("DELETE FROM role WHERE role_name = 'theirs'")
    check("only what once was a row is deleted", actions(), ["delete|role|theirs"])
    check("the other is imported", (role_names(), row_description("later")), (["later"], "theirs"))


def computed():
    start("aws_iam")
    do(role_row("a"))
    actions()
    arn = sql("SELECT arn FROM role")
    do("UPDATE role SET arn = 'edited'")
    for _ in range(3):
        check("the preview shows one line", actions("preview_apply"), ["update|role|a"])
    before = len(changing())
    check("the apply restores it", actions(), ["update|role|a"])
    check("the row", sql("SELECT arn FROM role"), arn)
    check("without a call", len(changing()), before)


def inserted_again():
    start("aws_security_group")
    do("INSERT INTO security_group (group_name, description) VALUES ('g', 'd')")
    actions()
    group = sql("SELECT group_id FROM security_group WHERE group_name = 'g'")
    do("BEGIN; DELETE FROM security_group WHERE group_name = 'g';"
       "INSERT INTO security_group (group_name, description) VALUES ('g', 'd'); COMMIT")
    before = len(changing())
    check("nothing is deleted or created", (actions("apply"), len(changing())), ([], before))
    check("the row has its object", sql("SELECT group_id FROM security_group WHERE group_name = 'g'"), group)
    check("and there is nothing left", actions(), [])


def one_object_twice():
    start("aws_security_group")
    do("INSERT INTO security_group (group_name, description) VALUES ('g', 'd')")
    actions()
    group = sql("SELECT group_id FROM security_group WHERE group_name = 'g'")
    out = sql(f"INSERT INTO security_group (group_name, description, group_id) VALUES ('h', 'd', '{group}')")
    if out == "":
        contains("two rows for one object", sql("SELECT iasql_apply()"), "two rows are the same security_group")
    else:
        contains("two rows for one object are refused by the table", out, "unique constraint")
    do("INSERT INTO security_group (group_name, description) VALUES ('two', 'd')", "INSERT INTO security_group"
       " (group_name, description, vpc_id) SELECT 'two', 'd', id FROM vpc WHERE is_default")
    before = len(changing())
    ids = sql("SELECT id FROM security_group WHERE group_name = 'two' ORDER BY vpc_id NULLS LAST").splitlines()
    for verb in "preview_apply", "apply":
        contains(f"{verb}: the one names the VPC, the other leaves it out", sql(r"\set VERBOSITY verbose", f"SELECT iasql_{verb}()"),
                 "ERROR:  21000: two rows are the same security_group",
                 "DETAIL:  Both security_group two with id {} and security_group two with id {} stand for it.".format(*ids),
                 "HINT:  Delete one of the rows, or give it another name.")
    check("before any call", len(changing()), before)
    check("both rows stay", sql("SELECT count(*), count(vpc_id) FROM security_group WHERE group_name = 'two'"), "2|1")
    do("DELETE FROM security_group WHERE group_name = 'two' AND vpc_id IS NULL")
    check("one of them is created", [line.split("|")[:2] for line in actions()], [["create", "security_group"]])
    do("UPDATE security_group SET vpc_id = NULL WHERE group_name = 'two'", "INSERT INTO security_group"
       " (group_name, description, vpc_id) SELECT 'two', 'd', id FROM vpc WHERE is_default")
    before = len(changing())
    contains("the VPC of the one returns", sql("SELECT iasql_apply()"), "two rows are the same security_group", "Both security_group two (sg-")
    do("DELETE FROM security_group WHERE group_name = 'two' AND group_id IS NULL",
       "UPDATE security_group SET group_name = 'mine' WHERE group_name = 'default'",
       "INSERT INTO security_group (group_name, description) VALUES ('default', 'd')")
    contains("the name of the one returns", sql("SELECT iasql_apply()"), "two rows are the same security_group", "Both security_group mine (sg-")
    check("before any call", len(changing()), before)
    do("DELETE FROM security_group WHERE group_name = 'default'")
    check("alone they have their values back", ([line.split("|")[0] for line in actions()], sql(
        "SELECT group_name, vpc_id IS NULL FROM security_group ORDER BY 1")), (["update"] * 2, "default|f\ng|f\ntwo|f"))
    for one, other in ("'TCP', 443, 443", "'6', 443, 443"), ("'all', NULL, NULL", "'-1', -1, -1"):
        do("INSERT INTO security_group_rule (security_group_id, is_egress, cidr_ipv4, ip_protocol, from_port, to_port)"
           f" SELECT id, false, '10.0.0.0/8', s.* FROM security_group, (VALUES ({one}), ({other})) s WHERE group_name = 'two'")
        contains("a rule in two spellings", sql(r"\set VERBOSITY verbose", "SELECT iasql_apply()"),
                 "ERROR:  21000: two rows are the same security_group_rule", "DETAIL:  Both security_group_rule ", " stand for it.")
        do("DELETE FROM security_group_rule WHERE id = (SELECT max(id) FROM security_group_rule)")
    do("DELETE FROM security_group_rule WHERE cidr_ipv4 = '10.0.0.0/8'")
    do("CREATE UNIQUE INDEX mine ON security_group (vpc_id) WHERE group_name LIKE 't%'",
       "INSERT INTO security_group (group_name, description) VALUES ('three', 'd')")
    contains("a key of the user's own says what it said", sql(r"\set VERBOSITY verbose", "SELECT iasql_apply()"),
             "ERROR:  23505: duplicate key", '"mine"')
    do("DELETE FROM security_group WHERE group_name = 'three'", "DROP INDEX mine")
    check("nothing is left to do", actions(), [])


def an_id_in_a_row():
    """A cloud id that is typed into a row says which object it stands for."""
    start("aws_vpc")
    one, two = (ec2.allocate_address(Domain="vpc")["AllocationId"] for _ in range(2))
    do(f"INSERT INTO elastic_ip (allocation_id, tags) VALUES ('{two}', '{{\"mine\": \"yes\"}}')")
    check("it is adopted", [line.split("|")[:2] for line in actions()], [["update", "elastic_ip"]])
    check("it and no other", {a["AllocationId"]: checks.tags(a) for a in ec2.describe_addresses()["Addresses"]},
          {one: {}, two: {"mine": "yes"}})
    check("the other is imported", sql("SELECT count(*), count(DISTINCT allocation_id) FROM elastic_ip"), "2|2")


def hidden_rows():
    start("aws_iam")
    do(role_row("a"), role_row("b"))
    actions()
    do("CREATE ROLE restricted LOGIN", "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO restricted",
       "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO restricted",
       "ALTER TABLE role ENABLE ROW LEVEL SECURITY",
       "CREATE POLICY visible ON role TO restricted USING (role_name <> 'a')")
    check("what a policy hides is not deleted", (actions(role="restricted"), role_names()), ([], ["a", "b"]))
    out = sql("SET client_min_messages = notice", "SELECT * FROM iasql_preview_apply()", role="restricted")
    check("that it is left alone is said, but not its name", out, 'NOTICE:  rows of "role" that you cannot see are left alone')
    check("nor does a view show what differs", sql("SELECT count(*) FROM iasql_drift", role="restricted"), "0")
    do("UPDATE role SET description = 'seen' WHERE role_name = 'b'", role="restricted")
    check("what is seen is applied", actions(role="restricted"), ["update|role|b"])
    do("DROP OWNED BY restricted", "DROP ROLE restricted")


def deferred_keys():
    """A foreign key that is deferred lets a row refer to none for a while."""
    start("aws_elb")
    out = sql("SET client_min_messages = notice", "BEGIN", "SET CONSTRAINTS ALL DEFERRED",
              "INSERT INTO security_group_rule (id, is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)"
              " VALUES (7, false, 'tcp', 80, 80, '10.0.0.0/8', 4711)",
              "INSERT INTO load_balancer (load_balancer_name, load_balancer_type, scheme, ip_address_type) VALUES ('l', 'application', 'internal', 'ipv4')",
              "INSERT INTO load_balancer_security_groups VALUES ('l', 4711)", "SELECT * FROM iasql_preview_apply()",
              "SELECT * FROM iasql_apply()", "COMMIT")
    contains("a preview leaves such rows alone, an apply refuses them", out, 'security_group_rule false, tcp, 80, 80, 10.0.0.0/8 is left alone: its "security_group_id" refers to no row that you'
             ' can see', 'load_balancer l is left alone: its "security_group_id" refers to no row that you can see',
             "violates foreign key constraint")
    check("nothing is called", changing(), [])


def guards():
    start("aws_iam")
    for i in range(12):
        add_role(f"r{i:02}")
    actions()
    do("SET iasql.max_imported_deletes = 3")
    do("ALTER DATABASE t SET iasql.max_imported_deletes = 3")
    do("DELETE FROM role WHERE role_name < 'r04'")
    error = sql("SELECT iasql_apply()")
    contains("too many deletions of imports", error, "4 objects", "r00", "delete_imported")
    check("nothing was deleted", len(role_names()), 12)
    contains("so says the preview", sql("SELECT iasql_preview_apply()"), "delete_imported")
    check("lifted", len(actions(arguments="allow => '{delete_imported}'")), 4)
    do("ALTER DATABASE t RESET iasql.max_imported_deletes")
    do("ALTER DATABASE t SET iasql.max_emptied = 5")
    do("DELETE FROM role")
    error = sql("SELECT iasql_apply()")
    contains("an emptied resource", error, 'all 8 objects of "role"', "empty_resource")
    check("lifted", len(actions(arguments="allow => '{empty_resource}'")), 8)
    contains("an unknown guard", sql("SELECT iasql_apply(allow => '{everything}')"), "everything", "delete_imported")
    do(*(role_row(f"o{i}") for i in range(8)))
    actions()
    do("DELETE FROM role")
    check("what this database made may go", len(actions()), 8)


def fixed_regions():
    """What all regions share is asked for where AWS keeps it, whatever the default region."""
    start("aws_iam", "aws_ecr")
    do("UPDATE aws_account SET region = 'us-west-2'", "INSERT INTO public_repository (repository_name) VALUES ('open')",
       "INSERT INTO repository (repository_name) VALUES ('r')", role_row("a"))
    actions()
    names = [[r["repositoryName"] for r in aws(service, region).describe_repositories()["repositories"]]
             for service, region in (("ecr-public", "us-east-1"), ("ecr", "us-east-1"), ("ecr", "us-west-2"))]
    check("public repositories are in us-east-1", names, [["open"], [], ["r"]])
    check("nothing is left to do", (role_names(), actions()), (["a"], []))


def guard_of_data():
    start("aws_cloudwatch", "aws_ecr")
    do("INSERT INTO log_group (log_group_name) VALUES ('l'), ('gone')", "INSERT INTO repository (repository_name) VALUES ('re')",
       "INSERT INTO public_repository (repository_name) VALUES ('pub')")
    actions()
    ecr.put_image(repositoryName="re", imageTag="v1", imageManifest=json.dumps(
        {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "config": {"digest": "x"}, "layers": []}))
    for table, name in ("log_group", "l"), ("repository", "re"), ("public_repository", "pub"):
        before = changing()
        column = table.removeprefix("public_") + "_name"
        renamed = f"UPDATE {table} SET {column} = '%s' WHERE {column} = '%s'"
        do(renamed % ("other", name))
        for verb in "preview_apply", "apply":
            contains(f"{verb}: another name loses the data of a {table}", sql(r"\set VERBOSITY verbose", f"SELECT iasql_{verb}()"),
                     "ERROR:  55000: ", f"DETAIL:  Their contents would be lost: {table} {name}", "HINT:", "allow => '{lose_data}'")
        check("before any call", changing(), before)
        do(renamed % (name, "other"))
        check("with its old name it is what it was", actions(), [])
    do("DELETE FROM log_group WHERE log_group_name = 'gone'", "INSERT INTO log_group (log_group_name) VALUES ('new')")
    check("a row deleted beside a new one is no renaming", actions(), ["create|log_group|new", "delete|log_group|gone"])
    do("UPDATE log_group SET log_group_name = 'newer' WHERE log_group_name = 'new'")
    check("a renaming, lifted", actions(arguments="allow => '{lose_data}'"), ["create|log_group|newer", "delete|log_group|new"])
    check("is done", sorted(g["logGroupName"] for g in logs.describe_log_groups()["logGroups"]), ["l", "newer"])
    do("DELETE FROM log_group WHERE log_group_name = 'newer'")
    actions()
    do("UPDATE aws_regions SET is_enabled = true WHERE region = 'us-west-2'",
       "UPDATE log_group SET region = 'us-west-2'")
    contains("a move of region loses data", sql("SELECT iasql_apply()"), "lose_data", "l")
    check("lifted", sorted(actions(arguments="allow => '{lose_data}'")), ["create|log_group|l", "delete|log_group|l"])
    check("it is there", [g["logGroupName"] for g in aws("logs", "us-west-2").describe_log_groups()["logGroups"]], ["l"])
    check("and not here", logs.describe_log_groups()["logGroups"], [])
    check("nothing left", actions(), [])


def two_regions():
    start("aws_cloudwatch")
    do("UPDATE aws_regions SET is_enabled = true WHERE region = 'us-west-2'",
       "INSERT INTO log_group (log_group_name) VALUES ('l')",
       "INSERT INTO log_group (log_group_name, region) VALUES ('l', 'us-west-2')")
    check("the same name in two regions", actions(), ["create|log_group|l", "create|log_group|l"])
    check("nothing left", actions(), [])
    do("UPDATE aws_regions SET is_enabled = false WHERE region = 'us-west-2'")
    check("a region that is not enabled is frozen", actions(), [])
    check("so says a notice", sql("SET client_min_messages = notice", "SELECT * FROM iasql_preview_apply()"),
          "NOTICE:  log_group l is left alone: region \"us-west-2\" is not enabled")
    do("DELETE FROM log_group WHERE region = 'us-west-2'")
    check("its rows' deletion too", actions(), [])
    check("the object stays", len(aws("logs", "us-west-2").describe_log_groups()["logGroups"]), 1)


def names_change_hands():
    start("aws_security_group")
    do("INSERT INTO security_group (group_name, description) VALUES ('a', 'd'), ('b', 'd')")
    actions()
    do("BEGIN; UPDATE security_group SET group_name = 'x' WHERE group_name = 'a';"
       "UPDATE security_group SET group_name = 'a' WHERE group_name = 'b';"
       "UPDATE security_group SET group_name = 'b' WHERE group_name = 'x'; COMMIT")
    check("two groups swap names", [line.split("|")[0] for line in actions()], ["replace", "replace"])
    check("nothing left", actions(), [])
    check("two groups", sorted(g["GroupName"] for g in ec2.describe_security_groups()["SecurityGroups"]), ["a", "b", "default"])
    for name in "x", "y":
        ec2.create_security_group(GroupName=name, Description="d", VpcId=sql("SELECT vpc_id FROM vpc"))
    check("two more are imported", actions(), [])
    do("UPDATE security_group SET group_name = group_name || '2' WHERE group_name IN ('x', 'y')")
    contains("a replacement takes imported ones away, each with its rule, once",
             sql("SET iasql.max_imported_deletes = 1", "SELECT iasql_apply()"), "deletes 4 objects that this database imported", "delete_imported")


def no_order():
    """Two groups swap names, each held by a load balancer that moves to the new one: each waits for another."""
    start("aws_elb")
    do("INSERT INTO security_group (group_name, description) VALUES ('a', 'd'), ('b', 'd')",
       "INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)"
       " VALUES ('la', 'internal', 'application', 'ipv4'), ('lb', 'internal', 'application', 'ipv4')",
       "INSERT INTO load_balancer_security_groups SELECT 'l' || group_name, id FROM security_group WHERE group_name IN ('a', 'b')")
    check("four objects", len(actions()), 4)
    groups = dict(line.split("|") for line in sql("SELECT group_name, group_id FROM security_group").splitlines())
    before = len(changing())
    do("BEGIN; UPDATE security_group SET group_name = 'x' WHERE group_name = 'a';"
       "UPDATE security_group SET group_name = 'a' WHERE group_name = 'b';"
       "UPDATE security_group SET group_name = 'b' WHERE group_name = 'x'; COMMIT")
    for verb in "preview_apply", "apply":
        error = sql(r"\set VERBOSITY verbose", f"SELECT iasql_{verb}()")
        contains("refused", error, "ERROR:  55000: no order of calls can make these changes", "DETAIL:  Each of these waits for another: ",
                 "load_balancer la", "load_balancer lb", f"security_group a ({groups['b']})", f"security_group b ({groups['a']})",
                 "HINT:  Apply a part of the change first.")
        check("each row is named once", error.count(" (sg-"), 2)
    check("before any call", len(changing()), before)
    do("UPDATE security_group SET group_name = 'x' WHERE group_name = 'a'")
    check("by a third name it goes", [line.split("|")[:2] for line in actions()][2:], [["replace", "security_group"]] * 2)
    do("UPDATE security_group SET group_name = 'a' WHERE group_name = 'x'")
    actions()
    check("nothing left", actions(), [])
    check("the load balancers followed", sql("SELECT load_balancer_name, group_name FROM load_balancer_security_groups"
                                             " JOIN security_group ON id = security_group_id ORDER BY 1"), "la|b\nlb|a")


def one_of_two_objects():
    """Subnets without an IPv4 range have one key in their VPC."""
    start("aws_vpc")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    actions()
    network = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("00::/56", "%02d::/64")
    ids = [ec2.create_subnet(VpcId=vpc["VpcId"], Ipv6CidrBlock=network % n, Ipv6Native=True, AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
           for n in range(2)]
    do("INSERT INTO subnet (availability_zone, vpc_id) SELECT 'us-east-1a', id FROM vpc WHERE NOT is_default")
    before = len(changing())
    for verb in "preview_apply", "apply", "sync":
        contains(f"{verb}: a row that could be either", sql(r"\set VERBOSITY verbose", f"SELECT iasql_{verb}()"),
                 'ERROR:  21000: row of "subnet" could be any of 2 objects', *(f"subnet {id}" for id in ids), " have the key of subnet ",
                 "HINT:  Type the id of the one meant into the row.")
    check("before any call", len(changing()), before)
    do(f"UPDATE subnet SET subnet_id = '{ids[1]}' WHERE cidr_block IS NULL")
    check("with its id it is that one", (actions(), len(changing()), sql(
        "SELECT subnet_arn LIKE '%' || subnet_id FROM subnet WHERE cidr_block IS NULL")), ([], before, "t"))


def replacement_in_use():
    start("aws_elb")
    do("INSERT INTO target_group (target_group_name, target_type, protocol, port) VALUES ('t', 'ip', 'HTTP', 80)",
       "INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)"
       " VALUES ('l', 'internal', 'application', 'ipv4')",
       "INSERT INTO listener (load_balancer_name, port, protocol, target_group_name) VALUES ('l', 80, 'HTTP', 't')")
    check("three objects", len(actions()), 3)
    do("UPDATE target_group SET port = 81")
    contains("the same name, in use", sql("SELECT iasql_apply()"), "in use", "listener", "name")
    do("UPDATE target_group SET target_group_name = 't2'")
    check("with a new name it goes", sorted(line.split("|")[1] + " " + line.split("|")[0] for line in actions())[-1:],
          ["target_group replace"])
    check("the listener leads to it", elb.describe_listeners(
        LoadBalancerArn=sql("SELECT load_balancer_arn FROM load_balancer"))["Listeners"][0]["DefaultActions"][0][
            "TargetGroupArn"], sql("SELECT target_group_arn FROM target_group"))
    check("nothing left", actions(), [])


def overlapping_ranges():
    start("aws_vpc")
    do("INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/16')")
    zone = sql("SELECT name FROM availability_zone ORDER BY 1 LIMIT 1")
    subnet = (f"INSERT INTO subnet (cidr_block, vpc_id, availability_zone) SELECT '%s', id, '{zone}' FROM vpc"
              " WHERE cidr_block = '10.0.0.0/16'")
    do(subnet % "10.0.0.0/24", subnet % "10.0.0.0/25")
    contains("overlapping subnets", sql("SELECT iasql_preview_apply()"), "overlap", "10.0.0.0/25")
    do("UPDATE subnet SET cidr_block = '10.0.0.0/24' WHERE cidr_block = '10.0.0.0/25'")
    contains("the same range twice", sql(r"\set VERBOSITY verbose", "SELECT iasql_apply()"),
             "ERROR:  21000: two rows are the same subnet", "Both ", "10.0.0.0/24", " stand for it.")
    check("before any call", changing(), [])
    do("DELETE FROM subnet WHERE id = (SELECT max(id) FROM subnet)")
    check("one alone", [line.split("|")[:2] for line in actions()], [["create", "vpc"], ["create", "subnet"]])
    do("DELETE FROM subnet WHERE cidr_block = '10.0.0.0/24'", subnet % "10.0.0.0/25")
    check("a range that is freed is taken in one apply", [line.split("|")[0] for line in actions()], ["create", "delete"])
    before = len(changing())
    do("UPDATE vpc SET cidr_block = '10.0.0.0/17' WHERE cidr_block = '10.0.0.0/16'")
    told = [line.split()[1] for line in sql("SET client_min_messages = notice", "SELECT iasql_apply()").splitlines()
            if line.startswith("NOTICE:  ")]
    check("progress counts what is reported", sorted(told), ["1/2", "2/2"])
    check("a new VPC has its subnet before the old ones go", changing()[before:],
          ["CreateVpc", "CreateSubnet", "DeleteSubnet", "DeleteVpc"])


def one_transaction():
    start()
    out = sql("BEGIN", "SELECT count(*) FROM iasql_install('aws_cloudwatch')",
              "INSERT INTO log_group (log_group_name) VALUES ('l')",
              "SELECT action, description FROM iasql_apply()", "COMMIT")
    check("install, insert and apply in one transaction", out, "1\ncreate|l")
    check("nothing left", actions(), [])


def time_zones():
    start("aws_cloudwatch")
    do("INSERT INTO log_group (log_group_name) VALUES ('l')")
    sql("SET TimeZone = 'Asia/Kolkata'", "SELECT iasql_apply()")
    check("another time zone sees no difference",
          sql("SET TimeZone = 'America/New_York'", "SELECT * FROM iasql_preview_apply()"), "")


def sharing():
    start("aws_iam")
    do(role_row("a"))
    actions()
    sql("SELECT iasql_share('role', 'a', 'description')")
    iam.update_role_description(RoleName="a", Description="theirs now")
    check("a shared attribute is no drift", actions(), [])
    check("the row follows", row_description("a"), "theirs now")


def protection():
    start("aws_iam")
    do(role_row("a"))
    actions()
    sql("SELECT iasql_protect('role', 'a')")
    out = sql("DELETE FROM role WHERE role_name = 'a'")
    contains("a protected row", out + sql("SELECT iasql_apply()"), "protected")
    check("stays", role_names(), ["a"])


def beside_edits():
    """An installation neither pushes nor discards what other tables have in hand, nor speaks of it."""
    start("aws_iam")
    do(role_row("a"), role_row("b"))
    actions()
    do("UPDATE role SET description = 'edited' WHERE role_name = 'a'", "DELETE FROM role WHERE role_name = 'b'", role_row("c"))
    pending, before = actions("preview_apply"), changing()
    check("it says nothing", sql("SET client_min_messages = notice", "SELECT FROM iasql_install('aws_cloudwatch')"), "")
    check("it changes nothing", (changing(), sql("SELECT role_name, description FROM role ORDER BY 1")),
          (before, "a|edited\nc|ours"))
    check("and leaves the rest to an apply", (actions("preview_apply"), actions()), (pending, pending))


def kept_values():
    """What cannot be cleared returns, and that is said."""
    start("aws_elb")
    do("INSERT INTO target_group (target_group_name, target_type, protocol, port) VALUES ('t', 'ip', 'HTTP', 80)",
       "INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)"
       " VALUES ('l', 'internal', 'application', 'ipv4')")
    actions()
    values = "SELECT vpc, health_check_path, subnets FROM target_group, load_balancer"
    before = sql(values), changing()
    do("UPDATE target_group SET vpc = NULL, health_check_path = NULL", "UPDATE load_balancer SET subnets = '{}'")
    told = sql("SET client_min_messages = notice", "SELECT action, table_name FROM iasql_apply()").splitlines()
    check("the plan", [line for line in told if "|" in line], ["update|load_balancer", "update|target_group"])
    check("each is named", sorted(line.split()[1] for line in told if "cannot be cleared" in line),
          ['"health_check_path"', '"subnets"', '"vpc"'])
    check("nothing is called, all is back", (sql(values), changing()), before)
    do("UPDATE load_balancer SET subnets[1] = 'subnet-none'")
    for verb in "preview_apply", "apply":
        contains(f"{verb} with an unknown subnet", "".join(actions(verb)), "load_balancer l", "subnet subnet-none, which does not exist")
    check("before any call", changing(), before[1])


def of_aws_alone():
    """What AWS has made for itself is put back, whatever is done to its rows."""
    start("aws_security_group")
    subnets, groups = "SELECT count(*) FROM subnet", "SELECT group_name, description FROM security_group"
    before = sql(subnets), sql(groups)
    do("DELETE FROM subnet WHERE availability_zone = 'us-east-1a'", "DELETE FROM security_group_rule", "DELETE FROM security_group")
    check("only the rule is the user's", [line.split("|")[:2] for line in actions()], [["delete", "security_group_rule"]])
    check("the others are rows again", (sql(subnets), sql(groups)), before)
    do("INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16')", "INSERT INTO security_group (group_name, description, vpc_id)"
       " SELECT 'default', 'mine', id FROM vpc WHERE NOT is_default")
    actions()
    check("a row for a new VPC's own group", (sql(groups), changing()),
          ("\n".join([before[1]] * 2), ["RevokeSecurityGroupEgress", "CreateVpc"]))
    check("nothing is left to do", actions(), [])


def bad_calls():
    start("aws_iam")
    contains("drift", sql("SELECT iasql_apply(drift => 'maybe')"), "revert")
    contains("read-only", sql("BEGIN READ ONLY", "SELECT iasql_apply()"), "read-only")
    contains("repeatable read", sql("BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT iasql_apply()"), "READ COMMITTED")


def failures():
    start("aws_iam")
    do(role_row("a"), role_row("b"),
       f"INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)"
       f" VALUES ('bad', '{TRUST}', array['arn:aws:iam::aws:policy/NoSuchPolicy', 'arn:aws:iam::aws:policy/ReadOnlyAccess',"
       f" 'arn:aws:iam::aws:policy/NoSuchEither'])")
    error = sql("INSERT INTO role SELECT (jsonb_populate_record(r, '{\"role_name\": \"worse\"}')).* FROM role r WHERE role_name = 'bad'",
                "SELECT iasql_apply()")
    contains("the error names each row and AWS's code", error, "could not apply 2 of 4",
             *(f"role {name}: NoSuchEntity: Policy arn:" for name in ("bad", "worse")))
    do("DELETE FROM role WHERE role_name = 'worse'")
    iam.detach_role_policy(RoleName="worse", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.delete_role(RoleName="worse")
    check("what could be done was", role_names(), ["a", "b", "bad"])
    do("UPDATE role SET attached_policies_arns = NULL WHERE role_name = 'bad'")
    sql("SELECT iasql_apply()")
    check("the next apply binds it all", (actions(), role_names()), ([], ["a", "b", "bad"]))
    check("and takes back what the failed one did and the row no longer wants",
          iam.list_attached_role_policies(RoleName="bad")["AttachedPolicies"], [])
    do("UPDATE role SET attached_policies_arns = array['arn:aws:iam::aws:policy/NoSuchPolicy'] WHERE role_name = 'bad'",
       "UPDATE role SET description = 'changed' WHERE role_name = 'a'")
    out = actions(arguments="on_error => 'report'")
    check("on_error => 'report' returns the failed row", sorted(line.split("|")[0] for line in out), ["error", "update"])
    check("and keeps the rest", cloud_description("a"), "changed")
    iam.put_role_policy(RoleName="b", PolicyName="theirs", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    do("DELETE FROM role WHERE role_name = 'b'", "UPDATE role SET attached_policies_arns = NULL WHERE role_name = 'bad'")
    seen = counts(lambda: contains("what holds a role is told", sql("SELECT iasql_apply()"), "role b: DeleteConflict: "))
    check("and not repeated for ever", seen["DeleteRole"], 1)


def number_of_requests():
    start("aws_security_group", "aws_iam")
    do("INSERT INTO security_group (group_name, description) SELECT kind || i, 'd'"
       " FROM unnest(ARRAY['plain', 'open']) kind, generate_series(1, 3) i",
       "INSERT INTO security_group_rule (security_group_id, is_egress, ip_protocol, from_port, to_port, cidr_ipv4)"
       " SELECT id, false, 'tcp', p, p, '10.0.0.0/8' FROM security_group, generate_series(81, 84) p"
       " WHERE group_name <> 'default'",
       "INSERT INTO security_group_rule (security_group_id, is_egress, ip_protocol, cidr_ipv4, description)"
       " SELECT id, true, '-1', '0.0.0.0/0', nullif(group_name, 'open1') FROM security_group WHERE group_name LIKE 'open%'",
       *(role_row(f"r{i}").replace(") VALUES", ", attached_policies_arns) VALUES").replace("'ours')",
         "'ours', '{arn:aws:iam::aws:policy/ReadOnlyAccess}')") for i in range(3)))
    seen = counts(actions)
    check("a group's creation: AWS's own rule goes, unless a row says the same",
          {name: n for name, n in seen.items() if "SecurityGroup" in name and not name.startswith("Describe")},
          {"CreateSecurityGroup": 6, "AuthorizeSecurityGroupIngress": 6, "RevokeSecurityGroupEgress": 3,
           "UpdateSecurityGroupRuleDescriptionsEgress": 2})
    check("a role's creation", (seen["CreateRole"], seen["AttachRolePolicy"]), (3, 3))
    check("groups, of which all is told, are not read back; rules that came along are found by one call",
          (seen["DescribeSecurityGroups"], seen["DescribeSecurityGroupRules"]), (1, 2))
    check("whose they are is known", sql("SELECT DISTINCT owner_id FROM security_group"), "123456789012")
    seen = counts(actions)
    check("nothing to do: each listing once", set(seen.values()), {1})
    check("nothing to do: no call per object", len(seen) < 20, True)
    do("UPDATE role SET attached_policies_arns = '{arn:aws:iam::aws:policy/ReadOnlyAccess, arn:aws:iam::aws:policy/SecurityAudit}'")
    check("a policy more", counts(actions)["AttachRolePolicy"], 3)
    do("UPDATE role SET attached_policies_arns = '{arn:aws:iam::aws:policy/SecurityAudit}'")
    seen = counts(actions)
    check("a policy less", (seen["DetachRolePolicy"], seen["AttachRolePolicy"]), (3, 0))
    do("UPDATE security_group_rule SET cidr_ipv4 = '10.1.0.0/16' WHERE from_port = 81")
    check("a change of many", counts(actions)["ModifySecurityGroupRules"], 6)
    do("DELETE FROM security_group_rule WHERE NOT is_egress OR cidr_ipv4 = '0.0.0.0/0' AND security_group_id IN"
       " (SELECT id FROM security_group WHERE group_name <> 'default')",
       "DELETE FROM security_group WHERE group_name <> 'default'")
    seen = counts(actions)
    check("rules go with their group", (seen["DeleteSecurityGroup"], seen["RevokeSecurityGroupIngress"]), (6, 0))
    do("INSERT INTO security_group (group_name) VALUES ('bare')")
    check("a group is read back where its row leaves something to AWS", counts(actions)["DescribeSecurityGroups"], 2)
    check("and has it", sql("SELECT description, owner_id, vpc_id IS NULL FROM security_group WHERE group_name = 'bare'"),
          "bare|123456789012|f")


def many_rows():
    """One statement reads the rows of a table and one writes them; many that are new, while calls are still in flight."""
    start("aws_iam")
    many = (f"INSERT INTO role (role_name, assume_role_policy_document) SELECT '%s' || i, '{TRUST}'"
            " FROM generate_series(1, %d) i").__mod__
    do("CREATE TABLE written (rows int)",
       "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
       " 'BEGIN INSERT INTO public.written SELECT count(*) FROM now; RETURN NULL; END'",
       "CREATE TRIGGER note AFTER UPDATE ON role REFERENCING NEW TABLE AS now FOR EACH STATEMENT EXECUTE FUNCTION note()",
       many(("few", 5)))
    written = "WITH w AS (DELETE FROM written RETURNING rows) SELECT rows FROM w"
    check("the rows of a table are written at once", (len(actions()), sql(written)), (5, "5"))
    check("and read at once", sql("BEGIN", "SELECT count(*) FROM iasql_apply()",
                                  "SELECT seq_scan + idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'role'"), "0\n1")
    do(many(("many", 105)))
    check("those of a hundred as soon as they are known", (
        sql("SET iasql.max_concurrency = 1", "SELECT count(*) FROM iasql_apply()"), sql(written)), ("105", "100\n5"))
    do(many(("more", 101)), "INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)"
       f" VALUES ('bad', '{TRUST}', '{{arn:aws:iam::aws:policy/NoSuchPolicy}}')")
    contains("one fails", sql("SET iasql.max_concurrency = 1", "SELECT iasql_apply()"), "could not apply 1 of 102")
    check("what was written is undone", sql("SELECT count(*), count(arn) FROM role", "SELECT count(*) FROM iasql_state"
                                            " WHERE resource = 'role'"), "212|110\n110")
    do("DELETE FROM role WHERE role_name = 'bad'")
    check("the next apply binds it", (counts(actions)["CreateRole"], sql("SELECT count(arn) FROM role")), (0, "211"))


def revision_in_use():
    start("aws_iam", "aws_cloudwatch")
    ecs.create_cluster(clusterName="c")
    container = {"name": "c", "image": "nginx:1", "essential": True, "memory": 512}
    ecs.register_task_definition(
        family="ports", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="1024",
        containerDefinitions=[{**container, "portMappings": [{"containerPort": 80}, {"containerPort": 81}]}])
    for size in ("256", "512"):
        ecs.register_task_definition(
            family="f", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu=size, memory="1024",
            containerDefinitions=[container])
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    for name, revision in (("s", "f:2"), ("t", "f:2")):
        ecs.create_service(
            cluster="c", serviceName=name, taskDefinition=revision, desiredCount=0, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}})
    check("a revision that its family shows is not read again for its services",
          counts(lambda: sql("SELECT iasql_install('aws_ecs_fargate')"))["DescribeTaskDefinition"], 2)
    check("nor is one imported that has no row", sql("SELECT cloud_id LIKE '%/ports:1', reason FROM iasql_unmanaged"),
          "t|a container has several ports, or logs that do not go to CloudWatch")
    ecs.update_service(cluster="c", service="s", taskDefinition="f:1")
    check("a known revision is not read again; another one, and what has no row, are", counts(actions)["DescribeTaskDefinition"], 2)
    check("and imported", sql("SELECT string_agg(revision::text, ' ' ORDER BY revision) FROM task_definition"), "1 2")
    do("UPDATE task_definition SET cpu_memory = 'vCPU0.25-1GB' WHERE revision = 2")
    actions()
    check("nor is one that was registered here", (counts(actions)["DescribeTaskDefinition"], sql(
        "SELECT item #>> '{taskDefinition,memory}' FROM iasql_state WHERE cloud_id LIKE '%f:3'")), (2, "1024"))
    do("DELETE FROM service")
    seen = counts(actions)
    check("a service without tasks is not scaled to none", (seen["UpdateService"], seen["DeleteService"]), (0, 2))
    do("INSERT INTO cluster (cluster_name) VALUES ('default')",
       "INSERT INTO service (name, desired_count, subnets, task_definition_id)"
       f" SELECT 'd', 0, '{{{subnet}}}', id FROM task_definition WHERE revision = 3",
       "INSERT INTO service_security_groups SELECT 'd', id FROM security_group")
    check("a service of no cluster is one of the default cluster", (
        [line.split("|")[:2] for line in actions()], sql("SELECT cluster_name FROM service"),
        len(ecs.describe_services(cluster="default", services=["d"])["services"])),
        ([["create", "cluster"], ["create", "service"]], "default", 1))


def revision_of_what_is_no_row():
    """A service with two load balancers is no row: it is shown, nothing of it changes, and it keeps its revision."""
    start("aws_elb")
    container = {"name": "c", "image": "nginx:1", "essential": True, "portMappings": [{"containerPort": 80}]}
    ecs.create_cluster(clusterName="c")
    first = ecs.register_task_definition(family="f", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256",
                                         memory="512", containerDefinitions=[container])["taskDefinition"]["taskDefinitionArn"]
    subnets = [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]][:2]
    groups = [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]]
    balancer = elb.create_load_balancer(Name="b", Scheme="internal", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    targets = [elb.create_target_group(Name=n, Protocol="HTTP", Port=80, TargetType="ip", VpcId=sql(
        "SELECT vpc_id FROM vpc WHERE is_default"))["TargetGroups"][0]["TargetGroupArn"] for n in "tu"]
    for port, target in zip((80, 81), targets):
        elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[
            {"Type": "forward", "TargetGroupArn": target}])
    for name, behind in ("one", targets[:1]), ("two", targets):
        ecs.create_service(
            cluster="c", serviceName=name, taskDefinition=first, desiredCount=1, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "securityGroups": groups}},
            loadBalancers=[{"targetGroupArn": t, "containerName": "c", "containerPort": 80} for t in behind])

    def service(name):
        found = ecs.describe_services(cluster="c", services=[name])["services"][0]
        return {key: found[key] for key in ("status", "desiredCount", "taskDefinition", "loadBalancers", "networkConfiguration")}

    def revisions(*numbers):
        return [ecs.describe_task_definition(taskDefinition=f"f:{n}")["taskDefinition"]["status"] for n in numbers]

    sql("SELECT iasql_install('aws_ecs_fargate')")
    two, shown = service("two"), "SELECT cloud_id LIKE '%/two', reason FROM iasql_unmanaged WHERE resource = 'service'"
    check("only the other one is imported", sql("SELECT name FROM service"), "one")
    check("it is shown, with the reason", sql(shown), "t|it has more than one load balancer")
    check("it is nothing to do", (actions(), service("two"), revisions(1)), ([], two, ["ACTIVE"]))
    do("UPDATE task_definition SET cpu_memory = 'vCPU0.25-1GB'")
    before = len(changing())
    told = [sql("SET client_min_messages = notice", f"SELECT action, table_name, description FROM iasql_{verb}()")
            for verb in ("preview_apply", "apply")]
    for verb, out in zip(("preview", "apply"), told):
        contains(f"the {verb} tells that the old revision is kept, and why", out, f"the version that task_definition with id 1 ({first}) replaces is kept",
                 "It is used by service two (", ", which is no row.", f"replace|task_definition|{first}")
    check("one service moves on, the old revision stays", changing()[before:], ["RegisterTaskDefinition", "UpdateService"])
    check("the other keeps it", (service("two"), service("one")["taskDefinition"].split(":")[-1], revisions(1, 2)), (two, "2", ["ACTIVE"] * 2))
    check("what is kept becomes a row, like every revision in use", (actions(), sql(
        "SELECT revision FROM task_definition ORDER BY 1"), sql(shown)), ([], "1\n2", "t|it has more than one load balancer"))
    do("UPDATE task_definition SET cpu_memory = 'vCPU0.25-2GB' WHERE revision = 2")
    check("one that nothing else uses goes", ([line.split("|")[0] for line in actions()], revisions(1, 2, 3)),
          (["update", "replace"], ["ACTIVE", "INACTIVE", "ACTIVE"]))
    do("DELETE FROM service")
    check("nothing of the other service was ever changed", ([line.split("|")[:2] for line in actions()], service("two")),
          ([["delete", "service"]], two))


def changed_scope():
    start("aws_iam", "aws_cloudwatch")
    do(role_row("a"), role_row("b"), "INSERT INTO log_group (log_group_name) VALUES ('l')")
    actions()
    add_role("c")
    iam.update_role_description(RoleName="a", Description="drift")
    do("UPDATE role SET description = 'new' WHERE role_name = 'b'")
    open(LOG, "w").close()
    check("only the changed row is applied", [line for line in actions(arguments="scope => 'changed'") if "|" in line],
          ["update|role|b"])
    with open(LOG) as log:
        check("only its kind was looked at", [line.split()[1] for line in log if line.split()[1] == "logs"], [])
    check("the drift stays", cloud_description("a"), "drift")
    check("no import", row_description("c"), "")
    do("DELETE FROM role WHERE role_name = 'b'", "INSERT INTO log_group (log_group_name) VALUES ('m')")
    check("creations and deletions", actions(arguments="scope => 'changed'"), ["create|log_group|m", "delete|role|b"])
    check("all sees the rest", actions(), ["update|role|a"])
    do("UPDATE role SET description = 'x' WHERE role_name = 'a'")
    contains("it says that it looks no further",
             sql("SET client_min_messages = notice", "SELECT FROM iasql_apply(scope => 'changed')"),
             "NOTICE:  only changed rows were looked at")


def reference_to_what_had_no_row():
    """A reference whose object gets its row later is filled in then; that it was NULL is nobody's wish."""
    start()
    arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.delete_role(RoleName="r")
    container = {"name": "c", "image": "busybox", "essential": True, "logConfiguration": {
        "logDriver": "awslogs", "options": {"awslogs-group": "l", "awslogs-region": "us-east-1",
                                            "awslogs-stream-prefix": "awslogs-c"}}}
    ecs.register_task_definition(family="f", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256",
                                 memory="512", taskRoleArn=arn, containerDefinitions=[container])
    sql("SELECT iasql_install('aws_elb')", "ALTER TABLE certificate ADD CONSTRAINT no CHECK (false)",
        "ALTER TABLE vpc ADD CONSTRAINT no CHECK (is_default)")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [s["SubnetId"] for s in ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]]
    group = elb.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")["TargetGroups"][0]
    balancer = elb.create_load_balancer(Name="b", Scheme="internal", Subnets=subnets[:2])["LoadBalancers"][0]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Port=443, Protocol="HTTPS", SslPolicy="ELBSecurityPolicy-2016-08",
        Certificates=[{"CertificateArn": aws("acm").request_certificate(DomainName="a.example")["CertificateArn"]}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}])
    sql("SELECT iasql_install('aws_ecs_fargate')")
    references = ("SELECT t.task_role_name, g.vpc IS NULL, l.certificate_id IS NULL, c.log_group_name"
                  " FROM task_definition t, target_group g, listener l, container_definition c")
    check("an import changes nothing", actions(), [])
    check("imported without what they refer to", sql(references), "|t|t|")
    before = changing()
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    logs.create_log_group(logGroupName="l")
    do("ALTER TABLE vpc DROP CONSTRAINT no", "ALTER TABLE certificate DROP CONSTRAINT no")
    check("their rows come", actions("preview_apply"), [])
    check("no line of the plan", actions(), [])
    check("the references are filled in", sql(references), "r|f|f|l")
    check("nothing is called", changing(), before + ["CreateRole", "CreateLogGroup"])
    check("nothing left", (actions(), sql("SELECT count(*) FROM iasql_drift")), ([], "0"))
    do("UPDATE task_definition SET task_role_name = NULL", "UPDATE listener SET certificate_id = NULL")
    check("from then on NULL is a wish", sorted(actions("preview_apply"))[0].split("|")[:2], ["replace", "task_definition"])


def ids_of_what_is_made_anew():
    """Rows hold ids as text (subnets, route tables): they follow when what they name is made anew."""
    start("aws_elb")
    do("INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16')",
       "INSERT INTO subnet (cidr_block, vpc_id, availability_zone) SELECT '10.1.' || i || '.0/24', id, 'us-east-1' || z"
       " FROM vpc, (VALUES (1, 'a'), (2, 'b')) n (i, z) WHERE NOT is_default",
       "INSERT INTO endpoint_gateway (service, vpc_id) SELECT 's3', id FROM vpc WHERE NOT is_default")
    actions()
    do("INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type, subnets) SELECT 'l', 'internal',"
       " 'application', 'ipv4', array_agg(subnet_id) FROM subnet WHERE cidr_block LIKE '10.1.%'")
    actions()

    def same(what):
        check(what + ", and nothing is left", actions("preview_apply"), [])
        subnets = sorted(s["SubnetId"] for s in ec2.describe_subnets()["Subnets"] if s["CidrBlock"].startswith("10.1."))
        held = elb.describe_load_balancers()["LoadBalancers"][0]["AvailabilityZones"]
        check("the load balancer is in the subnets", sorted(zone["SubnetId"] for zone in held), subnets)
        check("so says its row", sql("SELECT array_agg(s ORDER BY s) FROM load_balancer, unnest(subnets) s"),
              "{" + ",".join(subnets) + "}")
        tables = [t["RouteTableId"] for t in ec2.describe_route_tables()["RouteTables"]
                  if t["VpcId"] == sql("SELECT vpc_id FROM vpc WHERE NOT is_default")]
        check("the endpoint is in the route table", [e["RouteTableIds"] for e in ec2.describe_vpc_endpoints()["VpcEndpoints"]
                                                     if e["State"] != "deleted"], [tables])
        check("so says its row", sql("SELECT route_table_ids FROM endpoint_gateway"), "{" + tables[0] + "}")

    do("UPDATE subnet SET cidr_block = '10.1.3.0/24' WHERE cidr_block = '10.1.1.0/24'")
    check("the load balancer moves with a subnet", [line.split("|")[:2] for line in actions()],
          [["update", "load_balancer"], ["replace", "subnet"]])
    same("a subnet is replaced")
    sql("BEGIN; DELETE FROM load_balancer; DELETE FROM endpoint_gateway; DELETE FROM subnet WHERE cidr_block LIKE '10.1.%';"
        "DELETE FROM security_group_rule r USING security_group g, vpc v WHERE r.security_group_id = g.id AND g.vpc_id = v.id"
        " AND NOT v.is_default; DELETE FROM security_group g USING vpc v WHERE g.vpc_id = v.id AND NOT v.is_default;"
        "DELETE FROM vpc WHERE NOT is_default; SELECT iasql_apply(); ROLLBACK")
    check("a deletion that was rolled back took them away", elb.describe_load_balancers()["LoadBalancers"], [])
    check("they come again", sorted({line.split("|")[0] for line in actions()}), ["create"])
    same("made again")


def refused_for_long():
    """What AWS refuses for now is repeated: that is told, can be cancelled, and ends with AWS's own error."""
    start("aws_vpc")
    do("INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16')")
    actions()
    do("ALTER DATABASE t SET iasql.request_timeout = '5s'")  # so long a call whose apply was cancelled is in doubt
    vpc = sql("SELECT vpc_id FROM vpc WHERE NOT is_default")
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpcId=vpc, VpnGatewayId=gateway)
    do("DELETE FROM vpc WHERE NOT is_default")
    apply = subprocess.Popen(["psql", "-XqAt", "-c", "SELECT iasql_apply()"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    told = ""
    while "DependencyViolation" not in told and apply.poll() is None:
        time.sleep(0.1)
        told = sql("SELECT running FROM iasql_progress")
    contains("what it waits for is told", told, "delete vpc", vpc, "DeleteVpc, repeated after DependencyViolation: ")
    sql("SELECT pg_cancel_backend(pid) FROM iasql_progress")
    contains("it can be cancelled", apply.communicate()[0], "canceling statement")
    error = sql("SET iasql.wait_timeout = '5s'", "SELECT iasql_apply()")
    contains("it ends with AWS's error", error, "could not apply 1 of 1", vpc, "DependencyViolation: ", "(request ")
    ec2.detach_vpn_gateway(VpcId=vpc, VpnGatewayId=gateway)
    check("until nothing is in the way", actions(), [f"delete|vpc|{vpc}"])


def renamed_row():
    """What is kept by a row's key goes along when it changes."""
    start("aws_vpc")
    do("INSERT INTO vpc (cidr_block, tags) VALUES ('10.1.0.0/16', '{}')")
    actions()
    vpc = sql("SELECT vpc_id FROM vpc WHERE NOT is_default")
    sql("SELECT iasql_share('vpc', id::text, 'tags') FROM vpc WHERE NOT is_default")
    do("UPDATE vpc SET id = 77 WHERE NOT is_default")
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "their", "Value": "tag"}])
    check("a shared column follows under the new key", actions(), [])
    check("the row", sql("SELECT tags FROM vpc WHERE id = 77"), '{"their": "tag"}')
    check("the share has moved", sql("SELECT row_key FROM iasql_share"), '["77"]')
    check("the object is still this database's own", sql("SELECT created FROM iasql_state WHERE row_key = '[\"77\"]'"), "t")


def unchanged_rows():
    """Base is read only for rows that do not say what it does, as its digest tells."""
    start("aws_security_group", "aws_iam")
    do(role_row("a"), "INSERT INTO security_group (group_name, description) VALUES ('g', 'd'), ('h', 'd')",
       "INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, source_security_group, security_group_id)"
       " SELECT false, 'tcp', 80, 80, min(id), max(id) FROM security_group WHERE group_name IN ('g', 'h')")
    sql("SELECT iasql_apply()")
    check("nothing to do", (actions(), sql("SELECT count(*) FROM iasql_state WHERE digest IS NULL")), ([], "0"))
    empty = "SELECT count(*) FROM iasql_state WHERE base = '{}'"
    do("CREATE TABLE kept AS SELECT * FROM iasql_state", "UPDATE iasql_state SET base = '{}'")
    check("without any base too, which nobody misses", (actions(), sql(empty)), ([], sql("SELECT count(*) FROM kept")))
    do("UPDATE role SET description = 'mine'")
    check("an edited row is compared with it", sql("SELECT iasql_refresh()", "SELECT kind FROM iasql_drift WHERE"
                                                   " column_name = 'description'").split()[-1], "both")
    do("UPDATE role SET description = 'ours'", "UPDATE iasql_state SET digest = NULL")
    check("so is one whose digest is unknown: its base follows", (actions(), sql(empty)), ([], "0"))
    do("UPDATE iasql_state SET digest = NULL")
    check("which is no change", (actions(), sql("SELECT count(digest) FROM iasql_state")), ([], "0"))
    do("UPDATE role SET description = 'mine'")
    check("but an edit is", actions(), ["update|role|a"])
    do("UPDATE iasql_state s SET digest = k.digest FROM kept k WHERE (k.resource, k.row_key) = (s.resource, s.row_key)"
       " AND s.resource <> 'role'")
    ec2.delete_security_group(GroupId=sql("SELECT group_id FROM security_group WHERE group_name = 'g'"))
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=sql("SELECT vpc_id FROM vpc WHERE is_default"))
    rule = sql("SELECT security_group_rule_id FROM security_group_rule WHERE source_security_group IS NOT NULL")
    check("a rule whose source was made anew by others follows", actions("preview_apply"), [f"update|security_group_rule|{rule}"])
    actions()
    check("it is told to AWS, whatever moto makes of it", sql(
        "SELECT request #>> '{SecurityGroupRules,0,SecurityGroupRule,ReferencedGroupId}' FROM iasql_journal"
        " WHERE request IS NOT NULL ORDER BY id DESC LIMIT 1"), group["GroupId"])


def unmanaged():
    start("aws_elb")
    do("ALTER TABLE vpc ADD CONSTRAINT no CHECK (is_default)")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    actions()
    seen = f"SELECT cloud_id FROM iasql_unmanaged WHERE cloud_id IN ('{vpc}', '{subnet}') ORDER BY resource"
    check("what no row can hold", sql(seen), f"{subnet}\n{vpc}")
    sql("SELECT iasql_refresh()")
    check("is so after a refresh, too", sql(seen), f"{subnet}\n{vpc}")
    ec2.delete_subnet(SubnetId=subnet)
    sql("SELECT iasql_refresh()")
    check("but not what has gone", sql(seen), vpc)
    balancer = elb.create_load_balancer(Name="b", Scheme="internal", Subnets=[
        s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]][:2])["LoadBalancers"][0]["LoadBalancerArn"]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[
        {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}])
    two = [{"TargetGroupArn": elb.create_target_group(Name=n, Protocol="HTTP", Port=80, TargetType="ip", VpcId=sql(
        "SELECT vpc_id FROM vpc WHERE is_default"))["TargetGroups"][0]["TargetGroupArn"], "Weight": 1} for n in "tu"]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=81, DefaultActions=[
        {"Type": "forward", "ForwardConfig": {"TargetGroups": two}}])
    check("a load balancer is imported without listeners that redirect or share out", (actions(), sql(
        "SELECT load_balancer_name, (SELECT count(*) FROM listener) FROM load_balancer")), ([], "b|0"))
    contains("which are shown, with the reason", sql("SELECT reason FROM iasql_unmanaged WHERE resource = 'listener'"),
             '"redirect"', "it forwards to more than one target group")
    do("ALTER TABLE vpc DROP CONSTRAINT no")
    check("what can be held is imported", (actions(), sql(seen)), ([], ""))


CASES = [number_of_requests, many_rows, revision_in_use, revision_of_what_is_no_row, renamed_row, unchanged_rows, unmanaged, refused_for_long, ids_of_what_is_made_anew, reference_to_what_had_no_row, changed_scope, row_without_object, row_of_an_unknown_object, adoption_is_no_replacement, unchanged_and_edited, drift, gone,
         deleted_rows, never_a_row, computed, inserted_again, one_object_twice, an_id_in_a_row, hidden_rows, deferred_keys, guards, fixed_regions, guard_of_data,
         two_regions, names_change_hands, no_order, one_of_two_objects, replacement_in_use, overlapping_ranges, one_transaction, time_zones, sharing,
         protection, beside_edits, kept_values, of_aws_alone, bad_calls, failures]
for case in CASES:
    if not only or case.__name__ in only:
        case()
finish()
