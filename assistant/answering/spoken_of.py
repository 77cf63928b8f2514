"""A line that no rule knows, looked for beside what was spoken of before it.

"et faut savoir quoi avant de s'y mettre ?" fits no rule, and is found by its own words
alone only where they are enough. Here is which lines lean on the turns before, and how such
a line is written with a topic beside it. A line that does not lean is asked as it stands: with
a topic of the notes beside it, they would seem to answer what they do not.
"""

from __future__ import annotations

import re

from assistant.answering.french_patterns import IMPERSONAL
from assistant.answering.noun_phrases import phrases, unaccented
from assistant.language import detect_language

_ABOUT = {"fr": "à propos de", "en": "about"}
_BESIDE = re.compile(rf"(?P<line>.+?)\s*\((?:{'|'.join(_ABOUT.values())}) ?: (?P<topic>[^()]+)\)")

_OPENS = re.compile(
    r"(?:et|mais|sinon|ensuite|apres|puis|ou|du coup|donc|meme|and|but|or|then)\b,? "
    r"(?:alors |sinon |si |par defaut )*"
)
_ENDS = r"(?=\W*$| (?:est|sont|a|ont|sert|c'est|qui|que)\b)"  # not before a noun
_POINTS = re.compile(
    r"^(?:sauf|sinon|pourquoi pas|except|why not)\b"
    r"|(?<![\w'])(?:dedans|dessus|(?<!dans )(?<!sur )(?<!pour )(?:lequel|laquelle|lesquels|"
    r"lesquelles)(?! d)|l'une?|s'y|s'en|y(?! (?:a|ait|avait|eut|aura)\b))(?![\w'-])"
    r"|(?<![\w'])(?:l'autre|les autres|l'inverse|(?:le|la) (?:premiere?|deuxieme|seconde?))" + _ENDS
)
_OPTION = re.compile(r"(?<!\w)--?\w[\w-]*")  # of a command that the line does not name
_NAME = re.compile(r"(?<=\w )[A-Z]")  # a capital inside a line
_STANDS_FOR = re.compile(
    r"(?<![\w'])(?:il|elle|ils|elles|ca|cela|celui|celle|ceux|celles|"
    r"(?:je|on|tu|nous|vous) (?:(?:le|la|les|en|lui|leur) |l')|"
    r"it|they|them|this|that|these|those)(?![\w-])|\b(?:je|on|tu|nous|vous) l'"
)

_NAMES_AFTER = re.compile(r", (?:les? |la |l'|une? |des )[\w-]+(?: [\w-]+){0,3}$")
_DUMMY = re.compile(
    r"\b(?:is|was|does|would) it [\w-]+ (?:to|that|for|if)\b|\bit is [\w-]+ (?:to|that|for|if)\b"
)


def leans(line: str) -> bool:
    """Whether a line points at something said before it: "sauf si …", "… dedans", "le -t".

    A pronoun points there where the line itself names nothing before it, nor after a comma at
    its end; so does a line that names nothing at all.
    """
    language = detect_language(line)
    folded = unaccented(line)
    for empty in (IMPERSONAL, _DUMMY):  # "il faut", "is it possible to"
        folded = empty.sub(lambda found: "#" * len(found[0]), folded)
    if _POINTS.search(folded):
        return True
    opening = _OPENS.match(folded)
    named = _OPTION.sub("", line[opening.end() if opening else 0 :])
    if not phrases(named, language) and not _NAME.search(named):
        return True
    pronoun = _STANDS_FOR.search(folded)
    if pronoun is None or _NAMES_AFTER.search(folded.rstrip(" ?.!"), pronoun.end() - 1):
        return False  # "à quoi ça sert, les volumes ?"
    return not phrases(line[: pronoun.start()], language)


def beside(line: str, topic: str) -> str:
    """Return what is looked for: the line, and the topic in brackets."""
    return f"{line} ({topic})"


def apart(text: str) -> tuple[str, str]:
    """Return the line and the topic of what `beside` wrote; the text and "" of another."""
    found = re.fullmatch(r"(?P<line>.+?)\s*[?.!]\s*\((?P<topic>[^()]+)\)(?P<tail>, .+)?", text)
    return (found["line"] + (found["tail"] or ""), found["topic"]) if found else (text, "")


def shown(line: str, topic: str, language: str) -> str:
    """Return the line as it is shown to be understood; `parted` takes it apart again."""
    about = _ABOUT.get(language, _ABOUT["fr"])
    colon = " :" if about == _ABOUT["fr"] else ":"
    return f"{line} ({about}{colon} {topic})"


def parted(text: str) -> tuple[str, str]:
    """Return the line and the topic of what `shown` wrote; the text and "" of another."""
    found = _BESIDE.fullmatch(text.strip())
    return (found["line"], found["topic"]) if found else (text, "")
