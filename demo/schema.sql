-- The warehouse side of the demo: the base tables, as a DBA would make them. Dray makes the staging
-- tables and dray_position itself.
CREATE TABLE customers (
    id integer PRIMARY KEY,
    name text NOT NULL,
    email text UNIQUE,
    note text,
    vip boolean NOT NULL
);
CREATE TABLE products (
    sku text PRIMARY KEY,
    title text NOT NULL,
    price numeric NOT NULL,
    picture blob,
    tags text
);
CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL,
    placed_at text NOT NULL,
    state text NOT NULL,
    details text
);
CREATE TABLE order_items (
    order_id integer NOT NULL,
    line integer NOT NULL,
    sku text NOT NULL,
    quantity integer NOT NULL,
    price numeric NOT NULL,
    PRIMARY KEY (order_id, line)
);
CREATE TABLE baskets (
    session text PRIMARY KEY,
    customer_id integer,
    items integer NOT NULL
);
