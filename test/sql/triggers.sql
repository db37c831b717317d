-- What users add to the tables of modules: columns, triggers of all kinds, deferred constraints; in applies that commit and in
-- ones that do not.
\getenv endpoint IASQL_ENDPOINT
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_cloudwatch', 'aws_iam', 'aws_ecr');
SET iasql.consistency_window = 0;
CREATE FUNCTION create_group(name text) RETURNS boolean LANGUAGE sql AS $$
    SELECT aws_call('logs', 'CreateLogGroup', jsonb_build_object('logGroupName', name)) IS NOT NULL
$$;
CREATE FUNCTION groups() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(i ->> 'logGroupName', ' ' ORDER BY i ->> 'logGroupName') FROM aws_list('logs', 'DescribeLogGroups') i
$$;

-- columns that the server fills
ALTER TABLE log_group ADD shout text GENERATED ALWAYS AS (upper(log_group_name)) STORED,
    ADD made boolean GENERATED ALWAYS AS (log_group_arn IS NOT NULL) STORED,
    ADD number integer GENERATED ALWAYS AS IDENTITY;
BEGIN;
INSERT INTO log_group (log_group_name) VALUES ('a');
SELECT * FROM iasql_apply();
SELECT log_group_name, shout, made, number FROM log_group;
ROLLBACK;
INSERT INTO log_group (log_group_name) VALUES ('a');
SELECT * FROM iasql_apply();
SELECT create_group('b');
SELECT * FROM iasql_sync();
SELECT log_group_name, shout, made, number FROM log_group ORDER BY 1;
SELECT * FROM iasql_preview_apply();

-- a trigger that changes what the user writes: what the row says then counts
CREATE FUNCTION small() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.log_group_name = lower(NEW.log_group_name);
    RETURN NEW;
END
$$;
CREATE TRIGGER small BEFORE INSERT ON log_group FOR EACH ROW EXECUTE FUNCTION small();
BEGIN;
INSERT INTO log_group (log_group_name) VALUES ('C');
SELECT * FROM iasql_apply();
ROLLBACK;
SELECT groups();
INSERT INTO log_group (log_group_name) VALUES ('C');
SELECT * FROM iasql_apply();
SELECT groups();
-- where it changes what is imported, the row does not stand for the object
SELECT create_group('D');
SELECT * FROM iasql_apply();
SELECT groups();
SELECT log_group_name FROM log_group ORDER BY 1;
SELECT resource, cloud_id, reason FROM iasql_unmanaged;
SELECT * FROM iasql_preview_apply();
DROP TRIGGER small ON log_group;
SELECT aws_call('logs', 'DeleteLogGroup', '{"logGroupName": "D"}') IS NOT NULL AS deleted;
SELECT * FROM iasql_sync();

-- one that keeps rows out, or keeps them: nothing is made or deleted for it
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER nothing BEFORE INSERT OR DELETE ON log_group FOR EACH ROW EXECUTE FUNCTION nothing();
INSERT INTO log_group (log_group_name) VALUES ('e');
SELECT create_group('f');
SELECT * FROM iasql_apply();
SELECT resource, cloud_id, reason FROM iasql_unmanaged;
DELETE FROM log_group WHERE log_group_name = 'a';
SELECT aws_call('logs', 'DeleteLogGroup', '{"logGroupName": "b"}') IS NOT NULL AS deleted;
SELECT * FROM iasql_sync();
SELECT log_group_name FROM log_group ORDER BY 1;
SELECT groups();
DROP TRIGGER nothing ON log_group;
SELECT * FROM iasql_sync();
SELECT log_group_name FROM log_group ORDER BY 1;

-- one that raises when the row is written back does not undo what was done
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused by %', TG_NAME; END $$;
CREATE TRIGGER refuse AFTER UPDATE ON role FOR EACH ROW EXECUTE FUNCTION refuse();
BEGIN;
INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{"Version": "2012-10-17", "Statement": []}');
SELECT * FROM iasql_apply();
ROLLBACK;
INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '{"Version": "2012-10-17", "Statement": []}');
SELECT * FROM iasql_apply();
SELECT role_name, arn FROM role;
DROP TRIGGER refuse ON role;
SELECT * FROM iasql_apply();
SELECT role_name, arn FROM role;
-- nor does one for the statement, or one that is deferred
CREATE TRIGGER refuse AFTER UPDATE ON repository EXECUTE FUNCTION refuse();
INSERT INTO repository (repository_name) VALUES ('s');
SELECT * FROM iasql_apply();
DROP TRIGGER refuse ON repository;
CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON repository DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT * FROM iasql_apply();
SELECT repository_name, repository_uri IS NULL AS unwritten FROM repository;
DROP TRIGGER refuse ON repository;
SELECT * FROM iasql_apply();
SELECT repository_name, repository_uri IS NULL AS unwritten FROM repository;
-- when a row is imported, or taken away
CREATE TRIGGER refuse AFTER INSERT OR DELETE ON log_group FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT create_group('g');
SELECT aws_call('logs', 'DeleteLogGroup', '{"logGroupName": "a"}') IS NOT NULL AS deleted;
SELECT * FROM iasql_sync();
SELECT resource, cloud_id, reason FROM iasql_unmanaged;
SELECT log_group_name FROM log_group ORDER BY 1;
DROP TRIGGER refuse ON log_group;
SELECT * FROM iasql_sync();
SELECT log_group_name FROM log_group ORDER BY 1;

-- what is deferred and raises for the user's own changes does so before AWS is asked
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON log_group DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse();
BEGIN;
INSERT INTO log_group (log_group_name) VALUES ('h');
SELECT * FROM iasql_apply();
ROLLBACK;
SELECT groups();
DROP TRIGGER refuse ON log_group;
-- and what is right by then is no error
ALTER TABLE log_group ADD twin varchar, ADD FOREIGN KEY (twin, region) REFERENCES log_group (log_group_name, region)
    DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO log_group (log_group_name, twin) VALUES ('i', 'j');
INSERT INTO log_group (log_group_name, twin) VALUES ('j', 'i');
SELECT * FROM iasql_apply();
COMMIT;
SELECT groups();

-- an apply within an apply
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM iasql_apply(); RETURN NULL; END';
CREATE TRIGGER nested AFTER UPDATE ON log_group EXECUTE FUNCTION nested();
INSERT INTO log_group (log_group_name) VALUES ('k');
SELECT * FROM iasql_apply();
DROP TRIGGER nested ON log_group;
SELECT * FROM iasql_apply();
SELECT groups();
