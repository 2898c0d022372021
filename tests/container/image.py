"""Builds and runs our Dockerfile without a container engine or a registry.

The base image is a stand-in: the files of this machine's own Debian packages and of the Python that runs the tests, under
the name that the Dockerfile asks for. It proves our Dockerfile's steps, not the real base image.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.13-slim-bookworm"
TAG = "localhost/mydia:test"
TOOLS = ("buildah", "podman", "runc", "dpkg-query", "tar")

# Packages of debootstrap's minbase variant and the slim image, in addition to essential packages and their dependencies.
_PACKAGES = ("ca-certificates", "netbase", "passwd", "tzdata", "util-linux")
_MERGED = ("/bin", "/sbin", "/lib", "/lib64")
_ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nshadow:x:42:\nnogroup:x:65534:\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "etc/gshadow": "root:*::\n",
}
_CONTAINERS_CONF = """
[containers]
netns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


def why_not() -> str | None:
    """Return why this machine cannot build and run the image; None if it can."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (scripts/test-packages installs them)"
    if os.getuid() != 0:
        return "building without an engine needs root here"
    if Path("/etc/os-release").read_text().find('VERSION_ID="12"') < 0:
        return "the stand-in for the base image is made from Debian 12's own files"
    if sys.base_prefix in ("/usr", "/"):
        return "the stand-in for the base image needs a Python outside /usr"
    if not all(Path(folder).is_symlink() for folder in _MERGED if Path(folder).exists()):
        return "the stand-in for the base image needs a system with merged /usr"
    return None


class Engine:
    """buildah and podman with their own store, which is deleted with its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "containers.conf").write_text(_CONTAINERS_CONF)
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "{_driver(folder)}"\ngraphroot = "{folder}/store"\nrunroot = "{folder}/run"\n'
        )
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        (folder / "tmp").mkdir(exist_ok=True)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "TMPDIR": str(folder / "tmp"),
        }

    def __call__(self, *command: str, check: bool = True, timeout_s: float = 400) -> subprocess.CompletedProcess[str]:
        """Run one command of the engine."""
        done = subprocess.run(
            command, env=self.environ, capture_output=True, text=True, timeout=timeout_s, check=False, cwd=self.folder
        )
        if check and done.returncode != 0:
            shown = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
            raise AssertionError(f"{' '.join(command[:3])} … ended with {done.returncode}:\n{shown}")
        return done

    def make_base(self) -> None:
        """Build the substitute for the base image."""
        tree = self.folder / "base"
        make_tree(tree)
        self("sh", "-c", f"tar -C {tree} --numeric-owner -c . | podman import -q - {BASE}")
        shutil.rmtree(tree)

    def build(self) -> None:
        """Build the image from the Dockerfile, with this machine's pip configuration inside."""
        mounts = [f"--volume={path}:{path}:ro" for path in pip_needs()]
        self(
            "buildah",
            "build",
            "--isolation=chroot",
            "--pull=never",
            "--format=docker",
            *mounts,
            f"--tag={TAG}",
            f"--file={ROOT}/Dockerfile",
            f"--ignorefile={ROOT}/.dockerignore",
            str(ROOT),
        )

    def remove(self) -> None:
        """Remove all containers and the store."""
        self("podman", "rm", "--all", "--force", "--time=0", check=False)
        self("podman", "system", "reset", "--force", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def _driver(folder: Path) -> str:
    """Return `overlay` if it can be mounted, else `vfs`, which works everywhere but copies the image for each container."""
    places = {name: folder / f"try-{name}" for name in ("lower", "upper", "work", "merged")}
    for place in places.values():
        place.mkdir()
    options = ",".join(f"{name}dir={places[name]}" for name in ("lower", "upper", "work"))
    command = ["mount", "-t", "overlay", "overlay", "-o", options, str(places["merged"])]
    works = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if works:
        subprocess.run(["umount", str(places["merged"])], capture_output=True, check=False)
    return "overlay" if works else "vfs"


def make_tree(tree: Path) -> None:
    """Create a small Debian with a Python under /usr/local from the packages installed on this machine."""
    tree.mkdir(parents=True)
    names = closure([*_essential(), *_PACKAGES])
    listed = _run("dpkg-query", "-L", *names).splitlines()
    paths = {_merged(path) for path in listed if path.startswith("/") and path != "/."}
    paths -= {path for path in paths if path.startswith(("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/"))}
    present = sorted(path[1:] for path in paths if os.path.lexists(path))
    present += [folder[1:] for folder in _MERGED if Path(folder).is_symlink()]
    present += [
        name
        for name in ("usr/bin/sh", "etc/ld.so.conf", "etc/ssl/certs", "etc/ld.so.cache")
        if Path("/", name).exists()
    ]
    files = "\0".join(name for name in present if not name.startswith("etc/ssl/certs/"))
    packed = subprocess.Popen(
        ["tar", "-C", "/", "--null", "--no-recursion", "--ignore-failed-read", "-T", "-", "-c"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    unpacked = subprocess.Popen(["tar", "-C", str(tree), "-x"], stdin=packed.stdout)
    assert packed.stdin is not None
    packed.stdin.write(files.encode())
    packed.stdin.close()
    if packed.wait() or unpacked.wait():
        raise AssertionError("the files of this machine's packages could not be copied")
    for name in ("tmp", "root", "var/tmp", "proc", "sys", "dev", "run", "home", "usr/local/bin"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    (tree / "tmp").chmod(0o1777)
    for name, text in _ACCOUNTS.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text)
    copy_python(tree)
    _run("chroot", str(tree), "/sbin/ldconfig")


def copy_python(tree: Path) -> None:
    """Copy the Python that runs the tests to /usr/local, with the libraries its modules load."""
    prefix, version = Path(sys.base_prefix), f"python{sys.version_info.major}.{sys.version_info.minor}"
    target = tree / "usr/local"
    left_out = shutil.ignore_patterns("test", "__pycache__", "site-packages", "config-*", "idlelib", "turtledemo")
    shutil.copytree(prefix / "lib" / version, target / "lib" / version, symlinks=True, ignore=left_out)
    (target / "lib" / version / "site-packages").mkdir()
    for library in (prefix / "lib").glob("libpython*.so*"):
        shutil.copy2(library, target / "lib" / library.name, follow_symlinks=False)
    program = target / "bin" / version
    program.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(prefix / "bin" / version, program)
    for name in ("python3", "python"):
        (program.parent / name).symlink_to(version)
    wanted: set[str] = set()
    for module in (prefix / "lib" / version / "lib-dynload").glob("*.so"):
        wanted |= set(re.findall(r"=> (/\S+)", _run("ldd", str(module))))
    for needed in sorted(wanted):
        place = tree / _merged(needed).lstrip("/")
        if not place.exists() and not needed.startswith(str(prefix)):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(needed, place)


def closure(names: Iterable[str]) -> list[str]:
    """Return installed packages with all their dependencies."""
    depends: dict[str, set[str]] = {}
    provided: dict[str, str] = {}
    for line in _run("dpkg-query", "-W", "-f", "${Package}\t${Depends}, ${Pre-Depends}\t${Provides}\n").splitlines():
        name, needs, provides = line.split("\t")
        depends[name] = set(re.findall(r"(?:^|[,|])\s*([a-z0-9.+-]+)", needs))
        for other in re.findall(r"(?:^|,)\s*([a-z0-9.+-]+)", provides):
            provided.setdefault(other, name)
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        name = name if name in depends else provided.get(name, "")
        if name and name not in found:
            found.add(name)
            waiting += depends[name]
    return sorted(found)


def pip_needs() -> list[Path]:
    """Return the files pip reads on this machine that a build elsewhere lacks: configuration, certificates, package folders."""
    told = _run(sys.executable, "-m", "pip", "config", "debug")
    files = [Path(name) for name in re.findall(r"^\s+(/\S+), exists: True", told, re.MULTILINE)]
    folders = {Path(name.removeprefix("file://")) for name in re.findall(r"(?:file://)?(/[^\s':,]+)", told)}
    folders |= {
        parent for folder in folders for parent in folder.parents if folder.name == "simple" and parent == folder.parent
    }
    # A separate home: the build runs as root, and only root's configuration is read.
    places = {path for path in (*files, *folders, Path("/etc/ssl/certs")) if path.exists() and path != Path("/")}
    return sorted(path for path in places if not any(parent in places for parent in path.parents))


def _essential() -> list[str]:
    lines = _run("dpkg-query", "-W", "-f", "${Package}\t${Essential}\n").splitlines()
    return [line.split("\t")[0] for line in lines if line.endswith("\tyes")]


def _merged(path: str) -> str:
    """Return the resolved path of a file: packages still list /bin and /lib, which are links into /usr."""
    return f"/usr{path}" if path.startswith(tuple(f"{folder}/" for folder in _MERGED)) else path


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def output(done: subprocess.CompletedProcess[str]) -> str:
    """Return all output of a command."""
    return f"{done.stdout}\n{done.stderr}"
