-- What holds for every table of the schema that search_path begins with.  Each row that comes out is a fault.

CREATE TEMP VIEW own_column AS
SELECT c.oid AS relid, c.relname, a.attnum, a.attname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS default_
FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r';

CREATE TEMP VIEW own_key AS
SELECT f.*, f.conrelid::regclass || '.' || f.conname AS label,
    EXISTS (SELECT FROM own_column c WHERE c.relid = f.confrelid AND c.attname = 'region'
                AND c.relname <> 'aws_regions') AS to_regional,
    EXISTS (SELECT FROM own_column c WHERE c.relid = f.conrelid AND c.attname = 'region' AND c.attnum = ANY (f.conkey))
        AS has_region
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid
WHERE f.contype = 'f' AND c.relnamespace = quote_ident(current_schema())::regnamespace;

SELECT relname || ' has no comment' FROM own_column
GROUP BY relid, relname HAVING obj_description(relid, 'pg_class') IS NULL;

SELECT relname || '.' || attname || ' has no comment' FROM own_column WHERE col_description(relid, attnum) IS NULL;

SELECT proname || ' has no comment' FROM pg_proc
WHERE pronamespace = quote_ident(current_schema())::regnamespace AND obj_description(oid, 'pg_proc') IS NULL;

SELECT proname || ' is not pinned to its schema' FROM pg_proc
WHERE pronamespace = quote_ident(current_schema())::regnamespace
    AND NOT coalesce(proconfig @> ARRAY['search_path=' || current_setting('search_path')], false);

SELECT relname || ' has no primary key' FROM own_column c
WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = c.relid AND p.contype = 'p') GROUP BY relname;

-- The region rule.
SELECT relname || ' has no region' FROM own_column
WHERE relname NOT IN ('role', 'public_repository')
GROUP BY relname HAVING NOT bool_or(attname = 'region');

SELECT relname || '.region is nullable or has another default: ' || coalesce(default_, '') FROM own_column
WHERE attname = 'region' AND relname NOT IN ('aws_account', 'aws_regions')
    AND NOT (attnotnull AND default_ IS NOT DISTINCT FROM 'default_aws_region()');

SELECT relname || '.region does not refer to aws_regions' FROM own_column c
WHERE attname = 'region' AND relname <> 'aws_regions'
    AND NOT EXISTS (SELECT FROM own_key f
                    WHERE f.conrelid = c.relid AND f.confrelid = 'aws_regions'::regclass
                        AND f.conkey = ARRAY[c.attnum]);

SELECT label || ' leaves the region open' FROM own_key WHERE to_regional AND NOT has_region;

-- Foreign keys.
SELECT label || ' is not deferrable, initially immediate' FROM own_key WHERE NOT condeferrable OR condeferred;

SELECT label || ' does not cascade updates' FROM own_key
WHERE confrelid <> 'aws_regions'::regclass AND confupdtype <> 'c';

SELECT label || ' acts on deletes as ' || confdeltype::text FROM own_key WHERE confdeltype NOT IN ('a', 'c');

SELECT label || ' leads to another schema' FROM own_key JOIN pg_class c ON c.oid = confrelid
WHERE c.relnamespace <> quote_ident(current_schema())::regnamespace;

-- Without an index that starts with its columns a foreign key makes each delete of a parent read the whole table.
SELECT label || ' has no index' FROM own_key f
WHERE f.confrelid <> 'aws_regions'::regclass
    AND NOT EXISTS (SELECT FROM pg_index i
                    WHERE i.indrelid = f.conrelid AND i.indpred IS NULL AND i.indkey[0] = f.conkey[1]);
