"""A small HTTP server that behaves and misbehaves: the first part of a path says how.

    server.py CERTIFICATE KEY COMMAND...

Runs the command with two more arguments, the port for TLS and the one for plain http, and ends with its status.
Answers have the form of CloudWatch Logs' DescribeLogGroups; what a test wants to know of the server stands in their names.
"""

import gzip
import json
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

AHEAD = 3600  # seconds by which the clock of "skew" is ahead

lock = threading.Lock()
counts = {}
connections = 0
at_once = most_at_once = 0
stop = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        global connections
        super().setup()
        with lock:
            connections += 1
            self.number = connections

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def groups(self, *names, token=None, **headers):
        body = {"logGroups": [{"logGroupName": name} for name in names]}
        if token:
            body["nextToken"] = token
        self.answer(200, json.dumps(body).encode(), Content_Type="application/x-amz-json-1.1", **headers)

    def refuse(self, status, code, **headers):
        self.answer(status, json.dumps({"__type": code, "message": "no"}).encode(), x_amzn_RequestId="id-1", **headers)

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        how, _, argument = self.path.strip("/").partition("/")
        with lock:
            self.count = counts[self.path] = counts.get(self.path, 0) + 1
        getattr(self, "how_" + how)(argument)

    do_GET = do_POST

    # ---- one way each; an argument is how often, before it works ----

    def fails_first(self, argument):
        return not argument or self.count <= int(argument.partition("/")[0])

    def how_ok(self, argument):
        self.groups("ok")

    def how_connection(self, argument):
        self.groups(str(self.number))

    def how_slow(self, argument):
        global at_once, most_at_once
        with lock:
            at_once += 1
            most_at_once = max(most_at_once, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        self.groups("slow")

    def how_most(self, argument):
        self.groups(str(most_at_once))

    def how_headers(self, argument):
        wanted = {"X-Amz-Target": "Logs_20140328.DescribeLogGroups", "Content-Type": "application/x-amz-json-1.1",
                  "Expect": None, "Accept": None, "X-Amz-Security-Token": "TOKEN",
                  "Host": "127.0.0.1:%d" % self.server.server_address[1]}
        wrong = [name for name, value in wanted.items() if self.headers.get(name) != value]
        if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"):
            wrong.append("Authorization")
        self.groups(" ".join(wrong) or "right")

    def how_unsigned(self, argument):
        self.groups("signed" if "Authorization" in self.headers else "unsigned")

    def how_fail(self, argument):
        if self.fails_first(argument):
            self.refuse(500, "InternalFailure")
        else:
            self.groups(str(self.count))

    def how_html(self, argument):
        self.answer(500, b"<html><body>Oops</body></html>", Content_Type="text/html")

    def how_gateway(self, argument):
        self.answer(502, b"<html><body>Bad gateway</body></html>", Content_Type="text/html")

    def how_throttle(self, argument):
        if self.fails_first(argument):
            self.refuse(400, "ThrottlingException")
        else:
            self.groups(str(self.count))

    def how_later(self, argument):
        if self.fails_first("1"):
            self.refuse(503, "ServiceUnavailableException", Retry_After=argument)
        else:
            self.groups(str(self.count))

    def how_refuse(self, argument):
        self.refuse(400, argument)

    def how_hang_up(self, argument):
        """Reads the request and closes without a word."""
        if self.fails_first(argument):
            self.close_connection = True
        else:
            self.groups(str(self.count))

    def how_hang_up_then_refuse(self, argument):
        if self.count == 1:
            self.close_connection = True
        else:
            self.refuse(400, "InvalidParameterException")

    def how_truncate(self, argument):
        if self.fails_first(argument):
            body = json.dumps({"logGroups": [{"logGroupName": "a"}, {"logGroupName": "b"}]}).encode()
            self.send_response_only(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:-5])
            self.close_connection = True
        else:
            self.groups("a", "b")

    def how_stall(self, argument):
        stop.wait()
        self.close_connection = True

    def how_pages(self, argument):
        """As many pages as the argument says, each with its number."""
        page = int(json.loads(self.body).get("nextToken", 1))
        self.groups("%d" % page, "%d+" % page, token=str(page + 1) if page < int(argument) else None)

    def how_cycle(self, argument):
        """Tokens that come round again."""
        page = int(json.loads(self.body).get("nextToken", 0))
        self.groups("x", token=str(page % int(argument) + 1))

    def how_redirect(self, argument):
        self.answer(302, Location="http://%s/ok/" % self.headers["Host"])

    def how_bucket(self, argument):
        """A bucket in the region that comes first, and what it says to those who sign for another; "lost": it never ends."""
        region, status, told, *_ = argument.split("/")
        if region != "lost" and f"/{region}/s3/aws4_request" in self.headers["Authorization"]:
            self.answer(200, b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
        else:
            self.answer(int(status), b"<Error><Code>PermanentRedirect</Code><Message>no</Message></Error>",
                        x_amz_bucket_region=told if region != "lost" else told + str(self.count), Location="http://192.0.2.1/")

    def how_skew(self, argument):
        signed = time.strptime(self.headers["X-Amz-Date"] + "UTC", "%Y%m%dT%H%M%SZ%Z")
        now = time.time() + AHEAD
        if abs(time.mktime(signed) - time.timezone - now) > 300:
            self.refuse(400, "RequestTimeTooSkewed", Date=formatdate(now, usegmt=True))
        else:
            self.groups(str(self.count))

    def how_gzip(self, argument):
        body = json.dumps({"logGroups": [{"logGroupName": "x" * int(argument)}]}).encode()
        self.answer(200, gzip.compress(body), Content_Encoding="gzip")

    def how_many_headers(self, argument):
        self.groups("ok", **{"X_%d" % i: "y" * 1000 for i in range(int(argument))})

    def how_garbage(self, argument):
        self.answer(200, b"{\"logGroups\": [")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def handle_error(self, request, address):
        pass


def serve(context=None):
    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return str(server.server_address[1])


certificate, key, *command = sys.argv[1:]
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
status = subprocess.call([*command, serve(tls), serve()])
stop.set()
sys.exit(status)
