"""Which notes a question is asked of: by course, note, tag and date.

Values of one filter widen the choice, different filters narrow it. Names are compared
without case and accents. The choice is made before anything is scored: each leg of
retrieval searches the chosen passages alone, and all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from assistant.analysis import fold
from assistant.errors import FilterError
from assistant.index.store import NoteLabels, Store
from assistant.retrieval.dates import read_date

_MOST_NAMES = 12  # of what exists, told when a filter chooses nothing


@dataclass(frozen=True, slots=True)
class Filters:
    """The notes to ask; without any value, all of them."""

    courses: tuple[str, ...] = ()  # first folders
    notes: tuple[str, ...] = ()  # ids, names, or patterns with * and ? over either
    tags: tuple[str, ...] = ()
    since: date | None = None  # notes without a date are left out

    @property
    def is_empty(self) -> bool:
        """Whether every note is chosen."""
        return self == EVERYTHING


EVERYTHING = Filters()


def chosen_rows(store: Store, filters: Filters) -> frozenset[int] | None:
    """Return the rows of the chunks to search; None for all. Call inside `store.reading()`.

    Raises FilterError, telling what there is, for a value that no note has.
    """
    if filters.is_empty:
        return None
    labels = store.note_labels()
    chosen = [
        note
        for note in _by_name(labels, filters)
        if filters.since is None or _last_day(note) >= filters.since
    ]
    if not chosen and labels:
        raise FilterError(_why_none(labels, filters))
    return store.chunk_rows([note.row for note in chosen])


def _by_name(labels: Sequence[NoteLabels], filters: Filters) -> list[NoteLabels]:
    kept = list(labels)
    for values, matches, none_found in (
        (filters.courses, _is_of_course, _no_course),
        (filters.notes, _is_named, _no_note),
        (filters.tags, _is_tagged, _no_tag),
    ):
        for value in values:
            if labels and not any(matches(note, value) for note in labels):
                raise FilterError(none_found(labels, value))
        if values:
            kept = [note for note in kept if any(matches(note, value) for value in values)]
    return kept


def _is_of_course(note: NoteLabels, course: str) -> bool:
    return fold(note.course) == fold(course.rstrip("/"))


def _is_named(note: NoteLabels, pattern: str) -> bool:
    """Whether a pattern is the note's id, the end of it, or matches either as a glob.

    The suffix may be left out: "volumes" is docker/volumes.md.
    """
    note_id, pattern = fold(note.id), fold(pattern)
    stem = note_id.rpartition(".")[0]
    glob = pattern.replace("[", "[[]")  # the folder "TP [2024]/" is no choice of characters
    return (
        f"/{note_id}".endswith(f"/{pattern}")
        or f"/{stem}".endswith(f"/{pattern}")
        or fnmatchcase(note_id, glob)
        or ("/" not in pattern and fnmatchcase(note_id.rsplit("/", 1)[-1], glob))
    )


def _is_tagged(note: NoteLabels, tag: str) -> bool:
    return fold(tag.lstrip("#")) in map(fold, note.tags)


def _last_day(note: NoteLabels) -> date:
    """Return the last day that the note's date may mean; the first of all without a date."""
    days = read_date(note.date) if note.date else None
    return days[1] if days else date.min


def _no_course(labels: Sequence[NoteLabels], value: str) -> str:
    return _none("Aucun cours", value, sorted({note.course for note in labels} - {""}))


def _no_tag(labels: Sequence[NoteLabels], value: str) -> str:
    return _none("Aucune étiquette", value, sorted({tag for note in labels for tag in note.tags}))


def _no_note(labels: Sequence[NoteLabels], value: str) -> str:
    return _none("Aucune note", value, [note.id for note in labels], near=True)


def _none(what: str, value: str, there: list[str], *, near: bool = False) -> str:
    """Say that nothing has this name, and the names there are, the nearest first if so asked."""
    if not there:
        return f"{what} « {value} » : il n'y en a pas du tout dans ces notes."
    if near and len(there) > _MOST_NAMES:
        from rapidfuzz import process

        there = [name for name, _, _ in process.extract(value, there, limit=_MOST_NAMES + 1)]
    more = ", …" if len(there) > _MOST_NAMES else ""
    return f"{what} « {value} » : il y a {', '.join(there[:_MOST_NAMES])}{more}."


def _why_none(labels: Sequence[NoteLabels], filters: Filters) -> str:
    """Say why no note passes all filters though each value exists."""
    days = [_last_day(note) for note in labels]
    newest = max(days)
    if filters.since is not None and newest < filters.since:
        if newest == date.min:
            return f"Aucune note depuis le {filters.since} : aucune note ne porte de date."
        return f"Aucune note depuis le {filters.since} : la plus récente est du {newest}."
    return "Aucune note ne répond à tous ces filtres à la fois : retirez-en un."
