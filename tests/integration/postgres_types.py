"""Every built-in type of PostgreSQL that a column may have, with values at its edges."""
import datetime
import decimal

REFUSED = object()

PREPARE = """
create type mood as enum ('sad', 'it''s ok', 'happy');
create type pair as (a int, b text);
create domain price as numeric(12,3) check (value >= 0);
create domain code as varchar(7) not null default '';
create type floats as range (subtype = float8);
"""

TYPES = [
    ("smallint", ["-32768", "32767"]),
    ("integer", ["-2147483648", "2147483647"]),
    ("bigint", ["-9223372036854775808", "9223372036854775807"]),
    ("real", ["0.1", "-3.4028235e+38", "1e-37", "NaN", "Infinity"]),
    ("double precision", ["0.1", "1.7976931348623157e+308", "-2.2250738585072014e-308", "NaN",
                          "-Infinity"]),
    ("numeric", ["0.10", "1" * 500 + "." + "9" * 500, "NaN", "Infinity", "-Infinity"]),
    ("numeric(10,2)", ["12345678.90", "-0.01"]),
    ("numeric(65,30)", ["1" * 35 + "." + "3" * 30]),
    ("numeric(200,100)", ["2" * 100 + "." + "4" * 100]),
    ("numeric(3,5)", ["0.00123"]),
    ("numeric(3,-2)", ["12300"]),
    ("money", ["$1,234.50"]),
    ("boolean", ["t", "f"]),
    ("\"char\"", ["x"]),
    ("name", ["n" * 63]),
    ("text", ["", "a,b\n\"c\"\t\\N", "null", "\U0001f600", "x" * 100000]),
    ("varchar", ["y" * 70000]),
    ("varchar(10)", ["\U0001f600" * 10]),
    ("varchar(5000)", ["z" * 5000]),
    ("char(5)", ["ab"]),
    ("bpchar", ["ab  "]),
    ("bytea", ["\\x00ff5c", "\\x"]),
    ("bit(5)", ["10101"]),
    ("bit(100)", ["01" * 50]),
    ("varbit", ["", "1" * 300]),
    ("varbit(9)", ["101"]),
    ("date", ["2024-02-29", "0044-03-15 BC", "infinity"]),
    ("time", ["23:59:59.999999", "24:00:00"]),
    ("time(3)", ["01:02:03.004"]),
    ("timetz", ["23:59:59.123456+15:59:59"]),
    ("timestamp", ["2024-02-29 23:59:59.999999", "-infinity", "0044-03-15 00:00:00 BC"]),
    ("timestamp(0)", ["2024-02-29 23:59:59"]),
    ("timestamptz", ["2024-02-29 23:59:59.999999+00", "infinity"]),
    ("interval", ["1 year 2 mons -3 days 04:05:06.789", "178000000 years"]),
    ("interval day to second(3)", ["1 day 02:03:04.567"]),
    ("uuid", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    ("json", ['{"b": 1, "a":  1, "b": 12345678901234567890.10}']),
    ("jsonb", ['{"a": 1.10}']),
    ("xml", ["<a>&lt;</a>"]),
    ("inet", ["2001:db8::1/64", "10.0.0.1"]),
    ("cidr", ["10.0.0.0/8"]),
    ("macaddr", ["08:00:2b:01:02:03"]),
    ("macaddr8", ["08:00:2b:01:02:03:04:05"]),
    ("point", ["(1,2)"]),
    ("line", ["{1,2,3}"]),
    ("lseg", ["[(0,0),(1,1)]"]),
    ("box", ["(1,1),(0,0)"]),
    ("path", ["((0,0),(1,1))"]),
    ("polygon", ["((0,0),(1,1),(1,0))"]),
    ("circle", ["<(0,0),5>"]),
    ("tsvector", ["'a':1 'b':2A"]),
    ("tsquery", ["'a' & 'b'"]),
    ("oid", ["4294967295"]),
    ("xid", ["4294967295"]),
    ("xid8", ["18446744073709551615"]),
    ("cid", ["7"]),
    ("tid", ["(1,2)"]),
    ("pg_lsn", ["16/B374D848"]),
    ("regclass", ["pg_class"]),
    ("jsonpath", ["$.\"a\"[*]"]),
    ("pg_snapshot", ["10:20:10,14"]),
    ("txid_snapshot", ["10:20:10,14"]),
    ("refcursor", ["cur"]),
    ("oidvector", ["1 2 3"]),
    ("int2vector", ["1 2 3"]),
    ("aclitem", ["postgres=r/postgres"]),
    ("int4range", ["[1,10)", "empty"]),
    ("int8range", ["[1,)"]),
    ("numrange", ["(0.1,0.20]"]),
    ("tsrange", ["[\"2024-01-01 00:00:00\",)"]),
    ("tstzrange", ["[\"2024-01-01 00:00:00+00\",)"]),
    ("daterange", ["[2024-01-01,2024-02-01)"]),
    ("int4multirange", ["{[1,2),[5,7)}"]),
    ("datemultirange", ["{}"]),
    ("integer[]", ["{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}"]),
    ("text[]", ["{\"a,b\",\"c\\\"d\",NULL,\"NULL\"}"]),
    ("varchar(3)[]", ["{abc}"]),
    ("numeric(4,1)[]", ["{1.5,2.5}"]),
    ("timestamptz(3)[]", ["{\"2024-01-01 00:00:00+00\"}"]),
    ("bytea[]", ["{\"\\\\x00ff\"}"]),
    ("mood", ["it's ok"]),
    ("mood[]", ["{sad,happy}"]),
    ("pair", ["(1,\"a,b\")"]),
    ("pair[]", ["{\"(1,x)\"}"]),
    ("floats", ["[1.5,2.5)"]),
    ("price", ["3.500"]),
    ("price[]", ["{3.500}"]),
    ("code", ["abc"]),
]

# What MySQL has no place for is for the section values: of the configuration.
_MYSQL_REFUSES = ("NaN", "Infinity", "-Infinity", "infinity", "-infinity")


def as_sent(source, target_kind, kind, value):
    """The value as a driver would hand it to the target: PostgreSQL's text of it."""
    text = source.value(f"select (%s::{kind})::text", value)
    base = kind.split("(")[0].strip()
    if target_kind == "postgres":
        return text
    if base == "boolean":
        return 1 if text == "true" else 0
    if base == "bytea":
        return bytes.fromhex(text[2:])
    if target_kind == "sqlite":
        return text
    if base in ("real", "double precision", "date", "timestamp", "timestamptz") and (
            value in _MYSQL_REFUSES or value.endswith("BC")):
        return REFUSED
    if base == "timestamptz":
        return text.removesuffix("+00")
    if base == "timetz":
        return text[:text.index("+")]
    if kind == "bit(5)":
        return int(text, 2)
    return text


def _base(kind):
    return kind.split("(")[0].strip()


def as_shown(target_kind, kind, text):
    """What a row of the target has for PostgreSQL's text of a value, by the mapping table, under
    the policy null for what the target cannot hold."""
    base = _base(kind)
    if text is None or target_kind == "postgres" or kind.endswith("[]"):
        return text
    if base == "boolean":
        return 1 if text == "t" else 0
    if base == "bytea":
        return bytes.fromhex(text[2:])
    if base in ("smallint", "integer", "bigint", "oid"):
        return int(text)
    if base in ("real", "double precision"):
        if target_kind == "mysql":
            return None if text in _MYSQL_REFUSES else float(text)
        return text if text == "NaN" else float(text)
    if target_kind == "sqlite":
        return text
    return _as_shown_by_mysql(base, kind, text)


def _as_shown_by_mysql(base, kind, text):
    if base == "numeric" and text in _MYSQL_REFUSES:
        return None
    if kind in ("numeric(10,2)", "numeric(65,30)", "numeric(3,5)", "numeric(3,-2)", "price"):
        return decimal.Decimal(text)
    if kind == "bit(5)":
        return int(text, 2).to_bytes(1, "big")
    if base in ("date", "timestamp", "timestamptz"):
        if text in _MYSQL_REFUSES or text.endswith("BC"):
            return None
        if base == "date":
            return datetime.date.fromisoformat(text)
        return datetime.datetime.fromisoformat(text.removesuffix("+00"))
    if kind == "timetz":
        return datetime.timedelta(hours=8, microseconds=123456)  # in UTC
    if base == "time":
        hours, minutes, seconds = text.split(":")
        return datetime.timedelta(hours=int(hours), minutes=int(minutes),
                                  microseconds=round(float(seconds) * 1e6))
    return text
