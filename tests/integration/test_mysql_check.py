"""dray check and install on a live MariaDB or MySQL source: what they say of settings, rights, tables."""
import pytest

from mysql_source import (MysqlSource, each_mysql_source, file_target, make_mariadb,  # noqa: F401
                          mysql_source, mysql_source_server, real_mysql_server, real_mysql_source)
from service import dray

GOOD = {"binlog_row_metadata": "FULL", "binlog_row_image": "FULL", "sync_binlog": 1,
        "innodb_flush_log_at_trx_commit": 1, "binlog_expire_logs_seconds": 864000,
        "sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE"}


def check(source, directory, target, expect=0, **options):
    """What dray check says, and its errors."""
    service = source.service(directory, target, **options)
    service.options["target"]["create_tables"] = "all"
    done = service.command("check", expect=expect)
    return "\n".join(without_mark(line) for line in (done.stdout + done.stderr).splitlines())


def without_mark(line):
    """As the driver wrote it: check shows warnings in a column of their own."""
    mark, text = line[:9].strip(), line[9:]
    if mark == "warning":
        return f"warning: {text}"
    return text if mark in ("", "ok") else line


def install(source, directory, target, *tables, expect=0, **options):
    service = source.service(directory, target, **options)
    return dray("install", service.write(), *tables, expect=expect)


def line_of(text, start):
    found = [line for line in text.splitlines() if line.startswith(start)]
    assert len(found) == 1, f"{len(found)} lines begin with {start!r}:\n{text}"
    return found[0]


def user(source, *grants, tables=None):
    """A user of its own, with these rights; returns the options that connect as it."""
    name = f"u_{source.name}"
    source.execute(f"create user {name}@localhost identified by 'secret word'")
    for grant in grants:
        source.execute(f"grant {grant} to {name}@localhost")
    return {"user": name, "password": "secret word"}


@pytest.fixture
def source(each_mysql_source):
    yield each_mysql_source
    each_mysql_source.execute(f"drop user if exists u_{each_mysql_source.name}@localhost")


# ---- a server that loses nothing


def test_a_good_server_gives_no_warning_but_says_what_was_looked_at(
        source, file_target, directory):
    source.settings(**GOOD)
    source.execute("create table item (id int primary key, name varchar(20))")
    source.execute("create table pair (a int not null, b int not null, unique (b, a))")
    said = check(source, directory, file_target)
    assert "warning" not in said.lower(), said
    assert f"table {source.name}.item: primary key (id)" in said
    assert f"table {source.name}.pair: unique key (b, a)" in said
    assert "binlog_format is ROW" in said and "binlog_row_metadata is FULL" in said
    assert "logs are purged after 10 days (binlog_expire_logs_seconds)" in said
    assert ("server: MariaDB 10" if source.is_mariadb else "server: MySQL ") in said


def test_install_says_the_same_and_makes_nothing(source, file_target, directory):
    source.settings(**GOOD)
    source.execute("create table item (id int primary key)")
    source.execute("create table other (id int primary key)")
    before = source.place()
    said = install(source, directory, file_target).stdout
    assert f"table {source.name}.item: primary key (id)" in said
    assert f"table {source.name}.other: primary key (id)" in said
    said = install(source, directory, file_target, f"{source.name}.o*").stdout
    assert f"table {source.name}.other: primary key (id)" in said
    assert f"{source.name}.item" not in said
    assert source.place() == before


# ---- settings


def test_settings_that_lose_data_are_warned_of(source, file_target, directory):
    source.settings(binlog_row_metadata="MINIMAL", sync_binlog=0, innodb_flush_log_at_trx_commit=2,
                    binlog_expire_logs_seconds=600, sql_mode="ALLOW_INVALID_DATES",
                    binlog_checksum="NONE", max_allowed_packet=1 << 20)
    said = check(source, directory, file_target)
    source.settings(max_allowed_packet=64 << 20)
    for start in ("binlog_row_metadata is MINIMAL", "sync_binlog is 0",
                  "innodb_flush_log_at_trx_commit is 2", "logs are purged after 600 seconds",
                  "sql_mode has ALLOW_INVALID_DATES", "sql_mode is not strict",
                  "binlog_checksum is NONE", "max_allowed_packet is 1048576"):
        assert line_of(said, f"warning: {start}")


def test_a_row_image_that_leaves_columns_out_is_told(source, file_target, directory):
    source.settings(binlog_row_image="MINIMAL")
    said = check(source, directory, file_target)
    if source.is_mariadb:
        assert "REPLACE" in line_of(said, "warning: binlog_row_image is MINIMAL")
        return
    assert line_of(said, "binlog_row_image is MINIMAL")
    source.settings(binlog_row_value_options="PARTIAL_JSON")
    assert line_of(check(source, directory, file_target),
                   "warning: binlog_row_value_options is PARTIAL_JSON")


def test_replace_loses_columns_in_mariadbs_minimal_images(mysql_source, file_target, directory):
    """The fact that the warning tells of: a replica of MariaDB loses the same."""
    source, target = mysql_source, file_target
    source.settings(binlog_row_image="MINIMAL", binlog_row_metadata="FULL")
    source.execute("create table item (id int primary key, name varchar(20), n int)")
    target.execute("create table item (id integer primary key, name text, n int)")
    source.execute("insert into item values (1, 'kept', 1)")
    source.execute("replace into item (id, n) values (1, 2)")
    source.service(directory, target).run()
    assert source.query("select * from item") == [(1, None, 2)]
    assert target.query("select * from item") == [(1, "kept", 2)]


@pytest.mark.parametrize("format", ["STATEMENT", "MIXED"])
def test_statements_in_the_log_are_refused(format, mysql_source, file_target, directory):
    source = mysql_source
    source.settings(binlog_format=format)
    said = check(source, directory, file_target, expect=4)
    assert f"binlog_format of the source is {format}" in said, said
    assert "SET GLOBAL binlog_format = 'ROW'" in said
    said = check(source, directory, file_target, statements="skip")
    assert line_of(said, f"warning: binlog_format is {format}")


def test_our_number_must_not_be_the_servers(source, file_target, directory):
    number = source.value("select @@server_id")
    said = check(source, directory, file_target, expect=4, server_id=number - 1)
    assert f"server_id of the source is {number}, which is one of ours" in said, said


def test_prepared_transactions_are_told(source, file_target, directory):
    source.execute("create table item (id int primary key)")
    source.statements("xa start 'left'", "insert into item values (1)", "xa end 'left'",
                      "xa prepare 'left'")
    assert "XA transactions are prepared" in check(source, directory, file_target, start="oldest")


def test_servers_without_a_log_or_with_filters_say_so(file_target, directory):
    server = make_mariadb(**{"binlog-ignore-db": "hidden", "log-slave-updates": False})
    try:
        said = check_server(server, directory, file_target)
        assert "warning: binlog_ignore_db is hidden: changes of these databases" in said, said
        server.stop()
        server.settings["skip-log-bin"] = None
        server.settings.pop("log-bin")
        server.start()
        said = check_server(server, directory, file_target, expect=4)
        assert "the source writes no binary log (log_bin is OFF)" in said, said
    finally:
        server.remove()


def check_server(server, directory, target, expect=0):
    source = MysqlSource(server, fresh=False)
    try:
        return check(source, directory, target, expect=expect)
    finally:
        source.drop()


def test_gtids_that_are_off_are_refused_where_they_are_asked_for(
        real_mysql_source, file_target, directory):
    source = real_mysql_source
    for mode in ("ON_PERMISSIVE", "OFF_PERMISSIVE"):
        source.execute(f"set global gtid_mode = {mode}")
    try:
        said = check(source, directory, file_target, expect=4)
        assert "gtid_mode of the source is OFF_PERMISSIVE" in said and "position: file" in said
        check(source, directory, file_target, position="file")
    finally:
        for mode in ("ON_PERMISSIVE", "ON"):
            source.execute(f"set global gtid_mode = {mode}")


# ---- rights


def test_rights_that_are_missing_are_named_with_the_grant(source, file_target, directory):
    source.execute("create table item (id int primary key)")
    name = f"'u_{source.name}'@'localhost'"
    monitor = "BINLOG MONITOR" if source.is_mariadb else "REPLICATION CLIENT"
    options = user(source, f"select on {source.name}.* ")
    said = check(source, directory, file_target, expect=4, **options)
    assert f"{name} lacks the right REPLICATION SLAVE: GRANT REPLICATION SLAVE ON *.* TO {name}" \
        in said, said
    source.execute(f"grant replication slave on *.* to {name}")
    said = check(source, directory, file_target, expect=4, **options)
    assert f"{name} lacks the right {monitor}: GRANT {monitor} ON *.* TO {name}" in said, said
    source.execute(f"grant {monitor} on *.* to {name}")
    said = check(source, directory, file_target, **options)
    assert f"GRANT RELOAD ON *.* TO {name}" in line_of(said, f"warning: {name} lacks the right")
    source.execute(f"grant reload on *.* to {name}")
    said = check(source, directory, file_target, **options)
    assert f"{name} lacks" not in said, said
    assert f"table {source.name}.item: primary key (id)" in said
    assert "secret word" not in said


def test_tables_that_may_not_be_read_are_told(source, file_target, directory):
    monitor = "binlog monitor" if source.is_mariadb else "replication client"
    options = user(source, f"replication slave, {monitor}, reload on *.*")
    source.execute("create table item (id int primary key, a int)")
    said = check(source, directory, file_target, **options)
    assert "warning: no table is carried now" in said, said
    source.execute(f"grant select (id) on {source.name}.item to u_{source.name}@localhost")
    source.execute(f"grant insert on {source.name}.item to u_{source.name}@localhost")
    said = check(source, directory, file_target, **options)
    assert f"GRANT SELECT ON `{source.name}`.`item` TO 'u_{source.name}'@'localhost'" in \
        line_of(said, f"warning: table {source.name}.item"), said


# ---- tables


def test_tables_that_lose_data_are_named(source, file_target, directory):
    source.settings(**GOOD)
    source.execute("create table parent (id int primary key)")
    source.execute("create table child (id int primary key, p int, constraint gone foreign key (p)"
                   " references parent (id) on delete cascade)")
    source.execute("create table plain (id int primary key, p int, foreign key (p) references"
                   " parent (id))")
    source.execute("create table old (id int primary key) engine=MyISAM")
    source.execute("create table keyless (a int, b int unique)")
    source.execute("create table part (a varchar(20), primary key (a(3)))")
    source.execute("create table rounded (a float primary key)")
    said = check(source, directory, file_target)
    name = source.name
    native = source.is_mariadb or source.query(
        "show variables like 'innodb_native_foreign_keys'")[0][1] != "OFF"
    if native:
        assert "foreign key gone" in line_of(said, f"warning: table {name}.child")
    else:
        assert line_of(said, f"table {name}.child: primary key (id)")
    assert line_of(said, f"table {name}.plain: primary key (id)")
    assert "its engine MyISAM has no transactions" in line_of(said, f"warning: table {name}.old")
    assert "no primary key, nor a unique one" in line_of(said, f"table {name}.keyless")
    assert "only the beginning of a column" in line_of(said, f"warning: table {name}.part")
    assert "which other databases may round" in line_of(said, f"warning: table {name}.rounded")


def test_what_foreign_keys_do_is_in_the_log_or_is_warned_of(source, file_target, directory):
    """The fact behind the warning: InnoDB's cascades are not in the log, MySQL 9.6's are."""
    target = file_target
    source.settings(**GOOD)
    source.execute("create table parent (id int primary key)")
    source.execute("create table child (id int primary key, p int, foreign key (p) references"
                   " parent (id) on delete cascade on update cascade)")
    for name in ("parent (id integer primary key)", "child (id integer primary key, p int)"):
        target.execute(f"create table {name}")
    for statement in ("insert into parent values (1), (2)", "insert into child values (1, 1), (2, 2)",
                      "update parent set id = 10 where id = 1", "delete from parent where id = 2"):
        source.execute(statement)
    source.service(directory, target).run()
    assert source.query("select * from child") == [(1, 10)]
    is_lost = f"warning: table {source.name}.child" in check(source, directory, target)
    assert target.query("select * from child") == ([(1, 1), (2, 2)] if is_lost else [(1, 10)])
    assert is_lost == source.is_mariadb


def test_mysql_that_leaves_cascades_to_innodb_is_warned_of(
        real_mysql_source, file_target, directory):
    source = real_mysql_source
    source.execute("create table parent (id int primary key)")
    source.execute("create table child (id int primary key, p int, constraint gone foreign key"
                   " (p) references parent (id) on update set null)")
    source.server.settings["innodb-native-foreign-keys"] = "ON"
    try:
        source.restart()
        said = check(source, directory, file_target)
        assert "foreign key gone" in line_of(said, f"warning: table {source.name}.child"), said
    finally:
        del source.server.settings["innodb-native-foreign-keys"]
        source.restart()


def test_system_versioned_tables_are_named(mysql_source, file_target, directory):
    source = mysql_source
    source.execute("create table v (id int primary key) with system versioning")
    source.execute("create table w (id int, rs bigint unsigned generated always as row start, re"
                   " bigint unsigned generated always as row end, period for system_time (rs, re))"
                   " with system versioning")
    said = check(source, directory, file_target)
    assert line_of(said, f"table {source.name}.v") == \
        f"table {source.name}.v: primary key (id), system-versioned: its current rows are carried"
    assert "logs changes of such a table as statements" in \
        line_of(said, f"warning: table {source.name}.w")


def test_a_mysql_without_md5_is_told_how_to_get_it(real_mysql_source, file_target, directory):
    source = real_mysql_source
    source.execute("create table item (id int primary key, name varchar(20))")
    service = source.service(directory, file_target)
    service.options["target"]["create_tables"] = "all"
    source.execute("insert into item values (1, 'a')")
    service.run()
    component = "'file://component_classic_hashing'"
    source.execute(f"uninstall component {component}")
    try:
        said = check(source, directory, file_target)
        assert f"dray verify cannot compare: this MySQL has no MD5() without its component: " \
               f"INSTALL COMPONENT {component}" in said
        done = service.command("verify", expect=None)
        assert done.returncode != 0
        assert f"INSTALL COMPONENT {component}" in done.stdout + done.stderr
    finally:
        source.execute(f"install component {component}")
    service.command("verify")
