"""See also: the notes that cited notes link to, and those that link to them.

A link is the id of a file of the corpus, or the bare name of a note as in [[wikilinks]];
a name that several notes have is the one of the nearest folder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

from assistant.analysis import fold
from assistant.index.store import Store


class LinkGraph:
    """The links of one generation of the index, resolved once and asked many times."""

    def __init__(self, store: Store) -> None:
        """Read and resolve all links. Call inside `store.reading()`."""
        self._titles: dict[str, str] = {}
        written: dict[str, list[str]] = {}
        for note_id, title, links in store.connection.execute(
            "SELECT path, title, links FROM notes ORDER BY path"
        ):
            self._titles[note_id] = title
            if links != "[]":
                written[note_id] = json.loads(links)
        self._outgoing: dict[str, list[str]] = {}
        self._incoming: dict[str, list[str]] = {}
        names = NoteNames(self._titles) if written else None
        for source, links in written.items():
            resolved = [names.resolve(link, source) for link in links] if names else []
            for target in dict.fromkeys(filter(None, resolved)):
                self._outgoing.setdefault(source, []).append(target)
                self._incoming.setdefault(target, []).append(source)

    def linked(self, note_ids: Sequence[str], most: int) -> tuple[tuple[str, str], ...]:
        """Return (id, title) of notes linked from and then to `note_ids`, `most` of them."""
        outgoing = [target for source in note_ids for target in self._outgoing.get(source, ())]
        incoming = sorted({s for target in note_ids for s in self._incoming.get(target, ())})
        found = [n for n in dict.fromkeys([*outgoing, *incoming]) if n not in note_ids]
        return tuple((note_id, self._titles[note_id]) for note_id in found[:most])


class NoteNames:
    """The notes of a course, found by any end of their ids, with and without suffix."""

    def __init__(self, note_ids: Sequence[str] | dict[str, str]) -> None:
        self._ids = set(note_ids)
        self._by_name: dict[str, list[str]] = {}
        for note_id in note_ids:
            path = PurePosixPath(note_id)
            for name in {fold(path.name), fold(path.stem)}:
                self._by_name.setdefault(name, []).append(note_id)

    def resolve(self, link: str, source: str) -> str | None:
        """Return the id of the note that `link`, written in the note `source`, names."""
        link = link.split("#", 1)[0]
        if link in self._ids:
            return link
        wanted = fold(link)
        candidates = [
            note_id
            for note_id in self._by_name.get(wanted.rsplit("/", 1)[-1], ())
            if _ends_with(fold(note_id), wanted)
        ]
        return min(candidates, key=lambda note_id: _distance(note_id, source), default=None)


def _ends_with(note_id: str, wanted: str) -> bool:
    stem = note_id[: len(note_id) - len(PurePosixPath(note_id).suffix)]
    return f"/{note_id}".endswith(f"/{wanted}") or f"/{stem}".endswith(f"/{wanted}")


def _distance(note_id: str, source: str) -> tuple[int, int, str]:
    """Return how far apart two notes lie: folders to leave and to enter."""
    one, other = PurePosixPath(note_id).parts[:-1], PurePosixPath(source).parts[:-1]
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    return len(one) + len(other) - 2 * shared, len(one), note_id
