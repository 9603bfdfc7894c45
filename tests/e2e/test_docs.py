"""The pages that people follow step by step: what they say to type runs, and says what the page says."""

import pathlib
import re
import subprocess
import sys

import pytest
from conftest import BINARY, ROOT
from doc_page import Reader, blocks
from grid import KEYS, free_port

PAGES = ["tutorial.md", "from-scripts.md", "from-airflow-spark.md"]


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path, f"{pathlib.Path(BINARY).parent}:{pathlib.Path(sys.executable).parent}")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page, reader):
    reader.follow(ROOT / "docs" / page)
    assert reader.ran > 2 and reader.checked > 2


def test_from_kafka_connect(field, reader):
    grid = field.grid
    reader.env |= {"KAFKA_BROKERS": grid.kafka.bootstrap, "LAKE_ENDPOINT": grid.s3.endpoint, "LAKE_CATALOG": grid.rest.uri, "CONNECT_PORT": str(free_port()), **KEYS}
    reader.follow(ROOT / "docs/from-kafka-connect.md")
    assert reader.ran > 2 and reader.checked > 2


def test_links_lead_somewhere():
    for page in sorted((ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_commands_of_troubleshooting_are_commands(millrace):
    """Each verb and option that the pages of symptoms name is one."""
    known = {}

    def options(verb):
        if verb not in known:
            known[verb] = millrace.run(*verb, "--help").stdout
        return known[verb]

    named = 0
    for page in ("troubleshooting.md", "sizing.md", "concepts.md"):
        text = (ROOT / "docs" / page).read_text()
        commands = re.findall(r"`(millrace [^`]*)`", text) + [l for _, lang, _, body in blocks(ROOT / "docs" / page) if lang == "sh" for l in body.splitlines() if l.startswith("millrace ")]
        for command in commands:
            words = re.sub(r'"[^"]*"|#.*', "X", command).split()[1:]
            verb = []
            for word in words:
                if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-") and re.search(rf"^  {word} ", options(tuple(verb)), re.MULTILINE):
                    verb.append(word)
                else:
                    break
            assert verb, f"{page}: `{command}` has no verb"
            for option in (word.split("=")[0] for word in words if word.startswith("--")):
                assert option in options(tuple(verb)), f"{page}: `{command}`: {' '.join(verb)} has no {option}"
            named += 1
    assert named > 20


def test_each_figure_of_sizing_names_a_benchmark():
    listed = subprocess.run([sys.executable, ROOT / "bench/run", "--list"], check=True, capture_output=True, text=True).stdout.split()
    named = re.findall(r"`./dev bench (\w+)`", (ROOT / "docs/sizing.md").read_text())
    assert len(named) > 5 and set(named) <= set(listed)
