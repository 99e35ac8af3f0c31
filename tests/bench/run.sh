#!/bin/bash
# make bench: every benchmark, against servers of its own.   run.sh PROGRAM [main_job's options]
set -euo pipefail
cd "$(dirname "$0")/../.."
program="$(realpath "$1")"
shift
exec /usr/bin/python3 tests/bench/main_job.py "$program" "$@"
