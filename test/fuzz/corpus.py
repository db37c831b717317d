"""Write the seeds of the fuzz targets, and the models and operations that they are about.

    corpus.py BOTOCORE_ARCHIVE CRATE FOLDER

FOLDER has the models (models/NAME.amb) and the cases of test/endpoints (models/cases).  Made are corpus/TARGET/N and,
for targets that choose operations, TARGET.operations.  CRATE may be "".  Seeds come from AWS's own vectors: requests
and answers of each protocol, recorded answers, endpoint and signing cases, JMESPath on random documents.
"""

import base64
import collections
import json
import pathlib
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "protocols"), str(HERE.parents[1] / "tools/models")]

import vectors  # noqa: E402
from amb import compile_service  # noqa: E402

MAX_LENGTH = 4096  # as test/fuzz/run tells the fuzzers
CONFIGS = {
    0: b"[default]\nregion = us-east-1\n[profile a]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = default\n"
    b"[sso-session s]\nsso_start_url = https://x\nsso_region = us-east-1\n# a comment\nempty =\n s3 =\n   nested = 1\n"
    b"[profile \"quoted name\"]\ncredential_process = /bin/echo 'a b' \"c\\\"d\" e\\ f\n[services x]\n[broken\n]=\n",
    1: b"[default]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key = a=b\r\naws_session_token\t=\tt ; no comment\n"
    b"[a]\n;comment\naws_access_key_id : x\n=novalue\n[ b ]\nkey = v",
}


class Corpus:
    """Seeds by target, and the operations that their first two bytes choose."""

    def __init__(self, folder):
        self.folder = folder
        self.counts = collections.Counter()
        self.operations = collections.defaultdict(dict)

    def add(self, target, data):
        if len(data) > MAX_LENGTH:
            return
        place = self.folder / "corpus" / target
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{self.counts[target]:05}").write_bytes(data)
        self.counts[target] += 1

    def add_of(self, target, model, operation, data):
        known = self.operations[target]
        self.add(target, struct.pack("<H", known.setdefault((model, operation), len(known))) + data)

    def write_operations(self):
        for target, known in self.operations.items():
            text = "".join(f"{model} {operation}\n" for model, operation in known)
            (self.folder / f"{target}.operations").write_text(text)


def add_calls(corpus, archive):
    """Requests, answers and, of the vectors' small services, models."""
    files, service = vectors.read_archive(archive)
    protocols = {}

    def compile_model(name, document):
        compiled = compile_service(name, document, None, None, None)
        protocols[name] = document["metadata"]["protocol"]
        (corpus.folder / "models" / f"{name}.amb").write_bytes(compiled)
        corpus.add("model", compiled)

    def services(name):
        model = service(name)
        protocols[name] = model["metadata"]["protocol"]
        return model

    known = (HERE.parent / "protocols/known").read_text().splitlines()
    invalid = {line.partition(": ")[0] for line in known if line.endswith("not a valid model")}
    for title, question, _ in [*vectors.protocol_cases(files, compile_model), *vectors.recorded_cases(files, services)]:
        if question is None or title in invalid:
            continue
        model, operation = question["model"], question["operation"]
        if "input" in question:
            corpus.add_of("request", model, operation, question["input"].encode())
            continue
        mode = {2: 0, 4: 1, 5: 2}[question["status"] // 100] | 4 * (corpus.counts["xml"] % 4)
        head = "".join(f"{name}:{value}\n" for name, value in question["headers"] if "\n" not in value)
        data = bytes([mode]) + head.encode() + b"\n" + base64.b64decode(question["body"])
        corpus.add_of("json" if "json" in protocols[model] else "xml", model, operation, data)


def add_cases(corpus):
    """Endpoint rules, up to six cases a service, and expressions, four documents each."""
    seen = collections.Counter()
    for line in open(corpus.folder / "models/cases", encoding="utf-8"):
        kind, _, model, *rest = json.loads(line)
        seen[kind, model, rest[0] if kind == "jmespath" else ""] += 1
        count = seen[kind, model, rest[0] if kind == "jmespath" else ""]
        if kind == "jmespath" and count <= 4:
            corpus.add("jmespath", bytes([int(rest[0][1:])]) + json.dumps(rest[1]).encode())
        elif kind == "operation" and count <= 60:
            operation, built_ins, given, _ = rest
            settings = {"Region": built_ins.get("AWS::Region"), "Endpoint": built_ins.get("SDK::Endpoint")}
            data = json.dumps({key: value for key, value in settings.items() if value} | given)
            corpus.add_of("endpoint", model, operation, b"\x01" + data.encode())
            corpus.add_of("request", model, operation, json.dumps(given).encode())
        elif kind == "rules" and count <= 6:
            operation = next((op for service, op in corpus.operations["endpoint"] if service == model), None)
            if operation:
                corpus.add_of("endpoint", model, operation, b"\0" + json.dumps(rest[0]).encode())


def add_signatures(corpus, archive, crate):
    program = HERE.parent / "sigv4/vectors.py"
    output = subprocess.run([sys.executable, program, archive, *[crate][: bool(crate)]], stdout=subprocess.PIPE, check=True).stdout
    for case in map(json.loads, output.splitlines()):
        flags = case["normalize"] | case["double_encode"] << 1 | (case["query"] is None) << 2
        head = [case["method"], case["path"], case["query"] or "", *map(":".join, case["headers"]), ""]
        corpus.add("sigv4", bytes([flags]) + "\n".join(head).encode() + case["body"].encode())


def main():
    archive, crate, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    corpus = Corpus(folder)
    add_calls(corpus, archive)
    add_cases(corpus)
    add_signatures(corpus, archive, crate)
    for flag, text in CONFIGS.items():
        corpus.add("config", bytes([flag]) + text)
    corpus.write_operations()
    print(dict(corpus.counts))


main()
