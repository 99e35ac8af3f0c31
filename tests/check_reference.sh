#!/bin/bash
# The reference and man pages in the repository are what the program prints today.
#
#   tests/check_reference.sh DRAY
#
# To bring them up to date: DRAY help --write-reference .
set -euo pipefail
cd "$(dirname "$0")/.."
fresh="$(mktemp -d)"
trap 'rm -rf "$fresh"' EXIT
"$1" help --write-reference "$fresh"
[ -n "$(ls -A "$fresh")" ] || { echo "nothing was written" >&2; exit 1; }
# pages written by hand may stand beside the printed ones
status=0
while read -r name; do
    diff -u "$name" "$fresh/$name" || status=1
done < <(cd "$fresh" && find . -type f | sort)
exit $status
