"""What an operation waits for does not come, and it is cancelled: cancel.py EMULATOR [CASE...]

An endpoint between the extension and the emulator never answers what a case names, or always refuses it; all timeouts are
an hour.  So an operation that ends has ended by the cancel, not by an answer or a timeout.
"""
import asyncio
import json
import os
import re
import subprocess
import sys
import time

import check as checks
from check import PSQL, converge, finish, sql, trust
from proxy import Proxy, error, operation

REFUSALS = {"throttled": (400, "ThrottlingException"), "unavailable": (503, "ServiceUnavailable"), "in use": (400, "DependencyViolation")}
DEADLINE = 60  # s until a test gives up, which is a failure


class Endpoint(Proxy):
    """rules: operation -> [what becomes of its first request, its second, ...], of which the last holds for all others.

    "pass" is none; "hang": no answer ever; "pending": the answer says so of what is available; or a refusal.
    """

    rules, seen_of = {}, {}

    def start(self, rules):
        self.rules, self.seen_of = rules, {}
        self.reached.clear()

    async def connection(self, reader, writer):
        try:
            headers = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(re.search(rb"\r\ncontent-length: *(\d+)", headers, re.IGNORECASE).group(1)))
            name = operation(headers, body)
            turns = self.rules.get(name, ["pass"])
            number = self.seen_of[name] = self.seen_of.get(name, 0) + 1
            rule = turns[min(number, len(turns)) - 1]
            if name in self.rules and number >= len(turns):
                self.reached.set()
            if rule == "hang":
                await reader.read(1)
            elif rule in REFUSALS:
                writer.write(error(headers, *REFUSALS[rule]))
            else:
                answer = await self.forward(headers, body)
                if rule == "pending":
                    answer = answer.replace(b"<state>available</state>", b"<state>pending</state>  ")
                writer.write(answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


endpoint = Endpoint(sys.argv[1])


def waits(pid, event):
    return sql(f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {pid}") == event


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def begin(*statements):
    """Begins statements in a session of their own; its process, and the backend's number."""
    process = subprocess.Popen([*PSQL, "-c", "SELECT pg_backend_pid()", *(argument for s in statements for argument in ("-c", s))],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"PGAPPNAME": "waiter"})
    return process, int(process.stdout.readline())


def cancelled(what, statement, rules, before=(), event="Extension", said=""):
    """Cancels a statement that has come to the last rule of an operation, or has said something, and waits."""
    endpoint.start(rules)
    process, pid = begin(*before, statement)
    while said and said not in process.stdout.readline():
        pass
    wait_for(lambda: (endpoint.reached.is_set() or not rules) and waits(pid, event))
    checks.check(f"{what}: it waits", waits(pid, event), True)
    sql(f"SELECT pg_cancel_backend({pid})")
    try:
        output = process.communicate(timeout=DEADLINE)[0]
    except subprocess.TimeoutExpired:
        output = "it goes on"
        process.kill()
    checks.check(f"{what}: it ends", re.findall("ERROR: .*|it goes on", output), ["ERROR:  canceling statement due to user request"], output)
    endpoint.start({})


APPLY = "SELECT iasql_apply()"
HOUR = "SET iasql.request_timeout = '1h'"
TRUST = json.dumps(trust("ec2.amazonaws.com"))


def put_right(what):
    os.environ["PGOPTIONS"] += " -c iasql.request_timeout=1s"
    checks.check(f"{what}: what was under way is put right", converge(), "")
    os.environ["PGOPTIONS"] = os.environ["PGOPTIONS"].rpartition(" -c ")[0]


def listings():
    """Whatever looks at the account, or at itself."""
    for statement in (APPLY, "SELECT iasql_preview_apply()", "SELECT iasql_sync()", "SELECT iasql_preview_sync()",
                      "SELECT iasql_refresh()", "SELECT aws_list('iam', 'ListRoles')", "SELECT aws_call('iam', 'ListRoles')"):
        cancelled(statement, statement, {"ListRoles": ["hang"]}, [HOUR])
    cancelled("an install", "SELECT iasql_install('aws_ecr')", {"DescribeRepositories": ["hang"]}, [HOUR])
    for refusal in ("throttled", "unavailable"):  # the pauses before the second and third try, or these
        cancelled(f"a listing that is {refusal}", APPLY, {"ListRoles": [refusal, refusal, "hang"]}, [HOUR])
    cancelled("whose credentials they are", "SELECT aws_identity()", {"GetCallerIdentity": ["hang"]}, [HOUR])


def at_once():
    """All kinds are listed in all regions at once: no listing waits for the answer to another."""
    sql("UPDATE aws_regions SET is_enabled = true WHERE region = 'eu-west-1'")
    wanted = {"ListRoles": 1, "GetAccountAuthorizationDetails": 1} | dict.fromkeys(
        ("DescribeLogGroups", "DescribeVpcs", "DescribeSubnets", "DescribeSecurityGroups", "DescribeSecurityGroupRules", "DescribeAddresses",
         "DescribeNatGateways", "DescribeVpcEndpoints", "DescribeAvailabilityZones"), 2)  # fmt: skip
    endpoint.start({name: ["hang"] for name in wanted})
    process, pid = begin(HOUR, "SELECT iasql_preview_apply()")
    wait_for(lambda: endpoint.seen_of == wanted)
    checks.check("all listings are under way while none is answered", endpoint.seen_of, wanted)
    sql(f"SELECT pg_cancel_backend({pid})")
    process.communicate(timeout=DEADLINE)
    endpoint.start({})
    sql("UPDATE aws_regions SET is_enabled = false WHERE region = 'eu-west-1'")


def throttled():
    """While a service throttles, it is told which, and how fast requests go to it."""
    sql(f"INSERT INTO role (role_name, assume_role_policy_document) SELECT 'r' || i, '{TRUST}' FROM generate_series(1, 20) i")
    endpoint.start({"CreateRole": ["throttled"] * 12 + ["pass"] * 4 + ["hang"]})
    process, pid = begin(HOUR, APPLY)
    told = "SELECT throttled FROM iasql_progress"
    wait_for(lambda: endpoint.reached.is_set() and "iam" in sql(told))
    checks.check("who throttles is told", bool(re.fullmatch(r'\{"iam in aws-global: [\d.]+ requests a second"\}', sql(told))), True, sql(told))
    sql(f"SELECT pg_cancel_backend({pid})")
    process.communicate(timeout=DEADLINE)
    endpoint.start({})
    put_right("throttled creations")
    sql("DELETE FROM role")
    checks.check("throttled creations: they go again", converge(), "")


def changes():
    role = f"INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{TRUST}')"
    sql(role)
    cancelled("a creation", APPLY, {"CreateRole": ["hang"]}, [HOUR])
    cancelled("the doubt that it leaves", APPLY, {}, [HOUR, "SET client_min_messages = notice"], said="waiting for calls of an earlier")
    put_right("a creation")
    sql("INSERT INTO log_group (log_group_name) VALUES ('l')")
    cancelled("a look at what was made", APPLY, {"DescribeLogGroups": ["pass", "hang"]}, [HOUR])
    put_right("a look")
    sql("UPDATE role SET description = 'd'")
    cancelled("a change", APPLY, {"UpdateRoleDescription": ["hang"]}, [HOUR])
    put_right("a change")
    sql("INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16')")
    cancelled("a waiter's looks and pauses", APPLY, {"CreateVpc": ["pending"], "DescribeVpcs": ["pending"] * 4}, [HOUR])
    put_right("a waiter")
    sql("DELETE FROM security_group_rule r USING security_group g, vpc v WHERE g.id = r.security_group_id AND v.id = g.vpc_id AND NOT is_default",
        "DELETE FROM security_group g USING vpc v WHERE v.id = g.vpc_id AND NOT is_default", "DELETE FROM vpc WHERE NOT is_default")
    cancelled("the pause after a refusal", APPLY, {"DeleteVpc": ["in use"] * 4}, [HOUR])
    put_right("a deletion")
    sql("DELETE FROM role")
    cancelled("a deletion", APPLY, {"DeleteRole": ["hang"]}, [HOUR])
    put_right("a deletion")


def others():
    holder = subprocess.Popen([*PSQL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    print("BEGIN; SELECT count(*) FROM iasql_apply();", file=holder.stdin, flush=True)
    holder.stdout.readline()
    for statement in (APPLY, "SELECT iasql_begin()"):
        cancelled(f"the lock: {statement}", statement, {}, event="Lock")
    checks.check("who holds it holds it still", holder.poll(), None)
    holder.communicate("ROLLBACK;\n")
    sql("UPDATE aws_account SET role_arn = 'arn:aws:iam::123456789012:role/other'")
    cancelled("a role that is assumed", APPLY, {"AssumeRole": ["hang"]}, [HOUR])
    put_right("its credentials")


sql("CREATE EXTENSION iasql", f"ALTER DATABASE postgres SET iasql.endpoint_url = '{endpoint.url}'")
sql("SELECT iasql_install('aws_account')",
    "INSERT INTO aws_account (region, access_key_id, secret_access_key) VALUES ('us-east-1', 'test', 'test')",
    "SELECT iasql_install('aws_iam', 'aws_cloudwatch', 'aws_security_group')")
for case in (listings, at_once, throttled, changes, others):
    if len(sys.argv) < 3 or case.__name__ in sys.argv[2:]:
        case()
finish()
