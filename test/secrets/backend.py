"""Whether words are left in a backend's own memory once a statement has ended, in what was freed too.

    backend.py SECRET...

The secrets are a row's of aws_account.  Reads another user's process, so it runs as root.  What processes of the server
share holds the row itself, and is not looked at; nor is the stack, where libcurl leaves what it sent to be overwritten.
"""

import re
import subprocess
import sys

from check import check, finish

WORD = slice(4, 24)  # of a secret: what is freed loses its first bytes to the allocator
psql = subprocess.Popen(["psql", "-XqAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ask(statement):
    """The last line that a statement says."""
    psql.stdin.write(f"{statement};\n\\echo ended\n")
    psql.stdin.flush()
    last = ""
    for line in psql.stdout:
        if line == "ended\n":
            break
        last = line.strip()
    return last


def found(pid):
    """Which secrets are in the process's private, writable memory."""
    seen = set()
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for start, end in re.findall(r"^(\w+)-(\w+) rw.p (?!.*\[stack\])", maps.read(), re.MULTILINE):
            memory.seek(int(start, 16))
            data = memory.read(int(end, 16) - int(start, 16))
            seen |= {secret for secret in sys.argv[1:] if secret[WORD].encode() in data}
    return sorted(seen)


backend = ask("SELECT pg_backend_pid()")
for statement, says in [
    ("SELECT user_id FROM aws_identity()", "AKIA"),
    ("SELECT * FROM iasql_apply()", ""),
    ("SELECT aws_call('logs', 'CreateLogGroup', '{\"logGroupName\": 1}')", "DETAIL"),
    ("SELECT aws_call('logs', 'DescribeLogStreams', '{\"logGroupName\": \"none\"}')", "DETAIL"),
    ("SET iasql.endpoint_url = 'http://127.0.0.1:1'; SELECT aws_identity()", "HINT"),
]:
    check(statement, ask(statement)[: len(says)], says)
    check(f"in memory after {statement}", found(backend), [])
ask("SELECT " + ", ".join(f"'{secret}'" for secret in sys.argv[1:]))
check("what is there is found", found(backend), sorted(sys.argv[1:]))
finish()
