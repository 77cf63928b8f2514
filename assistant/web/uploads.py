"""Files that a teacher adds to the folder of notes: checked first, put in place together.

A batch is a hidden folder inside the corpus, on the same file system. Every file lands
there, its name is checked, and it is read by the reader that the index will use; what
passes waits. `publish` then moves everything into place, file by file, each at one
instant, and only then is the index refreshed. A file that exists is replaced only when
its name is given. Leaves out removing notes: the corpus folder stays the truth.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import stat
import threading
import time
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile, ZipFile, ZipInfo

from assistant.datatypes import Skipped
from assistant.errors import system_reason
from assistant.reading.corpus import READERS, read_note, scan_corpus

FOLDER = ".incoming"  # hidden, so that the corpus does not read it

log = logging.getLogger(__name__)

_SEGMENT_BYTES = 200  # of a file or folder name in UTF-8; file systems take 255
_PATH_LENGTH = 400  # characters of a whole path
_DEPTH = 8  # folders
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?")
_FORBIDDEN = set('<>:"|?*')
_ARCHIVE_LITTER = (".DS_Store", "Thumbs.db", "desktop.ini")
_DIRECTORY_BYTES = 4 * 2**20  # of an archive's list of entries
_TAIL = 2**16 + 100  # bytes in which an archive ends: its last records and a comment
_PIECE = 2**20  # bytes read from an archive at once

Result = Literal["ready", "exists", "refused", "placed", "replaced"]


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What a batch may hold."""

    file_bytes: int = 64 * 2**20  # of one file
    body_bytes: int = 128 * 2**20  # of one request: a file, or an archive of them
    batch_bytes: int = 512 * 2**20  # of everything that waits, uncompressed
    files: int = 2_000
    ratio: int = 250  # uncompressed to compressed, of an entry larger than a mebibyte
    spare_bytes: int = 256 * 2**20  # that stay free on the disk
    batches: int = 8  # that wait at once; the oldest gives way
    seconds: int = 3600  # for which a batch waits


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    name: str  # relative to the corpus; as it was given where it is refused
    result: Result
    reason: str = ""  # why it is refused, in French


class RefusedUploadError(ValueError):
    """A file that is not taken; `str(error)` is the reason to show, in French."""


@dataclass(slots=True)
class _Batch:
    """Files that wait: path relative to the corpus -> the file in the batch's folder."""

    folder: Path
    began: float
    files: dict[str, Path] = field(default_factory=dict)
    bytes: int = 0
    made: int = 0  # folders made in it
    lock: threading.Lock = field(default_factory=threading.Lock)


class Uploads:
    """Batches of one corpus. Safe to share between threads."""

    def __init__(
        self,
        corpus: Path,
        *,
        limits: UploadLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remove what a killed server left waiting."""
        self.limits = limits or UploadLimits()
        self._corpus = corpus
        self._clock = clock
        self._batches: dict[str, _Batch] = {}
        self._lock = threading.Lock()
        self._placing = threading.Lock()
        shutil.rmtree(corpus / FOLDER, ignore_errors=True)

    def begin(self) -> str:
        """The id of a new batch; the ones that waited too long are dropped."""
        batch_id = secrets.token_hex(16)
        now = self._clock()
        with self._lock:
            ages = sorted(self._batches, key=lambda known: self._batches[known].began)
            old = [b for b in ages if now - self._batches[b].began > self.limits.seconds]
            surplus = ages[: max(0, len(ages) - self.limits.batches + 1)]
            dropped = [self._batches.pop(known) for known in {*old, *surplus}]
            self._batches[batch_id] = _Batch(self._corpus / FOLDER / batch_id, now)
        for batch in dropped:
            shutil.rmtree(batch.folder, ignore_errors=True)
        return batch_id

    def discard(self, batch_id: str) -> None:
        """Forget a batch; nothing where there is none."""
        with self._lock:
            batch = self._batches.pop(batch_id, None)
        if batch is not None:
            shutil.rmtree(batch.folder, ignore_errors=True)

    def receiving(self, batch_id: str) -> Path:
        """A new path to write a request's body to; KeyError without this batch."""
        batch = self._batch(batch_id)
        batch.folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(batch.folder).free < self.limits.spare_bytes + self.limits.body_bytes:
            raise RefusedUploadError("le disque du serveur est presque plein")
        return batch.folder / f"received-{secrets.token_hex(8)}"

    def add(self, batch_id: str, name: str, received: Path) -> Iterator[Outcome]:
        """Check a received file, or every file of a received archive; each outcome at once.

        `received` is used up. KeyError without this batch.
        """
        batch = self._batch(batch_id)
        try:
            with batch.lock:
                if name.lower().endswith(".zip"):
                    yield from self._add_archive(batch, received)
                else:
                    yield self._outcome(batch, name, partial(os.replace, received))
        finally:
            received.unlink(missing_ok=True)

    def publish(self, batch_id: str, replace: Collection[str]) -> list[Outcome]:
        """Move the batch's files into the corpus; those that exist only if in `replace`.

        Files that were not moved are dropped with the batch. KeyError without this batch.
        """
        with self._lock:
            batch = self._batches.pop(batch_id)
        try:
            with batch.lock, self._placing:
                return [
                    self._place(name, path, replace) for name, path in sorted(batch.files.items())
                ]
        finally:
            shutil.rmtree(batch.folder, ignore_errors=True)

    # --- inside ----------------------------------------------------------------------

    def _batch(self, batch_id: str) -> _Batch:
        with self._lock:
            return self._batches[batch_id]

    def _outcome(self, batch: _Batch, name: str, write: Callable[[Path], None]) -> Outcome:
        """Take one file into the batch, or say why not."""
        try:
            path = safe_name(name)
            self._stage(batch, path, write)
        except RefusedUploadError as error:
            return Outcome(name, "refused", str(error))
        except OSError as error:
            log.warning("upload of %r failed: %s", name, error)
            return Outcome(name, "refused", f"n'a pas pu être écrit ({system_reason(error)})")
        return Outcome(path, "exists" if self._existing(path) else "ready")

    def _stage(self, batch: _Batch, path: str, write: Callable[[Path], None]) -> None:
        suffix = Path(path).suffix.lower()
        if suffix not in READERS:
            known = ", ".join(sorted(READERS))
            raise RefusedUploadError(f"ce type de fichier n'est pas lu ; types lus : {known}")
        if len(batch.files) >= self.limits.files and path not in batch.files:
            raise RefusedUploadError(f"plus de {self.limits.files} fichiers à la fois")
        if path.casefold() in {known.casefold() for known in batch.files if known != path}:
            raise RefusedUploadError("un fichier du même nom, à la casse près, vient d'être ajouté")
        self._target(path)
        batch.made += 1
        root = batch.folder / str(batch.made)
        staged = root / path
        staged.parent.mkdir(parents=True)
        try:
            write(staged)
            size = staged.stat().st_size
            if size > self.limits.file_bytes:
                raise RefusedUploadError(_too_large(self.limits.file_bytes))
            if batch.bytes + size > self.limits.batch_bytes:
                raise RefusedUploadError(
                    f"l'ensemble dépasse {self.limits.batch_bytes // 2**20} Mo"
                )
            _check_readable(root, path)
        except BaseException:
            shutil.rmtree(root, ignore_errors=True)
            raise
        batch.bytes += size
        batch.files[path] = staged

    def _add_archive(self, batch: _Batch, received: Path) -> Iterator[Outcome]:
        try:
            _check_directory(received)
            archive = ZipFile(received)
        except RefusedUploadError as error:
            yield Outcome("", "refused", str(error))
            return
        except (BadZipFile, ValueError, OSError, NotImplementedError):
            yield Outcome("", "refused", "l'archive zip est abîmée ou n'en est pas une")
            return
        with archive:
            entries = [e for e in archive.infolist() if not e.is_dir() and not _is_litter(e)]
            try:
                self._check_archive(batch, entries)
            except RefusedUploadError as error:
                yield Outcome("", "refused", str(error))
                return
            seen: set[str] = set()
            for entry in entries:
                if entry.filename in seen:
                    yield Outcome(entry.filename, "refused", "deux fois dans l'archive")
                    continue
                seen.add(entry.filename)
                yield self._outcome(batch, entry.filename, partial(self._extract, archive, entry))

    def _check_archive(self, batch: _Batch, entries: list[ZipInfo]) -> None:
        if len(entries) + len(batch.files) > self.limits.files:
            raise RefusedUploadError(
                f"l'archive contient {len(entries)} fichiers : {self.limits.files} au plus"
            )
        if sum(entry.file_size for entry in entries) > self.limits.batch_bytes - batch.bytes:
            raise RefusedUploadError(
                f"l'archive dépasse {self.limits.batch_bytes // 2**20} Mo une fois décompressée"
            )

    def _extract(self, archive: ZipFile, entry: ZipInfo, path: Path) -> None:
        """Write one entry, never more of it than its directory announces and limits allow."""
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise RefusedUploadError("un lien ou un fichier spécial, pas un fichier de notes")
        if entry.flag_bits & 1:
            raise RefusedUploadError("protégé par un mot de passe")
        if entry.file_size > self.limits.file_bytes:
            raise RefusedUploadError(_too_large(self.limits.file_bytes))
        if entry.file_size > 2**20 and entry.file_size > self.limits.ratio * entry.compress_size:
            raise RefusedUploadError("compressé comme une bombe de décompression")
        written = 0
        try:
            with archive.open(entry) as source, path.open("xb") as target:
                while piece := source.read(_PIECE):
                    written += len(piece)
                    if written > self.limits.file_bytes:
                        raise RefusedUploadError(_too_large(self.limits.file_bytes))
                    target.write(piece)
                target.flush()
                os.fsync(target.fileno())
        except RefusedUploadError:
            raise
        except Exception as error:  # zlib, lzma, bz2 and zipfile each have errors of their own
            raise RefusedUploadError("abîmé dans l'archive") from error

    def _target(self, path: str) -> Path:
        """Where a file goes; no folder on the way may be a link or a file."""
        folder = self._corpus
        parts = path.split("/")
        for part in parts[:-1]:
            folder = folder / _as_it_is(folder, part)
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                raise RefusedUploadError("un dossier de ce chemin est un lien ou un fichier")
        target = folder / _as_it_is(folder, parts[-1])
        if target.is_symlink() or (target.exists() and not target.is_file()):
            raise RefusedUploadError("à cette place il y a un lien ou un dossier")
        return target

    def _existing(self, path: str) -> bool:
        return self._target(path).exists()

    def _place(self, name: str, staged: Path, replace: Collection[str]) -> Outcome:
        try:
            target = self._target(name)
            exists = target.exists()
            if exists and name not in replace:
                return Outcome(name, "exists")
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged, target)
        except RefusedUploadError as error:
            return Outcome(name, "refused", str(error))
        except OSError as error:
            log.warning("%r could not be put in place: %s", name, error)
            return Outcome(
                name, "refused", f"n'a pas pu être mis en place ({system_reason(error)})"
            )
        return Outcome(name, "replaced" if exists else "placed")


def safe_name(name: str) -> str:
    """A name as a path relative to the corpus, composed (NFC), with `/`.

    Raises RefusedUploadError for what leads out of the folder, is hidden, or is no name
    on another system.
    """
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise RefusedUploadError("son nom n'est pas de l'Unicode") from None
    path = unicodedata.normalize("NFC", name).replace("\\", "/")
    parts = path.split("/")
    if not path or len(path) > _PATH_LENGTH or len(parts) > _DEPTH + 1:
        raise RefusedUploadError("son chemin est vide, trop long ou trop profond")
    for part in parts:
        if part in ("", ".", ".."):
            raise RefusedUploadError("son chemin sort du dossier des notes")
        if part.startswith((".", "~$")):
            raise RefusedUploadError("un nom caché n'est pas lu")
        if part != part.strip() or part.endswith("."):
            raise RefusedUploadError(
                "un nom ne peut pas commencer ou finir par une espace ou un point"
            )
        if not part.isprintable() or _FORBIDDEN & set(part):
            raise RefusedUploadError("son nom contient des caractères qui ne vont pas")
        if _DEVICES.fullmatch(part):
            raise RefusedUploadError("son nom est réservé par Windows")
        if len(part.encode("utf-8")) > _SEGMENT_BYTES:
            raise RefusedUploadError("son nom est trop long")
    return path


def _check_readable(root: Path, path: str) -> None:
    """Read a file as the index will; `root` holds nothing else."""
    listed = scan_corpus(root)
    if [file.id for file in listed] != [path]:
        raise RefusedUploadError("un dossier de ce nom n'est pas lu")
    try:
        note = read_note(listed[0])
    except Exception as error:  # a reader that fails on hostile bytes must not stop the rest
        log.exception("a reader failed on an upload")
        raise RefusedUploadError("ne peut pas être lu") from error
    if isinstance(note, Skipped):
        raise RefusedUploadError(note.reason)


def _as_it_is(folder: Path, name: str) -> str:
    """The name as the folder has it, should it hold it decomposed."""
    if (folder / name).exists() or not folder.is_dir():
        return name
    same = (n for n in os.listdir(folder) if unicodedata.normalize("NFC", n) == name)
    return next(same, name)


def _check_directory(received: Path) -> None:
    """Refuse an archive whose directory alone would fill the memory, before it is read.

    Every end record in the file's tail is looked at, because readers differ in which one
    they take; one of 64 bits, which may announce anything, is not needed for these sizes.
    """
    with received.open("rb") as file:
        file.seek(max(0, received.stat().st_size - _TAIL))
        tail = file.read()
    sizes = [
        int.from_bytes(tail[found.start() + 12 : found.start() + 16], "little")
        for found in re.finditer(rb"(?=PK\x05\x06)", tail)
    ]
    if any(size > _DIRECTORY_BYTES for size in sizes) or b"PK\x06\x07" in tail:
        raise RefusedUploadError("l'archive contient trop de fichiers : envoyez-la en plusieurs")


def _is_litter(entry: ZipInfo) -> bool:
    """What systems put into archives unasked."""
    name = entry.filename
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] in _ARCHIVE_LITTER


def _too_large(limit: int) -> str:
    return f"plus de {limit // 2**20} Mo"
