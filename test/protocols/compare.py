"""Ask driver.c all cases, judge its answers, and compare the failures with those that are known.

    compare.py BOTOCORE_ARCHIVE FOLDER DRIVER

'known' lists cases that must fail, one "name: reason" a line: a case that fails and is not there is a failure, and so
is one that is there and passes.
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools/models")]

import vectors  # noqa: E402
from amb import compile_service  # noqa: E402


def read_archive(path):
    """The test files, and the service models by service and version."""
    files, models = {}, {}
    with tarfile.open(path) as archive:
        for entry in archive:
            parts = entry.name.split("/")
            if entry.isfile() and ("/tests/unit/protocols/" in entry.name or "/tests/unit/response_parsing/" in entry.name):
                files[entry.name] = archive.extractfile(entry).read()
            elif parts[1:3] == ["botocore", "data"] and parts[-1].startswith("service-2.json"):
                models.setdefault(parts[3], {})[parts[4]] = archive.extractfile(entry).read()
    return files, models


def main():
    archive, folder, driver = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    files, models = read_archive(archive)
    parsed = {}

    def services(name):
        if name not in parsed:
            text = models[name][max(models[name])]
            parsed[name] = json.loads(gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text)
        return parsed[name]

    def compile_model(name, document):
        (folder / f"{name}.amb").write_bytes(compile_service(name, document, None, None, None))

    cases = [*vectors.protocol_cases(files, compile_model), *vectors.recorded_cases(files, services)]
    questions = "".join(json.dumps(question) + "\n" for _, question, _ in cases if question)
    answers = subprocess.run([driver, folder], input=questions, stdout=subprocess.PIPE, text=True, check=False)
    lines = answers.stdout.split("\n")[:-1]
    known = dict(line.split(": ", 1) for line in (HERE / "known").read_text().splitlines() if line and line[0] != "#")
    passed = failed = 0
    for name, question, judge in cases:
        problem = judge(None if question is None else json.loads(lines.pop(0)) if lines else {"error": {"message": "no answer"}})
        if (problem is None) == (known.pop(name, None) is None):
            passed += 1
        else:
            failed += 1
            print("not ok:", name, "passes, but is listed as known to fail" if problem is None else problem)
    for name in known:
        failed += 1
        print("not ok:", name, "is listed as known to fail, but there is no such case")
    if answers.returncode or lines or len(cases) < 1000:
        failed += 1
        print(f"not ok: {len(cases)} cases, {len(lines)} answers too many, exit status {answers.returncode}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
