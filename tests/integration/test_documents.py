"""What is handed out with the program is true: samples, unit file, README, links."""
import os
import re

import pytest
import yaml

from service import dray

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(*names):
    with open(os.path.join(ROOT, *names), encoding="utf-8") as file:
        return file.read()


def refused_options(path):
    """Lines in which dray refuses an option of the file; no line: the file is a configuration."""
    done = dray("check", path, expect=None, env={"PGCONNECT_TIMEOUT": "1"})
    return [line for line in done.stderr.split("\n")
            if re.search(re.escape(os.path.basename(path)) + r":\d+:\d+: ", line)]


def configuration(directory, text):
    """A copy whose paths and host exist nowhere, so that nothing but the file is looked at."""
    path = os.path.join(directory, "sample.yaml")
    text = text.replace("/var/lib/dray", directory).replace("/var/log/dray", directory)
    text = text.replace("host=warehouse.example.org", f"host={directory}")
    text = text.replace("host=warehouse", f"host={directory}")
    text = text.replace("host=shop.example.org", f"host={directory}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\nretry: {max_time: 1ms}\n" if "\nretry:" not in text else text)
    return path


SAMPLES = ["dray.yaml", "dray-mysql.yaml", "dray-pgq.yaml"]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_sample_configuration_is_accepted(directory, sample):
    assert refused_options(configuration(directory, read("etc", sample))) == []


@pytest.mark.parametrize("sample, shown", [("dray.yaml", ["\nstage:", "  max_rows:"]),
                                           ("dray-mysql.yaml", ["  position:", "  heartbeat:"]),
                                           ("dray-pgq.yaml", ["  consumer:", "      expire:"])])
def test_the_sample_configuration_is_accepted_with_every_comment_taken_away(
        directory, sample, shown):
    head, rest = read("etc", sample).split("\nservice:", 1)
    assert head.lstrip().startswith("#")
    bare = re.sub(r"^(\s*)# (\s*[a-z_]+:)", r"\1\2", "service:" + rest, flags=re.M)
    assert all(text in bare for text in shown)
    assert refused_options(configuration(directory, bare)) == []


def test_a_wrong_option_in_the_sample_would_be_seen(directory):
    text = read("etc", "dray.yaml").replace("retain: 7d", "retains: 7d")
    assert len(refused_options(configuration(directory, text))) == 1


@pytest.mark.parametrize("sample", SAMPLES)
def test_commented_values_of_the_sample_are_the_defaults(sample):
    """Compared with the reference, which the program prints."""
    reference = read("docs", "reference", "configuration.md")
    for name, value in re.findall(r"^\s*# +([a-z_]+): (\S+)", read("etc", sample), flags=re.M):
        if name in ("null", "file", "position_schema", "schema", "header_columns", "slot",
                    "publication", "tables", "consumer", "pidfile"):
            continue
        assert re.search(rf"{name}.*{re.escape(value)}", reference), f"{name}: {value}"


def test_configurations_in_the_documents_are_accepted(directory):
    found = 0
    for names in (("README.md",), ("docs", "getting-started.md"), ("docs", "recorded-logs.md"),
                  ("docs", "pgq-source.md"), ("docs", "partitions.md")):
        for text in re.findall(r"```yaml\n(.*?)```", read(*names), flags=re.S):
            for section, rest in (("service", " x"), ("source", " {type: jsonl, path: /nowhere/x}"),
                                  ("block", " {directory: /var/lib/dray/x}"),
                                  ("target", " {type: sqlite, path: /nowhere/y}")):
                if not re.search(rf"^{section}:", text, flags=re.M):
                    text = f"{section}:{rest}\n{text}"
                elif section == "target" and "  type:" not in text.split("target:")[1]:
                    text = text.replace("target:\n", "target:\n  type: sqlite\n  path: /nowhere/y\n")
            found += 1
            assert refused_options(configuration(directory, text)) == []
    assert found >= 3


def test_links_between_documents_lead_somewhere():
    broken = []
    for folder in (".", "docs", os.path.join("docs", "reference")):
        for name in sorted(os.listdir(os.path.join(ROOT, folder))):
            if not name.endswith(".md"):
                continue
            for link in re.findall(r"\]\(([^)#]+)[^)]*\)", read(folder, name)):
                if "://" not in link and not os.path.exists(os.path.join(ROOT, folder, link)):
                    broken.append(f"{folder}/{name}: {link}")
    assert broken == []


def test_exit_codes_of_the_unit_file_are_those_of_the_documents():
    codes = re.search(r"RestartPreventExitStatus=(.*)", read("etc", "dray@.service")).group(1)
    documented = dict(re.findall(r"^\| (\d+) \| (\w+)", read("docs", "operations.md"), flags=re.M))
    assert {documented[code] for code in codes.split()} == {"data", "usage", "configuration",
                                                            "fenced"}


def test_the_demo_configurations_are_yaml_of_one_service():
    demo, second = (yaml.safe_load(read("demo", name)) for name in ("demo.yaml", "second.yaml"))
    assert demo["service"] == second["service"]
    assert demo["target"]["path"] != second["target"]["path"]


def test_the_merge_script_in_the_readme_is_the_shipped_one():
    (excerpt,) = re.findall(r"```sql\n(.*?)```", read("README.md"), flags=re.S)
    shipped = iter(read("merge-scripts", "postgres", "merge.sql").split("\n"))
    for line in excerpt.strip().split("\n"):
        # in order; the shipped file has more in between
        assert any(line == other for other in shipped), line
