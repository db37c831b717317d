-- Objects whose replacements are killed: with natural key and without, made before the old one goes and after, used by
-- others, with all that is in them, and versioned.
INSERT INTO vpc (cidr_block, tags) VALUES ('10.6.0.0/16', '{"Name": "emptied"}'), ('10.8.0.0/16', '{"Name": "killed"}');
INSERT INTO subnet (availability_zone, vpc_id, cidr_block)
    SELECT 'us-east-1a', id, c.cidr_block
    FROM vpc JOIN (VALUES ('6', '10.6.1.0/24'), ('8', '10.8.1.0/24'), ('8', '10.8.2.0/24')) c (net, cidr_block)
        ON vpc.cidr_block = '10.' || net || '.0.0/16';
INSERT INTO nat_gateway (connectivity_type, subnet_id)
    SELECT 'private', id FROM subnet WHERE cidr_block = '10.8.1.0/24';
INSERT INTO security_group (group_name, description) VALUES ('killed', 'before');
INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
    SELECT false, 'tcp', 80, 80, '10.0.0.0/8', id FROM security_group WHERE group_name = 'killed';
INSERT INTO target_group (target_group_name, target_type, protocol, port, health_check_path)
    VALUES ('killed-before', 'ip', 'HTTP', 80, '/');
INSERT INTO load_balancer (load_balancer_name, scheme, load_balancer_type, ip_address_type)
    VALUES ('killed', 'internet-facing', 'application', 'ipv4');
INSERT INTO listener (load_balancer_name, port, protocol, action_type, target_group_name)
    VALUES ('killed', 80, 'HTTP', 'forward', 'killed-before');
INSERT INTO task_definition (family, cpu_memory) VALUES ('killed', 'vCPU0.25-0.5GB');
INSERT INTO container_definition (name, essential, image, tag, task_definition_id)
    SELECT 'main', true, 'nginx', 'latest', id FROM task_definition WHERE family = 'killed';
