-- A row of each kind that the suite looks at: with natural key and without, one call and several, parents and children.
INSERT INTO vpc (cidr_block, tags) VALUES ('10.7.0.0/16', '{"Name": "rolled"}');
INSERT INTO subnet (availability_zone, vpc_id, cidr_block)
    SELECT 'us-east-1a', id, '10.7.1.0/24' FROM vpc WHERE cidr_block = '10.7.0.0/16';
INSERT INTO nat_gateway (connectivity_type, subnet_id, tags)
    SELECT 'public', id, '{"Name": "rolled"}' FROM subnet WHERE cidr_block = '10.7.1.0/24';
INSERT INTO elastic_ip (tags) VALUES (NULL);
INSERT INTO security_group (group_name, description, vpc_id)
    SELECT 'rolled', 'rolled', id FROM vpc WHERE cidr_block = '10.7.0.0/16';
INSERT INTO security_group_rule (is_egress, ip_protocol, from_port, to_port, cidr_ipv4, security_group_id)
    SELECT false, 'tcp', 80, 80, '10.0.0.0/8', id FROM security_group WHERE group_name = 'rolled';
INSERT INTO role (role_name, assume_role_policy_document, attached_policies_arns)
    VALUES ('rolled', '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}',
        '{arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy}');
INSERT INTO log_group (log_group_name) VALUES ('rolled');
INSERT INTO cluster (cluster_name) VALUES ('rolled');
INSERT INTO task_definition (family, task_role_name, execution_role_name, cpu_memory)
    VALUES ('rolled', 'rolled', 'rolled', 'vCPU0.25-0.5GB');
INSERT INTO container_definition (name, essential, image, tag, task_definition_id)
    SELECT 'main', true, 'nginx', 'latest', id FROM task_definition WHERE family = 'rolled';
