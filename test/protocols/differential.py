"""Random requests and answers of real operations, compared with botocore's own serialisers and parsers.

    differential.py FOLDER DRIVER

Some services, or with IASQL_LONG all of them.  The values are the same in every run.
"""

import base64
import datetime
import json
import os
import pathlib
import random
import re
import sys
import urllib.parse

import botocore.parsers
import botocore.serialize
import botocore.session
from botocore.awsrequest import HeadersDict
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from asking import ask_and_judge  # noqa: E402
from vectors import differ, encode, iso, xml_form  # noqa: E402

SERVICES = """
acm apigateway autoscaling cloudformation cloudfront cloudwatch codebuild dynamodb ec2 ecr ecs efs eks elasticache elb elbv2
events iam kms lambda logs rds route53 s3 s3control secretsmanager sns sqs ssm sts
""".split()
# Where the two differ on purpose, or botocore is wrong.
LEFT_OUT = {
    "answer of s3 GetBucketLocation": "the root element is the member, which botocore does elsewhere",
    "answer of s3 GetBucketNotification": "two members have the same name on the wire",
}
# Operations whose UserData botocore encodes elsewhere.
ENCODED = (("ec2", "RunInstances"), ("autoscaling", "CreateLaunchConfiguration"))
TEXTS = ["a", "b-1", "x y", "é ü", 'q"<&>\'', "1+1=2", "/p/q", "a%41", "日本", "z" * 40, "t\tn"]
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Values:
    """Random values of a shape, as botocore wants them."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, traits):
        location = traits.get("location")
        if location == "uri" and not traits.get("hostLabel"):
            return self.random.choice(["a", "b c", "é/%"])
        if location in ("uri", "header", "headers", "querystring") or traits.get("hostLabel"):
            return self.random.choice(["a", "b-1", "c2"])
        return self.random.choice(TEXTS)

    def value(self, shape, depth, answer, traits):
        kind, pick = shape.type_name, self.random
        if getattr(shape, "is_document_type", False):
            return {"a": [1, "x", None, {"b": True}]}
        if traits.get("jsonvalue") and traits.get("location") == "header":
            return {"j": "v"}
        if kind == "structure":
            return self.structure(shape, depth, answer)
        if kind == "list":
            count = 0 if depth > 5 else pick.randrange(1 if answer else 0, 3)
            element = {**shape.member.serialization, "location": traits.get("location")}
            return [self.value(shape.member, depth + 1, answer, element) for _ in range(count)]
        if kind == "map":
            keys = pick.sample(["k1", "k-2", "k3"], 0 if depth > 5 else pick.randrange(1 if answer else 0, 3))
            element = {"location": traits.get("location")}
            return {key: self.value(shape.value, depth + 1, answer, element) for key in keys}
        if kind == "string":
            return "CRC32" if shape.name == "ChecksumAlgorithm" else self.text(traits)
        if kind == "blob":
            return bytes(pick.randrange(128) for _ in range(pick.randrange(1, 8)))
        if kind == "timestamp":
            return EPOCH + datetime.timedelta(seconds=pick.randrange(2_000_000_000))
        if kind == "boolean":
            return pick.random() < 0.5
        if kind in ("float", "double"):
            return pick.choice([0.5, -2.25, 1e6, 3.0])
        return pick.choice([0, 1, -7, 65535, 2147483647])

    def structure(self, shape, depth, answer):
        members = list(shape.members.items())
        if getattr(shape, "is_tagged_union", False) and members:
            members = [self.random.choice(members)]
        result = {}
        for name, member in members:
            traits = {**member.serialization, "hostLabel": member.metadata.get("hostLabel")}
            needed = (
                name in shape.required_members
                or traits.get("location") == "uri"
                or traits["hostLabel"]
                or member.metadata.get("idempotencyToken")
                or (answer and name == shape.serialization.get("payload"))
                or len(members) == 1
            )
            if needed or (depth < 6 and self.random.random() < (0.7 if depth < 2 else 0.4)):
                result[name] = self.value(member, depth + 1, answer, traits)
        return result


def ours(shape, value):
    """A value as our client takes it and gives it."""
    if getattr(shape, "is_document_type", False) or value is None:
        return value
    kind = shape.type_name
    if kind == "structure":
        return {name: ours(shape.members[name], item) for name, item in value.items() if name in shape.members}
    if kind == "list":
        return [ours(shape.member, item) for item in value]
    if kind == "map":
        return {key: ours(shape.value, item) for key, item in value.items()}
    if kind == "blob":
        return encode(value.read() if hasattr(value, "read") else value)
    if kind == "timestamp":
        return value if isinstance(value, str) else iso((value - EPOCH).total_seconds())
    return value


def write_answer(service, protocol, op, value):
    """Status, headers and body of an answer, as the emulator writes it."""
    model = get_service_model(service).operation_model(op.name)
    response = get_serializer_class(service, protocol)(model).serialize(value)
    body = response["body"]
    return response["status_code"], response["headers"], body if isinstance(body, bytes) else body.encode()


# ---- comparing


def normal_body(protocol, body):
    if not body:
        return ""
    if isinstance(body, dict):
        return {key: str(value) for key, value in body.items()}
    if protocol in ("ec2", "query"):
        return dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
    try:
        return json.loads(body) if "json" in protocol else xml_form(body)
    except Exception:
        return body


def normal_query(query):
    if isinstance(query, dict):
        query = [(key, one) for key, value in query.items() for one in (value if isinstance(value, list) else [value])]
    else:
        query = urllib.parse.parse_qsl(query, keep_blank_values=True)
    return sorted((key, str(value)) for key, value in query)


def request_difference(service, op, protocol, wanted, answer):
    if "error" in answer:
        return answer["error"]["message"]
    path, _, query = wanted["url_path"].partition("?")
    wanted_query = sorted(normal_query(query) + normal_query(wanted["query_string"]))
    if service == "s3" and op.input_shape and "Bucket" in op.input_shape.members:
        path = re.sub(r"^/[^/]+", "", path)
    body = wanted["body"].encode() if isinstance(wanted["body"], str) else wanted["body"]
    got = {"path": answer["path"], "query": normal_query(answer["query"]), "method": answer["method"]}
    got["body"] = normal_body(protocol, base64.b64decode(answer["body"]))
    expected = {"path": path, "query": wanted_query, "method": wanted["method"], "body": normal_body(protocol, body)}
    if (service, op.name) in ENCODED and "UserData" in expected["body"]:
        expected["body"]["UserData"] = encode(expected["body"]["UserData"])
    headers = {name.lower(): value for name, value in answer["headers"]}
    for name, value in wanted["headers"].items():
        expected[name], got[name] = str(value), headers.get(name.lower())
    return None if got == expected else f"\n  got:    {got}\n  wanted: {expected}"


def comparisons(session, service, values):
    model = session.get_service_model(service)
    protocol = model.resolved_protocol
    if protocol == "smithy-rpc-v2-cbor" or model.signature_version in ("v2", "bearer"):
        return
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    parser = botocore.parsers.create_parser(protocol)
    for name in sorted(model.operation_names):
        op = model.operation_model(name)
        auth = op.auth or model.metadata.get("auth") or [""]
        if op.has_event_stream_input or op.has_event_stream_output or auth[0] == "smithy.api#httpBearerAuth":
            continue
        params = values.structure(op.input_shape, 0, False) if op.input_shape else {}
        wanted = serializer.serialize_to_request(params, op)
        text = json.dumps(ours(op.input_shape, params) if op.input_shape else {})

        def judge_request(answer, op=op, wanted=wanted):
            return request_difference(service, op, protocol, wanted, answer)

        asked = {"model": service, "operation": name}
        yield f"request of {service} {name}", {**asked, "input": text}, judge_request
        if not op.output_shape:
            continue
        value = values.structure(op.output_shape, 0, True)
        try:
            status, headers, body = write_answer(service, protocol, op, value)
        except TypeError:  # five of all 18,122: the emulator takes a structure for a string
            continue
        response = {"status_code": status, "headers": HeadersDict(headers), "body": body}
        parsed = parser.parse(response, op.output_shape)
        parsed.pop("ResponseMetadata", None)
        expected = ours(op.output_shape, parsed)
        question = {**asked, "status": status, "headers": [[key, str(item)] for key, item in headers.items()], "body": encode(body)}

        def judge(answer, expected=expected):
            if "error" in answer or "unstable" in answer:
                return json.dumps(answer)
            got = json.loads(answer["result"])
            return differ("", got, expected)

        yield f"answer of {service} {name}", question, judge


def main():
    folder, driver = sys.argv[1:]
    session = botocore.session.Session()
    names = session.get_available_services() if os.environ.get("IASQL_LONG") else SERVICES
    cases = [case for name in names for case in comparisons(session, name, Values(name)) if case[0] not in LEFT_OUT]
    ask_and_judge(folder, driver, cases)


main()
