# For suites written in bash: count checks, and end with the line that test/run adds up.  Sourced from the top folder.
passed=0 failed=0
PATH=$("${PG_CONFIG:-pg_config}" --bindir):$PATH # Debian's psql is a wrapper in Perl
export IASQL_RUN=${IASQL_RUN:-$PWD/build/run} # where clusters, emulators and logs are
mkdir -p "$IASQL_RUN"
export PYTHONPATH=$PWD/test:$PWD/test/emulator PYTHONDONTWRITEBYTECODE=1
unset "${!AWS_@}" # a suite's account is its emulator's

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

# sanitized SOURCE [OPTION...]: compile a C program with src/aws under the address and undefined-behaviour sanitizers;
# print its path
sanitized() {
    local program
    program=build/asan/$(basename "$(dirname "$0")")/$(basename "${1%.c}")
    mkdir -p "$(dirname "$program")"
    rm -f "$program"
    make -s build/asan/libaws.a >&2 &&
        gcc -std=gnu11 -g -O1 -Wall -Wextra -Wno-missing-field-initializers -Werror -fsanitize=address,undefined \
            -fno-sanitize-recover=undefined ${COVERAGE:+--coverage} -Isrc "$@" -o "$program" build/asan/libaws.a \
            -lcurl -lcrypto -lexpat -ljson-c -lm >&2 &&
        echo "$program"
}

# counts COMMAND...: run a program that prints its failures and ends with "N passed, N failed"; take its counts over
counts() {
    local output status=0
    output=$("$@" 2>&1) || status=$?
    if [[ $output =~ (^|$'\n')([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[2])) failed=$((failed + BASH_REMATCH[3]))
        [ "$status" -eq 0 ] || echo "$output"
        [ "$status" -eq 0 ] || [ "${BASH_REMATCH[3]}" -gt 0 ] || failed=$((failed + 1))
    else
        failed=$((failed + 1))
        printf 'not ok: %s: exit status %s without a result\n%s\n' "$1" "$status" "$output"
    fi
}

# connect URL [KEY SECRET]: make the extension in the database $PGDATABASE, for an account at URL
connect() {
    sql -c 'CREATE EXTENSION iasql' -c "ALTER DATABASE $PGDATABASE SET iasql.endpoint_url = '$1'"
    sql -c "SELECT FROM iasql_install('aws_account')" -c "INSERT INTO aws_account (region, access_key_id, secret_access_key)
        VALUES ('us-east-1', '${2:-test}', '${3:-test}')" >/dev/null
}

# finish: print the result line and end with its status
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}
