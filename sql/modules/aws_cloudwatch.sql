/*
 * aws_cloudwatch: log groups.
 */

CREATE TABLE log_group (
    log_group_name varchar NOT NULL,
    log_group_arn varchar,
    creation_time timestamptz,
    region text NOT NULL DEFAULT default_aws_region() REFERENCES aws_regions (region) DEFERRABLE,
    PRIMARY KEY (log_group_name, region)
);

COMMENT ON TABLE log_group IS 'CloudWatch log groups. Replacing or deleting one loses its logs.';
COMMENT ON COLUMN log_group.log_group_name IS 'Name, unique in the region. Replace-only.';
COMMENT ON COLUMN log_group.log_group_arn IS 'ARN. Computed.';
COMMENT ON COLUMN log_group.creation_time IS 'When AWS created it. Computed.';
COMMENT ON COLUMN log_group.region IS 'AWS region. Replace-only.';
