"""What kind of answer a question asks for, and the two sides of a comparison.

Read from the words of the question alone, in French and English, those of messages ("c koi",
"cmt") written out. A question that fits nothing is of kind OTHER: it is answered by
the best span, whatever that is. Kinds decide the form of an answer, never whether there
is one.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from assistant.message_spelling import spelt


class QuestionKind(StrEnum):
    """The form of answer that a question asks for."""

    DEFINITION = "definition"
    PURPOSE = "purpose"
    LIST = "list"
    PROCEDURE = "procedure"
    COMMAND = "command"
    COMPARISON = "comparison"
    FORMULA = "formula"
    WHO = "who"
    WHEN = "when"
    QUANTITY = "quantity"
    REASON = "reason"
    OTHER = "other"


_IS_WHAT = r"(?:c['’ ]?\s?est|s['’ ]?est)\s?quoi"
_SEP = r"(?:\s+(?:et|and|&|d['’]avec|avec|with)\s+|\s*(?:/|,)\s*)"

# The first that fits decides.
_PATTERNS: tuple[tuple[QuestionKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.I))
    for kind, pattern in (
        (
            QuestionKind.COMPARISON,
            r"\bdiff[éèe]r(?:ences?|encier|encie|e|ent)\b|\bdistingu|\bcompar(?:er|aison|e[rz]?)\b"
            r"|\bdifferences?\b|\bdifferent from\b|\bvs\.?\b|\bversus\b|\bplutôt que\b",
        ),
        (
            QuestionKind.COMMAND,
            r"\b(?:quelles?|la|les|une|what|which|the)\s+(?:\w+\s+)?"
            r"(?:commandes?|commands?|instructions?|options?|syntaxe?)\b"
            r"|\b(?:exemples? de (?:code|commande|fichier|configuration)|syntaxe|code example)\b",
        ),
        (
            QuestionKind.FORMULA,
            r"\b(?:formule|équation|equation|expression de|formula)\b",
        ),
        (
            QuestionKind.LIST,
            r"\b(?:quels|quelles)\s+(?:sont|st)\b|^\W*(?:liste[rz]?|cite[rz]?|énumère|"
            r"enumere|donne[rz]? (?:la liste|les))\b|\bse compos|\best compos"
            r"|\bcompos[ée]e?s? de\b|\b(?:différents|types? d|[ée]tapes|sortes d|catégories d)"
            r"|\bwhat are (?:the|its)\b|\b(?:list|name) (?:the|all)\b|\bconsists? of\b",
        ),
        (
            QuestionKind.PURPOSE,
            r"\b(?:sert|servent|sers|utilis(?:e|er|é) pour quoi|à quoi bon)\b|\butilit[ée]\b"
            r"|\br[ôo]le\b|\bbut d|\bobjectif d|\bused for\b|\bpurpose of\b|\buse of\b"
            r"|\bint[ée]r[êe]t d",
        ),
        (
            QuestionKind.DEFINITION,
            rf"{_IS_WHAT}\b|\bqu['’ ]?est[- ]ce (?:que?\b|qu['’])"
            r"|\bque (?:veut dire|signifie)"
            r"|\bveut dire quoi|\bce qu['’ ]est\b|\bexpliqu\w+ (?:\w+ )?(?:les?|la|l['’])"
            r"|\bparle[rz]?[- ](?:moi|nous)\b|\btell me about\b|\bdéfini|\bdefini|\bsignification"
            r"|\bwhat(?:'s|’s| is| are| does .* mean)\b|\bdefine\b|\bmeaning of\b"
            r"|^\W*[\w'’-]+(?:\s[\w'’-]+)?\s*\?\s*$",
        ),
        (
            QuestionKind.QUANTITY,
            r"\bcombien\b|\bquel(?:le)? (?:est la |est le )?(?:nombre|quantité|taille|prix|durée|"
            r"pourcentage|âge|port|limite|vitesse|température|valeur)\b"
            r"|\bhow (?:many|much|long|big)\b",
        ),
        (
            QuestionKind.WHEN,
            r"\bquand\b|\b(?:quelle|en quelle|à quelle) (?:année|date|époque)\b|\bwhen\b"
            r"|\bwhat (?:year|date)\b|\bdepuis quand\b",
        ),
        (
            QuestionKind.REASON,
            r"\bpourquoi\b|\bpour quelles? raisons?\b|\bpour quel motif\b|\bwhy\b",
        ),
        (
            QuestionKind.WHO,
            r"^\W*(?:(?:par|de|à|avec|chez|pour) )?qui\b(?!\s+plus)|\bqui (?:a|ont)\s\w+.*\?$"
            r"|\bpar qui\b|^\W*who(?:se|m)?\b"
            r"|\bquel(?:le)? (?:est l['’](?:auteur|inventeur|autrice))",
        ),
        (
            QuestionKind.PROCEDURE,
            r"\bcomment\b|\bhow (?:do|can|to|does|should)\b|\b[ée]tapes pour\b"
            r"|\bde quelle (?:façon|manière)\b",
        ),
    )
)

_SIDES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?:entre|between)\s+(?P<one>.+?){_SEP}(?P<two>[^?,.;]+)",
        r"\b(?:distingue[rz]?|diff[ée]renci\w*|compare[rz]?)\s+(?P<one>.+?)\s+"
        r"(?:de|d['’]|du|des|et|à|avec|from|and|to|with)\s+(?P<two>[^?,.;]+)",
        r"(?P<one>[^?,.;]+?)\s+(?:vs\.?|versus|plutôt que)\s+(?P<two>[^?,.;]+)",
        r"\ben quoi\s+(?P<one>.+?)\s+diff[èe]re(?:nt)?[- ]?(?:t[- ](?:il|elle|on)s?|-?ils|-?elles)?"
        r"\s+(?:de|d['’]|du|des)\s*(?P<two>[^?,.;]+)",
    )
)


@lru_cache(maxsize=256)  # asked again for every sentence that may answer
def question_kind(question: str) -> QuestionKind:
    """Return the kind of answer that `question` asks for."""
    question = spelt(question)
    for kind, pattern in _PATTERNS:
        if pattern.search(question):
            return kind
    return QuestionKind.OTHER


def compared(question: str) -> tuple[str, str] | None:
    """Return the two things that a comparison names; None where it does not name two."""
    question = " ".join(spelt(question).split())  # the patterns take cubic time for a run of spaces
    for pattern in _SIDES:
        if found := pattern.search(question):
            one, two = found["one"].strip(), found["two"].strip()
            if one and two:
                return one, two
    return None
