-- Rows follow the cloud, whatever the user's columns, constraints and triggers do.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_cloudwatch', 'aws_iam', 'aws_ecr');
CREATE FUNCTION create_role(name text) RETURNS void LANGUAGE sql AS $$
    SELECT aws_call('iam', 'CreateRole', jsonb_build_object('RoleName', name,
        'AssumeRolePolicyDocument', '{"Version": "2012-10-17", "Statement": []}'))
$$;

-- columns of the user's own are neither read nor written
ALTER TABLE log_group ADD owner text NOT NULL DEFAULT 'nobody';
INSERT INTO log_group (log_group_name, owner) VALUES ('a', 'me');
SELECT * FROM iasql_apply();
SELECT log_group_name, log_group_arn, owner, creation_time IS NOT NULL AS created FROM log_group;

-- a computed column that was edited is put back
UPDATE log_group SET log_group_arn = 'mine';
SELECT * FROM iasql_preview_apply();
SELECT * FROM iasql_apply();
SELECT log_group_arn FROM log_group;
SELECT * FROM iasql_preview_apply();

-- a trigger that changes what is written back is told of, and the object is known all the same
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.arn = 'spoilt';
    RETURN NEW;
END
$$;
CREATE TRIGGER spoil BEFORE UPDATE ON role FOR EACH ROW EXECUTE FUNCTION spoil();
INSERT INTO role (role_name, assume_role_policy_document) VALUES ('b', '{"Version": "2012-10-17", "Statement": []}');
SELECT * FROM iasql_apply();
SELECT arn FROM role;
SELECT cloud_id, base ->> 'arn' AS arn FROM iasql_state WHERE resource = 'role';
DROP TRIGGER spoil ON role;
SELECT * FROM iasql_apply();
SELECT arn FROM role;

-- one that keeps the row as it is, too
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE UPDATE ON repository FOR EACH ROW EXECUTE FUNCTION keep();
INSERT INTO repository (repository_name) VALUES ('c');
SELECT * FROM iasql_apply();
SELECT repository_uri FROM repository;
DROP TRIGGER keep ON repository;
SELECT * FROM iasql_apply();
SELECT repository_uri FROM repository;

-- a constraint that refuses the write-back does not undo what was done
ALTER TABLE log_group ADD CONSTRAINT no_arn CHECK (log_group_arn IS NULL) NOT VALID;
INSERT INTO log_group (log_group_name) VALUES ('d');
SELECT * FROM iasql_apply();
SELECT log_group_arn FROM log_group WHERE log_group_name = 'd';
ALTER TABLE log_group DROP CONSTRAINT no_arn;
SELECT * FROM iasql_apply();
SELECT log_group_arn FROM log_group WHERE log_group_name = 'd';

-- what a constraint keeps out of a table is not managed, the rest is imported
ALTER TABLE role ADD CONSTRAINT short CHECK (length(role_name) < 5);
SELECT count(*) AS created FROM unnest(ARRAY['e', 'too-long', 'f']) name, create_role(name);
SELECT * FROM iasql_apply();
SELECT role_name FROM role ORDER BY 1;
SELECT resource, cloud_id, reason FROM iasql_unmanaged;
SELECT aws_call('iam', 'GetRole', '{"RoleName": "too-long"}') IS NOT NULL AS still_there;
ALTER TABLE role DROP CONSTRAINT short;
SELECT * FROM iasql_sync();
SELECT role_name FROM role ORDER BY 1;
SELECT count(*) FROM iasql_unmanaged;

-- what a deferred constraint would refuse at commit is refused before AWS is asked
ALTER TABLE role ADD boss varchar REFERENCES role DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO role (role_name, boss, assume_role_policy_document)
    VALUES ('g', 'nobody', '{"Version": "2012-10-17", "Statement": []}');
SELECT * FROM iasql_apply();
ROLLBACK;
\set VERBOSITY terse
SELECT aws_call('iam', 'GetRole', '{"RoleName": "g"}');
\set VERBOSITY default
ALTER TABLE role DROP boss;

-- the caller's settings do not show in what is stored
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
SET bytea_output = 'escape';
SELECT * FROM iasql_preview_apply();
SELECT * FROM iasql_preview_sync();

-- regions: those that are not enabled are not touched, and take no new rows
INSERT INTO log_group (log_group_name, region) VALUES ('h', 'eu-west-1');
SELECT * FROM iasql_preview_apply();
UPDATE aws_regions SET is_enabled = true WHERE region = 'eu-west-1';
SELECT * FROM iasql_apply();
UPDATE aws_regions SET is_enabled = false WHERE region = 'eu-west-1';
SELECT * FROM iasql_preview_apply();
SELECT * FROM iasql_preview_sync();
SELECT aws_call('logs', 'DescribeLogGroups', '{}', 'eu-west-1') -> 'logGroups' -> 0 ->> 'logGroupName' AS still_there;

-- without their tables nothing can be said of rows
DROP TABLE repository_policy;
SELECT * FROM iasql_preview_apply();
SELECT module_name, dropped_table_name FROM iasql_uninstall('aws_ecr');
ALTER TABLE log_group DROP creation_time;
SELECT * FROM iasql_apply();
SELECT module_name, dropped_table_name FROM iasql_uninstall('aws_cloudwatch');
SELECT * FROM iasql_preview_apply();
