#!/usr/bin/python3
"""How demo/shop.jsonl was recorded: a small shop in a real PostgreSQL, read through wal2json.

    tools/install-packages record && demo/record.py >demo/shop.jsonl

Starts a server of its own in a temporary directory and removes it again. Times and transaction
numbers differ with each recording; the changes do not.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests",
                                "integration"))
from servers import Postgres  # noqa: E402

SCHEMA = """
CREATE TABLE customers (
    id integer PRIMARY KEY, name text NOT NULL, email text UNIQUE, note text,
    vip boolean NOT NULL DEFAULT false);
CREATE TABLE products (
    sku text PRIMARY KEY, title text NOT NULL, price numeric(10,2) NOT NULL, picture bytea,
    tags text[]);
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id integer NOT NULL, placed_at timestamptz NOT NULL,
    state text NOT NULL, details jsonb);
CREATE TABLE order_items (
    order_id bigint, line integer, sku text NOT NULL, quantity integer NOT NULL,
    price numeric(10,2) NOT NULL, PRIMARY KEY (order_id, line));
CREATE TABLE baskets (session text PRIMARY KEY, customer_id integer, items integer NOT NULL);
"""

# each entry is one transaction
TRANSACTIONS = [
    # the first customers: quotes, a comma, an apostrophe, NULL and the empty string side by side
    [("INSERT INTO customers VALUES (%s,%s,%s,%s,%s)", row) for row in [
        (1, "Ada Bright", "ada@example.org", None, True),
        (2, 'Bob "the Builder" Stone', "bob@example.org", "", False),
        (3, "O'Hara, Scarlett", "scarlett@example.org", "null", False),
        (4, "Zoë Müller", None, "prefers\nmornings", False),
        (5, "李小龍", "lee@example.org", "🐉 dragon, 功夫", True)]],
    [("INSERT INTO products VALUES (%s,%s,%s,%s,%s)", row) for row in [
        ("TEA-01", "Green tea, 100 g", "6.50", None, ["tea", "green"]),
        ("TEA-02", 'Tea "Earl Grey"', "7.25", bytes([0x89, 0x50, 0x4e, 0x47, 0]), ["tea"]),
        ("CUP-01", "Cup 🍵", "12.00", None, []),
        ("POT-01", "Pot, 1.5 l \\ cast iron", "89.90", None, ["pot", "cast, iron"])]],
    # an order with its items in one transaction
    [("INSERT INTO orders VALUES (1001, 1, '2024-03-01 09:30:00+01', 'open',"
      " '{\"gift\": true, \"text\": \"All the best, \\\"A\\\"\"}')", None),
     ("INSERT INTO order_items VALUES (1001,1,'TEA-01',2,6.50), (1001,2,'CUP-01',1,12.00)", None),
     ("INSERT INTO baskets VALUES ('s-1', 1, 2), ('s-2', NULL, 1)", None)],
    [("INSERT INTO orders VALUES (1002, 2, '2024-03-01 10:02:11.250+00', 'open', NULL)", None),
     ("INSERT INTO order_items VALUES (1002,1,'POT-01',1,89.90)", None)],
    # updates, one of them of several rows
    [("UPDATE orders SET state = 'paid' WHERE id = 1001", None)],
    [("UPDATE products SET price = round(price * 1.10, 2) WHERE sku LIKE 'TEA%%'", ())],
    # key changes: a product is renumbered, an item moves to another line
    [("UPDATE products SET sku = 'CUP-100' WHERE sku = 'CUP-01'", None),
     ("UPDATE order_items SET sku = 'CUP-100' WHERE sku = 'CUP-01'", None)],
    [("UPDATE order_items SET line = 3, quantity = 4 WHERE order_id = 1001 AND line = 1", None)],
    # two customers trade their e-mail addresses, which must stay unique
    [("UPDATE customers SET email = NULL WHERE id = 1", None),
     ("UPDATE customers SET email = 'ada@example.org' WHERE id = 2", None),
     ("UPDATE customers SET email = 'bob@example.org' WHERE id = 1", None)],
    # an insert that is deleted again at once, and a delete that comes back
    [("INSERT INTO orders VALUES (1003, 4, '2024-03-02 00:00:00+00', 'open', NULL)", None),
     ("DELETE FROM orders WHERE id = 1003", None)],
    [("DELETE FROM customers WHERE id = 3", None)],
    [("INSERT INTO customers VALUES (3, 'Scarlett O''Hara', 'new@example.org', NULL, true)", None)],
    # the baskets are emptied with TRUNCATE, between inserts of one transaction
    [("INSERT INTO baskets VALUES ('s-3', 3, 5)", None),
     ("TRUNCATE baskets", None),
     ("INSERT INTO baskets VALUES ('s-4', 4, 1), ('s-5', 5, 2)", None)],
    [("DELETE FROM order_items WHERE order_id = 1002", None),
     ("DELETE FROM orders WHERE id = 1002", None)],
    [("UPDATE customers SET note = E'line 1\\r\\nline 2\\ttab', vip = NOT vip WHERE id = 4", None)],
]
# a day's trade: orders that are placed, paid and sent
for number in range(2001, 2041):
    customer = number % 5 + 1
    TRANSACTIONS.append([
        ("INSERT INTO orders VALUES (%s,%s,%s,'open',NULL)",
         (number, customer, f"2024-03-03 {8 + number % 10:02}:15:00+00")),
        ("INSERT INTO order_items VALUES (%s,1,'TEA-01',%s,7.15)", (number, number % 3 + 1)),
        ("INSERT INTO order_items VALUES (%s,2,'TEA-02',1,7.98)", (number,))])
    if number % 2 == 0:
        TRANSACTIONS.append([("UPDATE orders SET state = 'paid' WHERE id = %s", (number,))])
    if number % 4 == 0:
        TRANSACTIONS.append([("UPDATE orders SET state = 'sent' WHERE id = %s", (number,))])
    if number % 10 == 9:
        TRANSACTIONS.append([("DELETE FROM order_items WHERE order_id = %s", (number,)),
                             ("DELETE FROM orders WHERE id = %s", (number,))])


def main():
    server = Postgres()
    try:
        connection = server.connect()
        cursor = connection.cursor()
        cursor.execute(SCHEMA)
        cursor.execute("SELECT pg_create_logical_replication_slot('demo', 'wal2json')")
        connection.autocommit = False
        for transaction in TRANSACTIONS:
            for statement, values in transaction:
                cursor.execute(statement, values)
            connection.commit()
        cursor.execute(
            "SELECT data FROM pg_logical_slot_get_changes('demo', NULL, NULL,"
            " 'format-version', '2', 'include-xids', 'true', 'include-timestamp', 'true',"
            " 'include-lsn', 'true', 'include-pk', 'true')")
        for (line,) in cursor:
            print(line)
        connection.close()
    finally:
        server.remove()


if __name__ == "__main__":
    main()
