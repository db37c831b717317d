UPDATE vpc SET cidr_block = '10.7.0.0/16' WHERE cidr_block = '10.6.0.0/16';
UPDATE subnet SET cidr_block = '10.7.1.0/24' WHERE cidr_block = '10.6.1.0/24';
UPDATE nat_gateway SET subnet_id = (SELECT id FROM subnet WHERE cidr_block = '10.8.2.0/24');
UPDATE security_group SET description = 'after' WHERE group_name = 'killed';
UPDATE target_group SET target_group_name = 'killed-after' WHERE target_group_name = 'killed-before';
UPDATE task_definition SET cpu_memory = 'vCPU0.5-1GB' WHERE family = 'killed';
