-- Who may do what, and in which transactions.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_iam');

-- functions that reach AWS are the owner's, lists are public
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'iasql')
    AND has_function_privilege('pg_monitor', p.oid, 'EXECUTE')
ORDER BY p.proname;
SELECT c.relname FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'e'
WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'iasql')
    AND c.relkind IN ('r', 'v') AND has_table_privilege('public', c.oid, 'SELECT')
ORDER BY 1;
SELECT has_table_privilege('public', 'aws_account', 'SELECT') AS secrets_are_public;

-- every object has a comment
SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d
WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'iasql')
    AND (d.classid = 'pg_class'::regclass OR d.classid = 'pg_proc'::regclass)
    AND obj_description(d.objid, d.classid::regclass::name) IS NULL
    AND NOT EXISTS (SELECT FROM pg_class WHERE d.classid = 'pg_class'::regclass AND oid = d.objid AND relkind = 'S');
SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_depend d ON d.objid = a.attrelid AND d.deptype = 'e'
WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'iasql') AND d.classid = 'pg_class'::regclass
    AND a.attnum > 0 AND (SELECT relkind FROM pg_class WHERE oid = a.attrelid) = 'r'
    AND col_description(a.attrelid, a.attnum) IS NULL;

-- transactions in which rows and cloud could not be kept together
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM iasql_apply();
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM iasql_apply();
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM iasql_apply();
ROLLBACK;

-- arguments
SELECT * FROM iasql_apply(drift => 'ignore');
SELECT * FROM iasql_apply(allow => '{everything}');
SELECT * FROM iasql_preview_apply(scope => 'some');
SELECT * FROM iasql_apply(on_error => 'hide');

-- settings
SET iasql.max_concurrency = 0;
SET iasql.endpoint_url = 'ftp://example.com';
SET iasql.no_such = 1;
SET ROLE pg_monitor;
SET iasql.endpoint_url = '';
SET iasql.use_server_credentials = on;
SELECT * FROM iasql_apply();
RESET ROLE;

-- rows that the caller cannot see are not taken for deleted ones
CREATE ROLE iasql_test_user;
GRANT EXECUTE ON FUNCTION iasql_preview_apply TO iasql_test_user;
GRANT SELECT ON role, aws_account TO iasql_test_user;
ALTER TABLE role ENABLE ROW LEVEL SECURITY;
INSERT INTO role (role_name, assume_role_policy_document) VALUES ('hidden', '{"Version": "2012-10-17", "Statement": []}');
SELECT action, description FROM iasql_apply();
SET ROLE iasql_test_user;
SELECT count(*) FROM role;
SELECT * FROM iasql_preview_apply();
RESET ROLE;
DROP OWNED BY iasql_test_user;
DROP ROLE iasql_test_user;
