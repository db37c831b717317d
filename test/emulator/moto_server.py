"""An AWS emulator for tests: moto behind one thread of cheroot, with ECR Public added.

    moto_server.py URL_FILE

Listens on a free port of 127.0.0.1 and writes its URL to URL_FILE once it answers.  moto is not thread safe, so there is
one worker thread; cheroot keeps connections alive, which moto's own server does not.  If IASQL_EMULATOR_LOG names a file,
each request adds a line "METHOD service operation status" to it.
"""
import io
import os
import re
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

        def start(status, headers, exc_info=None):
            with open(path, "a", encoding="utf-8") as log:
                log.write(f"{environ['REQUEST_METHOD']} {service} {name} {status.split()[0]}\n")
            return start_response(status, headers, exc_info)

        return app(environ, start)

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
    server = Server(
        ("127.0.0.1", 0), logged(app, log) if log else app, numthreads=1, request_queue_size=128, timeout=60
    )
    server.prepare()
    port = server.bind_addr[1]
    os.environ["MOTO_PORT"] = str(port)
    with open(url_file + ".new", "w", encoding="utf-8") as out:
        out.write(f"http://127.0.0.1:{port}\n")
    os.rename(url_file + ".new", url_file)
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1])
