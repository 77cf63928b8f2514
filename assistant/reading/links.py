"""Links between notes, as Markdown writes them, and the ids they lead to.

Only what may be a file of the corpus is kept: no addresses, no anchors, no images.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from urllib.parse import unquote

# Code shows links and tags that are none. Bounded repetitions keep every search linear.
CODE = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*$.*?(?:^[ \t>]*(?P=fence)|\Z)"
    r"|`[^`\n]+`|<!--(?:(?!<!--).)*?-->",
    re.S | re.M,
)
_LINK = re.compile(
    r"(?<!!)\[\[(?P<wiki>[^\s\[\]|#$\"'-][^\[\]|#\n]{0,200})(?:#[^\[\]|\n]{0,200})?"
    r"(?:\|[^\[\]\n]{0,300})?\]\]"
    r"|!\[\[(?P<embed>[^\s\[\]|#][^\[\]|#\n]{0,200})[^\[\]\n]{0,300}\]\]"
    r"|(?<!!)\[[^\[\]\n]{0,300}\]\([ \t]*"
    r"(?:<(?P<angle>[^<>\n]{1,500})>|(?P<target>[^\s()<>]{1,500}))"
    r"(?:[ \t]+[\"'(][^\n]{0,300})?[ \t]*\)"
    r"|^ {0,3}\[[^\[\]^\n]{1,200}\]:[ \t]*(?P<definition>[^\s<>]{1,500})",
    re.M,
)
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:|//|#|\{|<")
_IMAGE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|ico|avif|mp4|webm|mp3|zip)$", re.I)


def markdown_links(body: str) -> tuple[str, ...]:
    """Return the targets as written, each once; a [[wikilink]] keeps its brackets."""
    found: dict[str, None] = {}
    for match in _LINK.finditer(CODE.sub(" ", body)):
        if name := match["wiki"] or match["embed"]:
            if not _IMAGE.search(name.strip()):
                found[f"[[{name.strip()}]]"] = None
            continue
        target = match["angle"] or match["target"] or match["definition"]
        if is_internal(target):
            found[target] = None
    return tuple(found)


def is_internal(target: str) -> bool:
    """Whether a target may be a file of the corpus that is a note."""
    return not _ADDRESS.match(target) and not _IMAGE.search(target.split("#")[0].split("?")[0])


def resolve_links(targets: Iterable[str], note_id: str) -> tuple[str, ...]:
    """Return ids for targets written in the note `note_id`, each once.

    A path is taken from the note's folder, one that begins with "/" from the corpus, and
    one that leaves the corpus is dropped. A wikilink stays the bare name it gives.
    """
    folder = posixpath.dirname(note_id)
    found: dict[str, None] = {}
    for target in targets:
        if target.startswith("[[") and target.endswith("]]"):
            found[target[2:-2]] = None
            continue
        path = unquote(target.split("#", 1)[0].split("?", 1)[0]).replace("\\", "/").strip()
        if not path or "\0" in path:
            continue
        whole = path.lstrip("/") if path.startswith("/") else posixpath.join(folder, path)
        whole = posixpath.normpath(whole)
        if whole not in (".", note_id) and whole.split("/", 1)[0] != "..":
            found[whole] = None
    return tuple(found)
