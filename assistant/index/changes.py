"""What differs between the folder of notes and the index, and how a refresh reports it.

Identity is the path, version is the content's hash. Files are hashed in pieces and none
is kept: a folder of any size is compared in little memory.
"""

from __future__ import annotations

import hashlib
import importlib.util
import time
from collections.abc import Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from assistant.datatypes import Note, RefreshReport, Skipped
from assistant.errors import system_reason
from assistant.index.store import Known
from assistant.reading.corpus import LARGEST_FILE, CorpusFile, read_bytes, too_large


@dataclass(slots=True)
class Changes:
    """Files by what is to be done with them."""

    added: list[CorpusFile] = field(default_factory=list)
    changed: list[CorpusFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)  # newly
    touched: list[tuple[str, str]] = field(default_factory=list)  # same bytes, new signature
    digests: dict[str, str] = field(default_factory=dict)  # of those added and changed
    unchanged: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether no note has to be read or removed."""
        return not (self.added or self.changed or self.removed or self.skipped)

    @property
    def to_read(self) -> list[CorpusFile]:
        """The files whose content is new to the index."""
        return [*self.added, *self.changed]

    def limited_to(self, note_ids: Set[str]) -> Changes:
        """Return the same changes, but of the notes to read only these."""
        return replace(
            self,
            added=[file for file in self.added if file.id in note_ids],
            changed=[file for file in self.changed if file.id in note_ids],
        )


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that is no note, as the index remembers it."""

    skipped: Skipped
    digest: str  # empty when it could not be read
    signature: str


def find_changes(files: list[CorpusFile], known: dict[str, Known], *, trust_times: bool) -> Changes:
    """Compare the files of the folder with what the index knows of them.

    With `trust_times`, a file of the same size and times is not hashed.
    """
    changes = Changes()
    present = set()
    for file in files:
        present.add(file.id)
        before = known.get(file.id)
        if before and _can_be_read_now(before.missing_library):
            before = None
        if before and trust_times and file.signature and file.signature == before.signature:
            changes.unchanged += not before.reason
            continue
        try:
            digest = _digest(file.path)
        except FileNotFoundError:  # removed since it was listed
            present.discard(file.id)
            continue
        except OSError as error:
            unreadable = _unreadable(file, error)
            if before is None or before.reason != unreadable.skipped.reason:
                changes.skipped.append(unreadable)
            continue
        if before and before.sha256 == digest:
            changes.unchanged += not before.reason
            if file.signature != before.signature:
                changes.touched.append((file.id, file.signature))
            continue
        changes.digests[file.id] = digest
        (changes.changed if before and not before.reason else changes.added).append(file)
    changes.removed = sorted(set(known) - present)
    return changes


def read_changed(file: CorpusFile, digest: str) -> Note | SkippedFile | None:
    """Read one file that changed; None when it was removed since `digest` was made of it."""
    try:
        if file.path.stat().st_size > LARGEST_FILE:
            return SkippedFile(Skipped(file.id, too_large()), digest, file.signature)
        data = file.path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return _unreadable(file, error)
    note = read_bytes(file, data)
    if isinstance(note, Skipped):
        return SkippedFile(note, hashlib.sha256(data).hexdigest(), file.signature)
    return note


def report(
    changes: Changes,
    known: dict[str, Known],
    readable: Set[str],
    skipped: list[SkippedFile],
    *,
    chunks: int,
    embedded: int,
    started: float,
    rebuilt: str | None,
) -> RefreshReport:
    """Say what became of every file; `readable` are the ids of those added and changed."""
    renamed = [pair for pair in _renames(changes, known) if pair[1] in readable]
    old_ids, new_ids = {old for old, _ in renamed}, {new for _, new in renamed}
    newly_skipped = {item.skipped.note_id for item in skipped}
    lost = {note_id for note_id in newly_skipped if note_id in known and not known[note_id].reason}
    still = [
        Skipped(note_id, entry.reason, entry.missing_library)
        for note_id, entry in known.items()
        if entry.reason
        and note_id not in changes.removed
        and note_id not in readable | newly_skipped
    ]
    return RefreshReport(
        added=tuple(f.id for f in changes.added if f.id in readable - new_ids),
        changed=tuple(f.id for f in changes.changed if f.id in readable),
        renamed=tuple(renamed),
        removed=tuple(sorted({n for n in changes.removed if not known[n].reason} - old_ids | lost)),
        unchanged=changes.unchanged,
        skipped=tuple(
            sorted([*still, *(item.skipped for item in skipped)], key=lambda s: s.note_id)
        ),
        chunks=chunks,
        embedded=embedded,
        seconds=time.perf_counter() - started,
        rebuilt=rebuilt,
    )


def _renames(changes: Changes, known: dict[str, Known]) -> list[tuple[str, str]]:
    """Pair removed and added notes of the same content."""
    by_digest: dict[str, list[str]] = {}
    for note_id in reversed(changes.removed):
        if not known[note_id].reason:
            by_digest.setdefault(known[note_id].sha256, []).append(note_id)
    pairs = []
    for file in changes.added:
        if twins := by_digest.get(changes.digests[file.id]):
            pairs.append((twins.pop(), file.id))
    return pairs


def _can_be_read_now(missing_library: str) -> bool:
    """Whether a file was skipped for want of a library that was installed since."""
    return bool(missing_library) and importlib.util.find_spec(missing_library) is not None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unreadable(file: CorpusFile, error: OSError) -> SkippedFile:
    return SkippedFile(Skipped(file.id, f"illisible : {system_reason(error)}"), "", "")
