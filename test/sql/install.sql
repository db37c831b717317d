-- iasql_install and iasql_uninstall: messages, order, and what they leave behind.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;

-- nothing is there yet
SELECT * FROM iasql_apply();
SELECT * FROM iasql_modules_installed();
SELECT iasql_current_workspace();

-- unknown modules
SELECT * FROM iasql_install('aws_iam', 'aws_vcp', 'elb');
\set VERBOSITY terse
SELECT * FROM iasql_install('aws_fake');
SELECT * FROM iasql_install('aws_iam@9.9');
SELECT * FROM iasql_install('x''; DROP SCHEMA public CASCADE; --');
\set VERBOSITY default
SELECT count(*) FROM iasql_module;

-- the account's tables, made twice
SELECT module_name, created_table_name, record_count > 0 AS filled FROM iasql_install('aws_account');
SELECT module_name, created_table_name, record_count > 0 AS filled FROM iasql_install('aws_account', 'aws_account');
SELECT module_name, ARRAY(SELECT split_part(d, '@', 1) FROM unnest(dependencies) d) FROM iasql_modules_installed();

-- without credentials nothing is asked, and nothing is left half installed
SELECT * FROM iasql_install('aws_iam');
SELECT to_regclass('role');

-- all that was tried is in the history
SELECT verb, params, ended IS NOT NULL AS ended, error ->> 'message' AS error FROM iasql_operation ORDER BY id;

-- a name that is taken
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
CREATE TABLE repository (id int);
CREATE VIEW role AS SELECT 1 AS one;
SELECT * FROM iasql_install('aws_ecr', 'aws_iam');
DROP TABLE repository;
DROP VIEW role;

-- dependencies come along, but only what was named is reported
SELECT module_name, created_table_name FROM iasql_install('aws_security_group', 'aws_vpc');
SELECT name FROM iasql_module ORDER BY 1;
SELECT "table", module FROM iasql_tables WHERE module NOT LIKE 'iasql%' ORDER BY 2, 1;

-- the state of what was imported
SELECT resource, count(*) > 0 AS some, bool_and(NOT created) AS imported FROM iasql_state GROUP BY 1 ORDER BY 1;

-- uninstall refuses what is needed, and leaves AWS alone
SELECT * FROM iasql_uninstall('aws_vpc');
SELECT * FROM iasql_uninstall('aws_account', 'aws_security_group');
SELECT count(*) AS groups FROM security_group \gset
SELECT module_name, dropped_table_name FROM iasql_uninstall('aws_security_group', 'aws_elb', 'iasql_platform');
SELECT to_regclass('security_group'), count(*) FROM iasql_state WHERE resource LIKE 'security%';
SELECT module_name, created_table_name FROM iasql_install('aws_security_group') WHERE record_count > 0;
SELECT count(*) = :groups AS same FROM security_group;

SELECT verb, params, ended IS NOT NULL AS ended, result, error ->> 'message' AS error FROM iasql_operation
WHERE verb = 'UNINSTALL' ORDER BY id;

-- a view on a table stops it, and nothing is dropped
CREATE VIEW mine AS SELECT group_name FROM security_group;
SELECT * FROM iasql_uninstall('aws_security_group');
DROP VIEW mine;
SELECT to_regclass('security_group');

-- everything goes, types and functions too
SELECT DISTINCT module_name FROM iasql_uninstall('aws_security_group', 'aws_vpc', 'aws_account') ORDER BY 1;
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'iasql%';
SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e';
SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ 'region';
SELECT count(*) FROM iasql_state;

-- a second workspace has its own modules
CREATE SCHEMA other;
SET search_path = other, public;
SELECT count(*) FROM iasql_install('aws_account');
SELECT name FROM iasql_module WHERE workspace = iasql_current_workspace() ORDER BY 1;
SET search_path = public;
SELECT name FROM iasql_module WHERE workspace = iasql_current_workspace() ORDER BY 1;
SET search_path = nowhere;
SELECT public.iasql_install('aws_account');
RESET search_path;
