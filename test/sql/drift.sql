-- iasql_drift, iasql_unmanaged, iasql_refresh: what the last look saw.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;
SET iasql.consistency_window = 0; -- what AWS does not show is gone at once
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_ecr', 'aws_vpc');
INSERT INTO repository (repository_name) VALUES ('cloud'), ('row'), ('gone'), ('unwanted'), ('same');
INSERT INTO elastic_ip (tags) VALUES (NULL);
SELECT action, table_name FROM iasql_apply();
SELECT * FROM iasql_refresh();

SELECT aws_call('ecr', 'PutImageTagMutability', '{"repositoryName": "cloud", "imageTagMutability": "IMMUTABLE"}')
    IS NOT NULL AS changed;
SELECT aws_call('ec2', 'CreateTags', jsonb_build_object('Resources', jsonb_build_array(allocation_id),
    'Tags', '[{"Key": "a", "Value": "1"}]'::jsonb)) IS NOT NULL AS changed FROM elastic_ip;
UPDATE elastic_ip SET tags = '{"b": "2"}';
SELECT aws_call('ecr', 'DeleteRepository', '{"repositoryName": "gone"}') IS NOT NULL AS deleted;
SELECT aws_call('ecr', 'CreateRepository', '{"repositoryName": "foreign"}') IS NOT NULL AS created;
UPDATE repository SET scan_on_push = true WHERE repository_name = 'row';
INSERT INTO repository (repository_name) VALUES ('added');
DELETE FROM repository WHERE repository_name = 'unwanted';

-- the last look does not know it yet
SELECT count(*) FROM iasql_drift;
SELECT resource, key, column_name, base, desired, actual IS NOT NULL AS there, kind FROM iasql_refresh()
ORDER BY resource, key, column_name;
SELECT count(*) FROM repository;
-- an apply settles it
SELECT count(*) FROM iasql_apply();
SELECT count(*) FROM iasql_drift;
SELECT count(*) FROM iasql_refresh();

-- what a transaction left in AWS that did not commit
BEGIN;
INSERT INTO repository (repository_name) VALUES ('orphan');
UPDATE repository SET scan_on_push = true WHERE repository_name = 'same';
SELECT action, description FROM iasql_apply();
ROLLBACK;
SELECT resource, key, column_name, base, desired, actual, kind FROM iasql_refresh() ORDER BY key;
-- the next apply puts the one back, and keeps the other until iasql.orphan_grace has passed
SELECT action, description FROM iasql_apply();
SELECT key, kind FROM iasql_drift;
SET iasql.orphan_grace = 0;
SELECT action, description FROM iasql_apply();
SELECT count(*) FROM iasql_refresh();

-- what no row can hold
SELECT aws_call('ecr', 'CreateRepository', '{"repositoryName": "odd"}') IS NOT NULL AS created;
ALTER TABLE repository ADD CONSTRAINT no_odd CHECK (repository_name <> 'odd');
SELECT action, description FROM iasql_apply();
SELECT resource, region, cloud_id, reason FROM iasql_unmanaged;

-- the views show the workspace that search_path leads to
CREATE SCHEMA other;
SET search_path = other;
SELECT count(*) FROM public.iasql_install('aws_account');
SELECT count(*) FROM public.iasql_drift;
SELECT count(*) FROM public.iasql_unmanaged;
SELECT verb, workspace FROM public.iasql_operation WHERE verb = 'REFRESH' AND workspace = public.iasql_current_workspace();
