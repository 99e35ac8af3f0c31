#!/bin/bash
# make bench: every benchmark, against servers of its own.   run.sh PROGRAM [main_job|live_postgres|live_mysql|live_pgq [options]]
set -euo pipefail
cd "$(dirname "$0")/../.."
program="$(realpath "$1")"
shift
if [ $# -gt 0 ]; then
    name="$1"
    shift
    exec /usr/bin/python3 "tests/bench/$name.py" "$program" "$@"
fi
/usr/bin/python3 tests/bench/main_job.py "$program"
/usr/bin/python3 tests/bench/live_postgres.py "$program"
/usr/bin/python3 tests/bench/live_mysql.py "$program"
/usr/bin/python3 tests/bench/live_pgq.py "$program"
