"""Which language a text is written in: langdetect behind one function.

langdetect alone is random on short text and takes `docker run` for Swedish. Here it is
seeded, restricted to the languages that matter and weighed against what is expected
(the language of the notes) and against function words, which decide short questions.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import Any

LANGUAGES = ("fr", "en", "de", "es", "it", "pt", "nl")  # told apart; others read as one of these
_SAMPLE = 2_000  # characters of a note that langdetect reads
_PRIOR = 3.0  # weight of the expected language against 1 for each other one
_FEW_WORDS = 12  # with no function word among them: key words, which langdetect gets wrong
_WORD = re.compile(r"[^\W\d_]+(?:['’])?")

# Frequent words that belong to one language alone, spelled with and without accents.
_FUNCTION_WORDS = {
    "fr": frozenset(
        "le la les des du un une et est sont qu' que qui quoi quel quelle quels quelles comment "
        "pourquoi où dans avec pour par sur ce cette ces il elle on nous vous je se sert servent "
        "ça c' d' l' n' s' j' à a aux au ne pas plus ou donc mais fait faire peut koi kel kelle "
        "bonjour salut merci".split()
    ),
    "en": frozenset(
        "the is are what which who how why where when does do did of in for with to and or an "
        "this that these those it its can could should would i you we they not be was were "
        "hello hi thanks".split()
    ),
    "de": frozenset(
        "der die das ist sind was wie warum wer wo ein eine und nicht mit für auf wozu dient "
        "dienen den dem zu von im".split()
    ),
    "es": frozenset(
        "el los las es son qué cómo quién dónde por para una y con del sirve sirven cuál".split()
    ),
    "it": frozenset(
        "il gli è sono che cosa come perché chi dove per una di con serve servono quale".split()
    ),
    "pt": frozenset("o os as é são que como quem onde uma e com do da serve servem qual".split()),
    "nl": frozenset("de het een is zijn wat hoe waarom wie waar en met voor van op dient".split()),
}


def is_known_language(code: str) -> bool:
    """Whether langdetect has a profile of this code, such as "fr" or "zh-cn"."""
    if code in LANGUAGES:
        return True
    from langdetect.detector_factory import PROFILES_DIRECTORY

    return code in os.listdir(PROFILES_DIRECTORY)


@cache
def _factory() -> Any:
    from langdetect import DetectorFactory, detector_factory

    DetectorFactory.seed = 0
    detector_factory.init_factory()
    return detector_factory._factory


def _probabilities(text: str, expected: str) -> dict[str, float]:
    """Return P(language) from langdetect, with the prior on `expected`."""
    from langdetect.lang_detect_exception import LangDetectException

    detector = _factory().create()
    detector.set_prior_map(
        {name: _PRIOR if name == expected else 1.0 for name in {*LANGUAGES, expected}}
    )
    detector.append(text)
    try:
        return {found.lang: found.prob for found in detector.get_probabilities()}
    except LangDetectException:  # no letters at all
        return {}


def detect_language(text: str, expected: str = "fr") -> str:
    """Return the ISO 639-1 code of `text`, one of `LANGUAGES`.

    `expected` is taken when the text says nothing, as "docker run" or an empty note.
    """
    sample = text[:_SAMPLE]
    words = [word.lower().replace("’", "'") for word in _WORD.findall(sample)]
    if not words:
        return expected
    counts = {name: sum(word in known for word in words) for name, known in _FUNCTION_WORDS.items()}
    most = max(counts.values())
    leaders = [name for name, count in counts.items() if count == most]
    if most and len(leaders) == 1:
        return leaders[0]
    candidates = leaders if most else [*LANGUAGES]
    if not most and len(words) < _FEW_WORDS:
        return expected
    probabilities = _probabilities(sample, expected)
    return max(
        candidates,
        key=lambda name: (probabilities.get(name, 0.0), name == expected),
    )
