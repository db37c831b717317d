DELETE FROM nat_gateway;
DELETE FROM elastic_ip;
DELETE FROM subnet WHERE cidr_block = '10.8.1.0/24';
DELETE FROM security_group_rule r USING security_group g
    WHERE g.id = r.security_group_id AND g.vpc_id IN (SELECT id FROM vpc WHERE NOT is_default);
DELETE FROM security_group WHERE vpc_id IN (SELECT id FROM vpc WHERE NOT is_default);
DELETE FROM vpc WHERE NOT is_default;
