"""A proxy between the extension and an emulator that spoils requests: a thread of faults.py.

Proxy(emulator_url) listens on a free port of 127.0.0.1.  arm(n, fault) spoils the n-th request from now on that changes
something; with reads=True the n-th that does not.  An operation's name instead of n spoils all its requests, since one read
alone is only asked again.  `names` has the operations of the requests so far, `hit` whether one was spoilt; `reached` is set
when one stalls.  Faults that end in _done spoil the answer to a call that was executed, the others
come instead of it.  "gone" resets the request and then refuses all connections until back().
"""

import asyncio
import json
import re
import struct
import socket
import threading
import urllib.parse

STALL = 90  # s: longer than any request_timeout of the tests
DELAY = 0.3
ERRORS = {  # fault: status, code
    "error_500": (500, "InternalFailure"),
    "error_503": (503, "ServiceUnavailable"),
    "throttled": (400, "ThrottlingException"),
    "expired": (400, "ExpiredTokenException"),
}
FAULTS = ("reset", "reset_done", "stall", "stall_done", "truncate_done", "delay_done", *ERRORS)


def error(headers, status, code):
    """The answer with an error in the form of the request's protocol."""
    if b"x-amz-target" in headers.lower():
        kind, body = "application/x-amz-json-1.1", json.dumps({"__type": code, "message": "spoilt"})
    elif b"/ec2/" in headers:
        kind = "text/xml"
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>spoilt</Message></Error></Errors><RequestID>r</RequestID></Response>"
    else:
        kind = "text/xml"
        body = f"<ErrorResponse><Error><Code>{code}</Code><Message>spoilt</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    return (f"HTTP/1.1 {status} Spoilt\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            + body).encode()


def operation(headers, body):
    target = re.search(rb"x-amz-target: *\S*\.(\w+)", headers, re.IGNORECASE)
    return target.group(1).decode() if target else urllib.parse.parse_qs(body.decode("latin-1")).get("Action", [""])[0]


class Proxy:
    def __init__(self, emulator):
        parts = urllib.parse.urlsplit(emulator)
        self.emulator = parts.hostname, parts.port
        self.port = 0
        self.reached = threading.Event()
        self.arm(0, None)
        ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(ready)), daemon=True).start()
        ready.wait()

    async def serve(self, ready):
        self.loop = asyncio.get_running_loop()
        await self.listen()
        self.url = f"http://127.0.0.1:{self.port}"
        ready.set()
        await asyncio.Event().wait()

    async def listen(self):
        self.server = await asyncio.start_server(self.connection, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    def back(self):
        asyncio.run_coroutine_threadsafe(self.listen(), self.loop).result()

    def arm(self, at, fault, reads=False):
        self.at, self.fault, self.reads, self.names, self.hit = at, fault, reads, [], False
        self.reached.clear()

    @property
    def seen(self):
        return len(self.names)

    def fault_of(self, name):
        """What happens to a request."""
        is_read = re.match("Describe|List|Get|BatchGet", name) is not None
        if is_read != self.reads:
            return None
        self.names.append(name)
        spoil = self.at in (self.seen, name)
        self.hit |= spoil
        return self.fault if spoil else None

    async def forward(self, headers, body):
        reader, writer = await asyncio.open_connection(*self.emulator)
        headers = re.sub(rb"\r\nconnection:[^\r]*", b"", headers, flags=re.IGNORECASE)
        writer.write(headers[:-2] + b"Connection: close\r\n\r\n" + body)
        answer = await reader.read()
        writer.close()
        return answer

    async def connection(self, reader, writer):
        try:
            headers = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"\r\ncontent-length: *(\d+)", headers, re.IGNORECASE)
            body = await reader.readexactly(int(length.group(1))) if length else b""
            fault = self.fault_of(operation(headers, body))
            if fault in ERRORS:
                writer.write(error(headers, *ERRORS[fault]))
            elif fault == "stall":
                await self.stall(reader)
            elif fault in ("reset", "gone"):
                if fault == "gone":
                    self.server.close()
                self.reset(writer)
            else:
                answer = await self.forward(headers, body)
                if fault == "reset_done":
                    self.reset(writer)
                elif fault == "stall_done":
                    await self.stall(reader)
                else:
                    if fault == "delay_done":
                        await asyncio.sleep(DELAY)
                    writer.write(answer[:len(answer) // 2] if fault == "truncate_done" else answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass
        finally:
            writer.close()

    async def stall(self, reader):
        self.reached.set()
        await asyncio.wait_for(reader.read(1), STALL)

    @staticmethod
    def reset(writer):
        """Makes that the connection is closed by a reset."""
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
