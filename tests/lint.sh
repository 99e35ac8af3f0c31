#!/bin/bash
# clang-tidy over every C file of the project and the project's own checks; "make lint" calls it.
#
#   tests/lint.sh [BUILD]     BUILD has a clang compile database; default: build-lint, made here
set -uo pipefail
cd "$(dirname "$0")/.."

build="${1:-build-lint}"
if [ ! -f "$build/build.ninja" ]; then
    CC=clang meson setup "$build" -Dfaults=true || exit 1
fi
status=0
tests/check_layers.py || status=1
tests/check_style.py || status=1
# the project's files only: the database may also list what Meson generated
run-clang-tidy -quiet -p "$build" -j "$(nproc)" "^$PWD/(applier|tests)/.*\.c\$" 2>&1 |
    grep -v -e '^clang-tidy' -e 'warnings generated' -e '^Suppressed' -e '^Use -header-filter' -e '^$'
[ "${PIPESTATUS[0]}" = 0 ] || status=1
exit $status
