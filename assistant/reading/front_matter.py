"""Front matter: the block of metadata that may open a note.

Read as YAML where it parses; otherwise line by line as `Key: value`, indented lines
going on with the value above. Broken metadata costs its own entry, never the note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_BLOCK = re.compile(
    r"\A(?:---|\+\+\+)[ \t]*\r?\n(.*?)^(?:---|\.\.\.|\+\+\+)[ \t]*(?:\r?\n|\Z)", re.S | re.M
)
_ENTRY = re.compile(r"^([A-Za-zÀ-ÿ][\w .-]{0,40}?)\s*[:=]\s*(.*)$")
_RENDERED = re.compile(r"`+r |\{\{|\{%|now$|today$|last-modified$|!r ")  # by Quarto, Jinja, R
_LONGEST = 50_000  # characters that are parsed: YAML of more takes seconds
_TAG_KEYS = ("tags", "tag", "keywords", "categories", "mots-clés", "mots-cles", "étiquettes")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the front matter says; `end` is the offset of the first character after it."""

    end: int = 0
    title: str | None = None
    author: str | None = None
    date: str | None = None
    tags: tuple[str, ...] = field(default=())


def _lenient(block: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    key = None
    for line in block[:_LONGEST].splitlines():
        if line[:1] in (" ", "\t") and key is not None:
            entries[key] = f"{entries[key]} {line.strip()}".strip()
        elif match := _ENTRY.match(line):
            key = match[1].strip().lower()
            entries[key] = match[2].strip().strip("\"'")
        else:
            key = None
    return entries


def _parse(block: str, *, is_toml: bool) -> Mapping[str, object]:
    if len(block) > _LONGEST:
        return _lenient(block)
    if is_toml:
        import tomllib

        try:
            return {key.lower(): value for key, value in tomllib.loads(block).items()}
        except (tomllib.TOMLDecodeError, RecursionError):
            return _lenient(block)
    import yaml

    try:
        parsed = yaml.load(block, Loader=yaml.BaseLoader)  # every scalar stays a string
    except (yaml.YAMLError, RecursionError):
        return _lenient(block)
    if not isinstance(parsed, dict):
        return _lenient(block)
    return {str(key).strip().lower(): value for key, value in parsed.items()}


def _text(value: object) -> str | None:
    """One line of a scalar, of a list of scalars or of `{name: …}`; deeper is ignored."""
    parts = value if isinstance(value, list) else [value]
    names = [_name(part) if isinstance(part, dict) else part for part in parts]
    # A list inside is never written out: YAML aliases could make it immense.
    words = [str(name) for name in names if name is not None and not isinstance(name, list | dict)]
    return " ".join(", ".join(words).split())[:300] or None


def _name(person: Mapping[str, object]) -> object:
    """The name of an author written as `{name: …}`, or `{name: {given: …, family: …}}`."""
    name = person.get("name")
    if isinstance(name, dict):
        parts = (name.get(key) for key in ("given", "family", "literal"))
        return " ".join(part for part in parts if isinstance(part, str)) or None
    return name


def _first(entries: Mapping[str, object], *keys: str) -> str | None:
    """The first entry that says something; code to be run at rendering says nothing."""
    found = (_text(entries.get(key)) for key in keys)
    return next((value for value in found if value and not _RENDERED.match(value)), None)


def _tags(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        words = value.strip("[] ")
        value = re.split(r"\s*[,;]\s*" if re.search("[,;]", words) else r"\s+", words)
    if not isinstance(value, list):
        return ()
    tags = (" ".join(part.split()).strip(" #\"'")[:100] for part in value if isinstance(part, str))
    return tuple(dict.fromkeys(tag for tag in tags if tag))[:50]


def _looks_like_metadata(block: str) -> bool:
    """Whether half of the lines are entries, so that prose between two rules is kept."""
    lines = [line for line in block.splitlines() if line.strip() and line[:1] not in " \t-#"]
    return 2 * sum(bool(_ENTRY.match(line)) for line in lines) >= max(len(lines), 1)


def read_front_matter(text: str) -> FrontMatter:
    """Read the front matter of a note; without any, `end` is 0 and nothing is known."""
    match = _BLOCK.match(text)
    if not match or (match[1].strip() and not _looks_like_metadata(match[1])):
        return FrontMatter()
    entries = _parse(match[1], is_toml=text.startswith("+++"))
    return FrontMatter(
        end=match.end(),
        title=_first(entries, "title", "titre"),
        author=_first(entries, "author", "authors", "auteur", "auteurs"),
        date=_first(entries, "date", "created", "created_at", "published", "updated", "modified"),
        tags=next((tags for key in _TAG_KEYS if (tags := _tags(entries.get(key)))), ()),
    )
