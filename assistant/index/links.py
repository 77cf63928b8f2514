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


def linked_notes(store: Store, note_ids: Sequence[str], most: int) -> tuple[tuple[str, str], ...]:
    """Return (id, title) of notes linked from and then to `note_ids`, `most` of them."""
    titles: dict[str, str] = {}
    links: dict[str, list[str]] = {}
    for note_id, title, written in store.connection.execute(
        "SELECT path, title, links FROM notes ORDER BY path"
    ):
        titles[note_id] = title
        if written != "[]":
            links[note_id] = json.loads(written)
    if not links:
        return ()
    names = _Names(titles)
    outgoing = [
        names.resolve(link, source) for source in note_ids for link in links.get(source, ())
    ]
    incoming = [
        source
        for source, targets in links.items()
        if any(names.resolve(link, source) in note_ids for link in targets)
    ]
    found = [n for n in dict.fromkeys([*outgoing, *incoming]) if n and n not in note_ids]
    return tuple((note_id, titles[note_id]) for note_id in found[:most])


class _Names:
    """The notes by id and by every end of it, with and without suffix."""

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
