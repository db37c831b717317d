"""The database under test: one session of psql, the registry of resources, and the rows with their references resolved."""

import collections
import datetime
import json
import subprocess

Attribute = collections.namedtuple("Attribute", "column form table refers flags")


class Resource:
    """One resource of the registry, as registry.c prints it."""

    def __init__(self, module, name, region, *properties):
        self.module, self.name, self.region = module, name, region
        self.read_only = "read_only" in properties
        self.versioned = "versioned" in properties
        self.attributes = {}

    def flagged(self, flag):
        return [a.column for a in self.attributes.values() if flag in a.flags]

    @property
    def id(self):
        """The column that holds the cloud id."""
        return self.flagged("id")[0]

    @property
    def named(self):
        """Whether AWS knows the object by a name that the user gives, so that renaming it makes another."""
        return "computed" not in self.attributes[self.id].flags


def registry(program):
    """The resources by name, parents first."""
    resources = {}
    for line in subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
        what, *fields = line.split("\t")
        if what == "resource":
            resources[fields[1]] = Resource(*fields)
        else:
            resource, column, form, table, refers, *flags = fields
            resources[resource].attributes[column] = Attribute(column, form, table, refers, flags)
    return resources


class Session:
    """A session of psql.  A call gives what it prints, errors included."""

    def __init__(self):
        self.psql = subprocess.Popen(
            ["psql", "-XqAt", "-v", "VERBOSITY=verbose"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )

    def __call__(self, *statements):
        for statement in statements:
            self.psql.stdin.write(statement.rstrip().rstrip(";") + ";\n")
        self.psql.stdin.write("\\echo END-OF-OUTPUT\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == "END-OF-OUTPUT\n":
                return "".join(lines).rstrip("\n")
            lines.append(line)
        raise EOFError("psql has gone: " + "".join(lines))

    def json(self, query):
        text = self(query)
        try:
            return json.loads(text)
        except ValueError:
            raise ValueError(f"{query}: {text}") from None

    def close(self):
        self.psql.stdin.close()
        self.psql.wait()


class Tables:
    """All rows of the resources' tables at one moment, and what the catalog says of them."""

    def __init__(self, session, resources):
        self.resources = resources
        names = list(resources) + sorted({a.table for r in resources.values() for a in r.attributes.values() if a.table})
        everything = session.json(
            "SELECT json_build_object('rows', json_build_object("
            + ", ".join(f"'{n}', (SELECT coalesce(json_agg(to_jsonb(t)), '[]') FROM {n} t)" for n in names)
            + """), 'foreign', (
                SELECT json_agg(json_build_array(c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text, b.attname))
                FROM pg_constraint c, unnest(c.conkey, c.confkey) k (x, y), pg_attribute a, pg_attribute b
                WHERE c.contype = 'f' AND a.attrelid = c.conrelid AND a.attnum = x AND b.attrelid = c.confrelid AND b.attnum = y
                AND a.attname <> 'region'
            ), 'columns', (
                SELECT json_agg(json_build_array(table_name, column_name, is_nullable = 'YES', udt_name))
                FROM information_schema.columns WHERE table_schema = 'public'
            ), 'enums', (
                SELECT json_object_agg(typname, labels) FROM (SELECT typname, json_agg(enumlabel ORDER BY enumsortorder) AS labels
                FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid GROUP BY typname) t
            ))"""
        )
        self.rows, self.enums = everything["rows"], everything["enums"]
        # (table, column) -> (table, column) that it refers to
        self.foreign = {(table, column): (other, key) for table, column, other, key in everything["foreign"]}
        self.columns = collections.defaultdict(dict)
        for table, column, nullable, type_ in everything["columns"]:
            self.columns[table][column] = {"nullable": nullable, "type": type_}

    def key_column(self, table):
        """The column that tells the rows of one region apart."""
        resource = self.resources[table]
        return "id" if "id" in self.columns[table] else resource.id if resource.named else resource.flagged("key")[0]

    def find(self, table, key):
        (row,) = [row for row in self.rows[table] if row[self.key_column(table)] == key]
        return row

    def referrer(self, table, other):
        """The column of a table that refers to another."""
        (column,) = [c for (t, c), (o, _) in self.foreign.items() if t == table and o == other]
        return column

    def referred(self, table, column, row):
        """The table and row that a row's column refers to, or None."""
        if row[column] is None:
            return None
        other, key = self.foreign[table, column]
        (found,) = [r for r in self.rows[other] if r[key] == row[column] and r.get("region") in (None, row.get("region"))]
        return other, found

    def identity(self, table, row):
        """What AWS calls the object of a row."""
        return self.plain_value(table, self.resources[table].id, row)

    def plain_value(self, table, column, row):
        """A row's value, or for a reference what AWS calls the object that it refers to."""
        if (table, column) not in self.foreign:
            return row[column]
        found = self.referred(table, column, row)
        return found and self.identity(*found)

    def value(self, table, attribute, row):
        """An attribute's value: references as above, for a join all of them, for parts the rows."""
        if not attribute.table:
            return self.plain_value(table, attribute.column, row)
        carrier = self.referrer(attribute.table, table)
        _, key = self.foreign[attribute.table, carrier]
        rows = [r for r in self.rows[attribute.table] if r[carrier] == row[key] and r.get("region") == row.get("region")]
        if attribute.form == "parts":
            return rows
        column = self.referrer(attribute.table, attribute.refers)
        return [self.plain_value(attribute.table, column, r) for r in rows]

    def canonical(self):
        """All rows without keys of their own, to be compared between two imports."""
        return {
            table: sorted(json.dumps({c: self.canonical_value(table, c, row) for c in row if c != "id"}, sort_keys=True)
                          for row in rows)
            for table, rows in self.rows.items()
        }

    def canonical_value(self, table, column, row):
        value = self.plain_value(table, column, row)
        if column in ("policy_text", "policy_document", "env_variables") and value:
            return json.loads(value)
        if (table, column) == ("container_definition", "cpu"):
            return value or None  # AWS answers 0 for none
        if (table, column) in (("container_definition", "host_port"), ("container_definition", "protocol")):
            return value or row["container_port"] and {"host_port": row["container_port"], "protocol": "tcp"}[column]
        return plain(value)


def literal(value):
    """A constant of SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int)):
        return str(value).lower()
    if isinstance(value, list):
        return "ARRAY[" + ", ".join(map(literal, value)) + "]::text[]"
    if isinstance(value, dict):
        value = json.dumps(value)
    return "'" + str(value).replace("'", "''") + "'"


def plain(value):
    """A value as rows and boto3's objects are compared: times in milliseconds, sets in order, nothing as None."""
    if isinstance(value, datetime.datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, list):
        return sorted(set(value)) or None
    return None if value in ("", {}, []) else value


def same(mine, theirs):
    """Whether a row's value is what boto3 shows; times and documents may be text."""
    if isinstance(mine, str) and isinstance(theirs, datetime.datetime):
        mine = datetime.datetime.fromisoformat(mine)
    elif isinstance(mine, str) and isinstance(theirs, dict):
        mine = json.loads(mine)
    return plain(mine) == plain(theirs)
