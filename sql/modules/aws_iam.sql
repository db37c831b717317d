/*
 * aws_iam: roles.  IAM is global, so the table has no region.
 */

CREATE TABLE role (
    arn varchar,
    role_name varchar PRIMARY KEY,
    assume_role_policy_document jsonb NOT NULL,
    description varchar,
    attached_policies_arns text[],
    CONSTRAINT role_assume_role_policy_document_is_object
        CHECK (jsonb_typeof(assume_role_policy_document) = 'object')
);

COMMENT ON TABLE role IS 'IAM roles. Roles linked to AWS services are listed but cannot be changed.';
COMMENT ON COLUMN role.arn IS 'ARN. Computed.';
COMMENT ON COLUMN role.role_name IS 'Name, unique in the account. Replace-only.';
COMMENT ON COLUMN role.assume_role_policy_document IS 'Trust policy: who may assume the role. Changeable.';
COMMENT ON COLUMN role.description IS 'Description. Changeable.';
COMMENT ON COLUMN role.attached_policies_arns IS 'ARNs of the attached managed policies; a set. Changeable.';
