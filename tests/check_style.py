#!/usr/bin/python3
"""Check the rules of style that no compiler and no clang tool checks.

    tests/check_style.py [ROOT]       check the tree
    tests/check_style.py --self-test  break every rule once in a made-up tree

- A file has at most 800 lines.
- No strcpy strcat sprintf strtok atoi alloca; no goto.
- No function of ours begins with the prefix of a library.
- A header begins with a comment and has #pragma once; a .c file of applier/ has its .h, but for
  drivers, commands and main.c, which are reached through a table.
- No tabs, no blanks at a line's end, a newline at the file's end.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check_layers import without_comments  # noqa: E402

MAX_LINES = 800
BANNED = ["strcpy", "strcat", "sprintf", "vsprintf", "strtok", "atoi", "alloca", "gets"]
PREFIXES = ["csv_", "yaml_", "mysql_", "duk_", "rd_", "redis", "PQ", "json_", "sqlite3_"]
# .c files without a header of their own: they define a const table that a registry names, or are
# one of several that a header has, by the library at hand
HEADERLESS = re.compile(
    r"applier/(main\.c|cli/[^/]+|(source|target)/[^/]+|source/mysql/packets_[^/]+)$")

STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
CALL = re.compile(r"\b(" + "|".join(BANNED) + r")\s*\(")
GOTO = re.compile(r"\bgoto\b")
# a definition, as clang-format lays it out: the name begins a line
DEFINITION = re.compile(r"^(" + "|".join(PREFIXES) + r")\w*\s*\(")
# a prototype in a header
PROTOTYPE = re.compile(r"^(?!typedef\b|return\b|static inline\b)[A-Za-z_][\w\s]*?[\s*](("
                       + "|".join(PREFIXES) + r")\w*)\s*\(")


def tracked_c_files(root):
    """What git knows and what is new; in a tree without git, everything."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-co", "--exclude-standard", "applier", "tests"],
        capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = sorted(set(listed.stdout.split("\n")))
    else:
        names = sorted(os.path.relpath(os.path.join(folder, name), root)
                       for folder, _, files in os.walk(root) for name in files)
    return [name for name in names
            if name.endswith((".c", ".h")) and os.path.exists(os.path.join(root, name))]


def check_lines(text, name):
    code = STRING.sub(lambda m: '"' + " " * (len(m.group(0)) - 2) + '"', without_comments(text))
    for number, line in enumerate(code.split("\n"), 1):
        banned = CALL.search(line)
        if banned:
            yield number, f"{banned.group(1)}() is banned"
        if GOTO.search(line):
            yield number, "goto is banned"
        begun = DEFINITION.match(line)
        if not begun and name.endswith(".h"):
            begun = PROTOTYPE.match(line)
        if begun:
            yield number, f"a function that begins with a library's prefix: {line.strip()[:60]}"
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"


def check_file(root, name):
    with open(os.path.join(root, name), encoding="utf-8") as file:
        text = file.read()
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield 1, f"{lines} lines, at most {MAX_LINES}"
    if text and not text.endswith("\n"):
        yield lines + 1, "no newline at the end of the file"
    if name.endswith(".h"):
        if not text.startswith("/*"):
            yield 1, "a header begins with a comment: what it is for"
        if "\n#pragma once\n" not in text:
            yield 1, "no #pragma once"
    elif name.startswith("applier/") and not HEADERLESS.match(name):
        if not os.path.exists(os.path.join(root, name[:-2] + ".h")):
            yield 1, "a .c file without its .h"
    yield from check_lines(text, name)


def check(root):
    names = tracked_c_files(root)
    findings = [f"{name}:{number}: {reason}"
                for name in names for number, reason in check_file(root, name)]
    if not names:
        findings.append(f"{root}: no C files found")
    return findings, len(names)


def self_test():
    header = "/* a.h - a */\n#pragma once\n"
    cases = [
        ("applier/base/a.h", header + "int a;\n" * 800, "at most 800"),
        ("applier/base/a.h", "#pragma once\n", "begins with a comment"),
        ("applier/base/a.h", "/* a */\nint a;\n", "#pragma once"),
        ("applier/base/a.h", header + "int a;", "no newline at the end"),
        ("applier/base/b.c", "int a;\n", "without its .h"),
        ("tests/b.c", "    strcpy(a, b);\n", "strcpy() is banned"),
        ("tests/b.c", "    n = atoi (a);\n", "atoi() is banned"),
        ("tests/b.c", "    goto done;\n", "goto is banned"),
        ("tests/b.c", "int\ncsv_read(void)\n", "library's prefix"),
        ("tests/b.c", "static bool\nPQthing(void)\n", "library's prefix"),
        ("applier/base/a.h", header + "bool yaml_read(int a);\n", "library's prefix"),
        ("applier/base/a.h", header + "const char *json_name(int a) MUST_CHECK;\n",
         "library's prefix"),
        ("tests/b.c", "\tint a;\n", "a tab"),
        ("tests/b.c", "int a; \n", "blanks at the end"),
        ("applier/source/postgres.h", header + "bool mysql_read(int a);\n", "library's prefix"),
        ("applier/source/mysql/a.h", header + "bool json_read(int a);\n", "library's prefix"),
        ("applier/source/mysql/rest.c", "int a;\n", "without its .h"),
        # and what must pass
        ("applier/source/mysql/packets_mysql.c", "int a;\n", None),
        ("applier/base/a.h", header + "/* never strcpy(a) or goto */\nint a;\n", None),
        ("tests/b.c", 'a = "goto sprintf(x)";\n    json_decref(a);\n    snprintf(a);\n', None),
        ("applier/cli/run.c", "int a;\n", None),
        ("applier/main.c", "int a;\n", None),
        ("applier/target/postgres.c", "int a;\n", None),
    ]
    for name, text, reason in cases:
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, os.path.dirname(name)))
            with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                file.write(text)
            findings, _ = check(root)
            right = any(reason in finding for finding in findings) if reason else not findings
            if not right:
                sys.exit(f"self-test: {name} with {text[-60:]!r}: expected {reason!r},"
                         f" got {findings}")
    print(f"check_style self-test: {len(cases)} passed")


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
    print(f"check_style: {count} files in order")


if __name__ == "__main__":
    main()
