"""HTML tags that notes use inside Markdown to format words: left out of what is shown.

Only tags that carry no meaning of their own, and never inside code. The text of a note
and its offsets are not touched: this is for reading, not for quoting.
"""

from __future__ import annotations

import re

_TAGS = re.compile(
    r"(?P<code>`+[^`\n]+`+)"
    r"|</?(?:u|b|i|em|strong|span|font|small|big|mark|center|abbr|ins|kbd|tt|a|p|div)"
    r"(?:\s[^<>\n]{0,300})?/?>"
    r"|(?P<line><br\s*/?>)",
    re.I,
)


def without_tags(text: str) -> str:
    """Return `text` without formatting tags; a line break becomes a space."""
    if "<" not in text:
        return text
    return _TAGS.sub(lambda found: found["code"] or (" " if found["line"] else ""), text)
