#!/usr/bin/python3
"""Compare convert/python_ini.c with Python's own configparser over generated files.

    compare_python_ini.py DUMP [SEED]      DUMP: the program of python_ini_dump.c

Python 3's parser is asked, after the few lines that Python 2 reads in another way have been
written as Python 3 wants them (as_python3), and its empty lines in values taken out again.
"""
import configparser
import os
import random
import re
import subprocess
import sys
import tempfile

FILES = 1500

NAMES = ["a", "b", "Key", "long name", "dst_db", "part_template", "q.r"]
SECTIONS = ["one", "two", "public.users", "Two Words", "x" * 80, "DEFAULT"]
WORDS = ["x", "dbname=src", "host = y", "a:b", "p;q", "%%", "%(a)s", "%(KEY)s", "%(long name)s", "%(none)s",
         "%x", "%", "%(a", "%()s", "ä", "李", "#no", "'q'", '""', "w" * 300, "create table _DEST_TABLE (like _PARENT);",
         "$$ begin null ; end $$;", "[z]", "rem"]


class Lenient(configparser.BasicInterpolation):
    """Values are put in as they were read, right or wrong."""

    def before_set(self, parser, section, option, value):
        return value


def value_of(rand):
    words = [rand.choice(WORDS) for _ in range(rand.choice([0, 1, 1, 1, 2, 3]))]
    return " ".join(words)


def make(rand):
    lines = []
    option = False
    if rand.random() > 0.03:
        lines.append("[one]")
    for _ in range(rand.randrange(1, 25)):
        kind = rand.random()
        if kind < 0.10:
            lines.append(f"[{rand.choice(SECTIONS)}]" + rand.choice(["", "", " trailing", "  "]))
            option = False
        elif kind < 0.18:
            lines.append(rand.choice(["# comment", ";x = y", "#", "rem old = 1", "REM", "", "   ", "\t"]))
        elif kind < 0.20:
            lines.append(rand.choice(["nonsense", "= x", ": y", "remark", "[unclosed", "[]"]))
        elif kind < 0.45 and option:
            text = value_of(rand)
            if text:
                lines.append(rand.choice([" ", "    ", "\t", " \t "]) + text + rand.choice(["", " "]))
        else:
            tail = rand.choice(["", "", "", " ; comment", ";joined", " ;", "\t; a ; b", "   "])
            value = value_of(rand)
            if not value:
                tail = tail if ";" not in tail else ""
            if value.startswith(";"):
                continue
            lines.append(rand.choice(NAMES) + rand.choice(["=", " = ", ": ", ":", "  =  "]) + value + tail)
            option = True
    return "\n".join(lines) + rand.choice(["", "\n"])


def as_python3(text):
    """The same for Python 3: no comments, no \" ;\", no \"\"; every line keeps its number."""
    lines = []
    for line in text.split("\n"):
        if re.match(r"[#;]|rem(\s|$)", line, re.I):
            line = ""
        option = re.match(r"([^:=\s\[][^:=]*[:=]\s*)(.*)$", line)
        if option:
            head, value = option.groups()
            at = value.find(";")
            if at > 0 and value[at - 1].isspace():
                value = value[:at]
            if value.strip() == '""':
                value = ""
            line = head + value
        lines.append(line)
    return "\n".join(lines)


def normal(value):
    first, *rest = value.split("\n")
    return first + "".join("\n" + line for line in rest if line)


def expected(text):
    raw = configparser.RawConfigParser(strict=False, comment_prefixes=(), empty_lines_in_values=True)
    try:
        raw.read_string(as_python3(text))
    except configparser.MissingSectionHeaderError:
        return "no section"
    except configparser.ParsingError as error:
        return [number for number, _ in error.errors]
    full = configparser.ConfigParser(interpolation=Lenient(), strict=False)
    for name, value in raw.defaults().items():
        full.defaults()[name] = normal(value)
    for section in raw.sections():
        full.add_section(section)
        for name in raw._sections[section]:
            full.set(section, name, normal(raw._sections[section][name]))
    sections = {}
    for section in full.sections():
        options = {}
        for name in full.options(section):
            try:
                value = full.get(section, name)
            except configparser.InterpolationError:
                value = None
            options[name] = (full.get(section, name, raw=True), value)
        sections[section] = options
    return sections


def plain(word):
    return None if word == "-" else bytes.fromhex(word[1:]).decode()


def read_dump(output):
    results = []
    for line in output.splitlines():
        kind, *words = line.split(" ")
        if kind == "file":
            results.append({})
        elif kind == "error":
            results[-1] = [int(word) for word in words]
        elif kind == "section":
            section = results[-1].setdefault(plain(words[0]), {})
        else:
            section[plain(words[0])] = (plain(words[1]), plain(words[2]))
    return results


def same(mine, theirs):
    if theirs == "no section":
        return isinstance(mine, list)
    if isinstance(theirs, list) and isinstance(mine, list):
        # lines that go on with a wrong one: wrong themselves to Python 3, to Python 2 not
        return mine[0] == theirs[0] and set(mine) <= set(theirs)
    return mine == theirs


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"seed {seed}")
    rand = random.Random(seed)
    texts = [make(rand) for _ in range(FILES)]
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for number, text in enumerate(texts):
            paths.append(os.path.join(directory, f"{number}.ini"))
            with open(paths[-1], "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
        output = subprocess.run([sys.argv[1]] + paths, stdout=subprocess.PIPE, check=True).stdout
    results = read_dump(output.decode())
    assert len(results) == len(texts)
    counts = {"sections": 0, "values": 0, "wrong names": 0, "errors": 0}
    for text, mine in zip(texts, results):
        theirs = expected(text)
        if not same(mine, theirs):
            sys.exit(f"seed {seed}: differs\n{text}\n--- ours\n{mine}\n--- Python's\n{theirs}")
        if isinstance(theirs, dict):
            values = [value for options in theirs.values() for _, value in options.values()]
            counts["sections"] += len(theirs)
            counts["values"] += len(values)
            counts["wrong names"] += sum(value is None for value in values)
        else:
            counts["errors"] += 1
    print(f"{FILES} files equal: {counts}")
    # a generator that makes nothing would prove nothing
    assert min(counts.values()) > 50, counts


if __name__ == "__main__":
    main()
