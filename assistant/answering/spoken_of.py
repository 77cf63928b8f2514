"""A line that no rule knows, looked for beside what was spoken of before it.

"et faut savoir quoi avant de s'y mettre ?" fits no rule, and is found by its own words
alone only where they are enough. Whether they are is for retrieval to say: here are the
lines that lean on the turns before, and the choice between what was found for the line
alone and beside each topic, by how sure the notes are to answer. Nothing is retrieved here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant.answering.french_patterns import IMPERSONAL
from assistant.answering.noun_phrases import phrases, unaccented
from assistant.language import detect_language

_ABOUT = {"fr": "à propos de", "en": "about"}
_BESIDE = re.compile(rf"(?P<line>.+?)\s*\((?:{'|'.join(_ABOUT.values())}) ?: (?P<topic>[^()]+)\)")
# A line that leans is looked for alone where the notes surely answer it (0 to 1); else with the
# topic, though it makes the answer a little less sure. By hand, on conversations written by
# others than the rules.
_SURE_ALONE = 0.85
_ALLOWED_LOSS = 0.1

_OPENS = re.compile(
    r"(?:et|mais|sinon|ensuite|apres|puis|ou|du coup|donc|meme|and|but|or|then)\b,? "
    r"(?:alors |sinon |si |par defaut )*"
)
_POINTS = re.compile(
    r"^(?:sauf|sinon|pourquoi pas|except|why not)\b"
    r"|(?<![\w'])(?:dedans|dessus|(?:lequel|laquelle|lesquels|lesquelles)(?! d)|l'une?|l'autre|"
    r"les autres|"
    r"l'inverse|s'y|s'en|y|(?:le|la) (?:premiere?|deuxieme|seconde?))(?![\w'-])"
)
_OPTION = re.compile(r"(?<!\w)--?\w[\w-]*")  # of a command that the line does not name
_STANDS_FOR = re.compile(
    r"(?<![\w'])(?:il|elle|ils|elles|ca|cela|celui|celle|ceux|celles|"
    r"(?:je|on|tu|nous|vous) (?:(?:le|la|les|en|lui|leur) |l')|"
    r"it|they|them|this|that|these|those)(?![\w-])|\b(?:je|on|tu|nous|vous) l'"
)


def leans(line: str) -> bool:
    """Whether a line points at something said before it: "sauf si …", "… dedans", "le -t".

    A pronoun points there where nothing is named before it in the line itself, and so does a
    line that names nothing at all.
    """
    language = detect_language(line)
    folded = IMPERSONAL.sub(lambda found: "#" * len(found[0]), unaccented(line))
    if _POINTS.search(folded):
        return True
    opening = _OPENS.match(folded)
    named = _OPTION.sub("", line[opening.end() if opening else 0 :])
    if not phrases(named, language):
        return True
    pronoun = _STANDS_FOR.search(folded)
    return pronoun is not None and not phrases(line[: pronoun.start()], language)


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


def chosen_topic(line: str, topics: Sequence[str], sureness: Callable[[str], float]) -> str:
    """Return the topic to look for a line with; "" to look for it alone.

    `sureness` retrieves a question and returns the probability that the notes answer it; it
    is called once for a line that leans, and once a topic where that line alone may not do.
    A line that does not lean stays alone, however little is found for it: with a topic of
    the notes beside it, they would seem to answer what they do not.
    """
    if not topics or not leans(line) or (alone := sureness(line)) >= _SURE_ALONE:
        return ""
    found = [sureness(beside(line, topic)) for topic in topics]
    best = max(range(len(found)), key=lambda n: found[n])
    return topics[best] if found[best] > alone - _ALLOWED_LOSS else ""
