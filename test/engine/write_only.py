"""A write-only column end to end, of the resource of write_only.c:  write_only.py LIBRARY EMULATOR_URL

AWS gets the value, and no table, message or log of ours has it; the row loses it once AWS has confirmed, and not before.
"""

import os
import sys

import proxy
from check import Emulator, check, finish, run, sql

LIBRARY, URL = sys.argv[1:]
AWS = Emulator(URL)("secretsmanager")
APPLY = "SELECT action || ' ' || table_name FROM iasql_apply()"
wire = proxy.Proxy(URL)
proxy.ERRORS["refused"] = 400, "InvalidParameterException"
said = []


def tell(*statements, **options):
    """The output of statements, which is searched at the end."""
    said.append(sql("SET client_min_messages = debug5", "SET iasql.request_timeout = '2s'", *statements, **options))
    return "\n".join(line for line in said[-1].splitlines()
                     if not line.startswith(("DEBUG:", "LOG:", "NOTICE:", "LINE ", "QUERY:")) and line.strip() != "^")


def row():
    return sql("SELECT description, password FROM log_group")


def value():
    return AWS.get_secret_value(SecretId="s")["SecretString"]


def settled(what):
    """The row has lost the value, and nothing is left to do."""
    check(f"{what}: the row", row().rpartition("|")[2], "")
    check(f"{what}: no drift", sql("SELECT * FROM iasql_refresh()"), "")
    check(f"{what}: no plan", sql("SELECT * FROM iasql_preview_apply()"), "")
    check(f"{what}: no plan of a sync", sql("SELECT * FROM iasql_preview_sync()"), "")


run("CREATE EXTENSION iasql", "ALTER SYSTEM SET log_min_messages = debug5", "ALTER SYSTEM SET log_min_error_statement = panic", check=True)
run("SELECT pg_reload_conf()", "SELECT iasql_install('aws_account')", check=True)
run(f"ALTER DATABASE postgres SET iasql.endpoint_url = '{wire.url}'",
    "INSERT INTO aws_account (region, access_key_id, secret_access_key) VALUES ('us-east-1', 'test', 'test')", check=True)
run("SELECT iasql_install('aws_cloudwatch')", "ALTER TABLE log_group ADD description text, ADD password text",
    f"UPDATE pg_proc SET probin = '{LIBRARY}' WHERE probin = '$libdir/iasql'", check=True)

PASSWORDS = [f"PaSsWoRd{i}" for i in range(6)]
SET = "UPDATE log_group SET password = '{}'"

# refused at first, then made
run(f"INSERT INTO log_group (log_group_name, description, password) VALUES ('s', 'd', '{PASSWORDS[0]}')", check=True)
wire.arm("CreateSecret", "refused")
check("a creation that is refused", "ERROR:  could not apply 1 of 1 changes" in tell(APPLY), True)
check("keeps the value", row(), f"d|{PASSWORDS[0]}")
wire.arm(0, None)
check("a plan", tell("SELECT action || ' ' || table_name FROM iasql_preview_apply()"), "create log_group")
check("a creation", tell(APPLY), "create log_group")
check("sent", value(), PASSWORDS[0])
settled("a creation")

# changed when it is set again, alone and with another column
run(SET.format(PASSWORDS[1]), check=True)
check("a plan of a change", tell("SELECT action || ' ' || table_name FROM iasql_preview_apply()"), "update log_group")
check("a change", tell(APPLY), "update log_group")
check("a change is sent", value(), PASSWORDS[1])
settled("a change")
run("UPDATE log_group SET description = 'e'", check=True)
check("another column", tell(APPLY), "update log_group")
check("leaves the value", value(), PASSWORDS[1])
run(SET.format(PASSWORDS[1]), check=True)
check("the same value again", tell(APPLY), "update log_group")
settled("the same value again")

# refused, lost
run(SET.format(PASSWORDS[2]), check=True)
wire.arm("UpdateSecret", "refused")
check("a change that is refused", "ERROR:  could not apply 1 of 1 changes" in tell(APPLY), True)
check("keeps the new value", row(), f"e|{PASSWORDS[2]}")
check("reported", tell("SELECT action FROM iasql_apply(on_error => 'report')"), "error")
check("keeps it too", row(), f"e|{PASSWORDS[2]}")
wire.arm("UpdateSecret", "reset_done")
check("an answer that is lost", "ERROR:" in tell(APPLY), True)
check("keeps it as well", row(), f"e|{PASSWORDS[2]}")
wire.arm(0, None)
tell(APPLY)
check("is sent at last", value(), PASSWORDS[2])
settled("a lost answer")

# undone by the user, an import, a rollback
run("BEGIN", SET.format(PASSWORDS[3]), APPLY, "ROLLBACK", check=True)
check("a rollback", row(), "e|")
run("DELETE FROM log_group", "SELECT iasql_sync()", check=True)
check("an import", row(), "e|")
run(SET.format(PASSWORDS[4]), "SELECT iasql_sync()", check=True)
check("a sync", row().partition("|")[0], "e")
run(SET.format(PASSWORDS[5]), "DELETE FROM log_group", check=True)
check("a deletion", tell(APPLY), "delete log_group")

for table in sql("SELECT oid::regclass FROM pg_class WHERE relname LIKE 'iasql%' AND relkind IN ('r', 'v')").split():
    said.append(sql(f"TABLE {table}"))
said.append(sql("SELECT iasql_get_sql_since()") + sql("SELECT iasql_get_errors()"))
check("what was said", [line[:300] for line in "\n".join(said).splitlines() if "passw" in line.lower() and "PaSsWoRd" in line][:5], [])
check("there was much to see", len("\n".join(said)) > 10000, True)
with open(f"{os.environ['PGHOST']}/log", encoding="utf-8", errors="replace") as log:
    check("the server's log", [line[:300] for line in log if "PaSsWoRd" in line][:5], [])
finish()
