"""A round trip of every resource in the registry, with boto3 to look at what the emulator holds.

    roundtrip.py REGISTRY ENDPOINT [ministack]

REGISTRY is the program made of registry.c; the database is that of PGHOST and the like.  Each round changes rows, previews
twice, applies, applies again, and then compares every column of the objects that the plan speaks of with what boto3 shows.
A column without a case fails, unless lives.py has a reason.  IASQL_LONG=1 changes one column a round; else columns share
rounds.
"""

import collections
import json
import os
import sys

from check import FORGET_DIGESTS, Emulator, check, finish
from database import Session, Tables, literal, plain, registry, same
from lives import COMPANIONS, CONTAINER, CONTAINER_CHANGES, LIVES, MINISTACK, NOT_NULL, REASONS, Of, Sql, leave_out, look

LONG = os.environ.get("IASQL_LONG") == "1"


class Object:
    """One object of the round trip, and the row that stands for it."""

    def __init__(self, label, resource, key_column, make):
        self.label, self.resource, self.key_column, self.make = label, resource, key_column, make
        self.table, self.life = resource.name, LIVES[resource.name]
        self.key = None

    def where(self):
        return f"{self.key_column} = {literal(self.key)}"

    def row(self, tables):
        return next((r for r in tables.rows[self.table] if r[self.key_column] == self.key), None)


class Trip:
    def __init__(self, session, resources, aws):
        self.sql, self.resources, self.aws = session, resources, aws
        self.tables = Tables(session, resources)
        self.objects, self.constants = {}, {}

    def add(self, label, resource, make):
        key = self.tables.key_column(resource)
        self.objects[label] = Object(label, self.resources[resource], key, make)
        return self.objects[label]

    # ------------------------------------------------------- statements

    def expression(self, value):
        """The SQL of a value.  A reference gives the key of the row, in an array the cloud id."""
        if isinstance(value, Of):
            if value.label in self.constants:
                return literal(self.constants[value.label])
            return literal(self.objects[value.label].key)
        if isinstance(value, Sql):
            return value.text
        if isinstance(value, list) and value and isinstance(value[0], Of):
            others = [self.objects[v.label] for v in value]
            return "ARRAY[" + ", ".join(f"(SELECT {o.resource.id} FROM {o.table} WHERE {o.where()})" for o in others) + "]"
        return literal(value)

    def ridden(self, object, values):
        """The columns whose values are rows of other tables."""
        return [c for c in values if object.resource.attributes[c].table]

    def riders(self, object, column, value):
        """Statements that give an object its rows in a join or child table."""
        attribute = object.resource.attributes[column]
        carrier = self.tables.referrer(attribute.table, object.table)
        for element in value or []:
            if attribute.form == "join":
                element = {self.tables.referrer(attribute.table, attribute.refers): element}
            names = ", ".join([carrier, *element])
            values = ", ".join([literal(object.key), *map(self.expression, element.values())])
            yield f"INSERT INTO {attribute.table} ({names}) VALUES ({values})"

    def insert(self, object):
        ridden = self.ridden(object, object.make)
        own = {c: v for c, v in object.make.items() if c not in ridden}
        values = f"({', '.join(own)}) VALUES ({', '.join(map(self.expression, own.values()))})" if own else "DEFAULT VALUES"
        object.key = self.sql.json(f"INSERT INTO {object.table} {values} RETURNING to_jsonb({object.key_column})")
        for column in ridden:
            check(f"{object.label}: its {column}", self.sql(*self.riders(object, column, object.make[column])), "")

    def update(self, object, values):
        """Statements that change an object; its key follows."""
        ridden = self.ridden(object, values)
        own = {c: v for c, v in values.items() if c not in ridden}
        if own:
            changes = ", ".join(f"{c} = {self.expression(v)}" for c, v in own.items())
            yield f"UPDATE {object.table} SET {changes} WHERE {object.where()}"
        if object.key_column in own:
            value = own[object.key_column]
            object.key = self.objects[value.label].key if isinstance(value, Of) else value
        for column in ridden:
            table = object.resource.attributes[column].table
            carrier = self.tables.referrer(table, object.table)
            yield f"DELETE FROM {table} WHERE {carrier} = {literal(object.key)}"
            yield from self.riders(object, column, values[column])

    # ----------------------------------------------------------- rounds

    def round(self, what, statements, *wanted):
        """Rows change; the same preview again if all bases are read, an apply that does what it shows, and nothing is left to do."""
        keys = {label: object.key for label, object in self.objects.items()}
        changed = self.sql("BEGIN", *statements)
        applied = "ERROR"
        if check(f"{what}: the rows change", changed, ""):
            # objects get other names, with nothing in them that could be lost
            query = "SELECT * FROM iasql_preview_apply(allow => '{lose_data}')"
            preview = self.sql(query)
            check(f"{what}: the preview is repeatable", self.sql("SAVEPOINT s", FORGET_DIGESTS, query, "ROLLBACK TO s"), preview)
            applied = self.sql("SELECT * FROM iasql_apply(allow => '{lose_data}')")
            check(f"{what}: the apply does what the preview shows", applied, preview)
        plan = [" ".join(line.split("|")[:2]) for line in applied.splitlines()]
        check(f"{what}: the plan", sorted(plan), sorted(wanted))
        self.sql("COMMIT")  # or else rolls back
        if "ERROR" in applied:
            for label, key in keys.items():
                self.objects[label].key = key
        check(f"{what}: a second apply is empty", self.sql("SELECT * FROM iasql_apply()"), "")
        self.tables = Tables(self.sql, self.resources)
        touched = {line.split()[-1] for line in plan}
        for object in self.objects.values():
            if object.table in touched and object.key is not None:
                self.compare(what, object)
        return "ERROR" not in applied

    def shared(self, what, changes, action):
        """Changes of several objects: in one round, or each column in its own."""
        changes = [(o, values) for o, values in changes if values]
        if LONG:
            for object, values in changes:
                for column, value in values.items():
                    volatile = "volatile" in object.resource.attributes[column].flags  # put back, and no news
                    wanted = [] if volatile else [f"{action} {object.table}"]
                    self.round(f"{what} {object.label}.{column}", self.update(object, {column: value}), *wanted)
        else:
            statements = [s for o, values in changes for s in self.update(o, values)]
            self.round(what, statements, *(f"{action} {o.table}" for o, _ in changes))

    def item(self, object, row=None):
        """What boto3 shows of an object now, or showed under the values of an earlier row."""
        return object.life.read(self.aws, row or object.row(self.tables))

    def seen(self, object, column):
        return plain(look(object.life.see[column], self.item(object)))

    def compare(self, what, object):
        """Every column of an object against what boto3 shows."""
        row = object.row(self.tables)
        item = row and self.item(object)
        if not check(f"{what}: {object.label} is there", item is not None, True):
            return
        for attribute in object.resource.attributes.values():
            column = attribute.column
            if column not in object.life.see:
                check(f"{object.label}.{column} has a case", (object.table, column) in REASONS, True)
                continue
            mine, theirs = self.tables.value(object.table, attribute, row), look(object.life.see[column], item)
            if attribute.form == "parts":
                self.compare_parts(what, object, attribute, mine, theirs)
            elif not same(mine, theirs):
                check(f"{what}: {object.label}.{column} is what boto3 shows", plain(mine), plain(theirs))

    def compare_parts(self, what, object, attribute, parts, items):
        parts, items = ({p["name"]: p for p in side} for side in (parts, items))
        if not check(f"{what}: the parts of {object.label}", sorted(parts), sorted(items)):
            return
        for name, part in parts.items():
            for column, where in CONTAINER.items():
                mine = part[column]
                if column in ("image", "repository_name", "public_repository_name"):
                    if column != next(c for c in ("image", "repository_name", "public_repository_name") if part[c]):
                        continue
                    if column != "image":
                        mine = self.tables.referred(attribute.table, column, part)[1]["repository_uri"]
                elif mine is None and column in ("host_port", "protocol"):
                    continue  # AWS decides
                if not same(mine, look(where, items[name])):
                    check(f"{what}: {object.label}'s {name}.{column}", plain(mine), plain(look(where, items[name])))


# ------------------------------------------------------------------ phases


def create(trip):
    """All objects, in two applies: arrays of cloud ids can be written only once there are ids."""
    later = set()
    batches = [], []
    own = {r: (r, LIVES[r].make) for r, resource in trip.resources.items() if r in LIVES and not resource.read_only}
    labels = {**COMPANIONS, **own, **trip.objects}
    for label, (resource, make) in {**COMPANIONS, **own}.items():
        object = trip.add(label, resource, make)
        arrays = any(object.resource.attributes[c].form == "ids" for c in make)
        waits = arrays or any(isinstance(v, Of) and (v.label in later or v.label not in labels) for v in make.values())
        if waits:
            later.add(label)
        batches[waits].append(object)
    order = list(trip.resources)
    for what, objects in zip(("create", "create what refers to ids"), batches):
        for object in sorted(objects, key=lambda o: (order.index(o.table), o.label == o.table)):
            trip.insert(object)
        trip.round(what, [], *(f"create {o.table}" for o in objects))
        if "route tables" not in trip.constants:
            route_tables(trip)


def route_tables(trip):
    """A VPC's main route table and another, made by somebody else."""
    ec2, vpc = trip.aws("ec2"), trip.tables.find("vpc", trip.objects["second vpc"].key)["vpc_id"]
    found = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    trip.constants["route tables"] = [t["RouteTableId"] for t in found]
    trip.constants["foreign route table"] = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    trip.constants["more route tables"] = [*trip.constants["route tables"], trip.constants["foreign route table"]]


def found(trip):
    """The read-only resources, as objects: AWS's own, and what somebody else has made."""
    for label, resource, key in (
        ("certificate", "certificate", None), ("second certificate", "certificate", None),
        ("availability_zone", "availability_zone", "us-east-1f"),
    ):
        if resource not in LIVES:
            continue
        object = trip.add(label, resource, {})
        object.key = key or next(r["id"] for r in trip.tables.rows["certificate"] if r["arn"] == trip.constants[label + " arn"])
        trip.compare("import", object)


def edited(trip, object, attribute):
    """Another value of a computed column, as SQL."""
    column = trip.tables.columns[object.table][attribute.column]
    now = object.row(trip.tables)[attribute.column]
    if column["type"] in trip.tables.enums:
        return Sql(literal(next(l for l in trip.tables.enums[column["type"]] if l != now)))
    return Sql({
        "int4": f"coalesce({attribute.column}, 0) + 1" if attribute.form == "scalar" else "NULL",
        "bool": f"NOT {attribute.column}",
        "timestamptz": "'2001-01-01'",
        "_varchar": "'{edited}'",
    }.get(column["type"], literal("edited " + object.label)))


def computed(trip):
    """Columns that AWS sets are put back, whatever they are set to."""
    objects = [o for o in trip.objects.values() if o.label == o.table]
    values = {
        o.label: {
            a.column: edited(trip, o, a)
            for a in o.resource.attributes.values() if "computed" in a.flags and (o.table, a.column) not in REASONS
        }
        for o in objects
    }
    trip.shared("edit of computed columns:", [(o, values[o.label]) for o in objects], "update")
    nulls = {
        label: {c: None for c in columns if trip.tables.columns[trip.objects[label].table][c]["nullable"]}
        for label, columns in values.items()
    }
    trip.shared("computed columns set to NULL:", [(o, nulls[o.label]) for o in objects], "update")


def changed(trip):
    """In place: each changeable column to another value, to NULL, and back."""
    objects = [o for o in trip.objects.values() if o.label == o.table and o.life.change]
    before = {(o.label, c): trip.seen(o, c) for o in objects for c in o.life.change}
    trip.shared("change", [(o, o.life.change) for o in objects], "update")
    after = {(o.label, c): trip.seen(o, c) for o in objects for c in o.life.change}
    for (label, column), value in after.items():
        check(f"{label}.{column} has changed", value != before[label, column], True)

    def clearable(object):
        columns = trip.tables.columns[object.table]
        return {
            a.column: None
            for a in object.resource.attributes.values()
            if a.column in object.life.change and (object.table, a.column) not in NOT_NULL
            and (a.table or columns[a.column]["nullable"])
        }

    trip.shared("NULL in", [(o, clearable(o)) for o in objects], "update")
    for object in objects:
        for column in clearable(object):
            keeps = "keep" in object.resource.attributes[column].flags
            check(
                f"{object.label}.{column} set to NULL", trip.seen(object, column),
                after[object.label, column] if keeps else object.life.null.get(column),
            )
    again = {
        o.label: {
            c: o.make.get(c, o.life.change[c]) for c in clearable(o)
            if c in o.make or "keep" not in o.resource.attributes[c].flags
        } for o in objects
    }
    trip.shared("values after NULL of", [(o, again[o.label]) for o in objects], "update")
    for object in objects:
        for column in again[object.label]:
            was = before if column in object.make else after
            check(f"{object.label}.{column} is back", trip.seen(object, column), was[object.label, column])


def replaced(trip):
    """Each column that only another object can have changed: the new one is there, the old one gone."""
    steps = [(n, o, step) for o in trip.objects.values() if o.label == o.table for n, step in enumerate(o.life.replace)]
    if LONG:
        rounds = [[step] for step in steps]
    else:
        rounds = [[s for s in steps if s[0] == n] for n in range(1 + max(s[0] for s in steps))]
    for round in rounds:
        statements, wanted, along, old, names = [], [], [], [], []
        for _, object, step in round:
            values = {c: v for c, v in step.items() if c is not None}
            names.append(f"{object.label} with another {', '.join(values)}")
            old.append((object, object.row(trip.tables)))
            renamed = object.resource.named and object.key_column in values
            wanted += [f"create {object.table}", f"delete {object.table}"] if renamed else [f"replace {object.table}"]
            along += step.get(None, [])
            statements += trip.update(object, values)
        what = names[0] if LONG else f"replacements ({len(names)})"
        if trip.round(what, statements, *wanted, *(a for a in along if a not in wanted)):
            for name, (object, row) in zip(names, old):
                check(f"{name}: the old one is gone", trip.item(object, row), None)


def containers(trip):
    """Each column of a container makes the next revision of its task definition."""
    task = trip.objects["task_definition"]
    table = task.resource.attributes["containers"].table
    name = "web"
    for changes in [[c] for group in CONTAINER_CHANGES for c in group] if LONG else CONTAINER_CHANGES:
        statements = []
        for change in changes:
            values = ", ".join(f"{c} = {trip.expression(v)}" for c, v in change.items())
            statements.append(f"UPDATE {table} SET {values} WHERE name = '{name}' AND task_definition_id = {task.key}")
            name = change.get("name", name)
        what = f"a container's {', '.join(c for change in changes for c in change)}"
        trip.round(what, statements, "replace task_definition")
    trip.round("a container less", [f"DELETE FROM {table} WHERE name = 'side' AND task_definition_id = {task.key}"],
               "replace task_definition")


def reinstalled(trip):
    """Uninstalling and installing gives the same rows, and nothing to do."""
    before, modules = trip.tables.canonical(), list(dict.fromkeys(r.module for r in trip.resources.values()))
    names = ", ".join(map(literal, modules))
    check("the modules are uninstalled", "ERROR" in trip.sql(f"SELECT iasql_uninstall({names})"), False)
    check("and installed", "ERROR" in trip.sql(f"SELECT iasql_install({names})"), False)
    check("an apply after the installation is empty", trip.sql("SELECT * FROM iasql_apply()"), "")
    trip.tables = Tables(trip.sql, trip.resources)
    for table, rows in trip.tables.canonical().items():
        check(f"{table} has the same rows", sorted(set(rows) - set(before[table])), sorted(set(before[table]) - set(rows)))


def deleted(trip):
    """All objects, in one apply."""
    objects = [o for o in trip.objects.values() if o.table != "availability_zone"]
    identities = {o.label: trip.tables.identity(o.table, o.row(trip.tables)) for o in objects}
    reinstalled(trip)
    for object in objects:  # the rows have other keys now
        column = trip.resources[object.table].id
        row = next((r for r in trip.tables.rows[object.table]
                    if trip.tables.identity(object.table, r) == identities[object.label]), None)
        if check(f"{object.label} is a row again", row is not None, True):
            object.key = row[object.key_column]
    objects = [o for o in objects if o.row(trip.tables)]
    rows = {o.label: o.row(trip.tables) for o in objects}
    order = list(trip.resources)
    statements = []
    for object in sorted(objects, key=lambda o: -order.index(o.table)):
        if object.table == "vpc":  # with the group that AWS gave it, which is AWS's own, so no deletion is reported
            group = f"(SELECT id FROM security_group WHERE vpc_id = {object.key} AND group_name = 'default')"
            statements.append(f"DELETE FROM security_group_rule WHERE security_group_id = {group}")
            statements.append(f"DELETE FROM security_group WHERE id = {group}")
        statements.append(f"DELETE FROM {object.table} WHERE {object.where()}")
        object.key = None
    trip.aws("ec2").delete_route_table(RouteTableId=trip.constants["foreign route table"])
    vpcs = sum(o.table == "vpc" for o in objects)
    trip.round("delete", statements, *(f"delete {o.table}" for o in objects),
               *["delete security_group_rule"] * vpcs)
    for object in objects:
        check(f"{object.label} is gone", trip.item(object, rows[object.label]), None)


def coverage(trip, lacking):
    """No column without a case or a reason."""
    for resource in trip.resources.values():
        life = LIVES.get(resource.name)
        if life is None:
            check(f"{resource.name} has a life", (resource.name, None) in lacking, True)
            continue
        for attribute in resource.attributes.values():
            column = attribute.column
            case = "computed" in attribute.flags or attribute.form == "parts" or column in life.change
            case = case or any(column in step for step in life.replace)
            reason = (resource.name, column) in REASONS
            check(f"{resource.name}.{column} has a case or a reason", case or reason, True)
    columns = set(trip.tables.columns["container_definition"]) - {"id", "region", "task_definition_id"}
    cases = {c for changes in CONTAINER_CHANGES for change in changes for c in change}
    check("every column of a container has a case", columns if not lacking else cases, set(CONTAINER) & cases)


def main(program, endpoint, emulator="moto"):
    aws = Emulator(endpoint)
    session, resources = Session(), registry(program)
    lacking = MINISTACK if emulator == "ministack" else {}
    leave_out(lacking)
    arns = [aws("acm").request_certificate(DomainName=f"{n}.example.com")["CertificateArn"] for n in ("one", "two")]
    modules = ", ".join(literal(m) for m in dict.fromkeys(r.module for r in resources.values()))
    check("the modules are installed", "ERROR" in session(f"SELECT iasql_install({modules})"), False)
    trip = Trip(session, resources, aws)
    trip.constants = {"certificate arn": arns[0], "second certificate arn": arns[1]}
    coverage(trip, lacking)
    found(trip)
    create(trip)
    computed(trip)
    changed(trip)
    containers(trip)
    replaced(trip)
    deleted(trip)
    session.close()
    finish()


if __name__ == "__main__":
    main(*sys.argv[1:])
