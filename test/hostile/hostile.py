"""The extension against a proxy that spoils the emulator's answers.

    hostile.py EMULATOR_URL SERVER_LOG

First each kind of attack by itself on a call and a listing, which has to end in the error that it deserves; then answers
with faults at random, from fixed seeds, while whole workspaces are planned, synchronised and applied, and
rolled back.  Those may be refused or believed, but never end in an internal error or in the end of the server process;
and when the cloud is honest again, one sync and one apply leave nothing to do.
"""

import collections
import gzip
import json
import os
import random
import re
import socketserver
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler

from check import check, check_alive, finish, run

ROUNDS = 600 if os.environ.get("IASQL_LONG") else 40
MODULES = ["aws_vpc", "aws_security_group", "aws_cloudwatch", "aws_ecr"]
DEEP = 20000
LAUGHS = "<!DOCTYPE x [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '&a{n - 1};&a{n - 1};&a{n - 1};&a{n - 1};&a{n - 1};&a{n - 1};&a{n - 1};&a{n - 1};'>" for n in range(1, 20)
) + "]><x>&a19;</x>"  # fmt: skip

spoil = None  # what is done to answers: a function of (status, headers, body) that returns them, or None


def operation_of(headers, body):
    found = re.search(rb"Action=(\w+)", body)
    return headers.get("X-Amz-Target", found[1].decode() if found else "")


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kept = {name: value for name, value in self.headers.items() if name.lower() not in ("accept-encoding", "connection")}
        request = urllib.request.Request(emulator + self.path, sent or None, kept, method=self.command)
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            status, body = answer.status, answer.read()
            headers = [("Content-Type", answer.headers.get("Content-Type", "")), ("X-Operation", operation_of(self.headers, sent))]
        if spoil:
            status, headers, body = spoil(status, headers, body)
        self.send_response_only(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, address):
        pass


def psql(*statements):
    """The output of statements in one session, and "" or the SQLSTATE and text of the error that ended them."""
    done = run(r"\set VERBOSITY verbose", *statements)
    error = re.search(r"^ERROR:  (.*)$", done.stderr, re.M)
    return done.stdout.strip(), (error[1] if error else done.stderr.strip()) if done.returncode else ""


# ---- single attacks: (name, what is spoilt, SQLSTATE of a listing in XML, SQLSTATE of a listing in JSON) ----


def whole(text, **headers):
    body = text if isinstance(text, bytes) else text.encode()
    return lambda status, kept, old: (status, [*kept, *((name.replace("_", "-"), value) for name, value in headers.items())], body)


def in_text(json_text, xml_text):
    """Puts a text where the emulator has a name."""

    def change(status, headers, body):
        return status, headers, body.replace(b"hostile-json", json_text).replace(b"hostile-xml", xml_text)

    return change


def same_token(status, headers, body):
    body = body.replace(b"</securityGroupInfo>", b"</securityGroupInfo><nextToken>again</nextToken>")
    return status, headers, body.replace(b'{"logGroups"', b'{"nextToken": "again", "logGroups"')


def new_token(status, headers, body, count=[0]):
    count[0] += 1
    return tuple(part.replace(b"again", b"%d" % count[0]) if part is not headers and isinstance(part, bytes) else part
                 for part in same_token(status, headers, body))  # fmt: skip


ATTACKS = [
    ("nothing", whole(""), "08P01", "08P01"),
    ("white space", whole(" \n " * 100), "08P01", "08P01"),
    ("another format", whole("<!DOCTYPE html><html><body>Sign in</body></html>"), "08P01", "08P01"),
    ("a JSON null", whole("null"), "08P01", "08P01"),
    ("a JSON array", whole("[1]"), "08P01", "08P01"),
    ("a list that is a number", whole('{"logGroups": 1}'), "08P01", "08P01"),
    ("half an answer", lambda status, headers, body: (status, headers, body[: len(body) // 2]), "08P01", "08P01"),
    ("something after the end", lambda status, headers, body: (status, headers, body + body), "08P01", "08P01"),
    ("deep JSON", whole('{"logGroups": ' + "[" * DEEP + "]" * DEEP + "}"), "08P01", "08P01"),
    ("deep JSON of an unknown member", whole('{"x": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}"), "08P01", "08P01"),
    ("deep XML", whole("<x>" * DEEP + "</x>" * DEEP), "08P01", "08P01"),
    ("a billion laughs", whole(LAUGHS), "08P01", "08P01"),
    ("an external entity", whole('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'), "08P01", "08P01"),
    ("invalid UTF-8", in_text(b"\xff\xfe", b"\xff\xfe"), "08P01", "08P01"),
    ("an overlong form", in_text(b"\xc0\x80", b"\xc0\x80"), "08P01", "08P01"),
    ("a control character", in_text(b"\x01", b"\x01"), "08P01", "08P01"),
    ("U+0000", in_text(rb"\u0000", b"&#0;"), "08P01", "22P05"),
    ("half a surrogate pair", in_text(rb"\ud800", b"&#xD800;"), "08P01", "22P02"),
    ("gzip that is none", whole("no gzip", Content_Encoding="gzip"), "08P01", "08P01"),
    ("gzip cut off", whole(gzip.compress(b"x" * 100000)[:-30], Content_Encoding="gzip"), "08P01", "08P01"),
    ("100 MB of nothing", whole(b" " * (100 << 20)), "08P01", "08P01"),
    ("100 MB of nothing, packed", whole(gzip.compress(b" " * (100 << 20)), Content_Encoding="gzip"), "08P01", "08P01"),
    ("a megabyte of headers", lambda status, headers, body: (status, [*headers, *(("X-A", "y" * 8000),) * 130], body), "08P01", "08P01"),
    ("the same page again", same_token, "08P01", "08P01"),
    ("pages without end", new_token, "08P01", "08P01"),
    ("a status that is none", lambda status, headers, body: (299, headers, body), "", ""),
    ("a redirection", whole("", Location="http://127.0.0.1:1/"), "08P01", "08P01"),
]  # fmt: skip


def try_attacks():
    global spoil
    limits = ["SET iasql.max_reply = '4MB'", "SET iasql.max_pages = 30"]
    listings = ["SELECT count(i) FROM aws_list('ec2', 'DescribeSecurityGroups') i", "SELECT count(i) FROM aws_list('logs', 'DescribeLogGroups') i"]
    for name, change, *wanted in ATTACKS:
        spoil = change
        for listing, state in zip(listings, wanted):
            _, error = psql(*limits, listing)
            check(f"{name}: {listing}", error[:5], state, error)
    spoil = lambda status, headers, body: (status, headers, body.replace(b"<state>available</state>", b"<state>pending</state>"))
    _, error = psql("SET iasql.wait_timeout = '1s'", "BEGIN", "INSERT INTO vpc (cidr_block) VALUES ('10.9.0.0/16')",
                    "SELECT FROM iasql_apply()")  # fmt: skip
    check("what never becomes ready", error[:5], "38000", error)
    spoil = None
    for listing in listings:
        output, error = psql(listing)
        check("afterwards: " + listing, (error, output > "0"), ("", True), output)


# ---- faults at random ----


def any_value(numbers):
    return numbers.choice([
        None, True, 0, -1, 1 << 31, -(1 << 63), 1 << 70, 1.5, 1e300, "", " ", "x" * 100000, "\0", "é\u202e", "''; --", "null",
        "2020-01-01T00:00:00Z", "99999-99-99T99:99:99Z", "10.0.0.0/8", "::/0", [], {}, [None], [[]], {"a": {}}, ["a"] * 1000,
    ])  # fmt: skip


def spoil_json(value, numbers, rate):
    if numbers.random() < rate:
        return any_value(numbers)
    if isinstance(value, dict):
        kept = [key for key in value if numbers.random() >= rate]
        return {key: spoil_json(value[key], numbers, rate) for key in kept}
    if isinstance(value, list):
        value = [spoil_json(item, numbers, rate) for item in value]
        return value * 2 if numbers.random() < rate else value
    return value


def spoil_xml(text, numbers, rate):
    def element(match):
        if numbers.random() >= rate:
            return match[0]
        kind = numbers.randrange(4)
        if kind == 0:
            return ""
        if kind == 1:
            return match[0] * 2
        value = any_value(numbers)
        content = "".join(f"<item>{part}</item>" for part in value) if isinstance(value, list) else str(value).replace("\0", "&#1;")
        return f"<{match[1]}>{content if kind == 2 else match[2][::-1]}</{match[1]}>"

    return re.sub(r"<(\w+)>([^<>]*)</\1>", element, text)


def at_random(seed):
    """Faults that depend on the seed, the operation and how often it was called, in whatever order calls come."""
    counts = collections.Counter()
    lock = threading.Lock()

    def change(status, headers, body):
        operation = dict(headers)["X-Operation"]
        with lock:
            counts[operation] += 1
            numbers = random.Random(f"{seed} {operation} {counts[operation]}")
        rate = numbers.choice([0, 0, 0.02, 0.1])
        kind = numbers.randrange(10)
        if kind == 0 and body:
            at = numbers.randrange(len(body))
            return status, headers, body[:at] + numbers.randbytes(numbers.randrange(4)) + body[at + numbers.randrange(4) :]
        if kind == 1:
            return numbers.choice([200, 204, 302, 400, 404, 500]), headers, body
        try:
            return status, headers, json.dumps(spoil_json(json.loads(body), numbers, rate)).encode()
        except ValueError:
            return status, headers, spoil_xml(body.decode(), numbers, rate).encode()

    return change


def try_at_random():
    global spoil
    read = "SELECT count(*) FROM {}"
    change = "UPDATE vpc SET tags = '{{\"round\": \"{}\"}}' WHERE cidr_block = '10.7.0.0/16'"
    for number in range(ROUNDS):
        spoil = at_random(number)
        statements = [
            [read.format("iasql_preview_apply()")],
            [read.format("iasql_preview_sync()")],
            [read.format("iasql_sync()")],
            [change.format(number), read.format("iasql_apply()")],
            ["SELECT aws_call('ec2', 'DescribeVpcs')", read.format("aws_list('logs', 'DescribeLogGroups')")],
        ][number % 5]
        # What was believed is not kept: rows that stand for nothing would be in the way of the honest cloud's.
        _, error = psql("SET iasql.wait_timeout = '2s'", "SET iasql.consistency_window = 0", "BEGIN", *statements, "ROLLBACK")
        good = not error or (re.match("[0-9A-Z]{5}: ", error) and error[:2] not in ("XX", "57"))
        check(f"round {number}: {statements[-1]}", bool(good), True, error)
    spoil = None
    for statement in ("iasql_sync()", "iasql_apply()"):
        _, error = psql("SET iasql.consistency_window = 0", read.format(statement))
        check("with an honest cloud: " + statement, error, "")
    for statement in ("iasql_preview_apply()", "iasql_preview_sync()"):
        output, error = psql(f"SELECT action, table_name, description FROM {statement}")
        check("nothing is left to do: " + statement, (output, error), ("", ""))


def try_one_key():
    """Subnets without an IPv4 range have one key in their VPC; their ids tell them apart."""
    global spoil
    before = rows_of_tables()

    def without_range(status, headers, body):
        subnets = dict(headers)["X-Operation"] == "DescribeSubnets"
        return status, headers, re.sub(rb"<cidrBlock>[^<]*</cidrBlock>", b"", body) if subnets else body

    spoil = without_range
    for statement in ("iasql_sync()", "iasql_preview_apply()", "iasql_apply()"):
        output, error = psql(f"SELECT count(*) FROM {statement}", "SELECT count(*) FROM subnet WHERE cidr_block IS NULL")
        check(f"subnets without a range: {statement}", (error, output.split("\n")[-1] > "1"), ("", True), output)
    spoil = None
    _, error = psql("SELECT count(*) FROM iasql_sync()")
    check("an honest sync after subnets without a range", (error, rows_of_tables()), ("", before))


def try_committed():
    """What two syncs believed and committed is undone by an honest one."""
    global spoil
    before = rows_of_tables()
    for number in range(ROUNDS // 6):
        for half in range(2):
            spoil = at_random(f"committed {number} {half}")
            _, error = psql("SET iasql.consistency_window = 0", "SELECT count(*) FROM iasql_sync()")
            check(f"committed sync {number}.{half}", error[:2] not in ("XX", "57"), True, error)
        spoil = None
        _, error = psql("SET iasql.consistency_window = 0", "SELECT count(*) FROM iasql_sync()")
        check(f"an honest sync after {number}", error, "")
        left = psql("SELECT action, table_name, description FROM iasql_preview_apply()",
                    "SELECT action, table_name, description FROM iasql_preview_sync()")  # fmt: skip
        check(f"nothing is left to do after {number}", (*left, rows_of_tables()), ("", "", before))


def rows_of_tables():
    """How many rows each table has."""
    return psql("""SELECT relname, xpath('/row/n/text()', query_to_xml(format('SELECT count(*) n FROM %I', relname), true, true, ''))
        FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname !~ '^iasql_' ORDER BY 1""")


def main():
    server = Server(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = "http://127.0.0.1:%d" % server.server_address[1]
    for statements in (
        ["CREATE EXTENSION iasql", f"ALTER DATABASE postgres SET iasql.endpoint_url = '{endpoint}'"],
        ["SELECT FROM iasql_install('aws_account')"],
        ["INSERT INTO aws_account (region, access_key_id, secret_access_key) VALUES ('us-east-1', 'test', 'test')"],
        ["SELECT FROM iasql_install(%s)" % ", ".join(f"'{module}'" for module in MODULES)],
        ["INSERT INTO vpc (cidr_block) VALUES ('10.7.0.0/16')", "INSERT INTO log_group (log_group_name) VALUES ('hostile-json')",
         "INSERT INTO security_group (group_name, description) VALUES ('hostile-xml', 'hostile-xml')",
         "SELECT FROM iasql_apply()"],
    ):  # fmt: skip
        _, error = psql(*statements)
        prepared = check("prepared: " + statements[-1], error, "")
    if prepared:
        try_attacks()
        try_at_random()
        try_one_key()
        try_committed()
    check_alive(server_log)
    finish()


emulator, server_log = sys.argv[1:]
main()
