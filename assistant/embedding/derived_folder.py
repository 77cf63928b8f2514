"""Keeps a model's folder of derived files whole or absent, however its making ends.

The files are written beside the folder's name, a manifest last, and renamed when all is
on the disk; one process writes while others wait. A folder whose sizes or times differ
from the manifest is hashed again, and written anew when it is damaged. What is in the
files is the caller's business.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from assistant.errors import ModelError, system_reason

_MANIFEST = "MANIFEST"


def models_folder(cache: Path | None) -> Path:
    """Where models are kept in `cache`; None is the user's cache folder."""
    if cache is None:
        from platformdirs import user_cache_path

        cache = user_cache_path("course-assistant")
    return cache / "models"


def ensure_folder(folder: Path, write: Callable[[Path], None], *, megabytes: int) -> None:
    """Make `folder` sound: nothing where it already is, else `write` a new one.

    `write` is given an empty folder to fill with about `megabytes`, and is not called
    while another process writes the same one. Raises ModelError, naming the remedy, where
    the disk does not allow it, and whatever `write` raises; then nothing of the new
    folder is left.
    """
    if is_sound(folder):
        return
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(folder.name + ".lock")):
            if not is_sound(folder):
                _replace(folder, write)
    except OSError as error:
        raise ModelError(
            f"Impossible d'écrire le modèle dans « {folder.parent} » "
            f"({system_reason(error)}) : vérifiez ses droits et qu'il y reste {megabytes} Mo, "
            "ou choisissez un autre dossier avec ASSISTANT_CACHE."
        ) from error


def is_sound(folder: Path) -> bool:
    """Whether every file of a folder is as its manifest says.

    Sizes are compared each time; contents are hashed only where the modification time
    is not the recorded one, which is then recorded.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        moved = False
        for name, known in manifest["files"].items():
            status = (folder / name).stat()
            if status.st_size != known["size"]:
                return False
            if status.st_mtime_ns != known["modified"]:
                with (folder / name).open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != known["sha256"]:
                        return False
                known["modified"] = status.st_mtime_ns
                moved = True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    if moved:
        with suppress(OSError):  # a cache that cannot be written is hashed each time
            _write_manifest(folder, manifest)
    return True


def _replace(folder: Path, write: Callable[[Path], None]) -> None:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        write(partial)
        files = sorted(path for path in partial.rglob("*") if path.is_file())
        described = {path.relative_to(partial).as_posix(): _describe(path) for path in files}
        _write_manifest(partial, {"files": described})
        if folder.exists():
            (folder / _MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder)
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _describe(path: Path) -> dict[str, Any]:
    """Size, time and sha256 of a file that has reached the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    status = path.stat()
    return {"size": status.st_size, "modified": status.st_mtime_ns, "sha256": digest}


def _write_manifest(folder: Path, content: dict[str, Any]) -> None:
    temporary = folder / f"{_MANIFEST}.{os.getpid()}"
    temporary.write_text(json.dumps(content, indent=2), encoding="utf-8")
    os.replace(temporary, folder / _MANIFEST)
