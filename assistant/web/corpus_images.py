"""Images of the corpus, and nothing else of it.

What is sent is decided by the file's first bytes, not by its name. Hidden files, and
links that lead out of the corpus, do not exist here. An SVG is a document that may hold
scripts: the guard sends every file of this kind with a policy that runs none.
"""

from __future__ import annotations

import re
from pathlib import Path

LARGEST = 20 * 1024 * 1024  # bytes
_SVG = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE[^>\[]*>\s*)*<svg[\s>]",
    re.S | re.I,
)


def find_image(corpus: Path, path: str) -> tuple[Path, str] | None:
    """Return the file at `path` below the corpus and its media type; None if it is no image."""
    parts = path.split("/")
    if any(not part or part.startswith(".") for part in parts):
        return None
    if any(character in path for character in "\\\0:"):
        return None
    try:
        root = corpus.resolve(strict=True)
        file = root.joinpath(*parts).resolve(strict=True)
        within = file.relative_to(root)
        if any(part.startswith(".") for part in within.parts) or not file.is_file():
            return None
        if file.stat().st_size > LARGEST:
            return None
        with file.open("rb") as opened:
            kind = image_type(opened.read(4096))
    except (OSError, ValueError, RuntimeError):  # absent, outside, or links in a circle
        return None
    return None if kind is None else (file, kind)


def image_type(head: bytes) -> str | None:
    """The media type of an image by its first bytes; None for anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    if _SVG.match(head):
        return "image/svg+xml"
    return None
