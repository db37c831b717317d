"""Spoil each request of an apply in turn, in each way: faults.py EMULATOR_URL

An apply whose request is spoilt ends in success or in one error; the next ones bring rows and account into step.  With
IASQL_LONG every fault on every request that changes something, else a sample.  Ends with "N passed, N failed".
"""

import os
import subprocess
import sys

from proxy import FAULTS, Proxy

sys.path.insert(0, "test/emulator")
import boto3  # noqa: E402
import snapshot  # noqa: E402

URL = sys.argv[1]
LONG = os.environ.get("IASQL_LONG")
PSQL = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
SAMPLE = ("reset_done", "stall_done", "truncate_done", "error_503", "throttled", "expired")
OBJECTS = 12  # that the tutorial makes
TRIES = 6
passed = failed = faults = 0
ended = {"success": 0, "error": 0}


def sql(*arguments, **options):
    return subprocess.run([*PSQL, *arguments], capture_output=True, text=True, **options)


def check(what, got, wanted):
    global passed, failed
    if got == wanted:
        passed += 1
    else:
        failed += 1
        print(f"not ok: {what}: got {got!r}, wanted {wanted!r}", flush=True)


def held():
    """How many objects the account holds."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
    return len([item for _, item in snapshot.objects(session, URL, "us-east-1") if item.get("State") != "deleted"])


def apply():
    """Apply once; 'success', or 'error' for one error, or all that was said."""
    run = sql("-c", "SET iasql.request_timeout = '2s'", "-c", "SELECT iasql_apply()", timeout=120)
    errors = run.stderr.count("ERROR:")
    return "success" if run.returncode == 0 and errors == 0 else "error" if errors == 1 else run.stderr


def converge():
    for _ in range(TRIES):
        run = sql("-c", "SELECT * FROM iasql_apply()", timeout=120)
        if run.returncode == 0 and not run.stdout.strip():
            return "in step"
    return run.stdout + run.stderr


def rendered(direction):
    text = subprocess.check_output(["node", "test/tutorial/render.js", direction], text=True)
    return "".join(line for line in text.splitlines(True) if "iasql_apply" not in line)


def spoilt(proxy, name, change, at, fault, wanted):
    global faults
    sql(input=change, check=True)
    proxy.arm(at, fault)
    end = apply()
    if proxy.seen >= at:
        faults += 1
    what = f"{name}, request {at}, {fault}"
    check(what, end in ended, True)
    ended[end] = ended.get(end, 0) + 1
    proxy.arm(0, None)
    check(f"{what}: then", (converge(), held()), ("in step", wanted))


def main():
    proxy = Proxy(URL)
    sql("-c", f"ALTER DATABASE postgres SET iasql.endpoint_url = '{proxy.url}'", check=True)
    up, down = rendered("up"), rendered("down")
    empty = held()
    counts = []
    for change in (up, down):
        sql(input=change, check=True)
        proxy.arm(0, None)
        check("applies without faults", converge(), "in step")
        counts.append(proxy.seen)
    for turn, (fault, at) in enumerate((fault, at) for at in range(1, max(counts) + 1) for fault in FAULTS):
        # the sample: a few faults once, on requests all over the apply
        if not LONG and (fault not in SAMPLE or at != 1 + FAULTS.index(fault) * 7 % counts[0]):
            continue
        spoilt(proxy, "up", up, min(at, counts[0]), fault, empty + OBJECTS)
        spoilt(proxy, "down", down, min(at, counts[1]) if LONG or turn % 2 else 0, fault, empty)
    print(f"{faults} faults: {ended}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
