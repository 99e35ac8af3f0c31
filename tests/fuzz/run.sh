#!/bin/bash
# Fuzz every target of a -Dfuzzers=true build for some seconds each, starting from its corpus.
#
#   tests/fuzz/run.sh BUILD SECONDS
#
# New inputs stay below BUILD/fuzz-work; a crash is kept there and its path is printed.
set -uo pipefail
cd "$(dirname "$0")/../.."
build="$1" seconds="$2"
status=0
for program in "$build"/tests/fuzz/fuzz_*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    name="${program##*/fuzz_}"
    work="$build/fuzz-work/$name"
    mkdir -p "$work/found"
    if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$work/" "$work/found" "tests/fuzz/corpus/$name" >"$work/log" 2>&1; then
        echo "fuzz $name: $(awk '/number_of_executed_units/ { print $2 }' "$work/log") runs, no fault"
    else
        tail -n 30 "$work/log"
        echo "fuzz $name: FAILED, inputs in $work" >&2
        status=1
    fi
done
exit $status
