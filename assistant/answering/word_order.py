"""Whether a sentence puts the words of a place in another order.

"HEAD pointe vers un commit, qui pointe vers une branche" has every word of "HEAD pointe vers
une branche, qui pointe vers un commit". What such a sentence says cannot be told from its
words, so one that takes up several in another order is not proved, even where it is true. Left
out: a few words, whose order is free ("la mémoire est limitée"), and a sentence in the passive
of an active place, which must turn it round; the reverse is not proved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_LEAST_WORDS = 4  # that sentence and place share
_BY = re.compile(r"\b(?:par|by)\b", re.I)


def changes_order(claim: Sequence[frozenset[str]], place: Sequence[frozenset[str]]) -> bool:
    """Whether no reading of `place` from left to right meets the shared words as `claim` does.

    Both are the index terms of each content word, in order; words that `place` lacks count
    for nothing, one that it repeats stands wherever that fits.
    """
    shared, last, is_changed = 0, -1, False
    for terms in claim:
        places = [n for n, said in enumerate(place) if terms & said]
        if not places:
            continue
        shared += 1
        if last in places:
            continue
        after = next((n for n in places if n > last), None)
        if after is None:
            is_changed = True
        else:
            last = after
    return is_changed and shared >= _LEAST_WORDS


def turns_passive(claim: str, place: str) -> bool:
    """Whether a sentence names by "par" or "by" who does what a place says without."""
    return bool(_BY.search(claim)) and not _BY.search(place)
