"""What the model compiler refuses: a trait that it does not know, at every level of the model."""

import copy
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/models"))

from amb import compile_service  # noqa: E402
from traits import UnknownTrait  # noqa: E402

MODEL = {
    "metadata": {"protocol": "rest-json", "endpointPrefix": "x", "serviceId": "X", "apiVersion": "2026-01-01"},
    "operations": {
        "Do": {
            "name": "Do",
            "http": {"method": "GET", "requestUri": "/a/{B}?c=d"},
            "input": {"shape": "In"},
            "output": {"shape": "Out"},
            "errors": [{"shape": "Bad"}],
            "endpoint": {"hostPrefix": "p."},
            "httpChecksum": {"requestChecksumRequired": True},
        }
    },
    "shapes": {
        "In": {"type": "structure", "members": {"B": {"shape": "Text", "location": "uri", "locationName": "B"}}},
        "Out": {"type": "structure", "members": {"List": {"shape": "List"}, "Next": {"shape": "Text"}}},
        "List": {"type": "list", "member": {"shape": "Text"}},
        "Text": {"type": "string"},
        "Bad": {"type": "structure", "members": {}, "exception": True, "error": {"code": "Bad", "httpStatusCode": 400}},
    },
}
PAGINATORS = {"pagination": {"Do": {"input_token": "B", "output_token": "Next", "result_key": "List"}}}
ACCEPTOR = {"state": "success", "matcher": "path", "argument": "length(List[?@ == 'a']) > `0`", "expected": True}
WAITERS = {"waiters": {"Done": {"operation": "Do", "delay": 1, "maxAttempts": 2, "acceptors": [ACCEPTOR]}}}
CONDITION = {"fn": "isSet", "argv": [{"ref": "Region"}]}
RULES = {
    "version": "1.0",
    "parameters": {"Region": {"type": "string", "builtIn": "AWS::Region", "required": True, "default": "here"}},
    "rules": [{"type": "endpoint", "conditions": [CONDITION], "endpoint": {"url": "https://{Region}.x"}}],
}
DOCUMENTS = (MODEL, PAGINATORS, WAITERS, RULES)

# Where an unknown key must stop the compiler: the document's number and the path inside it.
PLACES = [
    (0, "metadata"), (0, "operations Do"), (0, "operations Do http"), (0, "operations Do input"), (0, "operations Do output"),
    (0, "operations Do errors 0"), (0, "operations Do endpoint"), (0, "operations Do httpChecksum"), (0, "shapes In"),
    (0, "shapes In members B"), (0, "shapes List member"), (0, "shapes Bad error"), (0, ""), (1, "pagination Do"),
    (2, "waiters Done"), (2, "waiters Done acceptors 0"), (3, ""), (3, "parameters Region"), (3, "rules 0"),
    (3, "rules 0 conditions 0"), (3, "rules 0 endpoint"),
]  # fmt: skip
# Values that must stop it.
VALUES = [
    (0, "metadata protocol", "soap"), (0, "metadata signatureVersion", "v9"), (0, "shapes Text type", "enum9"),
    (0, "shapes In members B location", "trailer"), (0, "shapes Text timestampFormat", "julian"),
    (2, "waiters Done acceptors 0 matcher", "regex"), (2, "waiters Done acceptors 0 state", "maybe"),
    (2, "waiters Done acceptors 0 argument", "sort(List)"), (3, "rules 0 conditions 0 fn", "isOdd"),
    (3, "rules 0 type", "table"), (3, "parameters Region type", "number"),
]  # fmt: skip


def node(document, path):
    for step in path.split():
        document = document[int(step) if step.isdigit() else step]
    return document


def refused(number, change):
    documents = copy.deepcopy(DOCUMENTS)
    change(documents[number])
    try:
        compile_service("x", *documents)
    except UnknownTrait:
        return True
    return False


def main():
    results = {"the plain model compiles": compile_service("x", *DOCUMENTS)[:4] == b"AMB\n"}
    for number, path in PLACES:
        results[f"unknown key in {number}: {path}"] = refused(number, lambda d: node(d, path).update(newTrait=1))  # noqa: B023
    for number, path, value in VALUES:
        parent, key = path.rsplit(" ", 1)
        results[f"{path} = {value}"] = refused(number, lambda d: node(d, parent).update({key: value}))  # noqa: B023
    for name, passed in results.items():
        if not passed:
            print("not ok:", name)
    failed = len(results) - sum(results.values())
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
