-- Ten applies of every outcome, which leave account and rows as they were: created, nothing to do, changed, refused,
-- reported, cancelled, completed, rolled back, put back, deleted.
INSERT INTO log_group (log_group_name) VALUES ('grown');
INSERT INTO repository (repository_name) VALUES ('grown');
SELECT count(*) FROM iasql_apply();
SELECT count(*) FROM iasql_apply();
UPDATE repository SET scan_on_push = true;
SELECT count(*) FROM iasql_apply();
INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)
    VALUES ('grown', '{"Version": "2012-10-17", "Statement": []}', '{arn:aws:iam::aws:policy/NoSuchPolicy}');
SELECT count(*) FROM iasql_apply();
SELECT count(*) FROM iasql_apply(on_error => 'report');
DELETE FROM role WHERE role_name = 'grown';
UPDATE repository SET scan_on_push = false;
SET statement_timeout = '100ms';
SET iasql.test_stop = 'answer:1';
SELECT count(*) FROM iasql_apply();
RESET iasql.test_stop;
RESET statement_timeout;
SELECT count(*) < 2 FROM iasql_apply(); -- whether the call was sent depends on when the timeout came
BEGIN;
UPDATE repository SET scan_on_push = true;
SELECT count(*) FROM iasql_apply();
ROLLBACK;
SELECT count(*) FROM iasql_apply(drift => 'import');
DELETE FROM repository;
DELETE FROM log_group;
SELECT count(*) FROM iasql_apply();
