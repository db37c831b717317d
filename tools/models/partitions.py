"""AWS partitions as a C table, for endpoint rules' function aws.partition.

botocore gives each partition a regular expression for its regions, all of one form: a prefix or several, a word, a number.
The table keeps the prefixes, and the regions of another form ("aws-global").
"""

import re

from traits import UnknownTrait

HEADER = """\
/*
 * partitions.h
 *	  The partitions of AWS, for endpoint.c.  Made by tools/models/build from botocore; do not edit.
 */
/* clang-format off */
static const AwsPartition partitions[] = {
"""


def prefixes(partition):
    """What may stand before -WORD-NUMBER in a region's name."""
    match = re.fullmatch(r"\^(.*)-\\w\+-\\d\+\$", partition["regionRegex"].replace("\\-", "-"))
    before, group, after = re.fullmatch(r"([a-z-]*)(?:\(([a-z|]+)\))?([a-z-]*)", match[1]).groups() if match else (0, 0, 0)
    if not match:
        raise UnknownTrait(f"partition {partition['id']}: regions {partition['regionRegex']}")
    return [before + choice + after for choice in (group or "").split("|")]


def partitions_header(partitions):
    """The text of src/aws/partitions.h."""

    def quoted(names):
        return "{" + ", ".join([f'"{name}"' for name in names] + ["0"]) + "}"

    text = HEADER
    for partition in partitions:
        for other in partitions:
            if other is not partition and any(re.search(other["regionRegex"], region) for region in partition["regions"]):
                raise UnknownTrait(f"a region of {partition['id']} looks like one of {other['id']}")
        odd = [region for region in partition["regions"] if not re.search(partition["regionRegex"], region)]
        outputs = partition["outputs"]
        names = [outputs[key] for key in ("name", "dnsSuffix", "dualStackDnsSuffix", "implicitGlobalRegion")]
        flags = [str(outputs[key]).lower() for key in ("supportsFIPS", "supportsDualStack")]
        text += "\t{" + ", ".join([f'"{name}"' for name in names] + flags)
        text += f",\n\t\t{quoted(prefixes(partition))}, {quoted(odd)}}},\n"
    return text + "};\n"
