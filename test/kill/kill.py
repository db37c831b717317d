"""Kill an apply at its boundaries, and see what later applies make of it: kill.py URL [SCENARIO...]

iasql.test_stop = 'PLACE:N' stops the backend at a place (src/engine/stop.c); then one of the victims is ended.  With
IASQL_LONG all places of all steps are tried, else a sample that is the same each time.  Ends with "N passed, N failed".
"""

import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, "test/emulator")
import boto3  # noqa: E402
import snapshot  # noqa: E402

URL = sys.argv[1]
LONG = os.environ.get("IASQL_LONG")
DATA = pathlib.Path(os.environ["PGHOST"], "data")
BIN = subprocess.check_output([os.environ.get("PG_CONFIG", "pg_config"), "--bindir"], text=True).strip()
PSQL = [BIN + "/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
STEPS = ("intent", "durable", "sent", "answer", "outcome")  # once a call
ENDS = ("write", "commit")  # once an apply
VICTIMS = ("backend", "terminate", "recorder", "server")
TRIES = 6  # applies after a kill until all is in step
passed = failed = tried = 0


def sql(*arguments, **options):
    return subprocess.run([*PSQL, *arguments], capture_output=True, text=True, **options)


def wait_for_server():
    deadline = time.monotonic() + 60
    while sql("-c", "SELECT").returncode and time.monotonic() < deadline:
        time.sleep(0.1)


def server(*command):
    as_server = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
    subprocess.run([*as_server, BIN + "/pg_ctl", "-D", str(DATA), "-w", *command], cwd="/", check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(victim, pid):
    if victim == "backend":
        os.kill(pid, signal.SIGKILL)
    elif victim == "terminate":
        os.kill(pid, signal.SIGTERM)
    elif victim == "recorder":
        recorder = sql("-c", "SELECT pid FROM pg_stat_activity WHERE backend_type = 'iasql recorder'").stdout.split()
        for other in recorder:
            os.kill(int(other), signal.SIGKILL)
        if not recorder:
            os.kill(pid, signal.SIGKILL)
    else:
        server("stop", "-m", "immediate")
        server("-l", str(DATA.parent / "log"), "start")


def kill(place, victim):
    """Apply, and end the victim when the backend stops at the place; false if it never comes there."""
    run = subprocess.Popen([*PSQL, "-c", f"SET iasql.test_stop = '{place}'", "-c", "SELECT iasql_apply()"], text=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stopped = False
    for line in run.stderr:
        found = re.search(r"stopped at \S+ in process (\d+)", line)
        if found:
            stopped = True
            end(victim, int(found.group(1)))
    run.wait()
    wait_for_server()
    return stopped


def account():
    """How many of each kind the account holds; what is deleted but still listed does not count."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
    kinds = collections.Counter()
    for kind, item in snapshot.objects(session, URL, "us-east-1"):
        if item.get("State") != "deleted":
            kinds[kind] += 1
    return dict(kinds)


def converge():
    """Apply until nothing is left to do; the last output if that does not come about."""
    for _ in range(TRIES):
        last = sql("-c", "SELECT * FROM iasql_apply()")
        if last.returncode == 0 and not last.stdout.strip():
            return None
    return last.stdout + last.stderr


def check(what, wanted):
    global passed, failed
    problem = converge()
    held = account()
    if problem is None and held == wanted:
        passed += 1
        return
    failed += 1
    differences = {kind: (held.get(kind, 0), wanted.get(kind, 0)) for kind in {*held, *wanted}
                   if held.get(kind) != wanted.get(kind)}
    print(f"not ok: {what}: (held, wanted) {differences}", problem or "", flush=True)


def places(sample):
    """(place, number) for all steps of an apply, or of a sample of them."""
    for name in STEPS + ENDS:
        for number in range(1, 60 if name in STEPS else 2):
            if LONG or f"{name}:{number}" in sample:
                yield name, number


def scenario(name, up, down, samples):
    global tried
    empty = account()
    sql(input=up, check=True)
    sql("-c", "SELECT iasql_apply()", check=True)
    full = account()
    sql(input=down, check=True)
    sql("-c", "SELECT iasql_apply()", check=True)
    beyond = {}
    for half, change, wanted in ((0, up, full), (1, down, empty)):
        other, opposite = (down, empty) if half == 0 else (up, full)
        if half == 1:
            sql(input=up, check=True)
            check(f"{name}: set up", full)
        for turn, (place, number) in enumerate(places(samples[half])):
            if number > beyond.get((half, place), 99):
                continue
            victim = VICTIMS[turn % len(VICTIMS)]
            sql(input=change, check=True)
            if kill(f"{place}:{number}", victim):
                tried += 1
            else:
                beyond[half, place] = number
            check(f"{name} {('up', 'down')[half]}: {victim} killed at {place}:{number}", wanted)
            sql(input=other, check=True)
            check(f"{name} {('up', 'down')[half]}: the other way after {place}:{number}", opposite)
        if half == 1:
            sql(input=down, check=True)
            check(f"{name}: cleared", empty)


def rendered(direction):
    text = subprocess.check_output(["node", "test/tutorial/render.js", direction], text=True)
    return "".join(line for line in text.splitlines(True) if "iasql_apply" not in line)


def file(name):
    return pathlib.Path("test/kill", name).read_text(encoding="utf-8")


for name, up, down, samples in (
    ("vpc", file("vpc_up.sql"), file("vpc_down.sql"), ({"durable:2", "answer:1", "answer:4", "commit:1"}, {"answer:2", "write:1"})),
    ("tutorial", rendered("up"), rendered("down"), ({"intent:3", "answer:6", "outcome:9", "sent:4"}, {"durable:4", "answer:7"})),
):
    if len(sys.argv) < 3 or name in sys.argv[2:]:
        scenario(name, up, down, samples)
print(f"{tried} kills")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
