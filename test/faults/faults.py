"""Spoil each request of an apply in turn, in each way: faults.py EMULATOR_URL

An apply whose request is spoilt ends in success or in one error; the next ones bring rows and account into step.  With
IASQL_LONG every fault on every request that changes something, else a sample.  Ends with "N passed, N failed".
"""

import os
import sys

from check import Emulator, check, converge, finish, run, tutorial
from proxy import FAULTS, Proxy
from snapshot import account

URL = sys.argv[1]
AWS = Emulator(URL)
LONG = os.environ.get("IASQL_LONG")
SAMPLE = ("reset_done", "stall_done", "truncate_done", "error_503", "throttled", "expired")
faults = 0
ended = {"success": 0, "error": 0}


def apply():
    """Apply once; 'success', or 'error' for one error, or all that was said."""
    done = run("SET iasql.request_timeout = '2s'", "SELECT iasql_apply()", timeout=120)
    errors = done.stderr.count("ERROR:")
    return "success" if done.returncode == 0 and errors == 0 else "error" if errors == 1 else done.stderr


def spoilt(proxy, name, change, at, fault, wanted):
    global faults
    run(input=change, check=True)
    proxy.arm(at, fault)
    end = apply()
    if proxy.seen >= at:
        faults += 1
    what = f"{name}, request {at}, {fault}"
    check(what, end in ended, True)
    ended[end] = ended.get(end, 0) + 1
    proxy.arm(0, None)
    check(f"{what}: then", (converge(), account(AWS)), ("", wanted))


def main():
    proxy = Proxy(URL)
    run(f"ALTER DATABASE postgres SET iasql.endpoint_url = '{proxy.url}'", check=True)
    up, down = tutorial("up"), tutorial("down")
    held, counts = [account(AWS)], []
    for change in (up, down):
        run(input=change, check=True)
        proxy.arm(0, None)
        check("applies without faults", converge(), "")
        counts.append(proxy.seen)
        held.append(account(AWS))
    for turn, (fault, at) in enumerate((fault, at) for at in range(1, max(counts) + 1) for fault in FAULTS):
        # the sample: a few faults once, on requests all over the apply
        if not LONG and (fault not in SAMPLE or at != 1 + FAULTS.index(fault) * 7 % counts[0]):
            continue
        spoilt(proxy, "up", up, min(at, counts[0]), fault, held[1])
        spoilt(proxy, "down", down, min(at, counts[1]) if LONG or turn % 2 else 0, fault, held[0])
    print(f"{faults} faults: {ended}")
    finish()


main()
