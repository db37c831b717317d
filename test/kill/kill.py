"""Kill an apply at its boundaries, and see what later applies make of it: kill.py URL [SCENARIO...]

iasql.test_stop = 'PLACE:N' stops the backend at a place (src/engine/stop.c); then one of the victims is ended.  Each case
has a copy of a template database and a copy of the emulator, so that it begins in the same state at no cost, and a few
run at once; a kill -9 takes the whole server down, so they are killed together.  With IASQL_LONG all places of all steps
are tried with all victims, else a sample that is the same each time.  Ends with "N passed, N failed".
"""

import concurrent.futures
import contextlib
import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import boto3
import check
from check import PSQL, Emulator, converge, finish, run, tutorial
from snapshot import account

URL = sys.argv[1]
LONG = os.environ.get("IASQL_LONG")
DATA = pathlib.Path(os.environ["PGHOST"], "data")
STEPS = ("intent", "durable", "sent", "answer", "outcome", "poll")  # once a call or more
ENDS = ("write", "commit")  # once an apply
VICTIMS = ("backend", "terminate", "recorder", "server")
TOGETHER = 8 if LONG else 4
kills = 0
boundaries = set()  # where a kill was done

# boto3 takes long to make clients: these serve all emulators, the one of `at` at the time.
AWS = Emulator("http://emulator")
at = threading.local()
boto3.setup_default_session()
boto3.DEFAULT_SESSION.events.register(
    "before-send", lambda request, **_: setattr(request, "url", request.url.replace(AWS.endpoint, at.url)))


def wait_for_server():
    deadline = time.monotonic() + 60
    while run("SELECT").returncode and time.monotonic() < deadline:
        time.sleep(0.05)


def server(*command):
    as_server = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
    subprocess.run([*as_server, "pg_ctl", "-D", str(DATA), "-w", *command], cwd="/", check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class World:
    """A database and the account that it manages: a copy of another one."""

    numbers = itertools.count(1)

    def __init__(self, database, url):
        self.database, self.url, self.pid = database, url, None

    def copy(self):
        copy = World(f"kill{next(World.numbers)}", None)
        with urllib.request.urlopen(self.url + "/fork", data=b"") as answer:
            copy.url, pid = answer.read().decode().split()
        copy.pid = int(pid)
        # WAL_LOG, the default, would leave sequences that a crash turns back: nextval trusts in what WAL does not have
        run(f"CREATE DATABASE {copy.database} TEMPLATE {self.database} STRATEGY file_copy", env=environment("template1"), check=True)
        copy.run("SELECT iasql_arm()", check=True)
        return copy

    def run(self, *statements, **options):
        return run(*statements, env=environment(self.database, self.url), **options)

    def drop(self):
        os.kill(self.pid, signal.SIGKILL)
        run(f"DROP DATABASE {self.database} WITH (FORCE)", check=True)

    def account(self):
        at.url = self.url
        return account(AWS)

    def start(self, place):
        """Begin an apply that stops at the place; its process id, None if it does not come there."""
        self.psql = subprocess.Popen(
            [*PSQL, "-c", f"SET iasql.test_stop = '{place}'", "-c", "SELECT iasql_apply()"], text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(self.database, self.url))
        for line in self.psql.stderr:
            found = re.search(r"stopped at \S+ in process (\d+)", line)
            if found:
                return int(found.group(1))
        self.psql.wait()
        return None

    def in_step(self, what, wanted):
        """Later applies bring the account to what the rows say."""
        return check.check(what, (converge(env=environment(self.database, self.url)), self.account()), ("", wanted))


def environment(database, url=URL):
    return {**os.environ, "PGDATABASE": database, "PGOPTIONS": f"{os.environ['PGOPTIONS']} -c iasql.endpoint_url={url}"}


def progress(text):
    """Say how far it is, on the file descriptor that the suite gives for that."""
    os.write(3, f"{text}; {kills} kills, {check.failed} violations\n".encode())


def send_signal(number, pids):
    """Signal processes; the server may have ended them already, after the first was killed."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), number)


def end(victim, worlds, pids):
    """End the victims of a few applies, at once."""
    if victim == "backend":
        send_signal(signal.SIGKILL, pids)
    elif victim == "terminate":
        send_signal(signal.SIGTERM, pids)
    elif victim == "recorder":
        names = ",".join(f"'{world.database}'" for world in worlds)
        recorders = run("SELECT pid FROM pg_stat_activity WHERE backend_type = 'iasql recorder'"
                        f" AND datname IN ({names})").stdout.split()
        send_signal(signal.SIGKILL, recorders or pids)
    else:
        server("stop", "-m", "immediate")
        server("-l", str(DATA.parent / "log"), "start")
    for world in worlds:
        world.psql.communicate()
    wait_for_server()


class Half:
    """One way of a scenario: from a world by a change to what is wanted, and back."""

    def __init__(self, name, template, change, wanted, back, before):
        self.name, self.template = name, template
        self.change, self.wanted, self.back, self.before = change, wanted, back, before

    def begin(self, place):
        world = self.template.copy()
        world.run(input=self.change, check=True)
        return world, world.start(place)

    def finish(self, world, victim, place):
        what = f"{self.name}: {victim} killed at {place}"
        if world.in_step(what, self.wanted):
            world.run(input=self.back, check=True)
            world.in_step(f"{what}, then the other way", self.before)
        world.drop()

    def kill(self, pool, victim, places):
        """Kill at these places, together; those that an apply came to."""
        global kills
        started = list(zip(places, pool.map(self.begin, places)))
        reached = [(place, world, pid) for place, (world, pid) in started if pid is not None]
        for _, (world, pid) in started:
            if pid is None:
                world.drop()
        if reached:
            end(victim, [world for _, world, _ in reached], [pid for _, _, pid in reached])
            kills += len(reached)
            boundaries.update((self.name, place) for place, _, _ in reached)
            list(pool.map(lambda case: self.finish(case[1], victim, case[0]), reached))
        return [place for place, _, _ in reached]


def batches(items):
    items = iter(items)
    while batch := list(itertools.islice(items, TOGETHER)):
        yield batch


def all_places(pool, half):
    """Kill one victim after the other at all places that an apply comes to."""
    reached = []
    for name in STEPS + ENDS:
        for batch in batches(f"{name}:{n}" for n in (itertools.count(1) if name in STEPS else [1])):
            hit = half.kill(pool, VICTIMS[0], batch)
            reached += hit
            if len(hit) < len(batch):
                break
        progress(f"{half.name}: {sum(place.startswith(name) for place in reached)} times at {name}")
    for victim in VICTIMS[1:]:
        for batch in batches(reached):
            half.kill(pool, victim, batch)
        progress(f"{half.name}: {victim} ended at all of them")


def scenario(pool, name, setup, change, back, samples):
    first = World("postgres", URL).copy()
    first.run(input=setup, check=True)
    check.check(f"{name}: set up", converge(env=environment(first.database, first.url)), "")
    before = first.account()
    second = first.copy()
    second.run(input=change, check=True)
    check.check(f"{name}: changed", converge(env=environment(second.database, second.url)), "")
    after = second.account()
    halves = Half(f"{name} up", first, change, after, back, before), Half(f"{name} down", second, back, before, change, after)
    for half, sample in zip(halves, samples):
        if LONG:
            all_places(pool, half)
        else:
            for victim, places in sample.items():
                check.check(f"{half.name}: an apply comes to these places", half.kill(pool, victim, places), places)
    second.drop()
    first.drop()


def file(name):
    return pathlib.Path("test/kill", name).read_text(encoding="utf-8")


SCENARIOS = {
    "vpc": ("", file("vpc_up.sql"), file("vpc_down.sql"),
            ({"backend": ["durable:2", "answer:1", "commit:1"], "recorder": ["answer:4"]}, {"server": ["answer:2", "write:1"]})),
    "replace": (file("replace.sql"), file("replace_up.sql"), file("replace_down.sql"),
                ({"backend": ["answer:1", "answer:3", "outcome:5"]}, {})),
    "tutorial": ("", tutorial("up"), tutorial("down"),
                 ({"backend": ["intent:3", "answer:6"], "terminate": ["outcome:9", "sent:4"]}, {"recorder": ["durable:4", "answer:7"]})),
}
with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
    for name, parts in SCENARIOS.items():
        if len(sys.argv) < 3 or name in sys.argv[2:]:
            scenario(pool, name, *parts)
progress(f"{len(boundaries)} boundaries reached")
finish()
