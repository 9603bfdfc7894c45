"""What Terraform's own `validate` would say of names, which needs providers that a machine without accounts has not: whatever is named is declared,
and modules are given the variables they have. The files are formatted, so that blocks begin at the first column."""

import functools
import pathlib
import re

import pytest

TERRAFORM = pathlib.Path(__file__).parents[2] / "deploy/terraform"
FOLDERS = sorted({path.parent for path in TERRAFORM.rglob("*.tf")})
BLOCK = re.compile(r'^(\w+)((?: "[^"]+")*) \{(?:\}|\n(.*?)^\})', re.M | re.S)


@functools.cache
def text(folder):
    return re.sub(r"^\s*#.*\n", "", "".join(path.read_text() for path in sorted(folder.glob("*.tf"))), flags=re.M)


def blocks(folder, kind):
    """(labels, body) of each."""
    return [(re.findall(r'"([^"]+)"', labels), body) for name, labels, body in BLOCK.findall(text(folder)) if name == kind]


def variables(folder):
    """name -> whether it has to be given."""
    return {labels[0]: not re.search(r"^  default ", body, re.M) for labels, body in blocks(folder, "variable")}


def arguments(body):
    return set(re.findall(r"^  (\w+) +=", body, re.M))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(TERRAFORM)))
def test_what_is_named_is_declared(folder):
    declared = {f"var.{name}" for name in variables(folder)}
    declared |= {f"local.{name}" for _, body in blocks(folder, "locals") for name in arguments(body)}
    declared |= {f"module.{labels[0]}" for labels, _ in blocks(folder, "module")}
    declared |= {".".join(labels) for labels, _ in blocks(folder, "resource")}
    declared |= {".".join(["data", *labels]) for labels, _ in blocks(folder, "data")}
    code = re.sub(r"\\\"", "", text(folder))
    named = set(re.findall(r"\b(?:var|local|module)\.\w+", code))
    named |= set(re.findall(r"\bdata\.(?:aws|google)_\w+\.\w+", code))
    named |= set(re.findall(r"(?<![\w.\"])(?:aws|google)_\w+\.\w+", code))
    assert named and named <= declared
    unused = {name for name in declared if name.startswith(("var.", "local."))} - named
    assert not unused


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(TERRAFORM)))
def test_modules_are_given_what_they_take(folder):
    for labels, body in blocks(folder, "module"):
        source = (folder / re.search(r'^  source +=\s+"([^"]+)"', body, re.M)[1]).resolve()
        takes, given = variables(source), arguments(body) - {"source", "count", "for_each", "providers", "depends_on"}
        assert given <= set(takes), labels
        assert {name for name, required in takes.items() if required} <= given, labels
        outputs = {name[0] for name, _ in blocks(source, "output")}
        used = set(re.findall(rf"\bmodule\.{labels[0]}(?:\[\d+\]|\[\*\])?\.(\w+)", text(folder)))
        assert used <= outputs, labels


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(TERRAFORM)))
def test_variables_and_outputs_say_what_they_are(folder):
    for kind in ("variable", "output"):
        for labels, body in blocks(folder, kind):
            assert re.search(r'^  description = ".+"', body, re.M), labels
