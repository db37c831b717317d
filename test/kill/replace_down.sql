UPDATE vpc SET cidr_block = '10.6.0.0/16' WHERE cidr_block = '10.7.0.0/16';
UPDATE subnet SET cidr_block = '10.6.1.0/24' WHERE cidr_block = '10.7.1.0/24';
UPDATE nat_gateway SET subnet_id = (SELECT id FROM subnet WHERE cidr_block = '10.8.1.0/24');
UPDATE security_group SET description = 'before' WHERE group_name = 'killed';
UPDATE target_group SET target_group_name = 'killed-before' WHERE target_group_name = 'killed-after';
UPDATE task_definition SET cpu_memory = 'vCPU0.25-0.5GB' WHERE family = 'killed';
