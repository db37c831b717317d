"""Rows with odd values: rows.py EMULATOR_URL SERVER_LOG

Every column of every module's table is given legal values and illegal ones.  First alone: the table takes a value, or
refuses it with an SQLSTATE and names the column.  Then a few at once, from fixed seeds, in previews and in applies that are
rolled back: those may refuse them too, with an error that says where, but nothing ends in an internal error.  In the end the
rows as they were and the account are in step again.
"""

import os
import random
import re
import sys

from check import Emulator, check, check_alive, converge, finish, run, sql, tutorial
from snapshot import account

URL, SERVER_LOG = sys.argv[1:]
AWS = Emulator(URL)
LONG = os.environ.get("IASQL_LONG")
PREVIEWS, APPLIES = (400, 60) if LONG else (24, 6)
ODD = ["", " ", "0", "-1", "256", "65536", "2147483647", "2147483648", "1e400", "NaN", "true", "null", "[]", "{}", '{"a": 1}', '{"a": "b"}',
       "{a,NULL}", "{{a},{b}}", "'; DROP TABLE role; --", "\u202e\U0001f4a5", "x" * 3000, "10.0.0.0/8", "10.0.0.1/16", "0.0.0.0/0",
       "::/0", "infinity", "2026-02-30", "tcp", "-", "%s%n", "a|b\nc", "arn:aws:iam::0:role/x", "us-east-1", "eu-west-1"]  # fmt: skip
ALLOW = "allow => '{delete_imported,empty_resource,empty_references,lose_data}'"
NETWORK = """
    INSERT INTO vpc (cidr_block) VALUES ('10.7.0.0/16');
    INSERT INTO subnet (cidr_block, availability_zone, vpc_id) SELECT '10.7.1.0/24', 'us-east-1a', id FROM vpc WHERE NOT is_default;
    INSERT INTO nat_gateway (connectivity_type, subnet_id) SELECT 'private', id FROM subnet WHERE cidr_block = '10.7.1.0/24';
    INSERT INTO elastic_ip (tags) VALUES ('{"a": "b"}');
    INSERT INTO endpoint_gateway (service, vpc_id) SELECT 's3', id FROM vpc WHERE NOT is_default;
    INSERT INTO public_repository (repository_name) VALUES ('open');
    INSERT INTO repository_policy (repository_name, policy_text)
        SELECT repository_name, '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:ListImages"}]}'
        FROM repository;"""


def literal(text):
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


# Tries an edit in a subtransaction of its own: NULL, or what it was refused with, as (SQLSTATE, constraint or column, message).
TRY = r"""CREATE FUNCTION try(edit text, keep boolean) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    what text;
    col text;
BEGIN
    EXECUTE edit;
    SET CONSTRAINTS ALL IMMEDIATE;
    IF NOT keep THEN
        RAISE 'accepted' USING ERRCODE = 'ZZZZZ';
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS what = CONSTRAINT_NAME, col = COLUMN_NAME;
    RETURN CASE WHEN SQLSTATE <> 'ZZZZZ' THEN ARRAY[SQLSTATE, what || col, SQLERRM] END;
END
$$"""


def columns():
    """All columns of modules' tables that have rows: (table, column)."""
    tables = sql('SELECT DISTINCT "table" FROM iasql_tables WHERE "table" NOT LIKE \'aws_%\' AND module NOT LIKE \'iasql%\' ORDER BY 1').split()
    found = sql("SELECT attrelid::regclass || '.' || attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
                f" AND attrelid = ANY ('{{{','.join(tables)}}}'::regclass[]) ORDER BY attrelid::regclass::text, attnum").split()  # fmt: skip
    empty = [table for table in tables if sql(f"SELECT count(*) FROM {table}") == "0"]
    return [tuple(name.split(".")) for name in found if name.split(".")[0] not in empty], empty


def edit(table, column, value, row=0):
    """The statement that gives a value to one row; rows are counted as the table has them by its key."""
    return (f"UPDATE {table} SET {column} = {literal(value)} WHERE ctid = (SELECT ctid FROM {table} t"
            f" ORDER BY t::text COLLATE \"C\" OFFSET {row} % (SELECT count(*) FROM {table}) LIMIT 1)")  # fmt: skip


def legal(table, column):
    """What other rows have there, and the labels of an enum."""
    return [line for line in sql(f"SELECT DISTINCT {column}::text FROM {table} WHERE {column} IS NOT NULL UNION SELECT enumlabel FROM pg_enum"
                                 f" WHERE enumtypid = pg_typeof((SELECT {column} FROM {table} LIMIT 1))::regtype ORDER BY 1 LIMIT 8")
            .splitlines() if "\n" not in line]  # fmt: skip


def alone(names):
    """The values that each column takes."""
    accepted, refused = {}, 0
    for name in names:
        values = [None, *ODD, *legal(*name)]
        edits = ", ".join(f"({n}, {literal(edit(*name, value))})" for n, value in enumerate(values))
        output = run(f"SELECT n, r[1], r[2] <> '', r[3] FROM (VALUES {edits}) v (n, e), try(e, false) r ORDER BY n").stdout
        answers = re.findall(r"^(\d+)\|([0-9A-Z]*)\|([tf]?)\|(.*)$", output, re.M)
        check(f"{name}: every value is taken or refused", len(answers), len(values), output[:300])
        accepted[name] = [values[int(n)] for n, state, *_ in answers if not state]
        for n, state, named, message in answers:
            if state:
                refused += 1
                # what no value of the type looks like is told by the type's name and the value
                good = state[:2] in ("22", "23", "42") and (named == "t" or name[1] in message or state in ("22P02", "22003", "22007", "22008"))
                check(f"{name} = {values[int(n)]!r:.60} is refused by name", bool(good), True, f"{state}: {message}")
    print(sum(map(len, accepted.values())), "values are taken,", refused, "refused", flush=True)
    return accepted


def together(accepted):
    """Some of them at once, planned and applied."""
    names = sorted(accepted)
    ends = {}
    for number in range(PREVIEWS + APPLIES):
        numbers = random.Random(number)
        chosen = [(*name, numbers.choice(accepted[name]), numbers.randrange(3)) for name in numbers.sample(names, 3)]
        verb = "iasql_apply" if number >= PREVIEWS else numbers.choice(["iasql_preview_apply", "iasql_preview_sync"])
        call = f"SELECT action, table_name FROM {verb}(scope => 'all', on_error => '{numbers.choice(['raise', 'report'])}', {ALLOW})"
        done = run(r"\set VERBOSITY verbose", "BEGIN", *(f"SELECT try({literal(edit(*one))}, true)" for one in chosen), call, "ROLLBACK")
        error = re.search(r"^ERROR:  ([0-9A-Z]{5}): (.*)$", done.stderr, re.M)
        what = f"round {number}: {verb} of {[(t, c, str(v)[:40]) for t, c, v, _ in chosen]}"
        good = done.returncode == 0 or error and error[1][:2] not in ("XX", "57", "53", "08")
        check(what, bool(good), True, done.stderr)
        if error:
            told = any(re.search(rf"\b({t}|{c})\b", done.stderr.partition("LOCATION")[0]) for t, c, *_ in chosen)
            check(f"{what}: the error says where", told, True, done.stderr)
        ends[error[1] if error else "success"] = ends.get(error[1] if error else "success", 0) + 1
    print(ends, flush=True)


run(TRY, "SELECT FROM iasql_install('aws_ecs_fargate')", check=True)
run(input=tutorial("up") + NETWORK, check=True)
check("the rows are applied", converge(), "")
os.environ["PGOPTIONS"] += " -c iasql.wait_timeout=5s"  # only now: an emulator that is new may take as long for its first answers
before = account(AWS)
names, empty = columns()
check("tables without a row", empty, ["certificate"])
together(alone(names))
check("rows and account are in step", (converge(), account(AWS)), ("", before))
check_alive(SERVER_LOG)
finish()
