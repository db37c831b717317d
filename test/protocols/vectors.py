"""botocore's protocol vectors and recorded responses as cases.

Each case is (name, question for driver.c, judge), where judge(answer) returns None or what is wrong.
"""

import base64
import datetime
import gzip
import json
import re
import tarfile
import xml.etree.ElementTree as ElementTree

from botocore import xform_name
from botocore.utils import parse_timestamp

TOKEN = "00000000-0000-4000-8000-000000000000"  # where the vectors have a random one
SPOKEN = {"ec2", "query", "json", "rest-json", "rest-xml"}


def read_archive(path):
    """botocore's test files by name, and a function that gives a service's newest parsed model."""
    files, models = {}, {}
    with tarfile.open(path) as archive:
        for entry in archive:
            parts = entry.name.split("/")
            if entry.isfile() and ("/tests/unit/protocols/" in entry.name or "/tests/unit/response_parsing/" in entry.name):
                files[entry.name] = archive.extractfile(entry).read()
            elif parts[1:3] == ["botocore", "data"] and parts[-1].startswith("service-2.json"):
                models.setdefault(parts[3], {})[parts[4]] = archive.extractfile(entry).read()

    def service(name):
        text = models[name][max(models[name])]
        return json.loads(gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text)

    return files, service


def encode(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def iso(value):
    """A point in time as the client writes it."""
    if isinstance(value, float):  # without the noise of binary fractions
        time = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=round(value, 6))
    else:
        time = parse_timestamp(value).astimezone(datetime.timezone.utc)
    text = time.strftime("%Y-%m-%dT%H:%M:%S")
    if time.microsecond % 1000:
        return f"{text}.{time.microsecond:06}Z"
    return f"{text}.{time.microsecond // 1000:03}Z" if time.microsecond else text + "Z"


def iso_or_same(value):
    """Some recordings have a placeholder where a time should be; it is kept."""
    try:
        return iso(value)
    except ValueError:
        return value


def convert(shapes, name, value, scalars):
    """A value with its scalars changed by 'scalars', functions by type."""
    shape = shapes[name]
    if value is None or shape.get("document"):
        return value
    if shape["type"] == "structure" and isinstance(value, dict):
        members = shape.get("members", {})
        return {key: convert(shapes, members[key]["shape"], item, scalars) if key in members else item
                for key, item in value.items()}  # fmt: skip
    if shape["type"] == "list":
        return [convert(shapes, shape["member"]["shape"], item, scalars) for item in value]
    if shape["type"] == "map":
        return {key: convert(shapes, shape["value"]["shape"], item, scalars) for key, item in value.items()}
    return scalars.get(shape["type"], lambda same: same)(value)


def equal(got, wanted):
    """Equal, numbers by value and with a double's precision."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and got.keys() == wanted.keys() and all(equal(got[key], wanted[key]) for key in got)
    if isinstance(wanted, list):
        return isinstance(got, list) and len(got) == len(wanted) and all(map(equal, got, wanted))
    return got == wanted and isinstance(got, bool) == isinstance(wanted, bool)


def differ(what, got, wanted):
    return None if equal(got, wanted) else f"{what}\n  got:    {json.dumps(got)}\n  wanted: {json.dumps(wanted)}"


def xml_form(text):
    """An element as nested tuples: name, sorted attributes, text, children in any order."""

    def form(element):
        children = sorted(map(form, element))
        text = "" if children else (element.text or "").strip()
        return (element.tag, tuple(sorted(element.attrib.items())), text, tuple(children))

    return form(ElementTree.fromstring(text))


def tidy(shapes):
    """Shapes as service models have them: some vectors put a member's traits on its shape, or misspell them."""
    shapes = {name: {key: value for key, value in shape.items() if key not in ("location", "resultWrapper")}
              | {"_location": shape.get("location")} for name, shape in shapes.items()}  # fmt: skip
    for shape in shapes.values():
        for ref in [*shape.get("members", {}).values(), *filter(None, [shape.get("member")])]:
            ref.pop("LocationName", None)
            if shapes[ref["shape"]]["_location"]:
                ref.setdefault("location", shapes[ref["shape"]]["_location"])
    return {name: {key: value for key, value in shape.items() if key != "_location"} for name, shape in shapes.items()}


def body_difference(protocol, got, wanted):
    if protocol in ("query", "ec2"):
        return differ("body", sorted(got.split("&")), sorted(wanted.split("&")))
    try:
        if "json" in protocol:
            return differ("body", json.loads(got), json.loads(wanted))
        return None if xml_form(got) == xml_form(wanted) else f"body\n  got:    {got}\n  wanted: {wanted}"
    except (ValueError, ElementTree.ParseError):
        return differ("body", got, wanted)


def judge_request(protocol, endpoint, wanted):
    prefix = endpoint.partition("/")[2]

    def judge(answer):
        if "error" in answer:
            return answer["error"]["message"]
        headers = {name.lower(): value for name, value in answer["headers"]}
        got_body, got_query = base64.b64decode(answer["body"]).decode(), answer["query"]
        got_path = f"/{prefix}{answer['path']}" if prefix else answer["path"]
        if TOKEN in json.dumps(wanted):
            got_body, got_query = (re.sub("[0-9a-f-]{36}", TOKEN, text) for text in (got_body, got_query))
        path, _, query = wanted.get("uri", f"{got_path}?{got_query}").partition("?")
        problems = [
            "body" in wanted and body_difference(protocol, got_body, wanted["body"]),
            differ("path", got_path, path),
            differ("query", sorted(got_query.split("&")), sorted(query.split("&"))),
            differ("method", answer["method"], wanted.get("method", answer["method"])),
            "host" in wanted and endpoint and differ("host", answer["host_prefix"] + endpoint, wanted["host"]),
        ]
        for name, value in wanted.get("headers", {}).items():
            value = value if isinstance(value, str) else str(value)
            got = headers.get(name.lower())
            if name.lower() == "content-type":
                # ours adds the charset, and leaves a blob's or string's type to the caller
                value, got = value.replace("; charset=utf-8", ""), got and got.replace("; charset=utf-8", "")
                if value not in ("application/json", "application/xml") and "rest" in protocol:
                    continue
            else:
                value, got = value.replace(", ", ","), got and got.replace(", ", ",")
            problems.append(differ(f"header {name}", got, value))
        for name in wanted.get("forbidHeaders", ()):
            problems.append(differ(f"header {name}", headers.get(name.lower()), None))
        return next(filter(None, problems), None)

    return judge


def judge_answer(wanted):
    def judge(answer):
        if "unstable" in answer:
            return f"pieces differ: {answer}"
        if "error" in answer:
            return answer["error"]["message"]
        return differ("result", json.loads(answer["result"]), wanted)

    return judge


def judge_error(code, message):
    def judge(answer):
        if "unstable" in answer:
            return f"pieces differ: {answer}"
        error = answer.get("error", {})
        wanted = message or error.get("message")
        return differ("error", [error.get("code"), error.get("message")], [code, wanted])

    return judge


def protocol_cases(files, compile_model):
    """The cases of tests/unit/protocols; compile_model(name, document) puts a model where driver.c finds it."""
    models = []
    for name in sorted(files):
        match = re.search(r"/tests/unit/protocols/(legacy/)?(input|output)/(.*)\.json$", name)
        if not match:
            continue
        for number, suite in enumerate(json.loads(files[name])):
            protocol, shapes = suite["metadata"]["protocol"], tidy(suite["shapes"])
            if protocol not in SPOKEN:
                continue
            for index, case in enumerate(suite["cases"]):
                title = f"{match[1] or ''}{match[2]}/{match[3]} {case.get('id') or f'{number}.{index}'}"
                given = {**case["given"], "http": {"method": "POST", "requestUri": "/", **case["given"].get("http", {})}}
                operation = given.setdefault("name", "OperationName")
                if match[2] == "output" and protocol == "query" and "output" in given:
                    if shapes[given["output"]["shape"]].get("members"):
                        given["output"] = {**given["output"], "resultWrapper": operation + "Result"}
                model = f"case{len(models)}"
                models.append(model)
                try:
                    compile_model(model, {"metadata": suite["metadata"], "shapes": shapes, "operations": {operation: given}})
                except Exception as problem:
                    yield title, None, lambda answer, problem=problem: f"does not compile: {problem}"
                    continue
                question = {"model": model, "operation": operation}
                if match[2] == "input":
                    scalars = {"blob": encode}
                    params = case.get("params", {})
                    if "input" in given:
                        params = convert(shapes, given["input"]["shape"], params, scalars)
                    endpoint = re.sub("^https?://", "", suite.get("clientEndpoint", ""))
                    yield title, {**question, "input": json.dumps(params)}, judge_request(protocol, endpoint, case["serialized"])
                    continue
                response = case["response"]
                headers = [[key, str(value)] for key, value in response.get("headers", {}).items()]
                question.update(status=response.get("status_code", 200), headers=headers)
                question["body"] = encode(response.get("body", "" if protocol != "query" else "<xml/>"))
                if "error" in case:
                    yield title, question, judge_error(case.get("errorCode"), case.get("errorMessage"))
                    continue
                wanted = case["result"]
                if "output" in given:
                    scalars = {"blob": encode, "timestamp": lambda value: iso(float(value))}
                    wanted = convert(shapes, given["output"]["shape"], wanted, scalars)
                yield title, question, judge_answer(wanted)


def recorded_cases(files, services):
    """The recorded responses of tests/unit/response_parsing; services(name) is a parsed service model."""
    folder = "/tests/unit/response_parsing/"
    for name in sorted(files):
        match = re.search(folder + r"(xml/responses|xml/errors|json/errors)/([^/]+?)-([^/]+)\.(xml|json)$", name)
        if not match or (match[1].startswith("xml") and match[4] == "json"):
            continue
        kind, service, operation = match[1], match[2], match[3].split("#")[0].replace("-", "_")
        expected = name.replace("/errors/", "/expected/") if kind == "json/errors" else re.sub("xml$", "json", name)
        expected, body, headers = json.loads(files[expected]), files[name], []
        model = services(service)
        names = [key for key in model["operations"] if xform_name(key) == operation]
        title = f"{kind}/{service}-{match[3]}"
        if b"__headers__" in body:
            document = json.loads(body)
            headers = [list(pair) for pair in document.pop("__headers__").items()]
            body = json.dumps(document).encode()
        question = {"model": service, "operation": names[0], "status": 400 if "errors" in kind else 200,
                    "headers": headers, "body": encode(body)}  # fmt: skip
        expected.pop("ResponseMetadata", None)
        if "errors" in kind:
            yield title, question, judge_error(expected["Error"]["Code"], expected["Error"].get("Message"))
            continue
        op = model["operations"][names[0]]
        if "output" in op:
            scalars = {"timestamp": iso_or_same, "float": float, "double": float}
            expected = convert(model["shapes"], op["output"]["shape"], expected, scalars)
        yield title, question, judge_answer(expected)
