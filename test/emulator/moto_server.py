"""An AWS emulator for tests: moto behind one thread of cheroot, with ECR Public added.

    moto_server.py URL_FILE

Listens on a free port of 127.0.0.1 and writes its URL to URL_FILE once it answers.  moto is not thread safe, so there is
one worker thread; cheroot keeps connections alive, which moto's own server does not.  If IASQL_EMULATOR_LOG names a file,
each request adds a line "METHOD service operation status" to it, and the code of its error if there is one.  If
IASQL_EMULATOR_STRICT is set, it refuses and delays as AWS does (strict.py); its number tells by how many looks lists lag.
A POST to /fork makes a copy of the process, with all that the account holds, and answers "URL PID" of it.
"""
import ctypes
import io
import os
import re
import signal
import sys
import urllib.parse

os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # else no AWS-managed policy can be attached

from cheroot.wsgi import Server  # noqa: E402
from moto.backends import get_backend  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402

import ecr_public  # noqa: E402


def operation(environ):
    """Return (service, operation) of a request: from its signature, and its target, Action parameter or else its path."""
    scope = re.search(r"Credential=[^/]*/[^/]*/[^/]*/([^/]*)/", environ.get("HTTP_AUTHORIZATION", ""))
    name = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    if not name and environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        name = urllib.parse.parse_qs(body.decode()).get("Action", [""])[0]
    return scope.group(1) if scope else "-", name or environ.get("PATH_INFO", "-").replace(" ", "%20")


def logged(app, path):
    """Wrap a WSGI application so that it adds a line for each request to the file at path."""

    def wrapped(environ, start_response):
        service, name = operation(environ)

        answer = []

        def start(status, headers, exc_info=None):
            answer.append(status.split()[0])
            return start_response(status, headers, exc_info)

        body = list(app(environ, start))
        code = re.search(rb'<Code>([^<]+)|"__type": *"(?:[^"#]*#)?([^"]+)', body[0]) if answer[0] >= "400" and body else None
        if code:
            answer.append((code.group(1) or code.group(2)).decode())
        with open(path, "a", encoding="utf-8") as log:
            log.write(f"{environ['REQUEST_METHOD']} {service} {name} {' '.join(answer)}\n")
        return body

    return wrapped


def serve(app, announce, threads=1):
    """Serve on a free port, once announce(url) is called."""
    server = Server(("127.0.0.1", 0), app, numthreads=threads, request_queue_size=128, timeout=60)
    server.prepare()
    port = server.bind_addr[1]
    os.environ["MOTO_PORT"] = str(port)
    announce(f"http://127.0.0.1:{port}")
    server.serve()


def forkable(app):
    """Wrap a WSGI application so that POST /fork answers with a copy, which ends when this process does."""

    def wrapped(environ, start_response):
        if environ.get("PATH_INFO") != "/fork":
            return app(environ, start_response)
        receive, send = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
                os.close(receive)
                serve(wrapped, lambda url: (os.write(send, url.encode()), os.close(send)))
            finally:
                os._exit(1)
        os.close(send)
        with os.fdopen(receive, "rb") as pipe:
            answer = pipe.read() + b" %d" % pid
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]

    return wrapped


def warm_up():
    """Load what takes seconds (managed policies, machine images) before anybody's request waits for it."""
    for service, region in ("iam", "aws"), ("ec2", "us-east-1"):
        get_backend(service)["123456789012"][region]


def main(url_file):
    ecr_public.register()
    warm_up()
    app = DomainDispatcherApplication(create_backend_app)
    log = os.environ.get("IASQL_EMULATOR_LOG")

    def announce(url):
        with open(url_file + ".new", "w", encoding="utf-8") as out:
            out.write(url + "\n")
        os.rename(url_file + ".new", url_file)

    lag = os.environ.get("IASQL_EMULATOR_STRICT")
    if lag:
        import strict

        app = strict.application(app, int(lag))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # copies leave no zombies
    serve(forkable(logged(app, log) if log else app), announce, threads=8 if lag else 1)


if __name__ == "__main__":
    main(sys.argv[1])
