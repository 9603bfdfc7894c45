"""The .deb, the tarball and the image, each in a clean Debian that knows nothing of where they were built.

They are unpacked, installed and started as a stranger would; what they land is read by pyiceberg.
"""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import tarfile
import time

import pyiceberg.catalog.sql
import pytest

ROOT = pathlib.Path(__file__).parents[2]
BASE = ROOT / ".deps/debianroot/root.tar.zst"
IMAGE_BYTES_MAX = 150_000_000  # what a registry holds and a pull moves
PIPELINE = """
name: shop
data_dir: {data}
sources: {{ orders: {{ file: {{ path: "{folder}/orders.jsonl" {follow} }}, topic: orders }} }}
tables: {{ silver.orders: {{ from: orders, key: [id] }} }}
"""
ORDERS = "".join(json.dumps({"id": n, "city": "Lyon"}) + "\n" for n in [1, 2, 3, 2])


def run(*command, expect=0, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)
    assert expect is None or done.returncode == expect, f"{command}: exit {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def rights():
    assert os.geteuid() == 0, "packages are installed in a root of their own: run this as root"
    assert BASE.exists(), "no clean Debian to install into: run scripts/setup --infra"


@functools.cache
def package(kind, *options):
    return ROOT / run("scripts/package", kind, *options, cwd=ROOT).split()[-1]


@pytest.fixture
def debian(tmp_path):
    """A clean Debian 12: a function that runs a command inside. The path of a file from outside names it inside too."""
    root = tmp_path / "debian"
    root.mkdir()
    run("tar", "-C", root, "--zstd", "-xf", BASE)
    (root / "etc/resolv.conf").write_text(pathlib.Path("/etc/resolv.conf").read_text())

    (root / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")  # it need not outlive the power
    (root / str(root.parent)[1:]).mkdir(parents=True)
    (root / str(root)[1:]).symlink_to("/")

    def inside(*command, **options):
        return run("unshare", "--mount", "--pid", "--fork", f"--mount-proc={root}/proc", "chroot", root, *command, **options)

    inside.root = root
    return inside


def version():
    return re.search(r'kVersion = "(.*)"', (ROOT / "src/app/version.h").read_text())[1]


def rows(data):
    catalog = pyiceberg.catalog.sql.SqlCatalog("millrace", uri=f"sqlite:///{data}/catalog.db")
    return catalog.load_table("silver.orders").scan().to_arrow().num_rows


def test_deb(debian):
    deb = package("deb")
    assert deb.name == f"millrace_{version()}_amd64.deb"
    (debian.root / "millrace.deb").write_bytes(deb.read_bytes())
    debian("apt-get", "update", "-qq")
    install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends", "/millrace.deb"]
    debian(*install)
    assert debian("millrace", "--version").strip() == f"millrace {version()}"
    assert debian("dpkg", "--verify", "millrace") == ""
    assert "not found" not in debian("ldd", "/usr/bin/millrace")
    user = debian("getent", "passwd", "millrace").split(":")
    assert user[2] != "0" and user[5:] == ["/var/lib/millrace", "/usr/sbin/nologin\n"]

    # The pipeline that comes with it, as the user of the service: what is dropped lands, once.
    drop, config = debian.root / "var/lib/millrace/in/orders.jsonl", debian.root / "etc/millrace/millrace.yaml"
    drop.write_text(ORDERS)
    as_service = ["setpriv", "--reuid=millrace", "--regid=millrace", "--clear-groups", "--no-new-privs"]
    for _ in range(2):
        debian(*as_service, "millrace", "run", "--until-idle", "-c", "/etc/millrace/millrace.yaml")
    said = debian(*as_service, "millrace", "query", "SELECT count(*) AS n FROM silver.drop", "-c", "/etc/millrace/millrace.yaml", "--format", "json")
    assert json.loads(said) == [{"n": 4}]
    sandboxed = debian(*as_service, "millrace", "query", "--sandbox", "SELECT max(id) AS n FROM silver.drop", "-c", "/etc/millrace/millrace.yaml", "--format", "json")
    assert json.loads(sandboxed) == [{"n": 3}]

    # Edited configuration outlives another installation; data outlives even the end of the package.
    config.write_text("# mine\n" + config.read_text())
    debian(*install, "--reinstall")
    assert config.read_text().startswith("# mine\n")
    debian("apt-get", "purge", "-y", "-qq", "millrace")
    assert not config.exists() and not (debian.root / "usr/lib/millrace").exists() and not (debian.root / "usr/bin/millrace").exists()
    assert (debian.root / "var/lib/millrace/data/catalog.db").exists()


@contextlib.contextmanager
def booted(root):
    """systemd as process 1 of the root: a function that runs a command in it."""
    spaces = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net"]
    console = root.parent / "console"
    with console.open("w") as out:
        outside = subprocess.Popen(["unshare", *spaces, "--fork", "--kill-child", ROOT / "tests/infra/boot.sh", root], stdout=out, stderr=out)
    try:
        until = time.monotonic() + 60
        while not (first := pathlib.Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()):
            assert outside.poll() is None and time.monotonic() < until, console.read_text()
            time.sleep(0.05)

        def inside(*command, enter=("-m", "-p", "-n", "-r", "-w"), expect=0):
            return run("nsenter", "-t", first[0], *enter, *command, expect=expect)

        while subprocess.run(["nsenter", "-t", first[0], "-m", "-p", "-r", "-w", "systemctl", "is-system-running", "--wait"], capture_output=True, text=True).stdout.strip() not in ("running", "degraded"):
            assert outside.poll() is None and time.monotonic() < until, console.read_text()
            time.sleep(0.2)
        yield inside
    finally:
        outside.kill()
        outside.wait()


def test_the_service_under_systemd(debian):
    """As confined as the unit says: it starts, is ready, runs SQL from outside in its own sandbox, drains and stops."""
    (debian.root / "millrace.deb").write_bytes(package("deb").read_bytes())
    debian("apt-get", "update", "-qq")
    debian("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends", "systemd", "/millrace.deb")
    (debian.root / "var/lib/millrace/in/orders.jsonl").write_text(ORDERS)
    with booted(debian.root) as inside:
        assert inside("systemctl", "show", "millrace", "-p", "ActiveState", "--value").strip() == "inactive", "nothing starts unasked"
        inside("systemctl", "start", "millrace")
        config = ["-c", "/etc/millrace/millrace.yaml"]
        until = time.monotonic() + 60
        while json.loads(inside("millrace", "query", "SELECT count(*) AS n FROM silver.drop", *config, "--format", "json", expect=None) or "[]") != [{"n": 4}]:
            assert time.monotonic() < until, inside("journalctl", "-u", "millrace", "--no-pager")
            time.sleep(0.2)
        inside("millrace", "status", "--ready", *config)
        asked = ["curl", "-fsS", "http://127.0.0.1:8080/api/v1/query", "-H", "Content-Type: application/json", "-d", '{"sql": "SELECT max(id) AS n FROM silver.drop"}']
        assert json.loads(inside(*asked, enter=["-n"])) == [{"n": 3}]
        inside("systemctl", "stop", "millrace")
        assert inside("systemctl", "show", "millrace", "-p", "Result", "--value").strip() == "success"


def test_tarball(debian):
    """Nothing of it is installed: it runs where it lies, with no library of Debian's but the C library."""
    archive = package("tarball")
    debian.root.joinpath("opt/first").mkdir()
    run("tar", "-C", debian.root / "opt/first", "-xzf", archive)
    folder = archive.name.removesuffix(".tar.gz")
    (debian.root / "opt/first" / folder).rename(debian.root / "opt/elsewhere")
    folder = debian.root / "srv"
    (folder / "orders.jsonl").write_text(ORDERS)
    (folder / "millrace.yaml").write_text(PIPELINE.format(data=folder / "data", folder=folder, follow=""))
    debian("/opt/elsewhere/bin/millrace", "run", "--until-idle", "-c", "/srv/millrace.yaml")
    assert rows(folder / "data") == 3
    linked = debian("ldd", "/opt/elsewhere/bin/millrace", "/opt/elsewhere/lib/millrace/libmongoc-1.0.so.0")
    foreign = set(re.findall(r"=> (/(?!opt/elsewhere/)\S+)", linked))
    assert "not found" not in linked
    assert {re.sub(r"\.so.*", "", pathlib.Path(path).name) for path in foreign} <= {"libc", "libm", "libdl", "libpthread", "librt", "libresolv"}


@pytest.fixture(scope="module")
def image():
    """What is delivered, loaded as a stranger would."""
    archive = package("image", "--local-base")
    run("podman", "image", "rm", "-f", f"localhost/millrace:{version()}")
    name = re.search(r"Loaded image: (\S+)", run("podman", "load", "-i", archive))[1]
    yield name
    run("podman", "image", "rm", "-f", name)


def delivered():
    """(manifest, configuration, bytes of all blobs) of the archive; each blob is what its digest says."""
    with tarfile.open(ROOT / f"build/package/millrace-{version()}-image.tar") as archive:
        blobs = {entry.name.removeprefix("blobs/sha256/"): archive.extractfile(entry).read() for entry in archive if entry.name.startswith("blobs/")}
        index = json.load(archive.extractfile("index.json"))
    assert all(hashlib.sha256(blob).hexdigest() == digest for digest, blob in blobs.items())
    blob = lambda pointer: blobs[pointer["digest"].removeprefix("sha256:")]  # noqa: E731
    manifest = json.loads(blob(index["manifests"][0]))
    return manifest, json.loads(blob(manifest["config"])), sum(map(len, blobs.values()))


PODMAN = ["podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs"]
# Limits that whoever runs this may set; health is asked by hand, as podman leaves that to systemd.
RUN = ["run", "--rm", "--network=none", "--no-healthcheck", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]


def test_image_is_small_and_bare(image):
    manifest, configuration, packed = delivered()
    assert packed <= IMAGE_BYTES_MAX
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar+gzip"}
    assert configuration["config"]["Healthcheck"]["Test"][1:3] == ["/usr/bin/millrace", "status"], "OCI's own tools drop it"
    told = json.loads(run("podman", "image", "inspect", image))[0]
    assert told["Config"]["User"] == "65532:65532"
    assert told["Config"]["Labels"]["org.opencontainers.image.version"] == version()
    mounted = pathlib.Path(run("podman", "image", "mount", image).strip())
    programs = {path.name for folder in ("bin", "sbin", "usr/bin", "usr/sbin") for path in (mounted / folder).glob("*")}
    packages = {path.name: path.read_text() for path in (mounted / "var/lib/dpkg/status.d").iterdir()}
    run("podman", "image", "unmount", image)
    assert programs == {"millrace"}
    # What is inside is told to scanners: the program and each library of Debian's, with versions.
    assert {"millrace", "libc6", "libssl3", "libmongoc-1.0-0", "tzdata"} <= set(packages)
    assert f"Version: {version()}\n" in packages["millrace"]


def test_image_runs_confined(image, tmp_path):
    """No privileges, nothing writable but its volumes: it lands, is healthy, drains at SIGTERM and goes on after it."""
    for name in ("config", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "config/orders.jsonl").write_text(ORDERS)
    (tmp_path / "config/millrace.yaml").write_text(
        PIPELINE.format(data=tmp_path / "data/lake", folder="/etc/millrace", follow=", follow: true")
    )
    os.chown(tmp_path / "data", 65532, 65532)
    confined = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--tmpfs=/tmp",
                f"--volume={tmp_path}/config:/etc/millrace:ro", f"--volume={tmp_path}/data:{tmp_path}/data"]  # fmt: skip
    name = f"millrace-test-{os.getpid()}"
    health = delivered()[1]["config"]["Healthcheck"]["Test"][1:]
    for expected in (3, 4):
        container = subprocess.Popen([*PODMAN, *RUN, "--name", name, *confined, image], stderr=subprocess.PIPE, text=True)
        try:
            inside = [*PODMAN, "exec", name]
            until = time.monotonic() + 60
            while landed(inside) != expected or subprocess.run([*inside, *health], capture_output=True).returncode:
                assert container.poll() is None and time.monotonic() < until, container.communicate(timeout=60)
                time.sleep(0.1)
            sandboxed = run(*inside, "/usr/bin/millrace", "query", "--sandbox", "SELECT max(id) AS n FROM silver.orders", "-c", "/etc/millrace/millrace.yaml", "--format", "json")
            assert json.loads(sandboxed) == [{"n": expected}]
        finally:
            run(*PODMAN, "stop", "-t", "30", name)
            said = container.communicate(timeout=60)[1]
        assert container.returncode == 0, said
        with open(tmp_path / "config/orders.jsonl", "a") as orders:
            orders.write('{"id": 4, "city": "Nice"}\n')
    assert rows(tmp_path / "data/lake") == 4


def landed(inside):
    query = [*inside, "/usr/bin/millrace", "query", "SELECT count(*) AS n FROM silver.orders", "-c", "/etc/millrace/millrace.yaml", "--format", "json"]
    done = subprocess.run(query, capture_output=True, text=True)
    return json.loads(done.stdout)[0]["n"] if done.returncode == 0 else None
