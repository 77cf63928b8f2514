"""Words of a scanned page, recognised by Tesseract, with the boxes that a PDF's own words have.

Tesseract through pytesseract (the extra `ocr`), because it reads French accents, runs
without a network, and runs as a process of its own: a page that takes too long is ended,
and what a hostile picture breaks is not this program. Its models are no wheels: they come
with the system's packages. Left out: pages that lie on their side, handwriting, words and
pages that Tesseract itself doubts.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from math import log
from shutil import which
from statistics import median
from typing import TYPE_CHECKING

from assistant.reading.pdf_words import Word, clean

if TYPE_CHECKING:
    from lxml.etree import _Element
    from PIL.Image import Image

DOTS_PER_INCH = 300  # what Tesseract's models were trained for
PAGE_SECONDS = 60.0  # a page takes 1 to 5
_LIST_SECONDS = 20.0  # to say which languages are there; it takes some hundredths
_LANGUAGES = ("fra", "eng")  # in this order: the first wins where both read alike
_EXTRA = "pip install 'course-assistant[ocr]'"
_DEBIAN = "apt install tesseract-ocr tesseract-ocr-fra"
_DOUBTED_WORD, _DOUBTED_PAGE = 20, 50  # confidence in percent: below, mostly not text
_SIZE = 1.1  # of letters, over their height from ascender to descender
_STEP = 1.2  # between two sizes of letters that are told apart
_FACT = re.compile(r"(\w+) ([-\d. ]+)")


@dataclass(frozen=True, slots=True)
class _Engine:
    """What is installed: the languages that can be read, or what to install, in French."""

    languages: tuple[str, ...] = ()
    remedy: str = ""


def _engine() -> _Engine:
    """Look for what may have been installed since, which costs next to nothing.

    A language that is added to a program already asked is seen by the next process.
    """
    return _engine_of(find_spec("pytesseract") is not None, which("tesseract"))


@cache
def _engine_of(has_library: bool, program: str | None) -> _Engine:
    """Ask the program itself: pytesseract imports pandas, and every command asks this."""
    if not has_library:
        return _Engine(remedy=f"lancez « {_EXTRA} » et installez Tesseract (« {_DEBIAN} »)")
    if program is None:
        return _Engine(remedy=f"installez le programme Tesseract (« {_DEBIAN} »)")
    try:
        listed = subprocess.run(
            [program, "--list-langs"], capture_output=True, check=True, timeout=_LIST_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return _Engine(remedy=f"réinstallez le programme Tesseract (« {_DEBIAN} »)")
    installed = (listed.stdout + listed.stderr).decode("utf-8", "replace").split()
    if _LANGUAGES[0] not in installed:
        return _Engine(remedy=f"installez les données françaises de Tesseract (« {_DEBIAN} »)")
    return _Engine(tuple(language for language in _LANGUAGES if language in installed))


def remedy() -> str:
    """Return what has to be installed before scans can be read, in French; empty if nothing."""
    return _engine().remedy


def version() -> str:
    """Return what an index has to remember of recognition; empty where there is none."""
    languages = _engine().languages
    return f"+ocr:{'+'.join(languages)}" if languages else ""


def recognised(image: Image, dots_per_point: float) -> list[Word]:
    """Return the words of a page's picture, in points from its upper left corner.

    Empty when there is no text, or none within PAGE_SECONDS.
    """
    import pytesseract
    from lxml import etree

    # Its threads wait for one another by spinning: one alone is quicker where cores are shared.
    pytesseract.pytesseract.environ = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        hocr = pytesseract.image_to_pdf_or_hocr(
            image,
            lang="+".join(_engine().languages),
            config=f"--dpi {round(72 * dots_per_point)}",
            extension="hocr",
            timeout=PAGE_SECONDS,
        )
    except RuntimeError:  # too slow, or more than Tesseract bears
        return []
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    page = etree.fromstring(hocr, parser)
    words: list[Word] = []
    confidences: list[float] = []
    for line in page.iterfind(".//{*}span[@title]"):
        if line.get("class") == "ocrx_word":
            continue
        for word, confidence in _line_words(line, len(words), dots_per_point):
            confidences.append(confidence)
            if confidence >= _DOUBTED_WORD:
                words.append(word)
    return words if confidences and median(confidences) >= _DOUBTED_PAGE else []


def _line_words(line: _Element, order: int, dots_per_point: float) -> Iterator[tuple[Word, float]]:
    """Yield the words of an hOCR line with their confidence; one baseline for all of them."""
    facts = _facts(line)
    left, _, right, bottom = facts["bbox"]
    slope, offset = facts.get("baseline", [0.0, 0.0])
    baseline = bottom + offset + slope * (right - left) / 2
    size = _SIZE * facts.get("x_size", [0.0])[0] / dots_per_point
    for number, span in enumerate(line.iterfind("{*}span")):
        text = clean("".join(str(span.xpath("string()")).split()))
        found = _facts(span)
        if not text:
            continue
        word = Word(
            text=text,
            x0=found["bbox"][0] / dots_per_point,
            x1=found["bbox"][2] / dots_per_point,
            y=baseline / dots_per_point,
            size=size,
            bold=False,
            mono=False,
            order=order + number,
            upright="textangle" not in facts,
        )
        yield word, found["x_wconf"][0]


def _facts(element: _Element) -> dict[str, list[float]]:
    """Return the properties in an hOCR title: `bbox 0 0 9 9; x_wconf 96`."""
    return {
        match[1]: [float(number) for number in match[2].split()]
        for match in _FACT.finditer(element.get("title", ""))
    }


def even_sizes(pages: Sequence[Sequence[Word]]) -> None:
    """Give the words of a document a few sizes, as a printed page has; the first is the body's.

    Measured on letters, sizes of the same print differ by some percent from line to line.
    """
    sizes = [word.size for words in pages for word in words for _ in word.text if word.size > 0]
    if not sizes:
        return
    body = median(sizes)
    for words in pages:
        for word in words:
            steps = round(log(max(word.size, 1.0) / body, _STEP))
            word.size = body * _STEP**steps
