#!/bin/bash
# Run the tests of a build directory; "make check" calls it.
#
#   tests/check.sh BUILD [TEST...]      no TEST: all of them
#
# A TEST that is a path below tests/ goes to pytest, any other to Meson: a suite (unit, fault,
# golden, fuzz) or a test's name (block/manifest). Both runners run even when the first one fails.
set -uo pipefail
cd "$(dirname "$0")/.."

build="$1"
shift
meson_suites=() meson_names=() pytest_names=()
for name in "$@"; do
    case "$name" in
        tests/*) pytest_names+=("$name") ;;
        unit | fault | golden | fuzz | checks) meson_suites+=(--suite "$name") ;;
        *) meson_names+=("$name") ;;
    esac
done

status=0
meson_test() {
    meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=1
}
[ $# -gt 0 ] || meson_test
# Meson would take suites and names together as "both must fit"
[ ${#meson_suites[@]} -eq 0 ] || meson_test "${meson_suites[@]}"
[ ${#meson_names[@]} -eq 0 ] || meson_test "${meson_names[@]}"
if [ $# -eq 0 ] || [ ${#pytest_names[@]} -gt 0 ]; then
    [ ${#pytest_names[@]} -gt 0 ] || pytest_names=(tests/integration)
    # Debian's own interpreter: the packages of packages.txt are installed for it. Two processes,
    # each with servers of its own.
    DRAY="${DRAY:-$PWD/$build/dray}" /usr/bin/python3 -m pytest -q -p no:cacheprovider \
        -n "${PYTEST_PROCESSES:-2}" --durations=10 "${pytest_names[@]}" </dev/null || status=1
fi
exit $status
