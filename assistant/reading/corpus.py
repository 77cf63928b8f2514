"""The folder of notes: which files it holds, and how each is read.

A file's signature (size, times, inode) tells cheaply that it has not changed since it
was last hashed; what an index believes is decided by content hash alone. Hidden files
and folders of tools are left out; links are followed only inside the corpus.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.datatypes import Note, Skipped
from assistant.errors import CorpusError
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.markdown import read_markdown
from assistant.reading.note import make_note

READERS: dict[str, Callable[[bytes, str], Extracted]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_markdown,
}
_IGNORED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv", "_build", "site-packages"})
_RACY_NS = 2_000_000_000  # a file younger than this when looked at may change unseen


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file that may be a note, as the folder lists it."""

    id: str
    path: Path
    signature: str  # empty when the file is too fresh for its times to be trusted


def scan_corpus(corpus: Path) -> list[CorpusFile]:
    """List the notes of a folder by id; raise CorpusError when it cannot be read."""
    if corpus.is_file():
        raise CorpusError(
            f"« {corpus} » est un fichier : indiquez le dossier des notes avec --corpus."
        )
    if not corpus.is_dir():
        raise CorpusError(
            f"Le dossier de notes « {corpus} » n'existe pas : créez-le et mettez-y vos notes "
            "(.md, .txt), ou indiquez-en un autre avec --corpus."
        )
    try:
        os.scandir(corpus).close()
    except OSError as error:
        raise CorpusError(
            f"Le dossier de notes « {corpus} » est illisible ({error.strerror}) : "
            "vérifiez ses droits, ou indiquez-en un autre avec --corpus."
        ) from error
    return sorted(_files(corpus), key=lambda file: file.id)


def _files(corpus: Path) -> Iterator[CorpusFile]:
    now = time.time_ns()
    root = corpus.resolve()
    for folder, names, files in os.walk(corpus):
        names[:] = sorted(n for n in names if n not in _IGNORED_FOLDERS and n[:1] != ".")
        for name in sorted(files):
            path = Path(folder, name)
            if name.startswith((".", "~$")) or path.suffix.lower() not in READERS:
                continue
            try:
                if path.is_symlink() and not path.resolve().is_relative_to(root):
                    continue
                status = path.stat()
            except OSError:  # a dangling link, or removed since it was listed
                continue
            newest = max(status.st_mtime_ns, status.st_ctime_ns)
            signature = (
                f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
                if now - newest > _RACY_NS
                else ""
            )
            yield CorpusFile(path.relative_to(corpus).as_posix(), path, signature)


def read_note(file: CorpusFile, expected_language: str = "fr") -> Note | Skipped:
    """Read one file: its note, or the reason why it is none."""
    try:
        data = file.path.read_bytes()
    except OSError as error:
        return Skipped(file.id, f"illisible : {error.strerror or error}")
    return read_bytes(file, data, expected_language)


def read_bytes(file: CorpusFile, data: bytes, expected_language: str = "fr") -> Note | Skipped:
    """Read a file's content; the same as `read_note` once the bytes are there."""
    reader = READERS[file.path.suffix.lower()]
    try:
        extracted = reader(data, file.path.name)
    except UnreadableNoteError as error:
        return Skipped(file.id, str(error))
    return make_note(file.id, data, file.path, extracted, expected_language)
