"""See also: the notes that cited notes link to, and those that link to them.

A link is the id of a file of the corpus, or the bare name of a note as in [[wikilinks]];
a name that several notes have is the one of the nearest folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
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

    def __init__(self, note_ids: Iterable[str]) -> None:
        self._ids = set(note_ids)
        self._by_name: dict[str, list[str]] = {}
        for note_id in self._ids:
            name = note_id.rpartition("/")[2]
            for end in {fold(name), fold(PurePosixPath(name).stem)}:
                self._by_name.setdefault(end, []).append(note_id)
        self._nearest: dict[str, dict[tuple[str, str], tuple[int, str]]] = {}

    def resolve(self, link: str, source: str) -> str | None:
        """Return the id of the note that `link`, written in the note `source`, names.

        Of several it is the one with the fewest folders to leave and to enter, then the
        one in the fewest folders.
        """
        link = link.split("#", 1)[0]
        if link in self._ids:
            return link
        wanted = fold(link)
        nearest = self._nearest_of(wanted.rpartition("/")[2])
        depth = source.count("/")
        found = [
            (depth + best[0] - 2 * level, *best)
            for level, folder in enumerate(_folders(source))
            if (best := nearest.get((folder, wanted)))
        ]
        return min(found)[-1] if found else None

    def _nearest_of(self, name: str) -> dict[tuple[str, str], tuple[int, str]]:
        """Return (number of folders, id) of the shallowest note, by folder it is under and link.

        The links are those that end in `name`. A course may have a thousand notes of one
        name, each with a link to its own: they are not compared with each other.
        """
        known = self._nearest.get(name)
        if known is None:
            known = self._nearest[name] = {}
            for note_id in self._by_name.get(name, ()):
                place = note_id.count("/"), note_id
                for link in _links_to(note_id, name):
                    for folder in _folders(note_id):
                        key = folder, link
                        known[key] = min(place, known.get(key, place))
        return known


def _links_to(note_id: str, name: str) -> Iterator[str]:
    """Give `name`, then the folded id's longer ends, its last part being `name`."""
    link = name
    yield link
    for folder in reversed(fold(note_id).split("/")[:-1]):
        link = f"{folder}/{link}"
        yield link


def _folders(note_id: str) -> Iterator[str]:
    """Give the folders around a note, from the corpus itself ("") to the nearest."""
    yield ""
    place = note_id.find("/")
    while place != -1:
        yield note_id[:place]
        place = note_id.find("/", place + 1)
