"""For suites written in Python: count checks, talk to the database of PGHOST and the like, look at an emulated account.

suite.sh puts this folder on the path of modules.
"""

import functools
import re
import subprocess
import sys

import boto3

PSQL = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"]
READS = ("Describe", "List", "Get", "BatchGet")  # what operations that change nothing are called
APPLIES = 6  # that are enough to bring rows and account into step, whatever went wrong before
passed = failed = 0


def check(what, got, wanted, *details):
    """Counts, and tells what is not as wanted."""
    global passed, failed
    if got == wanted:
        passed += 1
        return True
    failed += 1
    print(f"not ok: {what}\n  got:    {got!r}\n  wanted: {wanted!r}", *details, sep="\n  ", flush=True)
    return False


def check_alive(server_log):
    """No process of the server has ended otherwise than by its own will."""
    with open(server_log, encoding="utf-8", errors="replace") as lines:
        check("no server process ended", re.findall(".*(?:PANIC|terminated by signal|was terminated|server process .* exited).*", lines.read())[:5], [])


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


def run(*statements, role=None, **options):
    """What came of statements in one session of psql, which ends at the first error."""
    commands = [argument for statement in statements for argument in ("-c", statement)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "errors": "replace", **options}
    return subprocess.run([*PSQL, *(["-U", role] if role else []), *commands], **options)


# has all bases read, not only those of rows that do not say what base does
FORGET_DIGESTS = "UPDATE iasql_state SET digest = NULL"


def sql(*statements, **options):
    """The output of statements, errors included."""
    return run(*statements, stderr=subprocess.STDOUT, **options).stdout.strip()


def converge(**options):
    """Apply until nothing is left to do; "" or the last output if that does not come about."""
    for _ in range(APPLIES):
        last = run("SELECT * FROM iasql_apply()", timeout=120, **options)
        if last.returncode == 0 and not last.stdout + last.stderr:
            return ""
    return last.stdout + last.stderr


def tutorial(direction):
    """The statements of the tutorial's migration, up or down, without the apply."""
    text = subprocess.check_output(["node", "test/tutorial/render.js", direction], text=True)
    return "".join(line for line in text.splitlines(True) if "iasql_apply" not in line)


def trust(*services):
    """The document by which a role may be assumed by services."""
    principal = {"Service": services[0] if len(services) == 1 else list(services)}
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}


def requests(log, reads=True):
    """What an emulator's log has: (operation, code of the error or None); without reads only what changes something."""
    with open(log) as lines:
        seen = [(name, code[0] if code else None) for _, _, name, _, *code in map(str.split, lines)]
    return [request for request in seen if reads or not request[0].startswith(READS)]


def tags(item):
    """An object's tags as a row has them."""
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", []) if not tag["Key"].startswith("iasql:")}


class Emulator:
    """boto3 clients of an emulator, by service and region."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    @functools.cache
    def __call__(self, service, region=None):
        return boto3.client(service, region or "us-east-1", endpoint_url=self.endpoint, aws_access_key_id="test", aws_secret_access_key="test")
