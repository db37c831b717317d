"""botocore's protocol vectors and recorded responses.

    compare.py BOTOCORE_ARCHIVE FOLDER DRIVER

The file 'known' lists the cases that must fail, one "name: reason" a line.
"""

import functools
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tools/models")]

import vectors  # noqa: E402
from amb import compile_service  # noqa: E402
from asking import ask_and_judge  # noqa: E402


def main():
    archive, folder, driver = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    files, service = vectors.read_archive(archive)

    def compile_model(name, document):
        (folder / f"{name}.amb").write_bytes(compile_service(name, document, None, None, None))

    cases = [*vectors.protocol_cases(files, compile_model), *vectors.recorded_cases(files, functools.cache(service))]
    cases.append(("number of cases", None, lambda _: None if len(cases) > 1150 else f"only {len(cases)}"))
    known = [line.split(": ")[0] for line in (HERE / "known").read_text().splitlines() if line and line[0] != "#"]
    ask_and_judge(folder, driver, cases, known)


main()
