"""The embedded model's tokenizer for texts of all days, ready at once.

Loading the full tokenizer takes a second, most of it spent on its 250,002 pieces. Here
the pieces lie in files mapped into memory: a hash table finds the piece of a given
spelling, and a Viterbi search cuts each word into the likeliest pieces (Kudo, "Subword
Regularization", 2018). Ids and offsets are those of the full tokenizer, whose vocabulary
and scores are taken from it when the files are written.

Texts in which normalisation joins or removes characters (decomposed accents, control
characters, characters newer than this Python) are left to the full tokenizer, for which
`encode` returns None. So no rule of alignment is written twice.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SPACE = "▁"  # stands before every word
_UNKNOWN_PENALTY = 10.0  # below the least score, as in the full tokenizer
_WORD = re.compile(r"\S+")
_CACHED_WORDS = 50_000
_FILES = ("slots", "offsets", "scores", "spellings", "rules")


@dataclass(frozen=True, slots=True)
class FastEncoding:
    """Ids of a text with `<s>` and `</s>`: an `assistant.embedding.tokens.Encoding`."""

    ids: list[int]
    offsets: list[tuple[int, int]]  # code points into the text
    special_tokens_mask: list[int]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the tokenizer does beside its pieces."""

    begin: int
    end: int
    unknown: int
    spaces: frozenset[str]  # characters read as a space
    removed: frozenset[str]  # characters dropped before tokenising


def write_pieces(
    folder: Path, pieces: Sequence[str], scores: NDArray[np.float64], rules: Rules
) -> None:
    """Write the files that FastTokenizer maps; the id of a piece is its position."""
    spellings = [piece.encode() for piece in pieces]
    size = 1 << (4 * len(pieces) - 1).bit_length()  # at most a quarter of it is used
    slots = [-1] * size
    for number, spelling in enumerate(spellings):
        slot = zlib.crc32(spelling) & (size - 1)
        while slots[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        slots[slot] = number
    numbers = [rules.begin, rules.end, rules.unknown, len(rules.spaces)]
    characters = [ord(c) for c in (*sorted(rules.spaces), *sorted(rules.removed))]
    arrays: dict[str, NDArray[np.generic]] = {
        "slots": np.array(slots, np.int32),
        "offsets": np.cumsum([0, *map(len, spellings)]).astype(np.int32),
        "scores": scores.astype(np.float64),
        "spellings": np.frombuffer(b"".join(spellings), np.uint8),
        "rules": np.array(numbers + characters, np.int32),
    }
    for name in _FILES:
        np.save(folder / f"{name}.npy", arrays[name])


class FastTokenizer:
    """Maps the files of `write_pieces`; `encode` is safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        """Map the files of a folder; raise OSError or ValueError where they are not right."""
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _FILES}
        begin, end, unknown, spaces, *characters = arrays["rules"].tolist()
        self._rules = Rules(
            begin,
            end,
            unknown,
            frozenset(map(chr, characters[:spaces])),
            frozenset(map(chr, characters[spaces:])),
        )
        self._slots = memoryview(arrays["slots"])
        self._offsets = memoryview(arrays["offsets"])
        self._scores = memoryview(arrays["scores"])
        self._spellings = memoryview(arrays["spellings"])
        lengths = np.diff(arrays["offsets"])
        self._longest = int(lengths.max())
        self._unknown_score = float(arrays["scores"].min()) - _UNKNOWN_PENALTY
        self._normalised = lru_cache(maxsize=4096)(self._normalise)
        self._segmented = lru_cache(maxsize=_CACHED_WORDS)(self._segment)

    def encode(self, text: str) -> FastEncoding | None:
        """Ids and offsets of a text, or None where only the full tokenizer will do."""
        if text.isascii() and text.isprintable():
            normal, origins = text, None
        else:
            parts = [self._normalised(character) for character in text]
            if None in parts:
                return None
            normal = "".join(parts)  # type: ignore[arg-type]  # None was ruled out
            spaced = "".join(" " if c in self._rules.spaces else c for c in text)
            if unicodedata.normalize("NFKC", spaced) != normal:
                return None
            origins = None
            if len(normal) != len(text):
                origins = [i for i, part in enumerate(parts) for _ in part or ""]
        ids, offsets = [self._rules.begin], [(0, 0)]
        for match in _WORD.finditer(normal):
            # The mark before a word is taken for a part of the word's first character.
            first = match.start()
            for number, start, end in self._segmented(match.group()):
                start, end = first + max(start - 1, 0), first + max(end - 2, 0)
                if origins is not None:
                    start, end = origins[start], origins[end]
                ids.append(number)
                offsets.append((start, end + 1))
        ids.append(self._rules.end)
        offsets.append((0, 0))
        return FastEncoding(ids, offsets, [1] + [0] * (len(ids) - 2) + [1])

    def _normalise(self, character: str) -> str | None:
        """What a character is read as, or None if the full tokenizer must decide."""
        if character in self._rules.spaces:
            return " "
        if character in self._rules.removed or unicodedata.category(character) in ("Cn", "Cs"):
            return None
        return unicodedata.normalize("NFKC", character)

    def _segment(self, word: str) -> tuple[tuple[int, int, int], ...]:
        """Likeliest pieces of a word: (id, start, end) in the word with its mark."""
        word = _SPACE + word
        length = len(word)
        unknown = self._rules.unknown
        best = [(0.0, 0, unknown)] + [(-np.inf, 0, unknown)] * length  # score, start, id
        for start in range(length):
            reached = best[start][0]
            knows_character = False
            for end, number in self._pieces_from(word, start):
                knows_character = knows_character or end == start + 1
                score = reached + self._scores[number]
                if score > best[end][0]:
                    best[end] = (score, start, number)
            if not knows_character:
                score = reached + self._unknown_score
                if score > best[start + 1][0]:
                    best[start + 1] = (score, start, unknown)
        path: list[tuple[int, int, int]] = []
        end = length
        while end:
            _, start, number = best[end]
            if number == unknown and path and path[-1][0] == unknown:
                path[-1] = (unknown, start, path[-1][2])  # unknown characters in a row are one
            else:
                path.append((number, start, end))
            end = start
        return tuple(reversed(path))

    def _pieces_from(self, word: str, start: int) -> list[tuple[int, int]]:
        """(end, id) of every piece that the word has at `start`, the shortest first."""
        slots, offsets, spellings = self._slots, self._offsets, self._spellings
        last = len(slots) - 1
        found = []
        spelling = b""
        checksum = 0
        for end in range(start + 1, len(word) + 1):
            character = word[end - 1].encode()
            spelling += character
            if len(spelling) > self._longest:
                break
            checksum = zlib.crc32(character, checksum)
            slot = checksum & last
            while (number := slots[slot]) >= 0:
                if spellings[offsets[number] : offsets[number + 1]] == spelling:
                    found.append((end, number))
                    break
                slot = (slot + 1) & last
        return found
