"""Every type that a column of MariaDB or MySQL may have, with values at its edges, and what a row of
each target then has: our own comparison, not Dray's.

FAMILIES: name -> columns, each (type, values as SQL expressions). A family's table has a row for
each value, and one with nothing but nulls.
"""
import decimal
import ipaddress
import struct

SAMPLE = ("Az~ ¡é§¼ÿ žůďŁŐ šŽ€„ ąęūģ ğışİ ΩμέγαΰϏ приветЖёїґ℮ עברית العربيةپ ไทยฟๆ ՀայերենԺ ქართული "
          "日本語ｱテ丂髙 中文龍鿿 한국어뷁 ÐþÞ¤½¾ \U0001f600\U00020000")

# what MariaDB and MySQL call the same; each has ones that the other lacks
CHARSETS = ["ascii", "latin1", "latin2", "latin5", "latin7", "cp1250", "cp1251", "cp1256", "cp1257",
            "cp850", "cp852", "cp866", "koi8r", "koi8u", "greek", "hebrew", "tis620", "armscii8",
            "geostd8", "macroman", "macce", "keybcs2", "hp8", "dec8", "swe7", "big5", "gbk", "gb2312",
            "sjis", "cp932", "euckr", "ujis", "eucjpms", "utf8mb3", "utf8mb4", "ucs2", "utf16",
            "utf16le", "utf32"]
MYSQL_CHARSETS = ["gb18030"]

ENUM = "enum('a','b,c','it''s','\"q\"','','ž \\\\ ','null')"
LONG_ENUM = "enum(" + ",".join(f"'m{n}'" for n in range(300)) + ")"
LONG_SET = "set(" + ",".join(f"'s{n}'" for n in range(64)) + ")"


def _text_literals(*more):
    return ["'null'", "''", "'a,b\\n\\r\\t\"c\" \\\\ \\\\N ''x'''", "' both '",
            "'\U0001f600 ž'", *more]


FAMILIES = {
    "integers": [
        ("tinyint", ["-128", "127", "0"]), ("tinyint unsigned", ["255", "128"]),
        ("smallint", ["-32768", "32767"]), ("smallint unsigned", ["65535", "32768"]),
        ("mediumint", ["-8388608", "8388607"]), ("mediumint unsigned", ["16777215", "8388608"]),
        ("int", ["-2147483648", "2147483647"]), ("int unsigned", ["4294967295", "2147483648"]),
        ("bigint", ["-9223372036854775808", "9223372036854775807"]),
        ("bigint unsigned", ["18446744073709551615", "9223372036854775808"]),
        ("tinyint(1)", ["1", "0", "-7"]), ("boolean", ["true", "false"]),
        ("int(5) zerofill", ["42", "4294967295"]),
        ("year", ["1901", "2155", "2024", "0"]),
    ],
    "decimals": [
        ("decimal(65,30)", ["9" * 35 + "." + "9" * 30, "-" + "9" * 35 + "." + "9" * 30,
                            "-0." + "0" * 29 + "1", "0", "1.5"]),
        ("decimal(65,0)", ["9" * 65, "-" + "9" * 65]), ("decimal(30,30)", ["0." + "9" * 30, "-0.1"]),
        ("decimal(10,2)", ["12345678.90", "-0.01"]), ("decimal(1,0)", ["-9", "9"]),
        ("decimal(38,19) unsigned", ["1234567890123456789.0123456789012345678"]),
        ("decimal(9,9)", ["0.000000001"]), ("decimal(18,9)", ["-999999999.999999999"]),
        ("decimal(19,1)", ["100000000000000000.0"]),
    ],
    "floats": [
        ("float", ["0.1", "3.402823466e38", "-1.17549435e-38", "16777216", "0.3333333333", "1e-37"]),
        ("double", ["0.1", "1.7976931348623157e308", "-2.2250738585072014e-308", "5e-324",
                    "123456789012345680", "0.30000000000000004", "-1e22"]),
        ("float unsigned", ["1.5"]), ("double(10,2)", ["-12345678.91"]), ("float(7,3)", ["1234.567"]),
    ],
    "bits": [
        ("bit(1)", ["b'1'", "b'0'"]), ("bit(7)", ["b'1010101'"]), ("bit(8)", ["b'10000000'"]),
        ("bit(9)", ["b'100000001'", "b'1'"]), ("bit(33)", ["b'1" + "0" * 31 + "1'"]),
        ("bit(64)", ["b'" + "1" * 64 + "'", "b'1" + "0" * 63 + "'", "b'0'"]),
    ],
    "times": [
        ("date", ["'1000-01-01'", "'9999-12-31'", "'0001-01-01'", "'2024-02-29'"]),
        *((f"datetime({n})", ["'1000-01-01 00:00:00'", "'9999-12-31 23:59:59" + "." * (n > 0)
                              + "9" * n + "'", "'2024-02-29 12:34:56.100000'"]) for n in range(7)),
        *((f"timestamp({n}) null", ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07" + "." * (n > 0)
                                    + "9" * n + "'", "'2024-06-15 12:00:00.25'"]) for n in range(7)),
        *((f"time({n})", ["'-838:59:59'", "'838:59:59'", "'-00:00:01'", "'00:00:00'",
                          "'23:59:59" + "." * (n > 0) + "9" * n + "'",
                          "'-12:34:56" + "." * (n > 0) + "0" * max(n - 1, 0) + "1" * (n > 0) + "'"])
          for n in range(7)),
    ],
    "zeros": [
        ("date", ["'0000-00-00'", "'2024-00-00'", "'2024-02-00'", "'2024-02-03'"]),
        ("datetime", ["'0000-00-00 00:00:00'", "'2024-00-10 10:11:12'", "'2024-02-03 04:05:06'"]),
        ("datetime(6)", ["'0000-00-00 00:00:00.000001'", "'2024-10-00 10:11:12.5'"]),
        ("timestamp(3) null", ["'0000-00-00 00:00:00'", "'2024-02-03 04:05:06'"]),
    ],
    "texts": [
        ("char(20)", _text_literals("'x  '")), ("char(255)", ["repeat('ž', 255)"]),
        ("varchar(63)", _text_literals("repeat('\U0001f600', 63)")), ("varchar(64)", ["' '", "'x  '"]),
        ("varchar(255)", ["repeat('x', 255)"]), ("varchar(4000)", ["repeat('€', 4000)"]),
        ("tinytext", _text_literals("repeat('ž', 127)")), ("text", ["repeat('x', 65535)", "'t'"]),
        ("mediumtext", ["repeat('y', 70000)", "''"]), ("longtext", ["repeat('ž,\"', 100000)", "'l'"]),
    ],
    "bytes": [
        ("binary(5)", ["x'0102'", "x'0000000000'", "x'ffffffff00'", "'     '"]),
        ("binary(255)", ["repeat(x'ff', 255)", "x'00'"]),
        ("varbinary(5)", ["x''", "x'0000'", "'  '"]), ("varbinary(300)", ["repeat(x'00ff', 150)"]),
        ("tinyblob", ["x'5c2c22270d0a00'", "x''"]), ("blob", ["repeat(x'80', 65535)"]),
        ("mediumblob", ["repeat(x'00', 70000)"]), ("longblob", ["repeat(x'0aff', 100000)", "x'00'"]),
    ],
    "members": [
        (ENUM, ["'a'", "'b,c'", "'it''s'", "'\"q\"'", "''", "'ž \\\\ '", "'null'", "0"]),
        (ENUM + " character set latin1", ["'a'"]),
        ("enum('é','ü') character set latin1", ["'ü'", "'é'"]),
        ("enum('ж','я') character set utf16", ["'я'"]),
        (LONG_ENUM, ["'m0'", "'m255'", "'m256'", "'m299'"]),
        ("set('a','b','it''s','ž')", ["''", "'a'", "'a,b,it''s,ž'", "'ž'"]),
        ("set('ж','я') character set cp1251", ["'ж,я'", "'я'"]),
        (LONG_SET, ["'s63'", "18446744073709551615", "'s0,s31,s32'"]),
    ],
    "json": [
        ("json", ["'{\"b\": 1, \"a\":  [1, 2.50, \"x\\\\u00e9\", null, true, {}, []]}'", "'null'", "'\"ž\\\\n\"'",
                  "'[18446744073709551615, -9223372036854775808, 1e100, 0.1]'", "'17'",
                  "concat('[\"', repeat('x', 70000), '\"]')",
                  "concat('[', repeat('1234567, ', 9000), '{\"\U0001f600\": -1.5}]')"]),
    ],
    "generated": [
        ("int", ["7", "-1"]), ("int as (c0 + 1) virtual", None), ("varchar(20)", ["'x'", "'ž'"]),
        ("varchar(50) as (concat(c2, c0)) stored", None), ("decimal(5,2)", ["1.25"]),
        ("blob as (concat(c2, 'y')) virtual", None), ("date", ["'2024-01-02'"]),
    ],
}

GEOMETRIES = [
    ("point", ["st_geomfromtext('POINT(1.5 -2.25)'%s)", "st_geomfromtext('POINT(1e-7 123456789.125)'%s)"]),
    ("linestring", ["st_geomfromtext('LINESTRING(0 0,1 1,2.5 0.1)'%s)"]),
    ("polygon", ["st_geomfromtext('POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,2 4,4 4,4 2,2 2))'%s)"]),
    ("multipoint", ["st_geomfromtext('MULTIPOINT((0 0),(1 2))'%s)"]),
    ("multilinestring", ["st_geomfromtext('MULTILINESTRING((0 0,1 1),(2 2,3 3,4 4))'%s)"]),
    ("multipolygon", ["st_geomfromtext('MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))'%s)"]),
    ("geometrycollection", ["st_geomfromtext('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))'%s)"]),
    ("geometry", ["st_geomfromtext('POINT(3 4)'%s)", "st_geomfromtext('LINESTRING(1 1,2 2)'%s)"]),
]

MARIADB_FAMILIES = {
    "addresses": [
        ("uuid", ["'123e4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'",
                  "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'0a0b0c0d-0000-7000-8000-00000000000a'"]),
        ("inet6", ["'::'", "'::1'", "'2001:db8::ff00:42:8329'", "'::ffff:1.2.3.4'",
                   "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'"]),
        ("inet4", ["'0.0.0.0'", "'255.255.255.255'", "'10.1.2.3'"]),
    ],
    "compressed": [
        ("text compressed", ["repeat('ž,', 5000)", "''", "'short'"]),
        ("varchar(500) compressed", ["repeat('x', 500)", "''", "'y'"]),
        ("blob compressed", ["repeat(x'00ff', 10000)", "x''"]),
        ("varbinary(500) compressed", ["repeat(x'ff', 500)", "x'00'"]),
        ("mediumtext compressed character set latin1", ["repeat('é', 70000)"]),
        ("longblob compressed", ["repeat(x'61', 100000)"]),
    ],
    "invisible": [("int", ["1"]), ("int invisible default 5", ["2", "3"]), ("varchar(5)", ["'z'"])],
}

MYSQL_FAMILIES = {
    "mysql_json": [
        ("json", ["json_object('d', date'2024-01-02', 't', time'-838:59:59', 'dt', timestamp'2024-01-02 03:04:05.5',"
                  " 'x', cast(x'00ff' as binary), 'n', 1.10, 'f', 1e0, 'u', 18446744073709551615)",
                  "cast('[1e15, 1e-15, 0.1, -0.0]' as json)"]),
    ],
    "vectors": [("vector(3)", ["string_to_vector('[1,2.5,-3]')"])],
}

# types of keys with values; the row of the first one is deleted, that of the second moves to the last
KEYS = [
    ("tinyint", ["-128", "0", "127", "5"]), ("bigint unsigned", ["18446744073709551615", "0", "1", "2"]),
    ("decimal(30,10)", ["-99999999999999999999.9999999999", "0", "1.5", "2"]),
    ("bit(64)", ["b'" + "1" * 64 + "'", "b'0'", "b'1'", "b'11'"]),
    ("date", ["'1000-01-01'", "'9999-12-31'", "'2024-01-01'", "'2024-02-02'"]),
    ("datetime(6)", ["'2024-01-01 00:00:00.000001'", "'2024-01-01'", "'2024-01-02'", "'2024-01-03 01:01:01.5'"]),
    ("timestamp(3)", ["'2024-01-01 00:00:00.001'", "'2024-01-01'", "'2024-01-02'", "'2024-01-03 01:01:01.5'"]),
    ("time(2)", ["'-838:59:59'", "'838:59:59'", "'00:00:00'", "'12:00:00.25'"]),
    ("year", ["1901", "2155", "2024", "2025"]),
    ("char(10)", ["'a'", "'ž'", "'it''s'", "'b'"]), ("varchar(20) character set latin1", ["'é'", "'a'", "'ü'", "'b'"]),
    ("varchar(20) character set utf16 collate utf16_bin", ["'\U0001f600'", "'a'", "''", "'b'"]),
    ("binary(4)", ["x'01000000'", "x'00000000'", "x'ffffff00'", "x'02000002'"]),
    ("varbinary(10)", ["x''", "x'00'", "x'0000'", "x'ff'"]),
    (ENUM, ["'a'", "'it''s'", "'b,c'", "'null'"]), ("set('a','b','c')", ["''", "'a,c'", "'b'", "'c'"]),
]
MARIADB_KEYS = [
    ("uuid", ["'123e4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'",
              "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'123e4567-e89b-12d3-a456-426655440001'"]),
    ("inet6", ["'::'", "'::1'", "'2001:db8::1'", "'::2'"]), ("inet4", ["'0.0.0.0'", "'1.2.3.4'", "'5.6.7.8'", "'9.9.9.9'"]),
]


def base(kind):
    """The name of a type alone."""
    for end, character in enumerate(kind):
        if character in " (":
            return kind[:end]
    return kind


EXACT = {"tinyint", "smallint", "mediumint", "int", "bigint", "year", "boolean", "decimal"}
DATES = {"date", "datetime", "timestamp"}
BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector"}
GEOMETRY = {kind for kind, _ in GEOMETRIES}


def in_mysql(kind, column):
    """How MySQL and MariaDB are asked for a value, so that nothing of it is lost."""
    name = base(kind)
    if name in ("float", "double"):
        return f"{column} * 1e0"
    if name == "bit":
        return f"cast({column} + 0 as char)"
    if name in BYTES or name in GEOMETRY:
        return f"hex({column})"
    if name in EXACT or name in DATES or name == "time":
        return f"cast({column} as char)"
    return f"hex(convert(cast({column} as char character set utf8mb4) using utf8mb4))"


def _number(name, value):
    if name == "float":
        return struct.pack("<f", float(value))
    if name == "double":
        return struct.pack("<d", float(value))
    return decimal.Decimal(str(value))


def _moment(text):
    text = text.removesuffix("+00")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _geometry(raw):
    """MySQL's bytes: the SRID, then WKB."""
    return struct.unpack("<I", raw[:4])[0], raw[4:]


def of_mysql(kind, value):
    """What in_mysql() gave, as a value that can be compared."""
    name = base(kind)
    if value is None:
        return None
    if name in ("float", "double") or name in EXACT or name == "bit":
        return _number(name, value)
    if name in DATES or name == "time":
        return _moment(value)
    raw = bytes.fromhex(value)
    if name in BYTES:
        return raw
    if name in GEOMETRY:
        return _geometry(raw)
    if name in ("inet4", "inet6"):
        return ipaddress.ip_address(raw.decode())
    return raw.decode("utf-8")


def _of_ewkb(text):
    raw = bytes.fromhex(text)
    kind = struct.unpack("<I", raw[1:5])[0]
    if not kind & 0x20000000:
        return 0, raw
    return (struct.unpack("<I", raw[5:9])[0],
            raw[:1] + struct.pack("<I", kind & ~0x20000000) + raw[9:])


def of_postgres(kind, text):
    """A column's text in PostgreSQL."""
    name = base(kind)
    if text is None:
        return None
    if name == "bit":
        return decimal.Decimal(int(text, 2))
    if name in ("float", "double") or name in EXACT:
        return _number(name, text)
    if name in DATES or name == "time":
        return _moment(text)
    if name in BYTES:
        return bytes.fromhex(text[2:])
    if name in GEOMETRY:
        return _of_ewkb(text)
    if name in ("inet4", "inet6"):
        return ipaddress.ip_interface(text).ip
    return text


def of_sqlite(kind, value):
    """Geometries stay the text that they are: EWKT."""
    name = base(kind)
    if value is None or name in BYTES:
        return value
    if name == "bit":
        return decimal.Decimal(int(value, 2))
    if name in ("float", "double") or name in EXACT:
        return _number(name, value)
    if name in DATES or name == "time":
        return _moment(value)
    if name in ("inet4", "inet6"):
        return ipaddress.ip_address(value)
    return value


def has_zero_date(kind, value):
    return base(kind) in DATES and value is not None and (
        value.startswith("0000-") or "-00" in value[4:10])
