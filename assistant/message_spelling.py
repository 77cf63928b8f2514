"""The spelling of messages, written out: "c koi la diff" as "c'est quoi la différence".

Only forms that are no words of either language, as whole words in lower case: "PQ" may be a
name. Words misspelt otherwise are compared with those of the notes (`index.lexical`).
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = {
    "pk": "pourquoi", "pq": "pourquoi", "pkoi": "pourquoi", "prquoi": "pourquoi",
    "pourkoi": "pourquoi", "pourqoi": "pourquoi", "porquoi": "pourquoi",
    "cmt": "comment", "koman": "comment", "coman": "comment", "koment": "comment",
    "coment": "comment", "comen": "comment", "commment": "comment",
    "koi": "quoi", "kwa": "quoi", "qoi": "quoi", "kel": "quel",
    "kelle": "quelle", "kels": "quels", "kelles": "quelles", "ki": "qui", "ke": "que",
    "kesk": "qu'est-ce que", "kesako": "qu'est-ce que", "keske": "qu'est-ce que",
    "kan": "quand", "kand": "quand", "ds": "dans", "ac": "avec", "pr": "pour", "tt": "tout",
    "ya": "il y a", "fo": "faut",
}  # fmt: skip
# A lone "c" is a letter or a language to a model, and "diff" a command.
_SHORTENED = tuple(
    (re.compile(pattern, re.I), words)
    for pattern, words in (
        (r"(?<![\w'’.-])c ?(?:est )?quoi\b", "c'est quoi"),
        (r"^(\W*)a quoi\b", r"\1à quoi"),
        (r"\bqu['’ ]es[- ]ce\b", "qu'est-ce"),
        (r"\b((?:la|les|une|quelle) )diffs?\b|\bdiffs?(?= entre\b)", r"\1différence"),
    )
)
_WORD = re.compile(r"(?<![\w'’.-])[a-zA-Z]{2,8}(?![\w'’-]|\.\w)")


@lru_cache(maxsize=256)  # read again for every sentence that may answer
def spelt(question: str) -> str:
    """Return `question` with the words of messages as they are written elsewhere."""
    question = _WORD.sub(lambda word: _WORDS.get(word[0], word[0]), question)
    for pattern, words in _SHORTENED:
        question = pattern.sub(words, question)
    return question
