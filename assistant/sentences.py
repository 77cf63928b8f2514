"""Sentences of a text, by exact offsets, in French and English notes as people type them.

A sentence ends at `.`, `!`, `?` or `…` before white space and not after an abbreviation,
an initial or a number that opens a line; also at a full stop glued to the next sentence
("processus.Docker partage"), which a file name ("fichier.Txt") or a version is not.
"""

from __future__ import annotations

import re

_ABBREVIATIONS = frozenset(
    "m mm mme mmes mlle dr pr me st ste cf ex fig p pp art chap vol éd ed al env av apr "
    "j.-c c.-à-d i.e e.g vs mr mrs ms no n° num tél tel min max sec réf ref approx resp "
    "jr sr inc ltd dept jan fév févr avr juil sept oct nov déc".split()
)
_CLOSING = r"(?:[\"'»”’)\]*_]|[ \u00a0\u202f](?=»))"
# Not `*+` after a group: it matches too little in Python before 3.11.5, Debian 12's for one.
_END = re.compile(
    rf"(?<![.!?…])[.!?…]++{_CLOSING}*(?!{_CLOSING})(?=\s)"
    r"|(?<=[a-zà-ÿ)]{2})\.(?=[A-ZÀ-ÖØ-Þ][a-zà-ÿ']+\s+[a-zà-ÿ])"
)
_LAST_WORD = re.compile(r"([^\s(«\"'’]+)\.$")
_LAST_WORD_REACH = 40  # characters; no abbreviation is longer
_OPENS = re.compile(  # a sentence, not the name after an initial ("J. Le Goff")
    r"\s+(?:L[ae]s?|Une?|Des|Ils?|Elles?|On|En|Dans|Pour|Si|Cet?t?e?|The|It|This|L['’])"
    r"(?:\s+|(?<=['’]))[a-zà-ÿ]"
)
_NEXT = re.compile(r"\s+[\"'«“(\[*_-]*([^\s])")


def _is_end(text: str, start: int, match: re.Match[str]) -> bool:
    if not match[0].startswith(".") or match[0].startswith(".."):
        following = _NEXT.match(text, match.end())
        return not (following and following[1].islower())
    word = _LAST_WORD.search(text, max(start, match.start() - _LAST_WORD_REACH), match.start() + 1)
    if word:
        last = word[1].lower().lstrip("*_")
        if last in _ABBREVIATIONS:
            return False
        if len(last) == 1 and last.isalpha() and word[1].isupper():
            return bool(_OPENS.match(text, match.end()))
        # "1. " or "**4. " opens a line, after no word
        if last.isdigit() and not any(map(str.isalnum, text[start : word.start()])):
            return False
    following = _NEXT.match(text, match.end())
    # "etc. dans" goes on; a full stop before a lower-case word rarely ends anything.
    return not (following and following[1].islower() and "\n" not in following[0])


def split_sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the ranges of the sentences of `text[start:end]`, white space left out.

    Every character that is not white space lies in exactly one range.
    """
    ranges = []
    begin = start
    for match in _END.finditer(text, start, end):
        if _is_end(text, begin, match):
            ranges.append((begin, match.end()))
            begin = match.end()
    ranges.append((begin, end))
    trimmed = []
    for left, right in ranges:
        content = text[left:right]
        stripped = content.strip()
        if stripped:
            left += len(content) - len(content.lstrip())
            trimmed.append((left, left + len(stripped)))
    return trimmed
