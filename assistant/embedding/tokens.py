"""From a tokenizer's encodings to the tokens of a text: cut to the window, prompt removed.

Works on encodings alone, without the model that runs them. Offsets of a
tokenizer point into prompt + text and may stop before a combining mark that was composed
into the letter before it; here they are made to point into the text, marks included.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Encoding(Protocol):
    """A tokenised text, special tokens included; `tokenizers.Encoding` is one."""

    @property
    def ids(self) -> list[int]:
        """Numbers of the tokens."""

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Of each token, the code points of the text that it covers: (start, end)."""

    @property
    def special_tokens_mask(self) -> list[int]:
        """1 where a token was added to the text, 0 where it is of the text."""


@dataclass(frozen=True, slots=True)
class TextTokens:
    """The ids of one text for the model, and which of them are tokens of the text."""

    ids: list[int]  # prompt and special tokens included, at most the window
    positions: NDArray[np.intp]  # (tokens,) of the text's own tokens in `ids`
    starts: NDArray[np.int32]  # (tokens,) code points into the text
    ends: NDArray[np.int32]


def encodable(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes; the length stays the same."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def text_tokens(encoding: Encoding, prompt: str, text: str, window: int) -> TextTokens:
    """Cut the encoding of `prompt + text` to `window` ids and locate the text's tokens.

    Special tokens at the end survive the cut. A token that covers the prompt's end and
    the text's beginning belongs to the text from its beginning on.
    """
    special = np.array(encoding.special_tokens_mask, bool)
    kept = np.arange(len(special))
    if len(special) > window:
        closing = 0
        while closing < len(special) and special[-1 - closing]:
            closing += 1
        kept = np.concatenate([kept[: window - closing], kept[len(special) - closing :]])
    offsets = np.array(encoding.offsets, np.int64).reshape(-1, 2)[kept] - len(prompt)
    is_text = ~special[kept] & ((offsets[:, 1] > 0) | (offsets[:, 0] >= 0))
    starts, ends = offsets[is_text].clip(0, len(text)).T
    if not text.isascii():
        ends = _with_marks(text, ends)
    ids = encoding.ids
    return TextTokens(
        ids=ids if len(kept) == len(ids) else [ids[position] for position in kept],
        positions=np.flatnonzero(is_text),
        starts=starts.astype(np.int32),
        ends=ends.astype(np.int32),
    )


def _with_marks(text: str, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move each end past combining marks and the later letters of a Hangul syllable."""
    after = np.arange(len(text) + 1)
    for position in range(len(text) - 1, -1, -1):
        character = text[position]
        if not character.isascii() and (
            "\u1160" <= character <= "\u11ff" or unicodedata.category(character)[0] == "M"
        ):
            after[position] = after[position + 1]
    extended: NDArray[np.int64] = after[ends]
    return extended
