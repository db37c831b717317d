"""Kill an apply at its boundaries, and see what later applies make of it: kill.py URL [SCENARIO...]

iasql.test_stop = 'PLACE:N' stops the backend at a place (src/engine/stop.c); then one of the victims is ended.  With
IASQL_LONG all places of all steps are tried, else a sample that is the same each time.  Ends with "N passed, N failed".
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from check import PSQL, Emulator, check, converge, finish, run, tutorial
from snapshot import account

AWS = Emulator(sys.argv[1])
LONG = os.environ.get("IASQL_LONG")
DATA = pathlib.Path(os.environ["PGHOST"], "data")
STEPS = ("intent", "durable", "sent", "answer", "outcome")  # once a call
ENDS = ("write", "commit")  # once an apply
VICTIMS = ("backend", "terminate", "recorder", "server")
tried = 0


def wait_for_server():
    deadline = time.monotonic() + 60
    while run("SELECT").returncode and time.monotonic() < deadline:
        time.sleep(0.1)


def server(*command):
    as_server = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
    subprocess.run([*as_server, "pg_ctl", "-D", str(DATA), "-w", *command], cwd="/", check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(victim, pid):
    if victim == "backend":
        os.kill(pid, signal.SIGKILL)
    elif victim == "terminate":
        os.kill(pid, signal.SIGTERM)
    elif victim == "recorder":
        recorder = run("SELECT pid FROM pg_stat_activity WHERE backend_type = 'iasql recorder'").stdout.split()
        for other in recorder:
            os.kill(int(other), signal.SIGKILL)
        if not recorder:
            os.kill(pid, signal.SIGKILL)
    else:
        server("stop", "-m", "immediate")
        server("-l", str(DATA.parent / "log"), "start")


def kill(place, victim):
    """Apply, and end the victim when the backend stops at the place; false if it never comes there."""
    apply = subprocess.Popen([*PSQL, "-c", f"SET iasql.test_stop = '{place}'", "-c", "SELECT iasql_apply()"], text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    stopped = False
    for line in apply.stderr:
        found = re.search(r"stopped at \S+ in process (\d+)", line)
        if found:
            stopped = True
            end(victim, int(found.group(1)))
    apply.wait()
    wait_for_server()
    return stopped


def in_step(what, wanted):
    """Later applies bring the account to what the rows say."""
    check(what, (converge(), account(AWS)), ("", wanted))


def places(sample):
    """(place, number) for all steps of an apply, or of a sample of them."""
    for name in STEPS + ENDS:
        for number in range(1, 60 if name in STEPS else 2):
            if LONG or f"{name}:{number}" in sample:
                yield name, number


def scenario(name, up, down, samples):
    global tried
    empty = account(AWS)
    run(input=up, check=True)
    run("SELECT iasql_apply()", check=True)
    full = account(AWS)
    run(input=down, check=True)
    run("SELECT iasql_apply()", check=True)
    beyond = {}
    for half, change, wanted in ((0, up, full), (1, down, empty)):
        other, opposite = (down, empty) if half == 0 else (up, full)
        if half == 1:
            run(input=up, check=True)
            in_step(f"{name}: set up", full)
        for turn, (place, number) in enumerate(places(samples[half])):
            if number > beyond.get((half, place), 99):
                continue
            victim = VICTIMS[turn % len(VICTIMS)]
            run(input=change, check=True)
            if kill(f"{place}:{number}", victim):
                tried += 1
            else:
                beyond[half, place] = number
            in_step(f"{name} {('up', 'down')[half]}: {victim} killed at {place}:{number}", wanted)
            run(input=other, check=True)
            in_step(f"{name} {('up', 'down')[half]}: the other way after {place}:{number}", opposite)
        if half == 1:
            run(input=down, check=True)
            in_step(f"{name}: cleared", empty)


def file(name):
    return pathlib.Path("test/kill", name).read_text(encoding="utf-8")


for name, up, down, samples in (
    ("vpc", file("vpc_up.sql"), file("vpc_down.sql"), ({"durable:2", "answer:1", "answer:4", "commit:1"}, {"answer:2", "write:1"})),
    ("tutorial", tutorial("up"), tutorial("down"), ({"intent:3", "answer:6", "outcome:9", "sent:4"}, {"durable:4", "answer:7"})),
):
    if len(sys.argv) < 3 or name in sys.argv[2:]:
        scenario(name, up, down, samples)
print(f"{tried} kills")
finish()
