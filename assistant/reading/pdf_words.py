"""The words of a PDF page with their boxes, size and style, as PDFium sees them.

Left out: text that stands neither upright nor at a right angle (watermarks), and what
lies outside the page. Coordinates are turned with the page and counted from its upper
left corner, in points.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MONO = re.compile(r"mono|courier|consol|menlo|cmtt|lmtt|typewriter|inconsol|fixed|source ?code")
_BOLD = re.compile(r"bold|black|heavy|cmbx|demi|,bd|-bd")
_FIXED_PITCH, _FORCE_BOLD = 1, 1 << 18  # flags of a font descriptor, ISO 32000-1 table 123
# PDFium writes a hyphen at the end of a line as U+0002 or as a noncharacter.
_HYPHENS = frozenset({0x02, 0xAD, 0xFFFE})
_LIGATURE = re.compile("[ﬀ-ﬆ]")
# Old TeX fonts draw the accent before its letter: "´e", "c¸".
_ACCENTS = {"´": "\u0301", "`": "\u0300", "ˆ": "\u0302", "¨": "\u0308", "˜": "\u0303"}
_LOOSE_ACCENT = re.compile(r"([´`ˆ¨˜]) ?([aeiouyncAEIOUYNCı])")
_LOOSE_CEDILLA = re.compile(r"([cC])¸|¸([cC])")
_SPACE = 0.15  # of the size of letters: a wider gap parts words
CHARACTERS = 20_000_000  # of a whole document


@dataclass(slots=True)
class Word:
    """Letters without a space between; `y` is the baseline, down from the top of the page."""

    text: str
    x0: float
    x1: float
    y: float
    size: float  # points, as drawn
    bold: bool
    mono: bool
    order: int  # of its first character in the file
    upright: bool = True
    spaced: bool = True  # the file draws a space before it


def clean(text: str) -> str:
    """Return text without ligatures or loose accents, composed (NFC)."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text = _LIGATURE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = _LOOSE_ACCENT.sub(lambda m: m[2].replace("ı", "i") + _ACCENTS[m[1]], text)
    text = _LOOSE_CEDILLA.sub(lambda m: (m[1] or m[2]) + "\u0327", text)
    return unicodedata.normalize("NFC", text)


def page_words(page: PdfPage) -> list[Word]:
    """Return the words of a page in the order in which the file draws them."""
    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    handle = text_page.raw
    left, bottom, right, top = (float(edge) for edge in page.get_bbox())
    turn = page.get_rotation() // 90
    edges = pdfium.FS_RECTF()
    x_origin, y_origin = ctypes.c_double(), ctypes.c_double()
    matrix, flags, name = pdfium.FS_MATRIX(), ctypes.c_int(), ctypes.create_string_buffer(128)
    words: list[Word] = []
    letters: list[str] = []
    box = [0.0, 0.0, 0.0]  # x0, x1, baseline of the word so far
    style = (0.0, False, False, True)
    first = 0
    spaced = was_spaced = True

    def turned(x: float, y: float) -> tuple[float, float]:
        match turn:
            case 1:
                return y - bottom, x - left
            case 2:
                return right - x, y - bottom
            case 3:
                return top - y, right - x
            case _:
                return x - left, top - y

    def close() -> None:
        if letters and style[0] > 0.5:
            size, bold, mono, upright = style
            text = clean("".join(letters))
            x_first, x_last, line = box
            words.append(
                Word(text, x_first, x_last, line, size, bold, mono, first, upright, was_spaced)
            )
        letters.clear()

    try:
        for index in range(pdfium.FPDFText_CountChars(handle)):
            code = pdfium.FPDFText_GetUnicode(handle, index)
            hyphen = code in _HYPHENS
            letter = "-" if hyphen else chr(code) if 32 <= code < 0x110000 else ""
            if not letter.strip() or letter == "\x7f":
                # Spaces that PDFium guesses are judged below, by the letters' own boxes.
                if not style[3] or not pdfium.FPDFText_IsGenerated(handle, index):
                    close()
                    spaced = True
                continue
            # Boxes as wide as the advance of the letter: those of one word touch.
            if not pdfium.FPDFText_GetLooseCharBox(handle, index, edges):
                continue
            if edges.right < left or right < edges.left or edges.top < bottom or top < edges.bottom:
                continue
            pdfium.FPDFText_GetCharOrigin(handle, index, x_origin, y_origin)
            (xa, _), (xb, _) = turned(edges.left, edges.bottom), turned(edges.right, edges.top)
            (_, y) = turned(x_origin.value, y_origin.value)
            x0, x1 = min(xa, xb), max(xa, xb)
            size = style[0]
            if letters and style[3]:
                is_apart = x0 - box[1] > _SPACE * size or x0 < box[0] - size
                if is_apart or abs(y - box[2]) > 0.6 * size:
                    close()
            if not letters:
                pdfium.FPDFText_GetMatrix(handle, index, matrix)
                a, b, c, d = matrix.a, matrix.b, matrix.c, matrix.d
                for _ in range(turn):
                    a, b, c, d = b, -a, d, -c
                size = pdfium.FPDFText_GetFontSize(handle, index) * hypot(c, d)
                upright = abs(b) < 0.05 * hypot(a, b)
                if not upright and abs(a) > 0.05 * hypot(a, b):
                    continue
                flags.value = 0
                pdfium.FPDFText_GetFontInfo(handle, index, name, 128, flags)
                font = name.value.decode("utf-8", "replace").lower()
                style = (
                    size,
                    bool(_BOLD.search(font) or flags.value & _FORCE_BOLD),
                    bool(_MONO.search(font) or flags.value & _FIXED_PITCH),
                    upright,
                )
                box[:] = [x0, x1, y]
                first, was_spaced, spaced = index, spaced, False
            letters.append(letter)
            box[0], box[1] = min(box[0], x0), max(box[1], x1)
        close()
    finally:
        text_page.close()
    return words
