#!/bin/bash
# Show the whole way of a change: log, CSV files of a block, merge, position, replay.
#
#   demo/run.sh DRAY      "make demo" builds and calls it; leaves everything in demo-output/
set -euo pipefail
cd "$(dirname "$0")/.."

dray="$(realpath "${1:-build/dray}")"
out=demo-output
rm -rf "$out"
mkdir "$out"

title() { printf '\n== %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
dump() { sqlite3 "$1" ".mode list" "SELECT * FROM customers ORDER BY id" \
    "SELECT sku, title, price, hex(picture), tags FROM products ORDER BY sku" \
    "SELECT * FROM orders ORDER BY id" "SELECT * FROM order_items ORDER BY order_id, line" \
    "SELECT * FROM baskets ORDER BY session"; }

title "An empty warehouse (demo/schema.sql), and a change log recorded from PostgreSQL with wal2json"
sqlite3 "$out/shop.sqlite" <demo/schema.sql
echo "demo/shop.jsonl: $(wc -l <demo/shop.jsonl) lines," \
    "$(grep -c '"action":"C"' demo/shop.jsonl) transactions; one of its lines:"
grep -m1 '"action":"U"' demo/shop.jsonl

title "Run the service until the end of the log"
show "$dray" run demo/demo.yaml --until-end

title "Every commit block is a directory; they were kept (block.retain: all)"
show "$dray" blocks demo/demo.yaml list
block="$(find "$out/blocks" -mindepth 1 -maxdepth 1 -type d | sort | head -n 1)"
show ls -l "$block"

title "One CSV file a table: opcode, seqno, row_id, timestamp, then the table's columns"
show head -n 8 "$block/public.customers.csv"
echo "..."
echo "An update is a D line with the old key, then an I line; a delete a D line alone:"
grep -h '"D"' -A 1 "$block/public.orders.csv" | head -n 4

title "The manifest is the block's bill of lading: what is in it, counts, checksums, positions"
show "$dray" blocks demo/demo.yaml show "$(basename "$block")"

title "The merged tables"
show sqlite3 -header -column "$out/shop.sqlite" \
    "SELECT id, name, email, quote(note) AS note, vip FROM customers ORDER BY id"
show sqlite3 -header -column "$out/shop.sqlite" \
    "SELECT state, count(DISTINCT id) AS orders, sum(quantity) AS articles FROM orders
       JOIN order_items ON order_id = orders.id GROUP BY state ORDER BY state"

title "The position was committed together with the rows: a restart goes on exactly there"
show sqlite3 -line "$out/shop.sqlite" "SELECT * FROM dray_position"
show "$dray" status demo/demo.yaml

title "Replay the kept blocks into a second, empty warehouse"
sqlite3 "$out/second.sqlite" <demo/schema.sql
show "$dray" replay demo/second.yaml "$out/blocks"

title "Are the two equal?"
dump "$out/shop.sqlite" >"$out/shop.txt"
dump "$out/second.sqlite" >"$out/second.txt"
rows="$(wc -l <"$out/shop.txt")"
if ! diff -u "$out/shop.txt" "$out/second.txt"; then
    echo "NO: the replayed tables differ" >&2
    exit 1
fi
[ "$rows" -gt 100 ] || { echo "NO: only $rows lines in the tables" >&2; exit 1; }
echo "yes: all tables of shop.sqlite and second.sqlite are equal, line by line ($rows lines)"
