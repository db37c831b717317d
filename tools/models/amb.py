"""Compile one service model of botocore into the file that src/aws/model.h describes.

compile_service takes the parsed JSON documents of a service and returns the bytes.  All that depends on the model alone
is done here: member traits are merged over shape traits, each member gets its names on the wire of the service's
protocol, URI templates are split, expressions and endpoint rules become trees, unreachable shapes are left out.
"""

import hashlib
import re
import struct

from traits import UnknownTrait, check, choose
from trees import Expressions, Rules, scalar

VERSION = 2
TYPES = {
    name: number
    for number, name in enumerate(
        "structure list map string integer long float double boolean timestamp blob".split()
    )
}
TYPES.update(character=TYPES["string"], char=TYPES["string"], bigdecimal=TYPES["double"], biginteger=TYPES["long"],
             short=TYPES["integer"], byte=TYPES["integer"])  # fmt: skip
PROTOCOLS = {"ec2": 1, "query": 2, "json": 3, "rest-json": 4, "rest-xml": 5, "smithy-rpc-v2-cbor": 6}
# botocore's order of preference among the protocols of one service (botocore/parsers.py has the same list).
PREFERENCE = ("json", "rest-json", "rest-xml", "smithy-rpc-v2-cbor", "query", "ec2")
LOCATIONS = {None: 0, "uri": 1, "querystring": 2, "header": 3, "headers": 4, "statusCode": 5}
TIME_FORMATS = {None: 0, "iso8601": 1, "unixTimestamp": 2, "rfc822": 3}
SIGNATURES = {"v4": 0, "s3": 2, "s3v4": 2, "v2": 4, "bearer": 0}

REF_FLAGS = {
    "idempotencyToken": 1 << 6, "sensitive": 1 << 7, "jsonvalue": 1 << 8, "streaming": 1 << 9, "hostLabel": 1 << 10,
    "flattened": 1 << 11, "xmlAttribute": 1 << 12, "contextParam": 1 << 13, "xmlNamespace": 1 << 14,
    "locationName": 1 << 15, "eventstream": 1 << 17,
}  # fmt: skip
REF_REQUIRED, REF_PAYLOAD = 1 << 5, 1 << 16
SHAPE_FLAGS = {
    "exception": 1 << 0, "document": 1 << 1, "union": 1 << 2, "sparse": 1 << 3, "sensitive": 1 << 4, "fault": 1 << 5,
}  # fmt: skip
SHAPE_RETRYABLE, SHAPE_THROTTLING, SHAPE_HAS_BODY = 1 << 6, 1 << 7, 1 << 8
OP_NO_AUTH, OP_UNSIGNED, OP_CHECKSUM, OP_EVENTS, OP_STREAM_IN, OP_STREAM_OUT, OP_IDEMPOTENT, OP_READONLY, OP_BEARER = (
    1 << bit for bit in range(9)
)
FACT_NAMESPACE, FACT_CONTEXT, FACT_ERROR, FACT_STATIC, FACT_OPERATION, FACT_CHECKSUM = range(1, 7)
STATES = {"success": 0, "failure": 1, "retry": 2}
MATCHERS = {"path": 0, "pathAll": 1, "pathAny": 2, "status": 3, "error": 4}
NO_REF = 0xFFFFFFFF


class Strings:
    """Strings by number; 0 is the empty one."""

    def __init__(self):
        self.numbers = {"": 0}

    def __call__(self, text):
        number = self.numbers.setdefault(str(text or ""), len(self.numbers))
        if number > 65535:
            raise OverflowError("too many strings")
        return number


def listed(value):
    return value if isinstance(value, list) else [value]


def choose_protocol(metadata):
    """The protocol to speak, as botocore resolves it."""
    offered = metadata.get("protocols") or [metadata["protocol"]]
    for protocol in offered:
        choose(PROTOCOLS, protocol, "metadata")
    return next(protocol for protocol in PREFERENCE if protocol in offered)


class Compiler:
    def __init__(self, name, model, paginators, waiters, rules):
        check("model", model, name)
        check("metadata", model["metadata"], name)
        self.name = name
        self.model = model
        self.shapes = model["shapes"]
        self.protocol = choose_protocol(model["metadata"])
        self.string = Strings()
        self.code = Expressions(self.string)
        self.pool = [0]
        self.facts, self.refs, self.shape_records, self.op_records, self.waiter_records = [], [], [], [], []
        self.names = set()  # strings that the hash can find
        self.reach()
        self.op_numbers = {op: number for number, op in enumerate(sorted(model["operations"]))}
        for shape in self.order:
            self.shape(shape, self.shapes[shape])
        pages = self.paginators((paginators or {}).get("pagination", {}))
        for op in self.op_numbers:
            self.operation(op, model["operations"][op], pages.get(op, 0))
        self.waiters((waiters or {}).get("waiters", {}))
        self.rules = Rules(self.string, rules, f"{name} endpoint rules")

    def reach(self):
        """Number the shapes that operations use, and all errors."""
        self.order, self.numbers = [], {}
        roots = []
        for op in sorted(self.model["operations"]):
            operation = self.model["operations"][op]
            roots += [operation[side]["shape"] for side in ("input", "output") if side in operation]
            roots += [error["shape"] for error in operation.get("errors", ())]
        roots += [shape for shape, traits in self.shapes.items() if traits.get("exception")]
        stack = roots[::-1]
        while stack:
            shape = stack.pop()
            if shape in self.numbers:
                continue
            self.numbers[shape] = len(self.order)
            self.order.append(shape)
            traits = self.shapes[shape]
            stack += [member["shape"] for member in reversed(list(traits.get("members", {}).values()))]
            stack += [traits[role]["shape"] for role in ("member", "key", "value") if role in traits]

    def put(self, words):
        """Append a list to the pool; its offset."""
        self.pool.extend(words)
        return len(self.pool) - len(words)

    def traits(self, ref):
        """A reference's traits over those of its shape."""
        return {**self.shapes[ref["shape"]], **ref}

    def ref(self, ref, name="", default="", structure=None, root=False):
        """Write a use of a shape; its number.  'default' is the wire name where the model gives none."""
        traits = self.traits(ref)
        where = f"{self.name}.{ref['shape']}.{name}"
        given = traits.get("locationName")
        flags = choose(LOCATIONS, traits.get("location"), where)
        flags |= choose(TIME_FORMATS, traits.get("timestampFormat"), where) << 3
        for trait, flag in REF_FLAGS.items():
            if traits.get(trait):
                flags |= flag
        if structure is not None:
            if name in structure.get("required", ()):
                flags |= REF_REQUIRED
            if structure.get("payload") == name:
                flags |= REF_PAYLOAD
        wire = xml = given or default
        if self.protocol == "ec2":
            wire = traits.get("queryName") or (given[0].upper() + given[1:] if given else default)
        if traits["type"] == "list" and traits.get("flattened"):
            # A flattened list has no element of its own: its members bear their name, where one is given.
            element = self.traits(self.shapes[ref["shape"]]["member"]).get("locationName")
            xml = element or xml
            if self.protocol == "query":
                wire = element or wire
        if root and "resultWrapper" in ref:
            xml = ref["resultWrapper"]
        number = len(self.refs)
        namespace = traits.get("xmlNamespace")
        if namespace:
            if isinstance(namespace, str):
                namespace = {"uri": namespace}
            self.fact(FACT_NAMESPACE, number, self.string(namespace["uri"]), self.string(namespace.get("prefix")))
        if "contextParam" in traits:
            self.fact(FACT_CONTEXT, number, self.string(traits["contextParam"]["name"]))
        words = [self.string(name), self.string(wire), self.string(xml)]
        self.names.update(words)
        self.refs.append((*words, self.numbers[ref["shape"]], flags))
        return number

    def fact(self, kind, number, a, b=0):
        self.facts.append((kind << 24 | number, a, b))

    def shape(self, name, shape):
        where = f"{self.name}.{name}"
        check("shape", shape, where)
        kind = choose(TYPES, shape["type"], where)
        flags = sum(flag for trait, flag in SHAPE_FLAGS.items() if shape.get(trait))
        if shape.get("retryable") is not None:
            flags |= SHAPE_RETRYABLE | (SHAPE_THROTTLING if shape["retryable"].get("throttling") else 0)
        first, members, payload, own_name, code = len(self.refs), shape.get("members", {}), 0, 0, 0
        for number, (member, ref) in enumerate(members.items()):
            check("member", ref, f"{where}.{member}")
            self.ref(ref, member, member, shape)
            if "location" not in ref:
                flags |= SHAPE_HAS_BODY
            if shape.get("payload") == member:
                payload = number + 1
        for role, default in (("member", "member"), ("key", "key"), ("value", "value")):
            if role in shape:
                check("member", shape[role], f"{where}.{role}")
                self.ref(shape[role], "", default)
        if shape.get("exception"):
            error = shape.get("error", {})
            check("shape error", error, where)
            own_name, code = self.string(name), self.string(error.get("code") or name)
            self.fact(FACT_ERROR, self.numbers[name], error.get("httpStatusCode", 0), int(bool(error.get("senderFault"))))
        self.shape_records.append((kind, flags, own_name, len(self.refs) - first, first, payload, code))

    def template(self, text):
        """A URI path or host prefix as pairs of kind (0 literal, 1 label, 2 greedy label) and string."""
        words = []
        for number, piece in enumerate(re.split(r"\{([^}]*)\}", text)):
            if number % 2 == 1:
                words += [2 if piece.endswith("+") else 1, self.string(piece.rstrip("+"))]
            elif piece:
                words += [0, self.string(piece)]
        return words

    def paginators(self, pagination):
        """Write the paginators of known operations; offsets by operation."""
        offsets = {}
        for op, paginator in sorted(pagination.items()):
            check("pagination", paginator, f"{self.name} paginator {op}")
            if op not in self.op_numbers:
                continue
            inputs, outputs = listed(paginator["input_token"]), listed(paginator["output_token"])
            results = listed(paginator["result_key"])
            if len(inputs) != len(outputs):
                raise UnknownTrait(f"{self.name} paginator {op}: {len(inputs)} and {len(outputs)} tokens")
            words = [len(inputs), len(results), self.string(paginator.get("limit_key"))]
            for path in [paginator.get("more_results"), *outputs, *results]:
                words += [self.string(path), self.code.compile(path)]
            offsets[op] = self.put(words + [self.string(token) for token in inputs])
        return offsets

    def operation(self, name, op, paginator):
        where = f"{self.name}.{name}"
        number = self.op_numbers[name]
        check("operation", op, where)
        check("http", op["http"], where)
        if op.get("name", name) != name and self.protocol in ("ec2", "query", "json"):
            raise UnknownTrait(f"{where}: another name on the wire")
        checksum = op.get("httpChecksum", {})
        check("httpChecksum", checksum, where)
        auth = op.get("auth") or self.model["metadata"].get("auth") or ["aws.auth#sigv4"]
        flags = 0
        if op.get("authtype") == "none" or "smithy.api#noAuth" in auth:
            flags |= OP_NO_AUTH
        elif self.model["metadata"].get("signatureVersion") == "bearer" or auth[0] == "smithy.api#httpBearerAuth":
            flags |= OP_BEARER
        if op.get("authtype") == "v4-unsigned-body" or op.get("unsignedPayload"):
            flags |= OP_UNSIGNED
        if op.get("httpChecksumRequired") or checksum.get("requestChecksumRequired"):
            flags |= OP_CHECKSUM
        flags |= OP_IDEMPOTENT if op.get("idempotent") else 0
        flags |= OP_READONLY if op.get("readonly") else 0
        refs = []
        for side, streaming in (("input", OP_STREAM_IN), ("output", OP_STREAM_OUT)):
            if side not in op:
                refs.append(NO_REF)
                continue
            check(side, op[side], where)
            refs.append(self.ref(op[side], root=True))
            shape = self.shapes[op[side]["shape"]]
            for member, ref in shape.get("members", {}).items():
                traits = self.traits(ref)
                flags |= OP_EVENTS if traits.get("eventstream") else 0
                flags |= streaming if shape.get("payload") == member and traits["type"] == "blob" else 0
        if checksum.get("requestAlgorithmMember"):
            self.fact(FACT_CHECKSUM, number, self.string(checksum["requestAlgorithmMember"]))
        for parameter, setting in (op.get("staticContextParams") or {}).items():
            value = setting["value"]
            text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
            if not isinstance(text, str):
                raise UnknownTrait(f"{where}: static context {value!r}")
            self.fact(FACT_STATIC, number, self.string(parameter), self.string(text))
        for parameter, setting in (op.get("operationContextParams") or {}).items():
            self.fact(FACT_OPERATION, number, self.string(parameter), self.code.compile(setting["path"]))
        for error in op.get("errors", ()):
            check("operation error", error, where)
        endpoint = op.get("endpoint") or {}
        check("operation endpoint", endpoint, where)
        path, _, query = op["http"]["requestUri"].partition("?")
        if "{" in query:
            raise UnknownTrait(f"{where}: label in the query of {op['http']['requestUri']}")
        pairs = []
        for pair in filter(None, query.split("&")):
            key, _, value = pair.partition("=")
            pairs += [self.string(key), self.string(value)]
        path, host = self.template(path), self.template(endpoint.get("hostPrefix", ""))
        errors = [self.numbers[error["shape"]] for error in op.get("errors", ())]
        parts = self.put([len(path) // 2, len(pairs) // 2, len(host) // 2, len(errors), *path, *pairs, *host, *errors])
        wrapper = self.string(op.get("output", {}).get("resultWrapper"))
        status = op["http"].get("responseCode", 0)
        self.op_records.append((self.string(name), self.string(op["http"]["method"]), flags, status, wrapper, paginator, parts, *refs))  # fmt: skip

    def waiters(self, waiters):
        for name, waiter in sorted(waiters.items()):
            where = f"{self.name} waiter {name}"
            check("waiter", waiter, where)
            if waiter["operation"] not in self.op_numbers:
                continue
            words = [len(waiter["acceptors"])]
            for acceptor in waiter["acceptors"]:
                check("acceptor", acceptor, where)
                words += [choose(STATES, acceptor["state"], where), choose(MATCHERS, acceptor["matcher"], where)]
                words += [self.code.compile(acceptor.get("argument")), *scalar(acceptor["expected"], self.string, where)]
            op, acceptors = self.op_numbers[waiter["operation"]], self.put(words)
            self.waiter_records.append((self.string(name), op, waiter["delay"], waiter["maxAttempts"], acceptors))

    def hash_table(self):
        """Open addressing by FNV-1a: strings' numbers, 0 for free; at most two thirds full."""
        size = 1
        while size < len(self.names) * 1.5 + 1:
            size *= 2
        table = [0] * size
        texts = list(self.string.numbers)
        for number in sorted(self.names - {0}):
            slot = 2166136261
            for byte in texts[number].encode():
                slot = (slot ^ byte) * 16777619 & 0xFFFFFFFF
            slot &= size - 1
            while table[slot]:
                slot = (slot + 1) & (size - 1)
            table[slot] = number
        return table

    def file(self):
        """The bytes of the file."""
        metadata = self.model["metadata"]
        header = [self.string(metadata.get(key)) for key in
                  ("serviceId", "apiVersion", "endpointPrefix", "signingName", "targetPrefix", "jsonVersion")]  # fmt: skip
        header[3] = header[3] or header[2]
        header.insert(0, self.string(self.name))
        namespace = metadata.get("xmlNamespace")
        header.append(self.string(namespace["uri"] if isinstance(namespace, dict) else namespace))
        flags = choose(SIGNATURES, metadata.get("signatureVersion", "v4"), self.name)
        flags |= 1 if "awsQueryCompatible" in metadata else 0
        header += [PROTOCOLS[self.protocol], flags, self.rules.parameters, self.rules.root, len(self.rules.variables), 0]

        text, offsets = bytearray(), []
        for string in self.string.numbers:
            offsets.append(len(text))
            text += string.encode() + b"\0"
        offsets.append(len(text))
        sections = [
            ("<I", [(offset,) for offset in offsets]),
            ("<BxHHHIHH", self.shape_records),
            ("<HHHHI", self.refs),
            ("<HHHHHHIII", self.op_records),
            ("<IHH", sorted(self.facts)),
            ("<HHHHI", self.waiter_records),
            *(("<H", [(word,) for word in words])
              for words in (self.hash_table(), self.pool, self.code.words, self.rules.words)),
            ("<B", [(byte,) for byte in text]),
        ]  # fmt: skip
        start = 12 + 32 + 8 * len(sections) + 2 * len(header)
        body, table = bytearray(), []
        for layout, records in sections:
            body += bytes(-(start + len(body)) % 4)
            table += [start + len(body), len(records)]
            pack = struct.Struct(layout).pack
            body += b"".join(pack(*record) for record in records)
        body[:0] = struct.pack(f"<{len(table)}I{len(header)}H", *table, *header)
        return struct.pack("<4sII", b"AMB\n", VERSION, 44 + len(body)) + hashlib.sha256(body).digest() + body


def compile_service(name, model, paginators=None, waiters=None, rules=None):
    """The compiled file of a service, from its parsed JSON documents; UnknownTrait if one says what is not understood."""
    return Compiler(name, model, paginators, waiters, rules).file()
