"""HTML pages and slides (reveal.js, Marp), written as Markdown with their source lines.

lxml parses them: of the well-kept parsers it is the one that says on which line an element
stands. Scripts, styles, menus and hidden parts are left out, images become their
alternative text, and formulas stay LaTeX where the page holds it. The tree is walked
without recursion, so that no depth of nesting can end the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assistant.reading.assembling import escaped
from assistant.reading.decoding import decode
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.links import is_internal
from assistant.reading.mathml import latex
from assistant.reading.properties import sensible_title
from assistant.reading.source_lines import SourceLines
from assistant.reading.table import table_lines

if TYPE_CHECKING:
    from lxml.etree import _Element

_DROPPED = frozenset(
    "script style nav template noscript button select option input iframe object embed form "
    "canvas audio video title datalist dialog menu".split()
)  # not the whole head: lxml leaves `<main>` in it where a page writes no `<body>`
_BLOCKS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption "
    "figure footer h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main ol p pre section "
    "summary table tbody td tfoot th thead tr ul foreignobject caption".split()
)
_HEADING = re.compile(r"h([1-6])$")
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`", "kbd": "`", "samp": "`"}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_HIDDEN_CLASSES = frozenset(
    "headerlink visually-hidden sr-only katex-html MathJax_Preview mjx-chtml toctree-wrapper "
    "bespoke-marp-osc bespoke-marp-note backgrounds".split()
)
_NAVIGATION = frozenset({"navigation", "banner", "search", "menu", "menubar", "presentation"})
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
_DECLARED_XML = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")
_BREAK = "\x1e"  # a line break that is none in the source
_FORMULA = re.compile(r"\\\((.{1,2000}?)\\\)|\\\[(.{1,2000}?)\\\]", re.S)
_SPACES = re.compile(r"[ \t\f\v\xa0]+")


def read_html(data: bytes, name: str) -> Extracted:
    """Read a page; slides have their number as place, other pages the source line."""
    declared = _CHARSET.search(data[:4096])
    source = decode(data, declared[1].decode("ascii") if declared else None)
    if "<" not in source:
        raise UnreadableNoteError("n'est pas une page HTML : donnez-lui le suffixe .txt ou .md")
    root = _parse(source)
    if root is None:
        return Extracted(text="")
    slides = _slide_numbers(root)
    page = _Page(SourceLines("slide" if slides else "line"), slides)
    page.walk(root)
    text, places = page.lines.finish()
    properties = _properties(root)
    return Extracted(
        text=text,
        title=sensible_title(properties.get("title"), name),
        author=properties.get("author"),
        date=properties.get("date") or properties.get("dcterms.date"),
        tags=tuple(
            tag for part in properties.get("keywords", "").split(",") if (tag := part.strip())
        ),
        places=places,
        links=tuple(dict.fromkeys(page.links)),
    )


def _parse(source: str) -> _Element | None:
    from lxml import etree

    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_pis=True, huge_tree=True, collect_ids=False
    )
    content = _DECLARED_XML.sub("", source.replace("\r\n", "\n").replace("\r", "\n"))
    try:
        root: _Element | None = etree.fromstring(content.encode("utf-8"), parser)
    except etree.XMLSyntaxError:
        return None
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise UnreadableNoteError("ses éléments sont imbriqués trop profondément : simplifiez-la")
    return root


def _properties(root: _Element) -> dict[str, str]:
    """What the head of the page says, by name; the title without line breaks."""
    found: dict[str, str] = {}
    for element in root.iter("meta"):
        key = (element.get("name") or element.get("property") or "").lower()
        if value := " ".join((element.get("content") or "").split())[:300]:
            found.setdefault(key.removeprefix("article:"), value)
    for element in root.iter("title"):
        if words := " ".join("".join(map(str, element.itertext())).split())[:300]:
            found.setdefault("title", words)
    return found


def _slide_numbers(root: _Element) -> dict[_Element, int]:
    """Return the number of each slide: sections of Marp by page, of reveal.js in order."""
    sections = list(root.iter("section"))
    pages = {s: s.get("data-marpit-pagination", "") for s in sections}
    if any(pages.values()):
        return {s: int(page) for s, page in pages.items() if page.isascii() and page.isdigit()}
    numbers: dict[_Element, int] = {}
    for deck in root.iter("div"):
        if "slides" not in (deck.get("class") or "").split():
            continue
        for section in deck.iter("section"):
            if not any(child.tag == "section" for child in section):  # not a vertical stack
                numbers[section] = len(numbers) + 1
    return numbers


@dataclass(slots=True)
class _Table:
    rows: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)  # source line (or slide) of each row


@dataclass(slots=True)
class _Page:
    """A page while it is walked: the block that grows, and what surrounds it."""

    lines: SourceLines
    slides: dict[_Element, int]
    links: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)  # of the block that grows
    begun: int = 1  # place of the block that grows
    breaks: int = 0  # line breaks in the block that grows
    line: int = 1
    slide: int = 1
    heading: int = 0
    lists: list[int] = field(default_factory=list)  # number of the last item; -1 for bullets
    item: str | None = None  # marker that the next block opens with
    quotes: int = 0
    table: _Table | None = None

    def walk(self, root: _Element) -> None:
        from lxml import etree

        walker = etree.iterwalk(root, events=("start", "end", "comment"))
        whole: _Element | None = None  # the element whose inside is not walked
        for event, element in walker:
            if event == "comment":
                self.line = max(self.line, element.sourceline or 0)  # where it ends
                self._text(element.tail)
                continue
            if not isinstance(element.tag, str):
                continue
            tag = element.tag.lower()
            if event == "end":
                if element is whole:
                    whole = None
                else:
                    self._end(element, tag)
                self._text(element.tail)
                continue
            self.line = max(self.line, element.sourceline or 0)
            if self._take_whole(element, tag):
                walker.skip_subtree()
                whole = element
                self._pass_over(element)
                continue
            self._start(element, tag)
            self._text(element.text)
        self._flush()

    def _pass_over(self, element: _Element) -> None:
        """Count the lines of an element whose inside is not walked."""
        from lxml import etree

        for event, inside in etree.iterwalk(element, events=("start", "end", "comment")):
            if event != "end":
                self.line = max(self.line, inside.sourceline or 0)
            if event == "start":
                self.line += (inside.text or "").count("\n")
            if event != "start" and inside is not element:
                self.line += (inside.tail or "").count("\n")

    def _text(self, text: str | None) -> None:
        if not text:
            return
        line = self.line
        self.line += text.count("\n")
        if not any(part.strip() for part in self.parts):
            content = text.lstrip()
            skipped = text[: len(text) - len(content)].count("\n")
            self.begun = self.slide if self.slides else line + skipped
            self.breaks = 0
            self.parts.clear()
            text = content
        else:
            self._catch_up(line)
        if text:
            self.parts.append(text)
            self.breaks += text.count("\n")

    def _catch_up(self, line: int) -> None:
        """Break the line of the block as often as the source did in what was left out."""
        missing = line - self.begun - self.breaks
        if missing > 0 and self.parts and self.table is None and not self.slides:
            self.parts.append("\n" * missing)
            self.breaks += missing

    def _number(self) -> int:
        return self.slide if self.slides else self.line

    def _take_whole(self, element: _Element, tag: str) -> bool:
        """Handle an element whose inside is not walked; whether it was one."""
        if tag in _DROPPED or _is_hidden(element) or (tag == "svg" and not _has_prose(element)):
            return True
        if tag == "pre":
            self._flush()
            text = "".join(map(str, element.itertext()))
            self.lines.code(text, self._number(), _language(element))
            return True
        if tag == "math":
            if formula := latex(element):
                self._begin()
                self.parts.append(f"${formula}$")
            return True
        if tag == "img":
            alternative = " ".join((element.get("alt") or "").split())
            address = element.get("src") or ""
            if alternative:
                safe = "" if address[:5].lower() == "data:" or len(address) > 300 else address
                self._begin()
                self.parts.append(f"![{alternative}]({safe.replace(' ', '%20')})")
            return True
        return False

    def _begin(self) -> None:
        if not self.parts:
            self.begun, self.breaks = self._number(), 0
        self._catch_up(self.line)

    def _start(self, element: _Element, tag: str) -> None:
        if element in self.slides:
            self._flush()
            self.slide = self.slides[element]
        if tag in _BLOCKS and self.table is None:
            self._flush()
        if tag == "a" and (target := element.get("href")) and is_internal(target):
            self.links.append(target)
        if self.table is not None:
            self._start_in_table(tag)
        elif match := _HEADING.match(tag):
            self.heading = int(match[1])
        elif tag in ("ul", "ol"):
            if not self.lists:
                self.lines.blank()
            self.lists.append(0 if tag == "ol" else -1)
        elif tag == "li":
            self._open_item()
        elif tag == "blockquote":
            self.quotes += 1
        elif tag == "table":
            self.table = _Table()
        elif tag == "br":
            self.parts.append(" " if self.heading else _BREAK)
        elif tag in _MARKS and not self.heading:
            self._begin()
            self.parts.append(_MARKS[tag])
        elif tag == "dd":
            self.item = "- "

    def _start_in_table(self, tag: str) -> None:
        assert self.table is not None
        if tag == "tr":
            self.table.rows.append([])
            self.table.numbers.append(self._number())
        elif tag in ("td", "th", "caption"):
            self.parts.clear()
        elif tag in _MARKS:
            self.parts.append(_MARKS[tag])
        elif tag == "br":
            self.parts.append(" ")

    def _open_item(self) -> None:
        if not self.lists:
            self.item = "- "
            return
        if self.lists[-1] >= 0:
            self.lists[-1] += 1
        marker = f"{self.lists[-1]}. " if self.lists[-1] > 0 else "- "
        self.item = "    " * min(len(self.lists) - 1, 20) + marker

    def _end(self, element: _Element, tag: str) -> None:
        if self.table is not None:
            if tag in ("td", "th"):
                cell = " ".join("".join(self.parts).split())
                self.parts.clear()
                if self.table.rows:
                    self.table.rows[-1].append(cell)
            elif tag == "caption":
                self.lines.blank()
                self.lines.add(" ".join("".join(self.parts).split()), self._number())
                self.parts.clear()
            elif tag == "table":
                self._write_table()
            elif tag in _MARKS:
                self.parts.append(_MARKS[tag])
            elif tag in _BLOCKS:
                self.parts.append(" ")
            return
        if tag in _BLOCKS:
            self._flush()
        elif tag in _MARKS and not self.heading:
            self.parts.append(_MARKS[tag])
        if _HEADING.match(tag):
            self.heading = 0
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
            if not self.lists:
                self.lines.blank()
        elif tag == "li":
            self.item = None
        elif tag == "blockquote":
            self.quotes = max(0, self.quotes - 1)

    def _write_table(self) -> None:
        assert self.table is not None
        table, self.table = self.table, None
        self._flush()
        self.lines.blank()
        for row, line in table_lines(table.rows):
            self.lines.add(line, table.numbers[row])
        self.lines.blank()

    def _flush(self) -> None:
        """Write the block that grew, and begin another."""
        text = "".join(self.parts)
        self.parts.clear()
        if self.table is not None or (not any(map(str.isalnum, text)) and "$" not in text):
            return
        rows = [_SPACES.sub(" ", row).strip() for row in _emptied(text).split("\n")]
        if self.heading:
            self.lines.blank()
            self.lines.add("#" * self.heading + " " + " ".join(" ".join(rows).split()), self.begun)
            self.lines.blank()
            return
        opening, indent = "", ""
        if self.item is not None:
            opening, self.item = self.item, None
            indent = " " * len(opening)
        elif self.lists:
            opening = indent = "    " * min(len(self.lists), 20)
            self.lines.blank()
        else:
            self.lines.blank()
        quote = "> " * min(self.quotes, 10)
        for index, row in enumerate(rows):
            number = self.begun if self.slides else self.begun + index
            for part in row.split(_BREAK):
                if part.strip():
                    self.lines.add(quote + opening + escaped(part.strip()), number)
                    opening = indent


def _emptied(text: str) -> str:
    """Return inline Markdown without empty pairs of marks, formulas between dollars."""
    text = _FORMULA.sub(lambda m: f"${m[1]}$" if m[1] is not None else f"$${m[2]}$$", text)
    return re.sub(r"\*\*\s*\*\*|(?<!\*)\*\s+\*(?!\*)|(?<!`)``(?!`)", "", text)


def _is_hidden(element: _Element) -> bool:
    classes = (element.get("class") or "").split()
    return (
        element.get("hidden") is not None
        or (element.get("aria-hidden") == "true" and element.tag != "svg")
        or bool(_HIDDEN_STYLE.search(element.get("style") or ""))
        or not _HIDDEN_CLASSES.isdisjoint(classes)
        or element.get("role") in _NAVIGATION
    )


def _has_prose(drawing: _Element) -> bool:
    """Whether a drawing holds a page, as Marp's slides do."""
    return any(True for _ in _inside(drawing, "foreignobject"))


def _inside(element: _Element, name: str) -> Iterator[_Element]:
    for child in element:
        if isinstance(child.tag, str) and child.tag.lower() == name:
            yield child


def _language(pre: _Element) -> str:
    for element in (pre, *pre.iterchildren("code")):
        for name in (element.get("class") or "").split():
            if match := re.match(r"lang(?:uage)?-([\w+#-]{1,20})$", name):
                return match[1]
    return ""
