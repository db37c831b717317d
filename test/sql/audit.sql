-- iasql_audit_log: who changed which row, and what of it is kept.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test-secret', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_cloudwatch', 'aws_security_group');

-- secrets are masked, their changes are kept
UPDATE aws_account SET secret_access_key = 'other-secret', session_token = 'token-secret';
SELECT change_type, change FROM iasql_audit_log WHERE table_name = 'aws_account' ORDER BY id;
SELECT count(*) AS secrets FROM iasql_audit_log WHERE change::text ~ '-secret';
UPDATE aws_account SET secret_access_key = 'test', session_token = NULL;

-- what an import wrote is the operation's, the rest the user's
SELECT table_name, change_type, operation = o.id AS imported, count(*) > 0 AS some
FROM iasql_audit_log JOIN iasql_operation o ON o.verb = 'INSTALL'
WHERE table_name = 'vpc' AND o.id = (SELECT max(id) FROM iasql_operation WHERE verb = 'INSTALL') GROUP BY 1, 2, 3;

CREATE VIEW log AS SELECT usr, table_name, change_type, operation, change FROM iasql_audit_log
    WHERE id > (SELECT coalesce(max(id), 0) FROM iasql_audit_log WHERE table_name = 'aws_account') ORDER BY id;
CREATE ROLE regress_member LOGIN;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON log_group TO regress_member;
SET SESSION AUTHORIZATION regress_member;
INSERT INTO log_group (log_group_name) VALUES ('one'), ('two');
INSERT INTO log_group (log_group_name) VALUES ('two'), ('three') ON CONFLICT DO NOTHING;
COPY log_group (log_group_name) FROM stdin;
four
\.
UPDATE log_group SET log_group_name = 'zero' WHERE log_group_name = 'one';
UPDATE log_group SET log_group_name = log_group_name;
UPDATE log_group SET log_group_name = 'none' WHERE false;
DELETE FROM log_group WHERE log_group_name > 'two';
TRUNCATE log_group;
-- the log is read by the owner of the tables, written by none
SELECT count(*) > 0 AS readable FROM iasql_audit_log;
DELETE FROM iasql_audit_log;
UPDATE iasql_audit_log SET usr = 'nobody';
INSERT INTO iasql_audit_log (workspace, usr, table_name, change_type, change) VALUES (1, 'x', 'x', 'x', '{}');
RESET SESSION AUTHORIZATION;
TABLE log;

-- a name is stored with zeros behind it, not with what is there in memory
CHECKPOINT;
SELECT bool_and((length(bytes) - length(replace(bytes, stored, ''))) / 128 >= n) AS padded
FROM encode(pg_read_binary_file(pg_relation_filepath('iasql_audit_log')), 'hex') AS bytes,
    (SELECT rpad(encode(usr::text::bytea, 'hex'), 128, '0') AS stored, count(*) AS n FROM iasql_audit_log GROUP BY usr) AS names;

-- who is the session's user, whoever owns the function that wrote
CREATE FUNCTION write_row() RETURNS void LANGUAGE sql SECURITY DEFINER
    AS $$INSERT INTO public.log_group (log_group_name) VALUES ('by function')$$;
SET SESSION AUTHORIZATION regress_member;
SELECT write_row();
RESET SESSION AUTHORIZATION;
SELECT usr, change #>> '{change,log_group_name}' AS name FROM iasql_audit_log ORDER BY id DESC LIMIT 1;

-- columns of the user's own are kept too, made by the user's functions with the user's rights
CREATE TYPE mood AS (word text);
CREATE FUNCTION mood_json(mood) RETURNS json LANGUAGE sql AS $$SELECT to_json(current_user::text || ' ' || $1.word)$$;
CREATE CAST (mood AS json) WITH FUNCTION mood_json(mood);
ALTER TABLE log_group ADD COLUMN dropped int, ADD COLUMN at timestamptz, ADD COLUMN n numeric, ADD COLUMN list text[],
    ADD COLUMN doc jsonb, ADD COLUMN feeling mood;
ALTER TABLE log_group DROP COLUMN dropped;
SET SESSION AUTHORIZATION regress_member;
INSERT INTO log_group (log_group_name, at, n, list, doc, feeling)
    VALUES ('five', '2026-01-02 03:04:05+06', 1.50, '{a,NULL}', '{"b": [1]}', ROW('glad'));
RESET SESSION AUTHORIZATION;
SELECT change -> 'change' AS change FROM iasql_audit_log ORDER BY id DESC LIMIT 1;

-- more rows than are gathered at once, and than fit into memory
SET work_mem = '64kB';
INSERT INTO log_group (log_group_name) SELECT 'many-' || i FROM generate_series(1, 3000) i;
UPDATE log_group SET n = 1 WHERE log_group_name LIKE 'many-%';
SELECT change_type, count(*), count(DISTINCT txid) AS transactions,
    bool_and(coalesce(change #>> '{change,log_group_name}' = change #>> '{original,log_group_name}', true)) AS paired
FROM iasql_audit_log WHERE change #>> '{change,log_group_name}' LIKE 'many-%' GROUP BY 1 ORDER BY 1;
DELETE FROM log_group;

-- another workspace has its own log, and tables outside of one have none
CREATE SCHEMA other;
SET search_path = other;
SELECT count(*) FROM public.iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-west-2');
SELECT DISTINCT table_name FROM public.iasql_audit_log WHERE workspace = 2 ORDER BY 1;
CREATE ROLE regress_reader;
SET ROLE regress_reader;
SELECT has_schema_privilege('other', 'USAGE') AS may_use_other, count(*) FROM public.iasql_audit_log WHERE workspace = 2;
RESET ROLE;
RESET search_path;
CREATE TABLE plain (a int);
CREATE TRIGGER audit AFTER INSERT ON plain REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION iasql_audit();
INSERT INTO plain VALUES (1);
SELECT count(*) FROM iasql_audit_log WHERE table_name = 'plain';
CREATE TRIGGER row_audit AFTER DELETE ON plain FOR EACH ROW EXECUTE FUNCTION iasql_audit();
DELETE FROM plain;

-- retention is the superuser's, and takes effect at the next apply
SET ROLE regress_member;
SET iasql.audit_retention = '1h';
RESET ROLE;
SET iasql.audit_retention = '1h';
UPDATE iasql_audit_log SET ts = ts - interval '2 hours' WHERE usr = 'regress_member';
SELECT * FROM iasql_apply();
SELECT count(*) FILTER (WHERE usr = 'regress_member') AS old, count(*) > 0 AS newer FROM iasql_audit_log;

DROP OWNED BY regress_member, regress_reader;
DROP ROLE regress_member, regress_reader;
