"""A proxy before an emulator that refuses chosen operations: proxy.py EMULATOR_URL FAULTS URL_FILE

FAULTS names a file that is read anew for each request.  A line "OPERATION PART STATUS CODE" refuses the operation, if its
request holds PART, with that status and code; PART "-" is every request, and STATUS 0 no answer at all.  XNULX in an
answer becomes U+0000, which no emulator lets anybody store.
"""

import http.client
import os
import re
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

emulator = urllib.parse.urlsplit(sys.argv[1]).netloc
QUERY = "<ErrorResponse><Error><Code>{0}</Code><Message>refused</Message></Error><RequestId>r</RequestId></ErrorResponse>"
EC2 = "<Response><Errors><Error><Code>{0}</Code><Message>refused</Message></Error></Errors><RequestID>r</RequestID></Response>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fault(self, body):
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        operation = operation or urllib.parse.parse_qs(body).get("Action", [""])[0]
        with open(sys.argv[2], encoding="utf-8") as faults:
            for line in faults:
                name, part, status, code = line.split()
                if name == operation and part in ("-", *re.findall(r"[\w-]+", body)):
                    return int(status), code
        return None

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.fault(body.decode())
        if fault and fault[0] == 0:
            self.rfile.read(1)
            self.close_connection = True
        elif fault and "X-Amz-Target" in self.headers:
            self.answer(fault[0], "application/x-amz-json-1.1", b'{"__type": "%s", "message": "refused"}' % fault[1].encode())
        elif fault:
            form = EC2 if "/ec2/" in self.headers["Authorization"] else QUERY
            self.answer(fault[0], "text/xml", form.format(fault[1]).encode())
        else:
            connection = http.client.HTTPConnection(emulator)
            connection.request("POST", self.path, body, dict(self.headers))
            reply = connection.getresponse()
            text = reply.read().replace(b"XNULX", b"\\u0000").replace(b"XHALFX", b"\\ud800")
            self.answer(reply.status, reply.headers.get("Content-Type", "text/plain"), text)
            connection.close()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(sys.argv[3] + ".new", "w", encoding="utf-8") as out:
    out.write("http://127.0.0.1:%d" % server.server_address[1])
os.rename(sys.argv[3] + ".new", sys.argv[3])
server.serve_forever()
