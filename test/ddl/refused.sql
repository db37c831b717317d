-- Rows that the tables refuse: per case the constraint, or the message where there is none, and a statement.
-- Expects a region, us-east-1, and the tutorial's rows.  Prints the cases that end otherwise, and at the end the
-- CHECK constraints that no case tries.

CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    EXECUTE statement;
    RAISE 'accepted';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;
    RETURN coalesce(nullif(name, ''), SQLERRM);
END
$$;

CREATE TEMP TABLE refused (why text, statement text);
INSERT INTO refused VALUES
    ('aws_account_region_fkey', $$UPDATE aws_account SET region = 'us-esat-1'$$),
    ('unknown AWS region "us-esat-1"', $$SELECT default_aws_region('us-esat-1')$$),
    ('aws_account_one_row', $$INSERT INTO aws_account (region) VALUES ('us-west-2')$$),
    ('aws_account_key_with_secret', $$UPDATE aws_account SET secret_access_key = NULL$$),
    ('aws_account_token_with_key',
        $$UPDATE aws_account SET access_key_id = NULL, secret_access_key = NULL, session_token = 't'$$),
    ('aws_account_key_or_profile', $$UPDATE aws_account SET profile = 'p'$$),
    ('aws_account_external_id_with_role', $$UPDATE aws_account SET external_id = 'x'$$),
    ('aws_regions_default_is_enabled', $$UPDATE aws_regions SET is_enabled = false WHERE is_default$$),
    ('aws_regions_one_default', $$UPDATE aws_regions SET is_default = true, is_enabled = true$$),
    ('role_assume_role_policy_document_is_object',
        $$INSERT INTO role (role_name, assume_role_policy_document) VALUES ('r', '[]')$$),
    ('repository_policy_policy_text_is_object',
        $$INSERT INTO repository_policy (repository_name, policy_text) VALUES ('quickstart-repository', '"x"')$$),
    ('invalid input syntax for type json',
        $$INSERT INTO repository_policy (repository_name, policy_text) VALUES ('quickstart-repository', '{')$$),
    ('vpc_cidr_block_is_network', $$INSERT INTO vpc (cidr_block) VALUES ('10.0.0.1/16')$$),
    ('vpc_cidr_block_is_network', $$INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0')$$),
    ('vpc_cidr_block_is_network', $$INSERT INTO vpc (cidr_block) VALUES ('10.0.0.0/8')$$),
    ('vpc_cidr_block_is_network', $$INSERT INTO vpc (cidr_block) VALUES ('10.1/16')$$),
    ('vpc_cidr_block_is_network', $$INSERT INTO vpc (cidr_block) VALUES ('ten')$$),
    ('vpc_cidr_block_is_network', $$INSERT INTO vpc (cidr_block) VALUES ('')$$),
    ('vpc_cidr_block_is_network', $$INSERT INTO vpc (cidr_block) VALUES ('2001:db8::/56')$$),
    ('invalid input syntax for type inet: "300.0.0.0/16"', $$INSERT INTO vpc (cidr_block) VALUES ('300.0.0.0/16')$$),
    ('subnet_cidr_block_is_network', $$UPDATE subnet SET cidr_block = '172.31.0.4/20'$$),
    ('subnet_cidr_block_is_network', $$UPDATE subnet SET cidr_block = '172.31.0.0/29'$$),
    ('vpc_tags_are_strings', $$UPDATE vpc SET tags = '{"a": 1}'$$),
    ('vpc_tags_are_strings', $$UPDATE vpc SET tags = '{"a": ["b"]}'$$),
    ('vpc_tags_are_strings', $$UPDATE vpc SET tags = '[{"a": "b"}]'$$),
    ('elastic_ip_tags_are_strings', $$INSERT INTO elastic_ip (tags) VALUES ('{"a": null}')$$),
    ('nat_gateway_tags_are_strings',
        $$INSERT INTO nat_gateway (connectivity_type, subnet_id, tags) SELECT 'public', min(id), '"a"' FROM subnet$$),
    ('nat_gateway_elastic_ip_only_if_public',
        $$INSERT INTO nat_gateway (connectivity_type, subnet_id, elastic_ip_id)
          SELECT 'private', min(id), 1 FROM subnet$$),
    ('endpoint_gateway_tags_are_strings',
        $$INSERT INTO endpoint_gateway (service, vpc_id, tags) SELECT 's3', min(id), '{"a": {}}' FROM vpc$$),
    ('endpoint_gateway_policy_document_is_object',
        $$INSERT INTO endpoint_gateway (service, vpc_id, policy_document) SELECT 's3', min(id), '[]' FROM vpc$$),
    ('subnet_availability_zone_region_fkey', $$UPDATE subnet SET availability_zone = 'us-east-1z'$$),
    ('subnet_vpc_id_region_fkey', $$UPDATE subnet SET vpc_id = 0$$),
    ('security_group_group_name_vpc_id_region_key',
        $$INSERT INTO security_group (group_name) VALUES ('quickstart-security-group')$$),
    ('security_group_vpc_id_region_fkey',
        $$INSERT INTO security_group (group_name, vpc_id, region) SELECT 'g', min(id), 'us-west-2' FROM vpc$$),
    ('security_group_rule_key',
        $$INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
          SELECT is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id FROM security_group_rule$$),
    ('security_group_rule_one_source', $$UPDATE security_group_rule SET cidr_ipv6 = '::/0'$$),
    ('security_group_rule_one_source', $$UPDATE security_group_rule SET prefix_list_id = 'pl-1'$$),
    ('security_group_rule_one_source', $$UPDATE security_group_rule SET source_security_group = security_group_id$$),
    ('security_group_rule_one_source', $$UPDATE security_group_rule SET cidr_ipv4 = NULL$$),
    ('security_group_rule_one_source', $$UPDATE security_group_rule SET cidr_ipv4 = NULL, prefix_list_id = ''$$),
    ('security_group_rule_cidr_ipv4_is_ipv4', $$UPDATE security_group_rule SET cidr_ipv4 = '2001:db8::/32'$$),
    ('security_group_rule_cidr_ipv6_is_ipv6',
        $$UPDATE security_group_rule SET cidr_ipv4 = NULL, cidr_ipv6 = '10.0.0.0/8'$$),
    ('invalid cidr value: "10.0.0.1/8"', $$UPDATE security_group_rule SET cidr_ipv4 = '10.0.0.1/8'$$),
    ('security_group_rule_from_port_range', $$UPDATE security_group_rule SET from_port = -2$$),
    ('security_group_rule_to_port_range', $$UPDATE security_group_rule SET to_port = 65536$$),
    ('security_group_rule_port_order', $$UPDATE security_group_rule SET to_port = 1 WHERE ip_protocol = 'tcp'$$),
    ('load_balancer_name_form', $$UPDATE load_balancer SET load_balancer_name = '-a'$$),
    ('load_balancer_name_form', $$UPDATE load_balancer SET load_balancer_name = 'a_b'$$),
    ('load_balancer_name_form', $$UPDATE load_balancer SET load_balancer_name = repeat('a', 33)$$),
    ('target_group_name_form', $$UPDATE target_group SET target_group_name = 'a-'$$),
    ('target_group_port_range', $$UPDATE target_group SET port = 0$$),
    ('target_group_health_check_port_form', $$UPDATE target_group SET health_check_port = 'http'$$),
    ('target_group_health_check_port_form', $$UPDATE target_group SET health_check_port = '65536'$$),
    ('listener_port_range', $$UPDATE listener SET port = 65536$$),
    ('listener_load_balancer_name_port_region_key',
        $$INSERT INTO listener (load_balancer_name, port, protocol, target_group_name)
          SELECT load_balancer_name, port, protocol, target_group_name FROM listener$$),
    ('listener_certificate_id_region_fkey', $$UPDATE listener SET certificate_id = 0$$),
    ('container_definition_has_image', $$UPDATE container_definition SET repository_name = NULL$$),
    ('container_definition_has_image', $$UPDATE container_definition SET image = 'nginx'$$),
    ('container_definition_tag_or_digest', $$UPDATE container_definition SET digest = 'sha256:0'$$),
    ('container_definition_host_port_range', $$UPDATE container_definition SET host_port = -1$$),
    ('container_definition_container_port_range', $$UPDATE container_definition SET container_port = 0$$),
    ('container_definition_sizes_not_negative', $$UPDATE container_definition SET memory = -1$$),
    ('container_definition_env_variables_is_object', $$UPDATE container_definition SET env_variables = '["a"]'$$),
    ('container_definition_task_definition_id_name_key',
        $$INSERT INTO container_definition (name, image, task_definition_id)
          SELECT name, 'i', task_definition_id FROM container_definition$$),
    ('service_desired_count_not_negative', $$UPDATE service SET desired_count = -1$$),
    ('service_task_definition_id_region_fkey', $$DELETE FROM task_definition$$),
    ('task_definition_task_role_name_fkey', $$DELETE FROM role$$);

SELECT got || ' instead of ' || why || ': ' || statement
FROM refused, pg_temp.refusal(statement) AS got WHERE got IS DISTINCT FROM why;

SELECT conname || ' is not tried' FROM pg_constraint
WHERE contype = 'c' AND connamespace = quote_ident(current_schema())::regnamespace
    AND conname NOT IN (SELECT why FROM refused);
