-- iasql_begin, iasql_commit, iasql_rollback, iasql_preview, iasql_create_review, iasql_get_errors.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_ecr', 'aws_cloudwatch');

-- none is open
SELECT * FROM iasql_commit();
\set VERBOSITY terse
SELECT * FROM iasql_preview();
SELECT * FROM iasql_rollback();
SELECT * FROM iasql_create_review();
\set VERBOSITY default

SELECT message, transaction_id ~ '^[0-9a-f-]{36}$' AS is_uuid FROM iasql_begin();
SELECT * FROM iasql_begin();
INSERT INTO repository (repository_name) VALUES ('app');
INSERT INTO log_group (log_group_name) VALUES ('a|b'), ('c');
SELECT * FROM iasql_preview();
SELECT * FROM iasql_create_review('Two groups', E'and a repository\nfor the app');
SELECT aws_call('logs', 'CreateLogGroup', '{"logGroupName": "foreign"}') IS NOT NULL AS created;
SELECT * FROM iasql_commit('app');
SELECT log_group_name FROM log_group ORDER BY 1;
SELECT verb, params FROM iasql_operation WHERE params ->> 'message' = 'app';
\set VERBOSITY terse
SELECT * FROM iasql_commit();
\set VERBOSITY default

-- what others changed in AWS is imported, not put back
SELECT count(*) FROM iasql_begin();
SELECT aws_call('ecr', 'PutImageTagMutability', '{"repositoryName": "app", "imageTagMutability": "IMMUTABLE"}') IS NOT NULL AS changed;
DELETE FROM log_group WHERE log_group_name = 'c';
SELECT * FROM iasql_commit();
SELECT image_tag_mutability FROM repository;

-- rollback takes back what was not applied
SELECT count(*) FROM iasql_begin();
INSERT INTO log_group (log_group_name) VALUES ('never');
UPDATE repository SET image_tag_mutability = 'MUTABLE';
DELETE FROM log_group WHERE log_group_name = 'a|b';
SELECT action, table_name, id, description FROM iasql_rollback();
SELECT log_group_name FROM log_group ORDER BY 1;
SELECT image_tag_mutability FROM repository;

-- nothing to review
SELECT count(*) FROM iasql_begin();
SELECT * FROM iasql_create_review('Empty', 'nothing');
SELECT * FROM iasql_create_review(NULL, NULL);

-- a commit that fails ends it too, and is in the history
INSERT INTO repository (repository_name) VALUES ('Not A Name');
SELECT aws_call('ecr', 'CreateRepository', '{"repositoryName": "taken"}') IS NOT NULL AS created;
SELECT iasql_disarm();
\set VERBOSITY terse
SELECT * FROM iasql_commit('fails');
SELECT * FROM iasql_commit();
\set VERBOSITY default
SELECT message FROM iasql_get_errors();
SELECT verb, params, error ->> 'sqlstate' AS sqlstate FROM iasql_operation WHERE error IS NOT NULL;
DELETE FROM repository WHERE repository_name = 'Not A Name';

-- what begin opened does not outlive what drops advisory locks
SELECT count(*) FROM iasql_begin();
DISCARD ALL;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
\set VERBOSITY terse
SELECT * FROM iasql_preview();
\set VERBOSITY default
