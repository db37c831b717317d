"""Print AWS's signing vectors, one JSON object a line, from botocore's source distribution and the crate aws-sigv4.

    vectors.py SDIST [CRATE]

Both hold the suite of aws-c-auth, in an older and a newer form: a request as text, and what each stage makes of it.
"""

import json
import re
import sys
import tarfile

KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}


def folders(archive, part):
    """The text files below a folder of an archive, as {folder: {file: text}}."""
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and part in member.name:
                folder, _, name = member.name.rpartition("/")
                found.setdefault(folder, {})[name] = tar.extractfile(member).read().decode().replace("\r", "")
    return found


def vector(name, request, canonical, string_to_sign, signature, context, double_encode=False):
    head, _, body = request.partition("\n\n")
    line, *rest = head.split("\n")
    method, target = re.fullmatch(r"(\S+) (.*?)( HTTP/1\.1)?", line).group(1, 2)
    path, question, query = target.partition("?")
    headers = []
    for text in rest:
        if text[:1] in (" ", "\t"):
            headers[-1][1] += "\n" + text
        elif text:
            headers.append(text.split(":", 1))
    # some requests lack the date, and one bears another one than was signed
    timestamp = re.search(r"^x-amz-date:(.*)$", canonical, re.M).group(1)
    headers = [header for header in headers if header[0].lower() != "x-amz-date"] + [["X-Amz-Date", timestamp]]
    keys = context.get("credentials", KEYS)
    token = re.search(r"^x-amz-security-token:(.*)$", canonical, re.M)
    if token and "x-amz-security-token" not in [name.lower() for name, _ in headers]:
        headers.append(["X-Amz-Security-Token", token[1]])
    if context.get("sign_body"):
        headers.append(["x-amz-content-sha256", canonical.rpartition("\n")[2]])
    return {
        "name": name, "method": method, "path": path, "query": query if question else None, "headers": headers,
        "body": body, "normalize": context.get("normalize", True), "double_encode": double_encode,
        "access_key_id": keys["access_key_id"], "secret_access_key": keys["secret_access_key"],
        "region": context.get("region", "us-east-1"), "service": context.get("service", "service"),
        "timestamp": timestamp, "canonical": canonical, "string_to_sign": string_to_sign, "signature": signature,
    }


def from_sdist(archive):
    for folder, files in folders(archive, "/auth/aws4_testsuite/").items():
        texts = {name.rpartition(".")[2]: text for name, text in files.items()}
        if "req" in texts:
            yield vector("botocore/" + folder.rpartition("/")[2], texts["req"], texts["creq"], texts["sts"],
                         texts["authz"].rpartition("=")[2], {})


def from_crate(archive):
    for folder, files in folders(archive, "/aws-signing-test-suite/v4/").items():
        context = json.loads(files.get("context.json", "{}"))
        yield vector("aws-sigv4/" + folder.rpartition("/")[2], files["request.txt"], files["header-canonical-request.txt"],
                     files.get("header-string-to-sign.txt") if context else None, files.get("header-signature.txt"),
                     context, double_encode=not context)


for case in [*from_sdist(sys.argv[1]), *(from_crate(sys.argv[2]) if len(sys.argv) > 2 else [])]:
    print(json.dumps(case))
