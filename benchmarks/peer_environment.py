"""Gives every peer a virtual environment of its own, in the user's cache folder.

A peer's script names its packages in the comment block of PEP 723; without one it runs in
this very environment. An environment is made again when that block changes. pip keeps
what it has downloaded, so that the second time takes a minute.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import platformdirs

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
OWN_PACKAGES = ("course-assistant", "onnxruntime", "faiss-cpu")
LONGEST_INSTALL = 1_800  # seconds

_VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""


class PeerFailedError(Exception):
    """A peer could not be installed or run; the message is one line for the table."""


def environment_for(script: Path) -> tuple[Path, dict[str, str]]:
    """Return the interpreter that runs `script`, and the version of each package it names.

    Raises PeerFailedError with pip's own words when the packages cannot be installed.
    """
    packages = dependencies(script)
    if not packages:
        return Path(sys.executable), _versions(Path(sys.executable), OWN_PACKAGES)
    content = "\n".join((*packages, sys.version, CONSTRAINTS.read_text(encoding="utf-8")))
    key = hashlib.sha256(content.encode()).hexdigest()[:12]
    cache = platformdirs.user_cache_path("course-assistant") / "benchmarks"
    folder = cache / f"{script.stem}-{key}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    installed = folder / "installed"  # written last
    if not installed.exists():
        print(f"{script.stem}: installing {', '.join(packages)}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _install(python, packages)
        installed.touch()
    return python, _versions(python, [re.split(r"[<>=!~\[ ]", name)[0] for name in packages])


def dependencies(script: Path) -> list[str]:
    """Return the packages that the comment block of PEP 723 names, none without a block."""
    block = re.search(
        r"^# /// script$\n(?P<lines>(?:^#(?: .*)?$\n)+?)^# ///$",
        script.read_text(encoding="utf-8"),
        re.M,
    )
    if block is None:
        return []
    content = "".join(line[2:] + "\n" for line in block["lines"].splitlines())
    return list(tomllib.loads(content)["dependencies"])


def _install(python: Path, packages: list[str]) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet"]
    command += ["--constraint", str(CONSTRAINTS), *packages]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=LONGEST_INSTALL)
    except subprocess.CalledProcessError as error:
        raise PeerFailedError(f"not installed: {last_line(error.stderr)}") from error
    except subprocess.TimeoutExpired as error:
        raise PeerFailedError(f"not installed within {LONGEST_INSTALL} s") from error


def _versions(python: Path, names: list[str] | tuple[str, ...]) -> dict[str, str]:
    try:
        run = subprocess.run(
            [python, "-c", _VERSIONS, *names], check=True, capture_output=True, text=True
        )
    except subprocess.CalledProcessError as error:
        raise PeerFailedError(f"not installed: {last_line(error.stderr)}") from error
    return dict(json.loads(run.stdout))


def last_line(text: str) -> str:
    """The last line that says something, short enough for a table."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["no message"])[-1][:200].replace("|", "/")
