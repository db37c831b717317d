"""Write what endpoints.c tries: lines of JSON arrays, [kind, name of the case, model, ...what the kind takes].

    cases.py BOTOCORE_ARCHIVE FOLDER

rules      parameters, expected: an official case of a rule set (botocore's tests/functional/endpoint-rules)
operation  operation, built-ins, input, expected: the same by way of an operation's input
jmespath   waiter, document, expected: an expression, compiled as the waiter's argument, on a random document

'expected' of an endpoint is {"error": text} or {"url", "properties", "headers"}; of an expression its value.
"""

import json
import pathlib
import random
import re
import sys
import tarfile

import jmespath

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/models"))

from amb import compile_service  # noqa: E402

# What the service models use, and a case for each rule of the evaluator that they leave out.
EXPRESSIONS = """
a | a.b | a[0] | a[-1] | a[1].b | a[].b | a[*].b | a[].b[].c | a.*.b | a[?b == 'x'].c | a[?b != `1`] | a[?b > `1`].b
length(a) | length(a) > `0` | length(a[?b == 'x']) >= `1` | keys(a) | a == 'x' | a == `1` | a < `1` | a <= `1` | !a
a && b | a || b | a || b[-1].c | [a, b] | a[*].[b, c][] | a == b | a == `true` | @ | a[].[b.c, c.a] | length(@)
!(length(a[?b == 'x']) == `0`) | keys(a.b)
"""


def endpoint(expect):
    if "error" in expect:
        return {"error": expect["error"]}
    found = expect["endpoint"]
    return {"url": found["url"], "properties": found.get("properties", {}), "headers": found.get("headers", {})}


def endpoint_cases(archive):
    with tarfile.open(archive) as files:
        for entry in files:
            match = re.fullmatch(r"[^/]*/tests/functional/endpoint-rules/([^/]+)/endpoint-tests-1\.json", entry.name)
            if not match:
                continue
            service = match[1]
            for number, case in enumerate(json.load(files.extractfile(entry))["testCases"]):
                name = f"{service} {number}: {case.get('documentation', '')}"
                expected = endpoint(case["expect"])
                yield ["rules", name, service, case.get("params", {}), expected]
                for operation in case.get("operationInputs", ()):
                    built_ins, given = operation.get("builtInParams", {}), operation.get("operationParams", {})
                    yield ["operation", name, service, operation["operationName"], built_ins, given, expected]


def random_value(numbers, depth):
    kind = numbers.randrange(9 if depth < 4 else 6)
    if kind >= 7:
        return {key: random_value(numbers, depth + 1) for key in numbers.sample("abc", numbers.randrange(4))}
    if kind == 6:
        return [random_value(numbers, depth + 1) for _ in range(numbers.randrange(4))]
    return numbers.choice([None, True, False, 0, 1, 2, 1.5, "x", "", "é", "y"])


def jmespath_cases(folder):
    """Compile the expressions as waiters of a service "jmespath"; yield them with documents and the reference's answers."""
    expressions = [text.strip() for line in EXPRESSIONS.strip().splitlines() for text in line.split(" | ")]
    waiters = {
        f"W{number}": {"operation": "Do", "delay": 1, "maxAttempts": 1, "acceptors": [
            {"state": "success", "matcher": "path", "argument": text, "expected": True}]}
        for number, text in enumerate(expressions)
    }  # fmt: skip
    model = {
        "metadata": {"protocol": "json", "endpointPrefix": "x"},
        "operations": {"Do": {"name": "Do", "http": {"method": "POST", "requestUri": "/"}}},
        "shapes": {},
    }
    (folder / "jmespath.amb").write_bytes(compile_service("jmespath", model, None, {"waiters": waiters}))
    numbers = random.Random(20261130)
    for number, text in enumerate(expressions):
        compiled = jmespath.compile(text)
        for _ in range(60):
            document = {key: random_value(numbers, 1) for key in "abc"}
            try:
                value = compiled.search(document)
            except (jmespath.exceptions.JMESPathTypeError, TypeError):
                continue  # an operand of a wrong type, where ours gives null
            yield ["jmespath", text, "jmespath", f"W{number}", document, value]


def main():
    folder = pathlib.Path(sys.argv[2])
    with open(folder / "cases", "w", encoding="utf-8") as output:
        for case in [*endpoint_cases(sys.argv[1]), *jmespath_cases(folder)]:
            output.write(json.dumps(case) + "\n")


main()
