-- A schema of functions, operators, types and tables with the names of pg_catalog's, all of which raise an error or hold
-- nothing.
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.hijacked() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;

-- every function that takes up to two arguments of these types: the same signature, so that it wins before pg_catalog's
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT proname, pg_get_function_identity_arguments(p.oid) AS arguments, prokind,
            format_type(prorettype, NULL) AS result, proretset
        FROM pg_proc p
        WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND provariadic = 0 AND proname IN ('unnest', 'array_position',
            'jsonb_populate_record', 'jsonb_object_keys', 'jsonb_array_elements_text', 'to_jsonb', 'current_database',
            'pg_control_system', 'pg_control_checkpoint', 'pg_walfile_name', 'pg_current_wal_insert_lsn', 'left',
            'clock_timestamp', 'now', 'format', 'split_part', 'strpos', 'obj_description', 'concat_ws', 'pg_get_expr',
            'pg_get_function_arguments', 'pg_get_function_result', 'has_schema_privilege', 'array_length', 'quote_ident',
            'lower', 'pg_notify', 'nextval', 'pg_backend_pid', 'gen_random_uuid', 'pg_is_in_recovery')
    LOOP
        EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s%s LANGUAGE plpgsql AS '
            '''BEGIN RAISE EXCEPTION ''''hijacked''''; END''', f.proname, f.arguments,
            CASE WHEN f.proretset THEN 'SETOF ' ELSE '' END, f.result);
    END LOOP;
END
$$;
CREATE FUNCTION evil.counted(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
CREATE AGGREGATE evil.count(*) (SFUNC = evil.counted, STYPE = bigint, INITCOND = '0');

DO $$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT oprname, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result FROM pg_operator
        WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprname IN ('=', '<>', '<', '>', '->', '->>', '?', '||', '~')
            AND oprleft IN ('text'::regtype, 'name'::regtype, 'int4'::regtype, 'int8'::regtype, 'oid'::regtype,
                'jsonb'::regtype, 'bool'::regtype, 'char'::regtype, '"char"'::regtype, 'anyarray'::regtype,
                'timestamptz'::regtype, 'bpchar'::regtype, 'record'::regtype, 'anyenum'::regtype)
            AND NOT (oprleft = 'name'::regtype AND oprright = 'name'::regtype AND oprname = '=')
    LOOP
        CONTINUE WHEN o.l IN ('record'::regtype);
        EXECUTE format('CREATE FUNCTION evil.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS '
            '''BEGIN RAISE EXCEPTION ''''hijacked''''; END''', 'op ' || o.oprname, o.l, o.r, o.result);
        EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.%I)', o.oprname, o.l, o.r,
            'op ' || o.oprname);
    END LOOP;
END
$$;

CREATE DOMAIN evil.text AS pg_catalog.text CHECK (evil.hijacked());
CREATE DOMAIN evil.jsonb AS pg_catalog.jsonb CHECK (evil.hijacked());
CREATE DOMAIN evil.name AS pg_catalog.name CHECK (evil.hijacked());
CREATE DOMAIN evil.timestamptz AS pg_catalog.timestamptz CHECK (evil.hijacked());
CREATE DOMAIN evil.oid AS pg_catalog.oid CHECK (evil.hijacked());
CREATE DOMAIN evil.int4 AS pg_catalog.int4 CHECK (evil.hijacked());

CREATE TABLE evil.pg_extension (LIKE pg_catalog.pg_extension);
CREATE TABLE evil.pg_namespace (LIKE pg_catalog.pg_namespace);
CREATE TABLE evil.pg_database (LIKE pg_catalog.pg_database);
CREATE TABLE evil.iasql_workspace (LIKE iasql.iasql_workspace);
CREATE TABLE evil.iasql_module (LIKE iasql.iasql_module);
CREATE TABLE evil.log_group (LIKE cloud.log_group);
CREATE TABLE evil.vpc (LIKE cloud.vpc);
CREATE TABLE evil.aws_account (LIKE cloud.aws_account);
CREATE TABLE evil.aws_regions (LIKE cloud.aws_regions);
