"""Plays every service that keys come from, and one that says whose keys signed a request.

    server.py [--link-local] COMMAND...

Runs the command with one more argument, the port, and ends with its status.  With --link-local it is run in a network
namespace of its own, where it is also the metadata service of an instance and that of a container, at their addresses.  The access key ids that it gives tell where
they are from: a role's are those of whoever assumed it, with the role's name after a dot.  Secrets end with the name backwards.
"""

import fcntl
import json
import re
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

BRIEF = 2  # s that a brief role's keys are used: they end 5 s later
lock = threading.Lock()
assumed = 0
broken = False  # STS has stopped working
old = set()     # keys that count as expired from now on


def expiration(seconds=3600):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind="application/json"):
        body = body if isinstance(body, str) else json.dumps(body)
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def signer(self):
        found = re.search("Credential=([^/]*)/", self.headers.get("Authorization", ""))
        return found[1] if found else "nobody"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.headers.get("X-Amz-Target"):
            self.whose(json.loads(body))
        else:
            self.token_service({key: values[0] for key, values in parse_qs(body).items()})

    def whose(self, body):
        """The service that is called in the end: gives the key that signed, and refuses old ones."""
        global broken
        signer = self.signer()
        command = body.get("logGroupNamePrefix")
        if command == "age":
            old.add(signer)
        elif command == "break":
            broken = True
        elif command == "mend":
            broken = False
        elif command == "assumed":
            signer = str(assumed)
        elif command in ("wear", "wait") and not body.get("nextToken"):
            # the first of two pages: its key is too old for the second, by AWS's word or by the clock
            if command == "wear":
                old.add(signer)
            else:
                time.sleep(BRIEF)
            return self.answer(200, {"logGroups": [{"logGroupName": signer}], "nextToken": "2"})
        elif signer in old:
            return self.answer(400, {"__type": "ExpiredTokenException", "message": "too old"})
        self.answer(200, {"logGroups": [{"logGroupName": signer}]})

    def token_service(self, form):
        global assumed
        with lock:
            assumed += 1
            count = assumed
        role = form["RoleArn"].rpartition("/")[2]
        if broken or role == "denied" or (role == "guarded" and form.get("ExternalId") != "it's me"):
            return self.answer(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
                                    "<RequestId>id-2</RequestId></ErrorResponse>", "text/xml")
        if form["Action"] == "AssumeRoleWithWebIdentity":
            key = form["WebIdentityToken"] + "@" + self.signer()
        else:
            key = self.signer()
        key += "." + role
        if "ExternalId" in form:
            key += "+" + form["ExternalId"]
        if "DurationSeconds" in form:
            key += "+" + form["DurationSeconds"]
        if form["RoleSessionName"] != "iasql":
            key += "+" + form["RoleSessionName"]
        if role.startswith("counted"):
            key += str(count)
        self.answer(200, f"""<{form["Action"]}Response><{form["Action"]}Result><Credentials>
            <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>HUSH-{role[::-1]}</SecretAccessKey>
            <SessionToken>HUSH-token-{role[::-1]}</SessionToken><Expiration>{expiration(BRIEF + 5 if "brief" in role else 3600)}</Expiration>
            </Credentials></{form["Action"]}Result></{form["Action"]}Response>""", "text/xml")

    def keys(self, name):
        return {"Code": "Success", "AccessKeyId": name, "SecretAccessKey": "HUSH-" + name[::-1],
                "Token": "HUSH-token-" + name[::-1], "Expiration": expiration()}

    def do_PUT(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/latest/api/token" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds") == "21600":
            self.answer(200, "HUSH-session", "text/plain")
        else:
            self.answer(403, "")

    def do_GET(self):
        url = urlsplit(self.path)
        roles = "/latest/meta-data/iam/security-credentials/"
        if url.path == "/federation/credentials":
            query = parse_qs(url.query)
            if self.headers.get("x-amz-sso_bearer_token") != "HUSH-sso" or self.headers.get("Authorization"):
                return self.answer(401, {"__type": "UnauthorizedException", "message": "no"})
            keys = self.keys("sso." + query["account_id"][0] + "." + query["role_name"][0])
            self.answer(200, {"roleCredentials": {
                "accessKeyId": keys["AccessKeyId"], "secretAccessKey": keys["SecretAccessKey"],
                "sessionToken": keys["Token"], "expiration": 4102444800000}})
        elif url.path == "/container":
            self.answer(200, self.keys("container." + self.headers.get("Authorization", "open")))
        elif url.path == "/garbage":
            self.answer(200, '{"AccessKeyId": "HUSH"')
        elif self.headers.get("X-aws-ec2-metadata-token") != "HUSH-session":
            self.answer(401, "")
        elif url.path == roles:
            self.answer(200, "node role\n", "text/plain")
        elif url.path == roles + "node%20role":
            self.answer(200, self.keys("instance"))
        else:
            self.answer(404, "")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


def serve(*address):
    server = Server(address, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def link_local(*addresses):
    """The addresses are this machine's, on the loopback device."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        fcntl.ioctl(device, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
        for number, address in enumerate(addresses):
            fcntl.ioctl(device, SIOCSIFADDR, struct.pack("16sH2x4s8x", b"lo:%d" % number, socket.AF_INET, socket.inet_aton(address)))
            serve(address, 80)


SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP = 0x8914, 0x8916, 1  # of <linux/sockios.h>, <linux/if.h>
command = sys.argv[1:]
if command[0] == "--link-local":
    command = command[1:]
    link_local("169.254.169.254", "169.254.170.2")
sys.exit(subprocess.call([*command, str(serve("127.0.0.1", 0))]))
