-- iasql_sync: rows take what AWS has, in all their forms.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;
SET iasql.consistency_window = 0; -- what AWS does not show is gone at once
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_ecs_fargate');
\set policy '{"Version": "2012-10-17", "Statement": []}'

INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', :'policy');
INSERT INTO log_group (log_group_name) VALUES ('l');
INSERT INTO security_group (group_name, description) VALUES ('one', 'd'), ('two', 'd');
INSERT INTO cluster (cluster_name) VALUES ('c');
INSERT INTO task_definition (family, task_role_name, execution_role_name, cpu_memory) VALUES ('t', 'r', 'r', 'vCPU1-2GB');
INSERT INTO container_definition (name, essential, image, tag, memory, log_group_name, task_definition_id)
    SELECT 'main', true, 'nginx', '1', 512, 'l', id FROM task_definition;
INSERT INTO service (name, desired_count, subnets, cluster_name, task_definition_id)
    SELECT 's', 1, (SELECT array_agg(subnet_id) FROM subnet WHERE availability_zone < 'us-east-1c'), 'c', id FROM task_definition;
INSERT INTO service_security_groups (service_name, security_group_id) SELECT 's', id FROM security_group WHERE group_name = 'one';
SELECT action, table_name FROM iasql_apply();

-- rows that were not applied are dropped, edits undone, deleted rows brought back
INSERT INTO log_group (log_group_name) VALUES ('not applied');
UPDATE service SET desired_count = 7;
DELETE FROM service_security_groups;
DELETE FROM security_group WHERE group_name = 'two';
SELECT action, table_name FROM iasql_preview_sync();
SELECT action, table_name FROM iasql_sync();
SELECT log_group_name FROM log_group;
SELECT name, desired_count, cardinality(subnets) FROM service;
SELECT service_name, group_name FROM service_security_groups JOIN security_group ON id = security_group_id;
SELECT group_name FROM security_group ORDER BY 1;
SELECT * FROM iasql_preview_sync();
SELECT * FROM iasql_preview_apply();

-- changes by others: a scalar, an array, a set of references, a child row
SELECT aws_call('ecs', 'UpdateService', jsonb_build_object('cluster', 'c', 'service', 's', 'desiredCount', 3,
    'networkConfiguration', jsonb_build_object('awsvpcConfiguration', jsonb_build_object(
        'subnets', (SELECT jsonb_agg(subnet_id) FROM subnet WHERE availability_zone = 'us-east-1d'),
        'securityGroups', (SELECT jsonb_agg(group_id) FROM security_group WHERE group_name = 'two'))))) IS NOT NULL AS changed;
SELECT action, table_name FROM iasql_sync();
SELECT name, desired_count, cardinality(subnets) FROM service;
SELECT service_name, group_name FROM service_security_groups JOIN security_group ON id = security_group_id;
SELECT * FROM iasql_preview_apply();

-- what is gone takes its row along, and leaves no reference behind
SELECT aws_call('logs', 'DeleteLogGroup', '{"logGroupName": "l"}') IS NOT NULL AS deleted;
SELECT action, table_name FROM iasql_sync();
SELECT count(*) FROM log_group;
SELECT name, image, tag, memory, log_group_name FROM container_definition;

-- all rows again, by a new installation
SELECT count(*) > 0 AS gone FROM iasql_uninstall('aws_ecs_fargate', 'aws_iam', 'aws_cloudwatch');
SELECT count(*) FROM iasql_install('aws_ecs_fargate');
SELECT family, revision, status, cpu_memory, task_role_name FROM task_definition;
SELECT name, essential, image, tag, memory, log_group_name FROM container_definition;
SELECT s.name, desired_count, family FROM service s JOIN task_definition t ON t.id = task_definition_id;
SELECT role_name, assume_role_policy_document FROM role;
SELECT * FROM iasql_preview_apply();
SELECT * FROM iasql_preview_sync();

-- a key that one row takes and another gives up, in whatever order they come
INSERT INTO role (role_name, assume_role_policy_document, description)
    VALUES ('a', :'policy', 'one'), ('b', :'policy', 'two'), ('c', :'policy', 'three');
SELECT count(*) FROM iasql_apply();
ALTER TABLE role ADD UNIQUE (description);
SELECT count(aws_call('iam', 'UpdateRole', jsonb_build_object('RoleName', name, 'Description', description)))
FROM (VALUES ('a', 'two'), ('b', 'three'), ('c', 'four')) AS change (name, description);
SELECT count(*) FROM iasql_sync();
SELECT role_name, description FROM role WHERE role_name IN ('a', 'b', 'c') ORDER BY 1;
