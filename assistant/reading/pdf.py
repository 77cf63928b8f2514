"""PDF: text in reading order with its pages, headings guessed, running lines removed.

pypdfium2, because PDFium is the quickest engine there is for text with its boxes, is
kept by the Chromium project, and its licence (BSD, Apache) lets anyone embed it.
Headings are what the outline names or what is set larger (or bold and numbered); lines
of one paragraph are joined and their hyphens mended. Scanned pages are read where the
extra `ocr` is installed; without it a scanned file is named as such. Left out: pictures,
formulas other than as letters, and tables other than as lines.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, pairwise
from statistics import median
from typing import TYPE_CHECKING

from assistant.reading import ocr
from assistant.reading.assembling import escaped, fenced, list_indent
from assistant.reading.damage import reading
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.pdf_layout import Line, lines_in_order
from assistant.reading.pdf_words import CHARACTERS, Word, page_words
from assistant.reading.properties import sensible_date, sensible_title

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

    from assistant.datatypes import Place

PAGES = 5000  # of one file
SCAN_SECONDS = 3600.0  # to recognise the pages of one file: some 1500 on two processors
_STAMP = 200  # letters that a scanner or a library adds to the picture of a page, at most
_LARGEST_PICTURE = 100_000_000  # pixels of a scanned page: PDFium takes 4 bytes for each
_LARGEST_RENDERING = 25_000_000  # pixels given to recognition: A3 at 250 dots an inch
_PDFIUM = threading.Lock()  # PDFium must not be entered by two threads
_BULLETS = frozenset("•◦▪■●○‣▸►➢➤✓✔❖◆□–—-*·⁃∙¾")
_NUMBERED = re.compile(r"(?:\d{1,3}|[a-zA-Z])[.)]$")
_SECTION = re.compile(r"(?:(?:\d{1,2}\.)+\d{0,2}|[IVX]{1,5}[.)]|[A-Z][.)]|\d{1,2}) +\S")
_RULE = re.compile(r"[-=_.*·]{4,}$|[─━═—_ ]+$")
_LEADERS = re.compile(r"(?: ?[.·]){4,}")
_SENTENCE_END = (".", "!", "?", ":", ";", "…", "»", ".)")
_MARGIN = 0.13  # of the page's height, where running lines stand
# A hyphen before or after these is the word's own ("dit-il", "peut-être").
_AFTER_HYPHEN = frozenset(
    "il elle on ils elles je tu nous vous ce ci là même mêmes être moi toi lui leur y en t".split()
)
_BEFORE_HYPHEN = frozenset(
    "peut c'est est celui celle ceux celles vis non sous demi mi semi grand avant après".split()
)


@dataclass(slots=True)
class _Page:
    number: int
    height: float
    columns: list[list[Line]]
    letters: int
    scan: int = 0  # pixels of the pictures that are the page, if it is scanned


@dataclass(slots=True)
class _Paragraph:
    lines: list[Line]
    page: int
    kind: str = "text"  # or "heading", "item", "code", "rows"
    level: int = 0
    opens_column: bool = False
    turns: list[tuple[int, int]] = field(default_factory=list)  # (page, index of its first line)


def read_pdf(data: bytes, name: str) -> Extracted:
    """Read a PDF; raise UnreadableNoteError when it is locked, damaged or has no text."""
    if b"%PDF-" not in data[:1024]:
        raise UnreadableNoteError(
            "n'est pas un PDF malgré son nom : vérifiez le fichier et son suffixe"
        )
    with reading("PDF"):
        pages, outline, metadata = _read(data)
    words = [w for page in pages for column in page.columns for line in column for w in line.words]
    _refuse_without_text("".join(word.text for word in words), pages)
    _remove_running_lines(pages)
    body = _body_size(pages)
    paragraphs = _paragraphs(pages, body)
    _name_headings(paragraphs, body, outline)
    text, places = _markdown(paragraphs)
    if not text:
        raise UnreadableNoteError("ne contient aucun texte")
    return Extracted(
        text=text,
        title=sensible_title(metadata.get("Title"), name),
        author=" ".join(metadata.get("Author", "").split()) or None,
        date=sensible_date(metadata.get("CreationDate")),
        places=places,
    )


def _read(data: bytes) -> tuple[list[_Page], dict[str, int], dict[str, str]]:
    """Take all that is needed out of PDFium: pages, outline (title to depth), metadata."""
    import pypdfium2
    from pypdfium2 import raw

    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD or "password" in str(error).lower():
                raise UnreadableNoteError(
                    "protégé par un mot de passe : enregistrez-en une copie sans mot de passe"
                ) from error
            raise
    try:
        with _PDFIUM:
            if len(document) > PAGES:
                raise UnreadableNoteError(
                    f"trop long ({len(document)} pages, {PAGES} au plus) : découpez-le"
                )
            pages = list(_pages(document))
            outline, metadata = _outline(document), document.get_metadata_dict()
        _recognise(document, [page for page in pages if page.scan])
        return pages, outline, metadata
    finally:
        with _PDFIUM:
            document.close()


def _pages(document: PdfDocument) -> Iterator[_Page]:
    from pypdfium2 import PdfiumError

    characters = 0
    for index in range(len(document)):
        try:
            page = document[index]
        except PdfiumError:  # one broken page does not cost the others
            continue
        try:
            words = page_words(page)
            letters = sum(len(word.text) for word in words)
            characters += letters
            if characters > CHARACTERS:
                raise UnreadableNoteError("contient trop de texte pour une note : découpez-le")
            scan = _scan(page, letters) if letters <= _STAMP else 0
            yield _Page(index + 1, page.get_height(), lines_in_order(words), letters, scan)
        finally:
            page.close()


def _scan(page: PdfPage, letters: int) -> int:
    """Return the pixels of the pictures of a scanned page, 0 of another.

    A page without letters is one with any picture, a page of few with pictures over half of it.
    """
    from pypdfium2 import PdfImage, PdfiumError

    width, height = page.get_size()
    covered, pixels = 0.0, 0
    with suppress(PdfiumError):  # a broken picture does not cost the text
        for item in islice(page.get_objects(max_depth=2), 1000):
            if isinstance(item, PdfImage):
                columns, rows = item.get_px_size()
                pixels += columns * rows
                left, bottom, right, top = item.get_bounds()
                covered += (right - left) * (top - bottom)
    return pixels if not letters or covered >= 0.5 * width * height else 0


def _recognise(document: PdfDocument, scans: Sequence[_Page]) -> None:
    """Give scanned pages the words that recognition finds, where it is installed.

    Pages go side by side, each in a process of its own; one processor is left to others.
    Raises UnreadableNoteError after SCAN_SECONDS.
    """
    if not scans or ocr.remedy():
        return
    deadline = time.monotonic() + SCAN_SECONDS

    def words_of(page: _Page) -> list[Word]:
        if time.monotonic() > deadline:
            raise UnreadableNoteError(
                f"numérisé et trop long à lire ({len(scans)} pages, plus de "
                f"{SCAN_SECONDS / 60:.0f} minutes) : découpez-le"
            )
        return _recognised_words(document, page)

    with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1)) as threads:
        found = list(threads.map(words_of, scans))
    ocr.even_sizes(found)
    for page, words in zip(scans, found, strict=True):
        if sum(len(word.text) for word in words) > 2 * page.letters:  # more than a stamp
            page.columns = lines_in_order(words)


def _recognised_words(document: PdfDocument, page: _Page) -> list[Word]:
    if page.scan > _LARGEST_PICTURE:
        return []
    with _PDFIUM:
        drawn = document[page.number - 1]
        try:
            width, height = drawn.get_size()
            finest = (_LARGEST_RENDERING / (width * height)) ** 0.5
            dots_per_point = min(ocr.DOTS_PER_INCH / 72, finest)
            image = drawn.render(scale=dots_per_point, grayscale=True).to_pil()
        finally:
            drawn.close()
    return ocr.recognised(image, dots_per_point)


def _outline(document: PdfDocument) -> dict[str, int]:
    """Return the titles of the bookmarks, without spaces and case, with their level."""
    found: dict[str, int] = {}
    for number, bookmark in enumerate(document.get_toc(max_depth=6)):
        if number == 10_000:
            break
        title = _key(bookmark.get_title() or "")
        if len(title) > 2:
            found.setdefault(title, bookmark.level + 1)
    return found


def _key(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _refuse_without_text(letters: str, pages: Sequence[_Page]) -> None:
    if not any(map(str.isalnum, letters)):
        if any(page.scan for page in pages):
            remedy = ocr.remedy() or "aucun mot n'y est reconnu, vérifiez le fichier"
            raise UnreadableNoteError(f"numérisé, sans texte : {remedy}")
        raise UnreadableNoteError("ne contient aucun texte, seulement des dessins")
    unknown = sum(0xE000 <= ord(letter) < 0xF900 or letter == "\ufffd" for letter in letters)
    if unknown > 0.3 * len(letters):
        raise UnreadableNoteError(
            "son texte est codé par une police inconnue : exportez-le à nouveau, ou passez-le à "
            "un logiciel de reconnaissance de caractères"
        )


def _lines(pages: Iterable[_Page]) -> Iterator[Line]:
    for page in pages:
        for column in page.columns:
            yield from column


def _body_size(pages: Sequence[_Page]) -> float:
    """Return the size of most letters, or a larger one if too many would be headings."""
    sizes: Counter[float] = Counter()
    for line in _lines(pages):
        for word in line.words:
            sizes[round(2 * word.size) / 2] += len(word.text)
    body = sizes.most_common(1)[0][0] if sizes else 1.0
    total = sizes.total()
    for size in sorted(size for size in sizes if size >= body):
        if sum(count for other, count in sizes.items() if other > 1.15 * size) <= 0.25 * total:
            return size
    return body


def _running_key(line: Line, page: _Page) -> tuple[str, int] | None:
    """Return what makes a line the same as that of another page; None far from the edges."""
    if _MARGIN * page.height < line.y < (1 - _MARGIN) * page.height:
        return None
    return re.sub(r"\d+", "#", line.text.casefold()), round(line.y / 8)


def _remove_running_lines(pages: Sequence[_Page]) -> None:
    """Remove headers, footers and page numbers: the same near an edge, page after page."""
    body = _body_size(pages)
    seen: dict[tuple[str, int], set[int]] = defaultdict(set)
    for page in pages:
        for line in _lines([page]):
            if key := _running_key(line, page):
                for near in (-1, 0, 1):
                    seen[key[0], key[1] + near].add(page.number)
    count = len(pages)

    def runs(line: Line, page: _Page) -> bool:
        key = _running_key(line, page)
        if key is None:
            return False
        if line.text == str(page.number):
            return True
        if re.fullmatch(r"\W*(?:page )?\W*#\W*(?:/|sur|of)\W*#\W*", key[0]):
            return True
        times = len(seen[key])
        # A title may stay the same from slide to slide; only a larger share makes it noise.
        large = line.size > 1.1 * body
        return times >= (max(3, count / 2) if large else min(3, max(2, count)))

    kept_pages = [
        [
            kept
            for column in page.columns
            if (kept := [line for line in column if not runs(line, page)])
        ]
        for page in pages
    ]
    if any(kept_pages):  # else a title over a picture on each page is all there is
        for page, columns in zip(pages, kept_pages, strict=True):
            page.columns = columns


def _paragraphs(pages: Sequence[_Page], body: float) -> list[_Paragraph]:
    pitch = _pitches(pages)
    words = [word for line in _lines(pages) for word in line.words]
    all_mono = sum(word.mono for word in words) > 0.6 * len(words)
    found: list[_Paragraph] = []
    for page in pages:
        for column in page.columns:
            opens = True
            lines = [line for line in column if not _RULE.match(line.text)]
            for index, line in enumerate(lines):
                is_code = line.mono and not all_mono and not _is_bullet(line)
                last = found[-1] if found else None
                if last and not opens and _goes_on(lines, index, last, is_code, pitch):
                    last.lines.append(line)
                elif last and opens and _crosses(last, line, is_code, body):
                    if last.page != page.number:
                        last.turns.append((page.number, len(last.lines)))
                    last.lines.append(line)
                else:
                    kind = "code" if is_code else "item" if _is_bullet(line) else "text"
                    found.append(_Paragraph([line], page.number, kind, opens_column=opens))
                opens = False
    return found


def _pitches(pages: Sequence[_Page]) -> dict[int, float]:
    """Return the usual distance of lines, by rounded size of letters."""
    gaps: dict[int, list[float]] = defaultdict(list)
    for page in pages:
        for column in page.columns:
            for above, line in pairwise(column):
                if abs(above.size - line.size) < 0.5 and 0 < line.y - above.y < 2.5 * line.size:
                    gaps[round(line.size)].append(line.y - above.y)
    return {size: sorted(found)[len(found) // 3] for size, found in gaps.items()}


def _is_bullet(line: Line) -> bool:
    first = line.words[0]
    is_sign = first.text in _BULLETS or "\ue000" <= first.text < "\uf8ff"
    return len(line.words) > 1 and (is_sign or (first.text == "o" and first.mono))


def _starts_item(line: Line) -> bool:
    return _is_bullet(line) or bool(_NUMBERED.match(line.words[0].text))


def _goes_on(
    lines: Sequence[Line], index: int, last: _Paragraph, is_code: bool, pitch: dict[int, float]
) -> bool:
    """Whether a line belongs to the paragraph of the line above it in its column."""
    above, line = lines[index - 1], lines[index]
    gap = line.y - above.y
    usual = pitch.get(round(line.size), 1.2 * line.size)
    if is_code or last.kind == "code":
        return is_code and last.kind == "code" and gap < 2.6 * usual
    if abs(above.size - line.size) > 0.08 * max(above.size, line.size) + 0.1:
        return False
    if gap > 1.3 * max(usual, 1.1 * line.size) or gap <= 0 or _is_bullet(line):
        return False
    if line.cells > 1 or above.cells > 1:
        return line.cells > 1 and above.cells > 1 and not last.lines[0].bold
    right = max(other.x1 for other in lines if abs(other.size - line.size) < 0.5)
    room = right - above.x1 - 0.3 * line.size
    fits = room > line.words[0].x1 - line.words[0].x0 + 0.5 * line.size
    ended = above.text.endswith(_SENTENCE_END)
    if _LEADERS.search(above.text):
        return False  # a line of a table of contents
    first = last.lines[0]
    if _starts_item(line) and (fits or ended or _starts_item(first)):
        return False
    if _starts_item(first):
        back = line.x0 < first.x0 + 0.4 * line.size  # under the bullet, not under the words
        return not (back and (fits or ended))
    if line.bold != above.bold and fits:
        return False
    if line.x0 > above.x0 + 0.8 * line.size and not fits and line.text[:1].isupper():
        return not ended  # the indented first line of another paragraph
    starts_anew = not line.text[:1].islower()
    return not (fits and starts_anew and (ended or above.x1 < right - 0.25 * (right - above.x0)))


def _crosses(last: _Paragraph, line: Line, is_code: bool, body: float) -> bool:
    """Whether a paragraph goes on at the top of the next column or page."""
    above = last.lines[-1]
    return (
        last.kind in ("text", "item")
        and not is_code
        and not above.mono
        and line.text[:1].islower()
        and above.text[-1:] not in ".!?:;…"
        and abs(above.size - line.size) < 0.5
        and above.size <= 1.15 * body
        and above.cells == line.cells == 1
        and len(above.words) > 3
    )


def _name_headings(paragraphs: Sequence[_Paragraph], body: float, outline: dict[str, int]) -> None:
    """Mark the headings: named by the outline, set larger, or bold and numbered."""
    bold_share = [p.lines[0].bold for p in paragraphs if p.kind == "text"]
    bold_is_rare = sum(bold_share) <= 0.5 * len(bold_share)
    larger: list[_Paragraph] = []
    below: list[_Paragraph] = []
    for paragraph in paragraphs:
        first = paragraph.lines[0]
        text = " ".join(line.text for line in paragraph.lines)
        letters = sum(map(str.isalpha, text))
        short = len(text) <= 160 and len(paragraph.lines) <= 3 and 2 * letters > len(text) / 2
        if paragraph.kind != "text" or letters < 3 or not short or first.cells > 2:
            continue
        if level := outline.get(_key(text)):
            paragraph.kind, paragraph.level = "heading", level
        elif first.size > 1.15 * body and not (text.endswith(".") and len(text) > 80):
            paragraph.kind = "heading"
            larger.append(paragraph)
        elif (
            first.size >= 0.95 * body
            and all(line.bold for line in paragraph.lines)
            and bold_is_rare
            and len(text) <= 100
            and not text.endswith((".", ",", ";", ":"))
            and (_SECTION.match(text) or text[:1].isupper())
        ):
            paragraph.kind = "heading"
            below.append(paragraph)
    sizes = sorted({round(p.lines[0].size) for p in larger}, reverse=True)
    for paragraph in larger:
        paragraph.level = min(sizes.index(round(paragraph.lines[0].size)) + 1, 4)
    for paragraph in below:
        paragraph.level = min(len(sizes) + 1, 5)


def _markdown(paragraphs: Sequence[_Paragraph]) -> tuple[str, tuple[Place, ...]]:
    """Write the paragraphs; a page begins where its first letter stands in the text."""
    from assistant.datatypes import Place

    vocabulary = Counter(
        word.text.strip(".,;:!?()«»\"'").casefold()
        for paragraph in paragraphs
        for line in paragraph.lines
        for word in line.words
    )
    parts: list[str] = []
    length = 0
    places: list[Place] = []
    indents: list[float] = []
    previous: _Paragraph | None = None

    def write(content: str, page: int) -> None:
        nonlocal length
        if not places or places[-1].number < page:
            places.append(Place(length, "page", page))
        parts.append(content)
        length += len(content)

    for paragraph in paragraphs:
        tight = previous is not None and previous.kind == paragraph.kind == "item"
        if previous is not None:
            write("\n" if tight else "\n\n", places[-1].number)
        if not tight:
            indents = []
        if paragraph.kind == "code":
            write(fenced(_code(paragraph.lines)), paragraph.page)
        elif paragraph.lines[0].cells > 1 and len(paragraph.lines) > 1:
            write("\n".join(escaped(line.text) for line in paragraph.lines), paragraph.page)
        else:
            opening = "#" * paragraph.level + " " if paragraph.kind == "heading" else ""
            if paragraph.kind == "item":
                # Bullets that stand a few points apart are of one level.
                opening = list_indent(round(paragraph.lines[0].x0 / 6), indents) + "- "
            turns = [*paragraph.turns, (paragraph.page, len(paragraph.lines))]
            start, page = 0, paragraph.page
            for next_page, end in turns:
                text = _flowing(paragraph, start, end, vocabulary)
                write(opening + (text if opening else escaped(text)), page)
                opening, start, page = "", end, next_page
        previous = paragraph
    whole = "".join(parts)
    return (whole + "\n" if whole.strip() else ""), tuple(places)


def _code(lines: Sequence[Line]) -> str:
    """Return lines of code with their indentation, a blank line where one was left."""
    left = min(line.x0 for line in lines)
    widths = [(w.x1 - w.x0) / len(w.text) for line in lines for w in line.words if len(w.text) > 3]
    width = median(widths) if widths else 0.6 * lines[0].size
    gaps = [b.y - a.y for a, b in pairwise(lines) if b.y > a.y]
    usual = min(gaps, default=0.0)
    found = []
    for index, line in enumerate(lines):
        if index and line.y - lines[index - 1].y > 1.6 * usual:
            found.append("")
        found.append(" " * round((line.x0 - left) / max(width, 1.0)) + line.text)
    return "\n".join(found)


def _flowing(paragraph: _Paragraph, start: int, end: int, vocabulary: Counter[str]) -> str:
    """Join lines `start` to `end`, with what parts them from the line after, if there is one."""
    lines = paragraph.lines
    parts = []
    for index in range(start, end):
        words = lines[index].words
        content = lines[index].text
        if index == 0 and paragraph.kind == "item":
            content = content[len(words[0].text) :].lstrip()
        if index + 1 == len(lines):
            parts.append(content)
            continue
        following = lines[index + 1].words[0].text
        if content.endswith("-") and content[-2:-1].isalpha() and following[:1].islower():
            keeps = _keeps_hyphen(words[-1].text, following, vocabulary)
            parts.append(content if keeps else content[:-1])
        else:
            parts.append(content + ("\n" if index + 1 == end else " "))
    return _LEADERS.sub(" … ", "".join(parts))


def _keeps_hyphen(before: str, after: str, vocabulary: Counter[str]) -> bool:
    """Whether a hyphen at the end of a line is the word's own, by the words of the document."""
    after = after.strip(".,;:!?()«»\"'").casefold()
    before = before.strip(".,;:!?()«»\"'").casefold()
    whole, compound = vocabulary[before.rstrip("-") + after], vocabulary[before + after]
    if whole or compound:
        return compound > whole
    first, *_ = after.split("-")
    stem = before.rstrip("-").split("-")[-1]
    return first in _AFTER_HYPHEN or stem in _BEFORE_HYPHEN or "-" in before.rstrip("-")
