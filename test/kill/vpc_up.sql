-- Objects without natural key.
INSERT INTO vpc (cidr_block, tags) VALUES ('10.8.0.0/16', '{"Name": "killed"}');
INSERT INTO subnet (availability_zone, vpc_id, cidr_block)
    SELECT 'us-east-1a', id, '10.8.1.0/24' FROM vpc WHERE cidr_block = '10.8.0.0/16';
INSERT INTO nat_gateway (connectivity_type, subnet_id, tags)
    SELECT 'public', id, '{"Name": "killed"}' FROM subnet WHERE cidr_block = '10.8.1.0/24';
INSERT INTO elastic_ip (tags) VALUES ('{"Name": "alone"}');
