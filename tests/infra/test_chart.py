"""What the chart renders is a pipeline that the program takes, and what could not work is refused when it is rendered."""

import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/millrace"
MILLRACE = ROOT / "build/release/millrace"
SINGLE = CHART / "ci/single-values.yaml"


def documents(text):
    """Of YAML, by the reader that the linters bring."""
    read = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"
    return json.loads(subprocess.run([ROOT / ".deps/infra/bin/python", "-c", read], input=text, capture_output=True, text=True, check=True).stdout)


def helm(values, *settings):
    command = [ROOT / ".deps/infra/bin/helm", "template", "shop", CHART, "-f", values, "--kube-version", "1.31.0"]
    return subprocess.run([*command, *settings], capture_output=True, text=True)


def check(*files):
    words = [word for file in files for word in ("-c", str(file))]
    variables = {"KAFKA_PASSWORD": "x", "BUCKET_KEY": "x", "BUCKET_SECRET": "x"}
    return subprocess.run([MILLRACE, "check", *words], env=variables, capture_output=True, text=True)


def test_the_version_is_that_of_the_program():
    version = re.search(r'kVersion = "(.*)"', (ROOT / "src/app/version.h").read_text())[1]
    (chart,) = documents((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)
    images = re.findall(r"millrace:([0-9.]+)\}", "".join(path.read_text() for path in ROOT.glob("deploy/docker/compose*.yaml")))
    assert images and set(images) == {version}


@pytest.mark.parametrize("values", [*CHART.glob("ci/*-values.yaml"), ROOT / "deploy/helm/eks-values.yaml"], ids=lambda path: path.stem)
def test_the_pipeline_that_it_renders_is_good(values, tmp_path):
    rendered = helm(values)
    assert rendered.returncode == 0, rendered.stderr
    rendered = documents(rendered.stdout)
    texts = {each["metadata"]["name"]: each["data"] or {} for each in rendered if each["kind"] == "ConfigMap"}
    (workers,) = (each for each in rendered if each["kind"] == "StatefulSet")
    (config,) = (each for each in workers["spec"]["template"]["spec"]["volumes"] if each["name"] == "config")
    # The volume as a pod would see it, below a folder of the test.
    for source in config["projected"]["sources"]:
        ((kind, of),) = source.items()
        data = texts[of["name"]] if kind == "configMap" else {}
        for item in of.get("items") or [{"key": key, "path": key} for key in data]:
            path = tmp_path / item["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            text = data[item["key"]] if kind == "configMap" else "0123456789abcdef0123456789abcdef"
            path.write_text(text.replace("/etc/millrace", str(tmp_path)).replace("/var/lib/millrace", str(tmp_path)))
    checked = check(tmp_path / "pipeline.yaml", tmp_path / "place.yaml")
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    "setting, said",
    [
        ("replicas=2", "only through Kafka"),
        ("server.tlsSecret=", "needs TLS"),
        ("server.tokenSecret=", "needs tokens"),
        ("image.tag=latest", "tag"),
        ("image.digest=sha256:short", "digest"),
        ("config.data_dir=/elsewhere", "data_dir"),
        ("replica=2", "replica"),
        ("server.tokens.metrics.roles={admin}", "roles"),
    ],
)
def test_what_cannot_work_is_refused(setting, said):
    rendered = helm(SINGLE, "--set", setting)
    assert rendered.returncode != 0 and said in rendered.stderr


@pytest.mark.parametrize("file", ["deploy/deb/millrace.yaml", "deploy/docker/single/millrace.yaml", "deploy/docker/kafka/millrace.yaml"])
def test_the_configurations_that_come_along_are_good(file):
    checked = check(ROOT / file)
    assert checked.returncode == 0, checked.stderr
