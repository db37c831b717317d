# For suites written in bash: count checks, and end with the line that test/run adds up.  Sourced from the top folder.
passed=0 failed=0

# is WHAT GOT WANTED: pass if both strings are equal
is() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'not ok: %s\n  got:    %s\n  wanted: %s\n' "$1" "${2//$'\n'/$'\n          '}" "${3//$'\n'/$'\n          '}"
    fi
}

# ok WHAT COMMAND...: pass if the command exits with 0; its output is shown if it does not
ok() {
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'not ok: %s\n%s\n' "$what" "$output"
    fi
}

# sql [OPTION...] < script: psql that stops at the first error, rows unaligned and without frills
sql() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# finish: print the result line and end with its status
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}
