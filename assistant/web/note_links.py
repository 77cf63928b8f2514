"""Where the links and images of a note lead on this server.

A link to another note leads to its page, an image of the corpus to the file; what leads
nowhere here, or to something that is no note, becomes plain words. Existence of images
is not checked: the page says so where one is missing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote, unquote

from assistant.index.links import NoteNames
from assistant.web.addresses import file_url, note_url

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg"})

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LINES = re.compile(r"L\d+(?:-L?\d+)?")
_MARKDOWN = (".md", ".markdown")


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it: "Les *objets* Docker" is "les-objets-docker"."""
    kept = re.sub(r"[^\w\s-]", "", heading.strip().lower())
    return re.sub(r"\s+", "-", kept)


class NoteLinks:
    """The notes of a course, found by path or name."""

    def __init__(self, note_ids: Sequence[str]) -> None:
        self._ids = frozenset(note_ids)
        self._names = NoteNames(note_ids)

    def link(self, target: str, source: str) -> str | None:
        """The address of a link written in the note `source`; None where it leads nowhere."""
        if _SCHEME.match(target):
            return target if target.lower().startswith(("http:", "https:", "mailto:")) else None
        path, _, fragment = target.partition("#")
        path = unquote(path.split("?")[0])
        anchor = _anchor(unquote(fragment))
        if not path:
            return anchor or None
        if (note_id := self._by_path(path, source)) is not None:
            return note_url(note_id) + anchor
        return self.image(target, source)

    def named(self, name: str, source: str) -> str | None:
        """The address of a [[wikilink]]: a path, or the name of the nearest note."""
        path, _, fragment = name.partition("#")
        anchor = _anchor(fragment)
        if not path.strip():
            return anchor or None
        note_id = self._by_path(path.strip(), source) or self._names.resolve(path.strip(), source)
        return None if note_id is None else note_url(note_id) + anchor

    def image(self, target: str, source: str) -> str | None:
        """The address of an image of the corpus; None for any other."""
        if _SCHEME.match(target) or target.startswith("//"):
            return None
        path = _joined(unquote(target.partition("#")[0].split("?")[0]), source)
        if path is None or posixpath.splitext(path)[1].lower() not in IMAGES:
            return None
        return file_url(path)

    def _by_path(self, path: str, source: str) -> str | None:
        joined = _joined(path, source)
        for candidate in (joined, path):
            for ending in ("", *_MARKDOWN):
                if candidate is not None and candidate + ending in self._ids:
                    return candidate + ending
        return None


@lru_cache(maxsize=4)
def links_among(note_ids: tuple[str, ...]) -> NoteLinks:
    """The same for the same notes, so that a page costs no walk over all of them."""
    return NoteLinks(note_ids)


def _joined(path: str, source: str) -> str | None:
    """A path relative to the corpus, of one relative to a note; None outside the corpus."""
    if "\0" in path or "\\" in path:
        return None
    folder = "" if path.startswith("/") else posixpath.dirname(source)
    joined = posixpath.normpath(posixpath.join(folder, path.lstrip("/")))
    return None if joined == ".." or joined.startswith(("../", "/")) else joined


def _anchor(fragment: str) -> str:
    if not fragment:
        return ""
    return f"#{fragment if _LINES.fullmatch(fragment) else quote(slug(fragment))}"
