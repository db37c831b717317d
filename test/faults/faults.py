"""Spoil the requests of applies, installs, syncs and previews: faults.py EMULATOR_URL K/N [PART...]

The parts are functions: requests that change something, requests that read, operations that are ended while a call is
under way, and an endpoint that goes.  Each spoilt operation ends in success or in one error, and the next applies bring rows
and account into step.  With IASQL_LONG every fault on every request that changes something, every such request interrupted,
and every operation that reads spoilt, where kinds of faults and ends take turns; else a sample.  Most of the time is waiting:
N such programs, each with a database and an emulator of its own, share the turns; this one takes every N-th from the K-th on.
Ends with "N passed, N failed".
"""

import collections
import itertools
import os
import subprocess
import sys
import time

from check import PSQL, Emulator, check, converge, finish, run, sql, tutorial
from proxy import FAULTS, Proxy
from snapshot import account

URL = sys.argv[1]
SHARE, SHARES = map(int, sys.argv[2].split("/"))
PARTS = sys.argv[3:]
AWS = Emulator(URL)
LONG = os.environ.get("IASQL_LONG")
MODULES = "'aws_ecs_fargate', 'aws_elb', 'aws_ecr', 'aws_cloudwatch', 'aws_iam', 'aws_security_group', 'aws_vpc'"
INSTALL, UNINSTALL = f"SELECT iasql_install({MODULES})", f"SELECT iasql_uninstall({MODULES})"
APPLY = "SELECT iasql_apply()"
UP, DOWN = tutorial("up"), tutorial("down")
ENDS = {  # by which an operation is ended: the SQLSTATE
    "cancel": "57014",
    "timeout": "57014",
    "terminate": "57P01",
    "disconnect": None,
}
proxy = Proxy(URL)
ended = collections.Counter()
number_of_turn = itertools.count()


def mine(turns):
    """The turns that are this program's."""
    return [turn for turn in turns if next(number_of_turn) % SHARES == SHARE]


def rows():
    """How many rows each table has."""
    return sql("""SELECT relname, xpath('/row/n/text()', query_to_xml(format('SELECT count(*) n FROM %I', relname), true, true, ''))
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname !~ '^iasql_' ORDER BY 1""")


def spoilt(what, statement, at, fault, reads=False):
    """Run a statement whose request is spoilt: it ends in success or in one error."""
    proxy.arm(at, fault, reads)
    done = run("SET iasql.request_timeout = '2s'", statement, timeout=200)
    errors = done.stderr.count("ERROR:")
    end = "success" if done.returncode == errors == 0 else "error" if errors == 1 else done.stderr
    check(what, end in ("success", "error"), True, done.stderr)
    if proxy.hit:
        ended[end] += 1
    proxy.arm(0, None)
    return end


def in_step(what, wanted):
    check(f"{what}: then", (converge(), account(AWS)), ("", wanted))


def start():
    """Both states of the account, and how many requests change the one to the other: (account, requests) after UP and DOWN."""
    states = []
    for change in (UP, DOWN):
        run(input=change, check=True)
        proxy.arm(0, None)
        check("applies without faults", converge(), "")
        states.append((account(AWS), proxy.seen))
    return states


def both(turns, full, empty):
    """Each turn up and down; without IASQL_LONG the one or the other."""
    for number, turn in enumerate(mine(turns)):
        sides = (("up", UP, *full), ("down", DOWN, *empty))
        for side in sides if LONG else [sides[number % 2]]:
            yield *side, *turn


def changes(full, empty):
    sample = ("reset_done", "stall_done", "truncate_done", "error_503", "throttled", "expired")
    turns = [(at, fault) for at in range(1, max(full[1], empty[1]) + 1) for fault in FAULTS
             if LONG or fault in sample and at == 1 + FAULTS.index(fault) * 7 % full[1]]  # fmt: skip
    for name, change, held, requests, at, fault in both(turns, full, empty):
        what = f"{name}, request {at}, {fault}"
        run(input=change, check=True)
        if at <= requests:
            spoilt(what, APPLY, at, fault)
        in_step(what, held)


def reads(full, empty):
    """What could not be read is not absent: nothing is deleted, made or imported for it."""
    run(input=UP, check=True)
    check("the account is full", (converge(), account(AWS)), ("", full[0]))
    held = account(AWS), rows()
    faults = [fault for fault in FAULTS if fault not in ("reset_done", "stall_done")]
    for number, (before, statement) in enumerate((
        ("", APPLY), ("", "SELECT iasql_sync()"), ("", "SELECT iasql_preview_apply()"), ("", "SELECT iasql_preview_sync()"),
        (UNINSTALL, INSTALL), (UP, APPLY),
    )):  # fmt: skip
        proxy.arm(0, None, reads=True)
        run(*[before][: before == UNINSTALL], statement, check=True)
        names = sorted(set(proxy.names))
        turns = [(name, faults[(turn + number) % len(faults)]) for turn, name in enumerate(names)]
        for name, fault in mine(turns if LONG else [turns[5 * number % len(turns)]]):
            what = f"{statement}{' of changes' if before == UP else ''}, {name} {fault}"
            if before == UP:
                for change, (wanted, _) in ((DOWN, empty), (UP, full)):
                    run(input=change, check=True)
                    spoilt(what, APPLY, name, fault, reads=True)
                    in_step(what, wanted)
                continue
            run(*[before][: before != ""], check=True)
            spoilt(what, statement, name, fault, reads=True)
            check(f"{what}: the account is as before", account(AWS), held[0])
            if before:
                run(INSTALL)
            check(f"{what}: then", (converge(), account(AWS), rows()), ("", *held))
    run(input=DOWN, check=True)
    in_step("all goes", empty[0])


def interrupted(full, empty):
    """A call under way when the apply ends is in the journal, and what it did is found."""
    ways = list(ENDS)
    turns = [(at, fault, ways[(at + shift) % len(ways)])
             for at in range(1, max(full[1], empty[1]) + 1) for shift, fault in enumerate(("stall_done", "stall"))]  # fmt: skip
    sample = turns if LONG else turns[2 : 2 + 2 * len(ways) : 2]
    for name, change, held, requests, at, fault, way in both(sample, full, empty):
        what = f"{way} of {name}, request {at}, {fault}"
        run(input=change, check=True)
        if at <= requests:
            interrupt(what, way, at, fault)
        in_step(what, held)


def interrupt(what, way, at, fault):
    last = sql("SELECT coalesce(max(id), 0) FROM iasql_journal")
    proxy.arm(at, fault)
    apply = subprocess.Popen(
        [*PSQL, "-v", "VERBOSITY=sqlstate", "-c", "SET iasql.request_timeout = '1min'",
         "-c", f"SET statement_timeout = '{5 if way == 'timeout' else 0}s'", "-c", APPLY],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    ended["called" if proxy.reached.wait(5 if way == "timeout" else 60) else "not called"] += 1
    pid = sql(f"SELECT pid FROM pg_stat_activity WHERE state = 'active' AND datname = current_database() AND query = '{APPLY}'")
    if way == "cancel":
        until("SELECT count(*) FROM iasql_progress WHERE verb = 'APPLY' AND total > 0 AND running <> '{}'", "1", what + ": progress")
    begun = time.monotonic()
    if way == "disconnect":
        apply.kill()
    elif way != "timeout":
        sql(f"SELECT pg_{way}_backend({pid})")
    output = apply.communicate(timeout=60)[0]
    ended[f"ms until {way}"] = max(ended[f"ms until {way}"], int(1000 * (time.monotonic() - begun)))
    check(f"{what}: it ends", ENDS[way] is None or ENDS[way] in output, True, output)
    until(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid or 0} AND state = 'active'", "0", what + ": its session")
    journal = f"FROM iasql_journal i WHERE intent IS NULL AND service IS NOT NULL AND id > {last}"
    check(f"{what}: no call without an intent", int(sql(f"SELECT count(*) {journal}")) >= proxy.seen, True)
    ended["in doubt"] += int(sql(f"SELECT count(*) {journal} AND NOT EXISTS (SELECT FROM iasql_journal o WHERE o.intent = i.id)"))
    proxy.arm(0, None)


def until(query, wanted, what):
    deadline = time.monotonic() + 30
    while sql(query) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    check(what, sql(query), wanted)


def gone(full, empty):
    """The endpoint goes in the midst of an apply, for a minute with IASQL_LONG."""
    turns = [(at,) for at in (range(1, max(full[1], empty[1]) + 1) if LONG else (full[1] // 2, empty[1] // 2))]
    for name, change, held, requests, at in both(turns, full, empty):
        what = f"the endpoint goes, {name}, request {at}"
        run(input=change, check=True)
        if at <= requests:
            check(what, spoilt(what, APPLY, at, "gone"), "error")
            back = time.monotonic() + (60 if LONG and (name, at) == ("up", 2) else 0)
            while True:
                error = sql(r"\set VERBOSITY verbose", APPLY)
                check(f"{what}: nothing is there", (error.count("ERROR:"), error[:13]), (1, "ERROR:  08001"), error)
                ended["refused"] += 1
                if time.monotonic() >= back:
                    break
                time.sleep(1)
            proxy.back()
        in_step(what, held)


def silent(full, empty):
    """What is waited for is told."""
    run(input=UP, check=True)
    for what, at, reads in ("a change", 2, False), ("a listing", "DescribeVpcs", True):
        proxy.arm(at, "stall_done", reads)
        said = sql("SET client_min_messages = notice", "SET iasql.request_timeout = '40s'", "SET iasql.wait_timeout = '2min'", APPLY)
        check(f"{what} without an answer: a notice", "NOTICE:  waiting for" in said, True, said)
        proxy.arm(0, None)
        in_step(f"{what} without an answer", full[0])
    run(input=DOWN, check=True)
    in_step("all goes", empty[0])


run(f"ALTER DATABASE {os.environ['PGDATABASE']} SET iasql.endpoint_url = '{proxy.url}'", check=True)
states = start()
for part in (changes, reads, interrupted, gone, *[silent][: bool(LONG) and SHARE == 0]):
    if not PARTS or part.__name__ in PARTS:
        part(*states)
        print(part.__name__, dict(ended), flush=True)
        ended.clear()
finish()
