-- iasql_operation and iasql_journal: one row for each verb, also when its transaction is undone, written by a process with
-- settings of its own.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;

-- nothing is sent before others can see the journal
BEGIN;
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', true) <> '' AS endpoint;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_cloudwatch');
INSERT INTO log_group (log_group_name) VALUES ('too early');
SELECT action, description FROM iasql_preview_apply();
SELECT action, description FROM iasql_apply();
ROLLBACK;

CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_cloudwatch', 'aws_ecr');

-- a preview writes nothing, before the first apply too
BEGIN;
INSERT INTO log_group (log_group_name) VALUES ('seen');
SET TRANSACTION READ ONLY;
SELECT action, description FROM iasql_preview_apply();
SELECT count(*) FROM iasql_workspace WHERE account IS NOT NULL;
ROLLBACK;
SELECT max(id) AS last FROM iasql_operation \gset

-- what the caller's transaction undoes has been
CREATE ROLE regress_operator SUPERUSER;
SET ROLE regress_operator;
BEGIN;
INSERT INTO log_group (log_group_name) VALUES ('undone');
SELECT action, description FROM iasql_preview_apply();
SELECT action, description FROM iasql_apply();
SELECT action, description FROM iasql_preview_sync();
SELECT action, description FROM iasql_sync();
SELECT count(*) FROM iasql_refresh();
SELECT count(*) FROM iasql_uninstall('aws_ecr');
SELECT count(*) FROM iasql_install('aws_ecr');
SAVEPOINT s;
SELECT * FROM iasql_uninstall('aws_account');
ROLLBACK;
RESET ROLE;
DROP ROLE regress_operator;
SELECT verb, params, usr, ended >= started AS ended, result, error FROM iasql_operation WHERE id > :last ORDER BY id;

-- settings that would keep the process from its work, or from being sure of it
CREATE TABLE seen (line text);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO seen SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name) FROM unnest(
        '{synchronous_commit,transaction_isolation,transaction_read_only,lock_timeout,row_security}'::text[]) name;
    RETURN NULL;
END
$$;
CREATE TRIGGER see AFTER INSERT ON iasql_journal EXECUTE FUNCTION see();
ALTER DATABASE regress SET synchronous_commit = off;
ALTER DATABASE regress SET default_transaction_isolation = 'serializable';
ALTER DATABASE regress SET default_transaction_read_only = on;
ALTER DATABASE regress SET lock_timeout = '1ms';
ALTER DATABASE regress SET search_path = nowhere;
INSERT INTO log_group (log_group_name) VALUES ('done');
SELECT action, description FROM iasql_apply();
SELECT DISTINCT line FROM seen;
