"""An endpoint that answers in pages, wrongly, or not at all: stub.py URL_FILE

The operation tells how.  Pages have two items each and their number is in the items' names; the emulator ignores page
sizes, so paging is tested here.
"""

import json
import os
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGES = 3


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, body, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", "request-of-the-stub")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if target:
            self.json(target, json.loads(body))
        else:
            form = {name: values[0] for name, values in urllib.parse.parse_qs(body).items()}
            self.xml(form["Action"], form)

    def json(self, operation, given):
        page = int(given.get("nextToken", 1)) if operation == "ListClusters" else 1
        if operation == "ListClusters":
            reply = {"clusterArns": [f"c{page}a", f"c{page}b"]}
            if page < PAGES:
                reply["nextToken"] = str(page + 1)
        elif operation == "DescribeLogGroups":
            reply = {"logGroups": [{"logGroupName": "nul\0inside"}]}
        elif operation == "DescribeRepositories":
            reply = {"repositories": [{"repositoryName": "r"}], "nextToken": "the same for ever"}
        self.answer(json.dumps(reply).encode(), "application/x-amz-json-1.1")

    def xml(self, operation, given):
        page = int(given.get("NextToken", given.get("Marker", 1)))
        more = page < PAGES
        if operation == "DescribeVpcs":
            items = "".join(f"<item><vpcId>v{page}{i}</vpcId></item>" for i in "ab")
            token = f"<nextToken>{page + 1}</nextToken>" if more else ""
            reply = f"<DescribeVpcsResponse><vpcSet>{items}</vpcSet>{token}</DescribeVpcsResponse>"
        elif operation == "ListRoles":
            items = "".join(f"<member><RoleName>r{page}{i}</RoleName></member>" for i in "ab")
            token = f"<Marker>{page + 1}</Marker>" if more else ""
            reply = f"<ListRolesResponse><ListRolesResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}" \
                f"<Roles>{items}</Roles></ListRolesResult></ListRolesResponse>"
        elif operation == "DescribeAvailabilityZones":
            reply = "<R><availabilityZoneInfo><item><zoneName>z1</zoneName></item><item><zoneName>z2</zoneName></item>" \
                "</availabilityZoneInfo></R>"
        elif operation == "DescribeKeyPairs":  # tells connections apart
            reply = f"<R><keySet><item><keyName>{self.client_address[1]}</keyName></item></keySet></R>"
        elif operation == "DescribeSubnets":  # the second page is refused
            if page > 1:
                reply = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>Not that page.</Message></Error>" \
                    "</Errors><RequestID>request-of-the-stub</RequestID></Response>"
                self.answer(reply.encode(), "text/xml", 403)
                return
            reply = "<R><subnetSet><item><subnetId>s1</subnetId></item></subnetSet><nextToken>2</nextToken></R>"
        elif operation == "DescribeAddresses":
            self.answer(b"<html><body>Oops</body></html>", "text/html", 500)
            return
        elif operation == "DescribeImages":  # never answers, and notices when the client leaves
            self.rfile.read(1)
            self.close_connection = True
            return
        self.answer(reply.encode(), "text/xml")


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(sys.argv[1] + ".new", "w", encoding="utf-8") as out:
    out.write("http://127.0.0.1:%d" % server.server_address[1])
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
