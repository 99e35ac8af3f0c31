"""dray convert: what it prints, where it writes, and that a running consumer of Skytools is taken over."""
import os
import subprocess
import sys

import pytest
import yaml

from pgq_source import pgq_server, pgq_source, warehouse  # noqa: F401
from service import dray

INI = """\
[cube_dispatcher]
job_name = %(base)s_to_cube
base = sales
src_db = {source}
# Python 3 reads it too, so nothing stands behind a value
dst_db = {target}
pgq_queue_name = sales
mode = {mode}
loop_delay = {delay}
pidfile = {directory}/%(job_name)s.pid
{more}
"""

TEMPLATE = """
part_template =
    create table _DEST_TABLE (like _PARENT);
    alter table only _DEST_TABLE add primary key (_PKEY);
    create index _SCHEMA_TABLE_idx on _DEST_TABLE (name);
"""

# A consumer of Skytools on the same ini file. It writes as cube_dispatcher does without partitions; the
# tick in the target stands for pgq_ext's.
CONSUMER = """
import sys
import pgq
import skytools

class Consumer(pgq.Consumer):
    def process_batch(self, db, batch_id, ev_list):
        curs = self.get_database("dst_db").cursor()
        for ev in ev_list:
            row = skytools.db_urldecode(ev.ev_data)
            curs.execute("delete from item where id = %s", [row["id"]])
            if ev.ev_type[0] != "D":
                curs.execute("insert into item values (%s, %s, 'skytools')", [row["id"], row["name"]])
            ev.tag_done()
        self.get_database("dst_db").commit()

Consumer("cube_dispatcher", "src_db", sys.argv[1:]).start()
"""


def write_ini(directory, source, target, more="", mode="keep_latest", name="cube.ini", delay=0):
    path = os.path.join(str(directory), name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(INI.format(source=source.server.conninfo(source.name),
                              target=target.server.conninfo(target.name), directory=directory,
                              more=more, mode=mode, delay=delay))
    return path


def convert(directory, path):
    """The configuration that comes out, with its blocks below the directory; its path."""
    output = os.path.join(str(directory), "converted")
    done = dray("convert", "cube_dispatcher", path, "--output", output)
    made = done.stdout.split()
    with open(made[-1], encoding="utf-8") as file:
        options = yaml.safe_load(file)
    assert options["block"]["directory"] == "/var/lib/dray/sales_to_cube"
    options["block"]["directory"] = os.path.join(str(directory), "blocks")
    with open(made[-1], "w", encoding="utf-8") as file:
        yaml.safe_dump(options, file)
    return made[-1]


def run_consumer(path, *arguments):
    subprocess.run([sys.executable, "-c", CONSUMER, path, *arguments], check=True, timeout=60,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_tables(source, target):
    source.execute("create table item (id int primary key, name text)")
    target.execute("create table item (id int primary key, name text, by text default 'dray')")
    source.make_queue()
    source.tick()
    source.add_trigger("item")


def rows(target, table="item"):
    return [tuple(row) for row in target.query(f"select * from {table} order by id")]


def test_a_consumer_of_skytools_is_taken_over_at_its_tick_and_given_back(
        pgq_source, warehouse, directory):
    make_tables(pgq_source, warehouse)
    ini = write_ini(directory, pgq_source, warehouse, "dateformat =")
    run_consumer(ini, "--register")
    assert pgq_source.consumers() == ["sales_to_cube"]
    pgq_source.execute("insert into item values (1, 'a'), (2, 'b')")
    pgq_source.tick()
    run_consumer(ini)
    assert rows(warehouse) == [(1, "a", "skytools"), (2, "b", "skytools")]

    pgq_source.execute("insert into item values (3, 'c')")
    pgq_source.execute("update item set name = 'B' where id = 2")
    last = pgq_source.tick()
    config = convert(directory, ini)
    dray("check", config)
    dray("run", config, "--until-end")
    # a column that only the target has keeps its value, where the original put its default
    assert rows(warehouse) == [(1, "a", "skytools"), (2, "B", "skytools"), (3, "c", "dray")]
    assert pgq_source.consumer_tick("sales_to_cube") == last

    # and back: Skytools goes on where Dray stopped
    pgq_source.execute("delete from item where id = 1")
    pgq_source.execute("insert into item values (4, 'd')")
    pgq_source.tick()
    run_consumer(ini)
    assert rows(warehouse) == [(2, "B", "skytools"), (3, "c", "dray"), (4, "d", "skytools")]

    # and once more: somebody else took batches, so the old position must go first
    pgq_source.execute("insert into item values (5, 'e')")
    pgq_source.tick()
    assert "register_consumer_at" in dray("run", config, "--until-end", expect=4).stderr
    warehouse.execute("delete from dray_position where service = 'sales_to_cube'")
    dray("run", config, "--until-end")
    assert rows(warehouse)[2:] == [(4, "d", "skytools"), (5, "e", "dray")]


def test_a_batch_that_the_target_holds_and_the_queue_does_not_know_of_is_passed_by_start_tick(
        pgq_source, warehouse, directory):
    make_tables(pgq_source, warehouse)
    pgq_source.register("sales_to_cube")
    # committed in the target, killed before finish_batch
    pgq_source.execute("insert into item values (1, 'a')")
    held = pgq_source.tick()
    warehouse.execute("insert into item values (1, 'a', 'skytools')")
    pgq_source.execute("insert into item values (2, 'b')")
    last = pgq_source.tick()
    config = convert(directory, write_ini(directory, pgq_source, warehouse, "dateformat ="))
    with open(config, encoding="utf-8") as file:
        options = yaml.safe_load(file)
    options["source"]["start_tick"] = held
    with open(config, "w", encoding="utf-8") as file:
        yaml.safe_dump(options, file)
    dray("run", config, "--until-end")
    assert rows(warehouse) == [(1, "a", "skytools"), (2, "b", "dray")]
    assert pgq_source.consumer_tick("sales_to_cube") == last


def test_partitions_that_cube_dispatcher_made_go_on_and_new_ones_come_from_its_template(
        pgq_source, warehouse, directory):
    make_tables(pgq_source, warehouse)
    pgq_source.register("sales_to_cube")
    # of the first day, as the original leaves it
    warehouse.execute("create table item_2024_02_28 (like item)")
    warehouse.execute("alter table only item_2024_02_28 add primary key (id)")
    warehouse.execute("insert into item_2024_02_28 values (1, 'a', 'skytools')")
    config = convert(directory, write_ini(directory, pgq_source, warehouse, TEMPLATE))
    pgq_source.execute("insert into item values (1, 'A'), (2, 'b')")
    pgq_source.tick("2024-02-28 23:59:59+00")
    pgq_source.execute("update item set name = 'B' where id = 2")
    pgq_source.tick("2024-02-29 00:00:01+00")
    dray("run", config, "--until-end")
    # a partition is made like its parent, without its defaults
    assert rows(warehouse, "item_2024_02_28") == [(1, "A", "skytools"), (2, "b", None)]
    assert rows(warehouse, "item_2024_02_29") == [(2, "B", None)]
    indexes = warehouse.query("select indexname from pg_indexes where tablename ="
                              " 'item_2024_02_29' order by 1")
    assert [name for name, in indexes] == ["item_2024_02_29_pkey", "public__item_2024_02_29_idx"]


def test_everything_comes_to_standard_output_and_notes_to_standard_error(directory):
    path = os.path.join(str(directory), "cube.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write(INI.format(source="dbname=s password=s3cret", target="dbname=d", mode="keep_all",
                              delay=0.2, directory="/run", more=TEMPLATE + "colour = blue"))
    done = dray("convert", "cube_dispatcher", path)
    options = yaml.safe_load(done.stdout)
    assert options["source"]["connection"] == "dbname=s password='${DRAY_SOURCE_PASSWORD}'"
    assert options["tables"] == [{"match": "*", "deletes": "error", "partition": {
        "by": "YYYY_MM_DD", "template": "sales_to_cube_partition.sql", "time_zone": "UTC"}}]
    assert "\n# create table _DEST_TABLE (like _PARENT);\n" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith(f"note: {path}:") for line in lines)
    assert f"note: {path}:16: colour: not known, and left out" in lines
    # nothing is connected to, no variable is needed
    assert dray("convert", "cube_dispatcher", path, env={"HOME": ""}).stdout == done.stdout


def test_files_that_are_there_are_left_as_they_are(directory):
    path = os.path.join(str(directory), "cube.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write(INI.format(source="dbname=s", target="dbname=d", mode="keep_latest", delay=1,
                              directory="/run", more=TEMPLATE))
    output = os.path.join(str(directory), "new", "directory")
    done = dray("convert", "cube_dispatcher", path, f"--output={output}")
    names = ["sales_to_cube.yaml", "sales_to_cube_partition.sql"]
    assert sorted(os.listdir(output)) == names
    assert sorted(done.stdout.split()) == [os.path.join(output, name) for name in names]
    with open(os.path.join(output, names[1]), encoding="utf-8") as file:
        assert file.read() == ("create table _DEST_TABLE (like _PARENT);\n"
                               "alter table only _DEST_TABLE add primary key (_PKEY);\n"
                               "create index _SCHEMA_TABLE_idx on _DEST_TABLE (name);\n")
    for name in names:
        for other in names:
            with open(os.path.join(output, other), "w", encoding="utf-8") as file:
                file.write("mine")
        os.unlink(os.path.join(output, name))
        done = dray("convert", "cube_dispatcher", path, "--output", output, expect=2)
        other = os.path.join(output, *(set(names) - {name}))
        assert done.stderr == (f"dray: usage error: dray convert: --output: {other} exists, and is"
                               " left as it is\n")
        # not half of it either
        assert not os.path.exists(os.path.join(output, name))
        with open(other, encoding="utf-8") as file:
            assert file.read() == "mine"


@pytest.mark.parametrize("arguments, code, message", [
    (["cube_dispatcher"], 2, "dray: usage error: dray convert: too few arguments"),
    (["londiste", "FILE"], 2,
     'dray: usage error: dray convert: "londiste" is none of cube_dispatcher, hbrep\n'),
    (["hbrep", "FILE"], 3, "dray: configuration error: FILE: there is no section [HBaseReplic]\n"),
    (["cube_dispatcher", "FILE"], 3,
     "dray: configuration error: FILE:2: mode: \"all\" is neither keep_latest nor keep_all\n"
     "dray: configuration error: FILE:1: src_db: not given, and it is needed\n"),
    (["cube_dispatcher", "FILE.absent"], 3, "dray: configuration error: open FILE.absent: No such file or directory\n"),
])
def test_mistakes_end_with_the_exit_code_of_their_kind(directory, arguments, code, message):
    path = os.path.join(str(directory), "cube.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write("[cube_dispatcher]\nmode = all\n")
    done = dray("convert", *[word.replace("FILE", path) for word in arguments], expect=code)
    assert done.stdout == ""
    assert message.replace("FILE", path) in done.stderr
