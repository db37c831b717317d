-- What users say of single rows: iasql_protect, iasql_share; and of the database: iasql_arm.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;
SET iasql.consistency_window = 0; -- what AWS does not show is gone at once
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
SELECT iasql_protect('log_group', 'kept');
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_cloudwatch', 'aws_security_group');
UPDATE aws_regions SET is_enabled = true WHERE region = 'us-west-2';

INSERT INTO log_group (log_group_name) VALUES ('kept'), ('free');
SELECT iasql_protect('log_group', 'kept');
INSERT INTO security_group (group_name, description) VALUES ('web', 'protected');
SELECT action, table_name, id FROM iasql_apply();

-- which row
SELECT iasql_protect('log_group', 'none');
SELECT iasql_protect('log_groups', 'kept');
SELECT iasql_protect('aws_regions', 'us-east-1');
SELECT iasql_protect('log_group', NULL);
SELECT iasql_protect('log_group', 'kept');
SELECT iasql_protect('security_group', id::text) FROM security_group WHERE group_name = 'web';
INSERT INTO log_group (log_group_name, region) VALUES ('kept', 'us-west-2');
SELECT iasql_unprotect('log_group', 'kept');
SELECT resource, row_key ~ 'kept' AS kept FROM iasql_state WHERE protected ORDER BY 1;
DELETE FROM log_group WHERE region = 'us-west-2';

-- refused when the rows are edited
DELETE FROM log_group;
UPDATE log_group SET log_group_name = log_group_name || '2';
UPDATE log_group SET region = 'us-west-2';
TRUNCATE log_group;
\set VERBOSITY terse
UPDATE security_group SET description = NULL WHERE group_name = 'web';
SELECT delete_all_records();
\set VERBOSITY default
-- but not what changes in place, nor other rows
UPDATE log_group SET creation_time = NULL WHERE log_group_name = 'kept';
DELETE FROM log_group WHERE log_group_name = 'free';
SELECT action, table_name, description FROM iasql_apply();

-- and when they are applied, should a trigger be switched off
BEGIN;
ALTER TABLE log_group DISABLE TRIGGER USER;
DELETE FROM log_group;
SELECT * FROM iasql_apply();
ROLLBACK;

-- a sync may take the row of what is gone in AWS
SELECT aws_call('logs', 'DeleteLogGroup', '{"logGroupName": "kept"}') IS NOT NULL AS deleted;
SELECT action, table_name FROM iasql_sync();
SELECT count(*) FROM log_group;
INSERT INTO log_group (log_group_name) VALUES ('kept');
DELETE FROM log_group;

-- shared attributes
SELECT iasql_share('security_group', NULL, 'colour');
SELECT iasql_share('security_group', NULL, NULL);
SELECT iasql_share('security_group', id::text, 'description') FROM security_group WHERE group_name = 'web';
SELECT iasql_share('security_group', NULL, 'description');
SELECT iasql_share('security_group', NULL, 'description');
SELECT resource, column_name, row_key IS NULL AS all_rows FROM iasql_share ORDER BY 3;
SELECT iasql_unshare('security_group', NULL, 'description');
SELECT resource, column_name, row_key IS NULL AS all_rows FROM iasql_share ORDER BY 3;

-- a database that is not armed changes nothing in AWS
SELECT iasql_arm();
SELECT iasql_unprotect('security_group', id::text) FROM security_group WHERE group_name = 'web';
INSERT INTO log_group (log_group_name) VALUES ('new');
DELETE FROM security_group WHERE group_name = 'web';
SELECT iasql_disarm();
SELECT * FROM iasql_apply();
SELECT action, table_name FROM iasql_apply(allow => '{disarmed}');
DELETE FROM log_group;
-- arming it forgets what has no row any more, so it comes back instead of being deleted
SELECT iasql_arm();
SELECT * FROM iasql_apply();
SELECT log_group_name FROM log_group;

-- rights
CREATE ROLE regress_member;
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.oid::regprocedure::text ~ '^iasql_(protect|unprotect|share|unshare|arm|disarm|refresh|begin|commit|rollback|preview|create_review)\('
    AND has_function_privilege('regress_member', p.oid, 'EXECUTE');
DROP ROLE regress_member;
