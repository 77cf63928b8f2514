"""Any bytes, under any suffix of text, give a note or one reason, and places in order."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.datatypes import Note, Skipped
from assistant.reading.corpus import CorpusFile, read_bytes
from assistant.reading.decoding import decode

_SUFFIXES = [".md", ".txt", ".qmd", ".rst", ".html", ".tex"]
_PIECES = st.sampled_from([
    "mot ", "\n", "\n\n", "# ", "- ", "  ", "```", "$", "<", ">", "<div>", "</p>",
    "<table><tr><td>",
    "<li>", "<pre>", "<!--", "-->", "&eacute;", "\\begin{", "itemize}", "\\item ", "\\section{",
    "}",
    "%", "\\end{itemize}", "\\verb|", "&", "\\\\", "\\begin{tabular}{l}", ".. note::", "`", ":r:`",
    "====\n", "|", "+--+", "_", "*", "[[", "]]", "](", "---\n", "a: b\n", "\ufeff", "\u2028", "é",
    "\x85", "\x1e", "\x0c", "<section>", "<svg>", "<math>", "\r", "\t", "🐳",
])  # fmt: skip


def _check(suffix: str, data: bytes) -> None:
    name = f"a{suffix}"
    read = read_bytes(CorpusFile(name, Path(name), ""), data)
    if isinstance(read, Skipped):
        assert read.reason and "\n" not in read.reason
        assert "abîmé ou incomplet" not in read.reason  # no reader of ours raises by mistake
        return
    assert isinstance(read, Note) and read.title
    read.text.encode("utf-8")
    starts = [place.start for place in read.places]
    assert starts == sorted(set(starts))
    assert all(0 <= start < len(read.text) and place.number >= 1
               for start, place in zip(starts, read.places, strict=True))  # fmt: skip
    source = decode(data)  # in some encodings that are guessed, other bytes end a line
    lines = source.count("\n") + source.count("\r") + 1
    assert all(place.number <= lines for place in read.places if place.unit == "line")


@pytest.mark.parametrize("suffix", _SUFFIXES)
@given(data=st.binary(max_size=200))
@settings(max_examples=80, deadline=None)
def test_any_bytes(suffix: str, data: bytes) -> None:
    _check(suffix, data)


@pytest.mark.parametrize("suffix", _SUFFIXES)
@given(pieces=st.lists(_PIECES, max_size=30))
@settings(max_examples=150, deadline=None)
def test_any_mixture_of_marks(suffix: str, pieces: list[str]) -> None:
    _check(suffix, "".join(pieces).encode())
