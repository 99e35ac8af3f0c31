#!/usr/bin/python3
"""Check the order of applier's folders, and that nothing outside a driver knows its type.

    tests/check_layers.py [ROOT]      check the tree
    tests/check_layers.py --self-test break every rule once in a made-up tree

Rules, for the C files of applier/:
- A folder includes only itself and the folders above it in FOLDERS.
- A library's header is included only in the folders that LIBRARIES names.
- A driver's name, as a whole string literal, stands only in the files of that driver: the rest of
  the program asks the registry and looks at ability flags, and has no switch on a type.
"""
import os
import re
import sys
import tempfile

FOLDERS = ["base", "config", "event", "client", "source", "block", "target", "script", "ddl", "apply", "jobs",
           "service", "convert", "cli"]

# header -> path prefixes below applier/ that may include it
LIBRARIES = {
    "libpq-fe.h": ["client/", "target/", "source/"],
    "mysql.h": ["client/", "target/", "source/"],
    "mariadb_com.h": ["client/", "target/", "source/"],
    "mariadb_rpl.h": ["source/"],
    "zlib.h": ["source/"],
    "zstd.h": ["source/"],
    "iconv.h": ["source/"],
    "sqlite3.h": ["target/"],
    "csv.h": ["block/"],
    "glib.h": ["base/"],
    "yaml.h": ["config/"],
    "jansson.h": ["source/", "block/", "apply/", "cli/", "service/"],
}

# driver -> how the names of its files may go on after source/ or target/
DRIVERS = {
    "sqlite": r"((missing_|sql_dialect_)?sqlite|registry)",
    "postgres": r"((missing_|sql_dialect_)?postgres|pg|registry)",
    "mysql": r"((missing_|sql_dialect_)?mysql|mariadb|registry)",
    "pgq": r"(missing_pgq|pgq|registry)",
    "jsonl": r"(jsonl|wal2json|registry)",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*")|(\'(?:\\.|[^\'\\\n])*\')', re.S)


def without_comments(text):
    """Comments become blanks, so that line numbers stay."""
    def blank(match):
        if match.group(1) or match.group(2):
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))
    return COMMENT.sub(blank, text)


def c_files(root):
    for folder, folders, names in os.walk(os.path.join(root, "applier")):
        folders.sort()
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.join(folder, name)


def check_file(root, path):
    below = os.path.relpath(path, os.path.join(root, "applier"))
    folder = below.split(os.sep)[0] if os.sep in below else None
    with open(path, encoding="utf-8") as file:
        lines = without_comments(file.read()).split("\n")
    if folder is not None and folder not in FOLDERS:
        yield 1, f"folder applier/{folder} is not in the list of folders"
        return
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if found and found.group(1):
            name = found.group(1)
            other = name.split("/")[0]
            if "/" not in name:
                yield number, f'include "{name}" does not name its folder'
            elif other not in FOLDERS:
                yield number, f'include "{name}": no such folder'
            elif folder is not None and FOLDERS.index(other) > FOLDERS.index(folder):
                yield number, f'{folder}/ includes "{name}", which is below it'
            elif not os.path.exists(os.path.join(root, "applier", name)):
                yield number, f'include "{name}": no such file'
        elif found:
            allowed = LIBRARIES.get(os.path.basename(found.group(2)))
            if allowed is not None and not below.startswith(tuple(allowed)):
                yield number, f"<{found.group(2)}> is included only in {' '.join(allowed)}"
        else:
            for driver, files in DRIVERS.items():
                if f'"{driver}"' not in line:
                    continue
                own = re.match(r"(source|target)/" + files, below)
                if not own:
                    yield number, f'knows the driver "{driver}": ask the registry instead'


def check(root):
    findings = []
    count = 0
    for path in c_files(root):
        count += 1
        for number, reason in check_file(root, path):
            findings.append(f"{os.path.relpath(path, root)}:{number}: {reason}")
    if count == 0:
        findings.append(f"{root}: no C files found")
    return findings, count


def self_test():
    cases = [
        ("base/a.h", '#include "config/b.h"', "which is below it"),
        ("block/a.c", '#include "cli/b.h"', "which is below it"),
        ("block/a.c", '#include "c.h"', "does not name its folder"),
        ("block/a.c", '#include "nowhere/c.h"', "no such folder"),
        ("block/a.c", '#include "base/missing.h"', "no such file"),
        ("strange/a.c", "", "not in the list"),
        ("cli/a.c", "#include <libpq-fe.h>", "is included only in"),
        ("base/a.c", "#include <mariadb/mysql.h>", "is included only in"),
        ("apply/a.c", 'if (strcmp(type, "mysql") == 0)', "knows the driver"),
        ("target/sqlite.c", 'if (strcmp(type, "postgres") == 0)', "knows the driver"),
        # and what must pass
        ("target/target_x.c", '#include "base/b.h"', None),
        ("target/postgres.c", '.name = "postgres",', None),
        ("cli/a.c", '/* not "mysql" */', None),
        ("cli/a.c", '#include "target/b.h"', None),
    ]
    for name, line, reason in cases:
        with tempfile.TemporaryDirectory() as root:
            for folder in FOLDERS + ["strange"]:
                os.makedirs(os.path.join(root, "applier", folder))
                if folder != "strange":
                    open(os.path.join(root, "applier", folder, "b.h"), "w").close()
            with open(os.path.join(root, "applier", name), "w", encoding="utf-8") as file:
                file.write("/* a file */\n" + line + "\n")
            findings, _ = check(root)
            right = any(reason in finding for finding in findings) if reason else not findings
            if not right:
                sys.exit(f"self-test: {name} with {line!r}: expected {reason!r}, got {findings}")
    print(f"check_layers self-test: {len(cases)} passed")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(
        os.path.abspath(__file__)))
    findings, count = check(root)
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(1)
    print(f"check_layers: {count} files in order")


if __name__ == "__main__":
    main()
