# The tutorial from an empty account to an empty account.  A suite that sources this gives three functions, which send the
# statements by its own client: install, up (all of it, iasql_apply included) and down (without an apply, as in the
# document); then it calls `tutorial NAME`, which leaves all
# running.

. test/suite.sh

export PGOPTIONS='-c client_min_messages=warning'

# What iasql_apply() reports, without ids: the tables, sorted.
reported() {
    cut -d '|' -f 1,2 | sort
}

rows_of() {
    local table
    for table in cluster listener load_balancer log_group repository role security_group security_group_rule \
        security_group_rule service target_group task_definition; do
        echo "$1|$table"
    done
}

snapshot() {
    .venv/bin/python test/emulator/snapshot.py "$url"
}

tutorial() {
    local before after id
    trap 'test/cluster/stop '"$1"'; test/emulator/stop '"$1" EXIT
    eval "$(test/cluster/start "$1")"
    url=$(test/emulator/start "$1")
    createdb quickstart
    export PGDATABASE=quickstart
    before=$(snapshot)
    ok "the account is connected" connect "$url"

    ok "the modules are installed" install
    is "an account in step has nothing to apply" "$(sql -c 'SELECT * FROM iasql_preview_apply()' 2>&1)" ""
    is "installing changes nothing" "$(snapshot)" "$before"

    up
    counts .venv/bin/python test/tutorial/objects.py "$url"
    is "after it there is nothing to preview" "$(sql -c 'SELECT * FROM iasql_preview_apply()' 2>&1)" ""
    is "a second apply does nothing" "$(sql -c 'SELECT * FROM iasql_apply()' 2>&1)" ""
    is "a sync changes nothing" "$(sql -c 'SELECT * FROM iasql_sync()' 2>&1)" ""
    is "the repository has its URI" \
        "$(sql -c "SELECT repository_uri FROM repository WHERE repository_name = 'quickstart-repository'")" \
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/quickstart-repository"
    is "the load balancer has its name" \
        "$(sql -c "SELECT dns_name LIKE 'quickstart-load-balancer%.elb.amazonaws.com' FROM load_balancer")" t
    is "every cloud id is written back" "$(sql -c "
        SELECT (SELECT count(*) FROM security_group WHERE group_id IS NULL)
             + (SELECT count(*) FROM security_group_rule WHERE security_group_rule_id IS NULL)
             + (SELECT count(*) FROM target_group WHERE target_group_arn IS NULL)
             + (SELECT count(*) FROM load_balancer WHERE load_balancer_arn IS NULL)
             + (SELECT count(*) FROM listener WHERE listener_arn IS NULL)
             + (SELECT count(*) FROM cluster WHERE cluster_arn IS NULL)
             + (SELECT count(*) FROM task_definition WHERE task_definition_arn IS NULL)
             + (SELECT count(*) FROM service WHERE arn IS NULL)
             + (SELECT count(*) FROM role WHERE arn IS NULL)")" 0

    ok "the rows are deleted" down
    is "the apply after the revert deletes 12 objects" "$(sql -c 'SELECT * FROM iasql_apply()' 2>&1 | reported)" \
        "$(rows_of delete)"
    after=$(snapshot)
    is "the account is as before" "$(diff <(echo "$before") <(echo "$after") || true)" ""
    is "and there is nothing left to apply" "$(sql -c 'SELECT * FROM iasql_apply()' 2>&1)" ""
}
