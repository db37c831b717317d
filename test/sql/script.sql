-- iasql_get_sql_since: the audit log as statements that do the same in another database.
\getenv endpoint IASQL_ENDPOINT
SET client_min_messages = warning;
CREATE EXTENSION iasql;
SELECT set_config('iasql.endpoint_url', :'endpoint', false) <> '' AS endpoint;
CREATE SCHEMA one;
CREATE SCHEMA two;
SET search_path = two, public;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_vpc', 'aws_security_group', 'aws_ecr', 'aws_cloudwatch', 'aws_elb');
SET search_path = one, public;
SELECT count(*) FROM iasql_install('aws_account');
INSERT INTO aws_account (access_key_id, secret_access_key, region) VALUES ('test', 'test', 'us-east-1');
SELECT count(*) FROM iasql_install('aws_vpc', 'aws_security_group', 'aws_ecr', 'aws_cloudwatch', 'aws_elb');
SELECT clock_timestamp() AS start \gset

-- ids that differ between the two
INSERT INTO vpc (cidr_block) VALUES ('10.9.0.0/16');
DELETE FROM vpc WHERE cidr_block = '10.9.0.0/16';

INSERT INTO vpc (cidr_block, tags) VALUES ('10.1.0.0/16', '{"Name": "it''s \"x\""}'), ('10.2.0.0/16', NULL);
INSERT INTO subnet (cidr_block, availability_zone, vpc_id)
    SELECT '10.1.1.0/24', 'us-east-1a', id FROM vpc WHERE cidr_block = '10.1.0.0/16';
INSERT INTO security_group (group_name, description) VALUES ('web', E'back\\slash');
INSERT INTO security_group (group_name, description, vpc_id)
    SELECT 'web', 'second', id FROM vpc WHERE cidr_block = '10.2.0.0/16';
INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
    SELECT false, 'tcp', 443, 443, '10.0.0.0/8', id FROM security_group WHERE group_name = 'web';
INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, source_security_group, security_group_id)
    SELECT false, '-1', -1, -1, a.id, b.id FROM security_group a, security_group b
    WHERE a.group_name = 'web' AND a.vpc_id IS NULL AND b.group_name = 'web' AND b.vpc_id IS NOT NULL;
-- the engine fills in the default VPC, and ids
SELECT action, table_name FROM iasql_apply();

UPDATE security_group_rule SET description = 'all', to_port = 444 WHERE from_port = 443;
UPDATE security_group_rule SET description = NULL
    WHERE security_group_id = (SELECT id FROM security_group WHERE group_name = 'web' AND description = 'second');
UPDATE vpc SET tags = NULL WHERE cidr_block = '10.1.0.0/16';
INSERT INTO repository (repository_name, scan_on_push) VALUES ('old', true), ('gone', false);
UPDATE repository SET repository_name = 'new' WHERE repository_name = 'old';
DELETE FROM repository WHERE repository_name = 'gone';
INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type, subnets)
    VALUES ('lb', 'internal', 'application', 'ipv4', '{b,a}');
INSERT INTO load_balancer_security_groups (load_balancer_name, security_group_id)
    SELECT 'lb', id FROM security_group WHERE group_name = 'web' AND description <> 'second';
INSERT INTO log_group (log_group_name) VALUES ('first'), ('second');
TRUNCATE log_group;
INSERT INTO log_group (log_group_name) VALUES ('third');

SELECT regexp_replace(sql, 'vpc-[0-9a-f]+', 'vpc-x', 'g') AS sql FROM iasql_get_sql_since(:'start');
SELECT count(*) AS since_then FROM iasql_get_sql_since((SELECT max(ts) FROM iasql_audit_log WHERE table_name = 'log_group' AND change_type = 'TRUNCATE'));
SELECT count(*) FROM iasql_get_sql_since(clock_timestamp());
SELECT count(*) FROM iasql_get_sql_since() WHERE sql ~ 'aws_account';

-- the same rows in the other schema
SET search_path = public;
CREATE VIEW public.rows_one AS
SELECT 'vpc' AS t, cidr_block::text AS k, to_jsonb(v) - '{id,vpc_id,state,is_default}'::text[] AS d FROM one.vpc v WHERE NOT is_default
UNION ALL SELECT 'subnet', s.cidr_block::text, jsonb_build_object('vpc', v.cidr_block, 'zone', availability_zone)
    FROM one.subnet s JOIN one.vpc v ON v.id = s.vpc_id WHERE NOT v.is_default
UNION ALL SELECT 'group', group_name, jsonb_build_object('vpc', coalesce(v.cidr_block, '172.31.0.0/16'), 'description', g.description)
    FROM one.security_group g LEFT JOIN one.vpc v ON v.id = g.vpc_id WHERE group_name <> 'default'
UNION ALL SELECT 'rule', r.ip_protocol, to_jsonb(r) - '{id,security_group_rule_id,security_group_id,source_security_group}'::text[]
    || jsonb_build_object('of', g.description, 'source', s.description)
    FROM one.security_group_rule r JOIN one.security_group g ON g.id = r.security_group_id
    LEFT JOIN one.security_group s ON s.id = r.source_security_group WHERE g.group_name <> 'default'
UNION ALL SELECT 'repository', repository_name, to_jsonb(scan_on_push) FROM one.repository
UNION ALL SELECT 'lb', load_balancer_name, to_jsonb(subnets) FROM one.load_balancer
UNION ALL SELECT 'lb group', load_balancer_name, to_jsonb(g.description)
    FROM one.load_balancer_security_groups JOIN one.security_group g ON g.id = security_group_id
UNION ALL SELECT 'log', log_group_name, NULL FROM one.log_group;
\set ECHO none
SELECT format('CREATE VIEW public.rows_two AS %s', replace(pg_get_viewdef('public.rows_one'), 'one.', 'two.')) \gexec
SET search_path = one, public;
SELECT 'SET search_path = two, public' UNION ALL SELECT sql FROM iasql_get_sql_since(:'start') \gexec
\set ECHO all
SELECT t, count(*) FROM public.rows_two GROUP BY 1 ORDER BY 1;
(TABLE public.rows_one EXCEPT ALL TABLE public.rows_two) UNION ALL (TABLE public.rows_two EXCEPT ALL TABLE public.rows_one);
