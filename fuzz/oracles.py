"""What must hold of everything that reads notes, whatever it is given.

Each function takes one text grown by the fuzzer, and raises AssertionError when a result
is wrong: a place outside the text, a chunk that is no slice of its note, a word on another
line than it was written on, a table that a second parser reads otherwise, time that grows
faster than the input.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from lxml import etree
from markdown_it import MarkdownIt

from assistant.chunking import chunk_note, passage_text
from assistant.datatypes import Note, Place, Skipped
from assistant.markup import without_tags
from assistant.places import line_at
from assistant.reading import assembling, latex, restructured_text, web_page  # noqa: F401
from assistant.reading.corpus import CorpusFile, read_bytes
from assistant.reading.decoding import decode
from assistant.reading.front_matter import FrontMatter, read_front_matter
from assistant.reading.links import markdown_links, resolve_links
from assistant.reading.office_formula import linear
from assistant.reading.pdf_layout import lines_in_order
from assistant.reading.pdf_words import Word
from assistant.reading.source_lines import SourceLines
from assistant.reading.table import table_lines
from assistant.structure import Block, Kind, read_structure

WINDOWS = (80, 300)  # tokens; the smaller one still holds a title
LONGEST = 5.0  # seconds of processor time for one small input
REPEATED = 60_000  # characters of an input whose time is measured
LONGEST_REPEATED = 20.0  # seconds for it, instrumented; quadratic work takes far more
_OURS = "abîmé ou incomplet"  # how an exception that no reader meant is reported
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FORMULA_PARTS = (
    "r", "t", "f", "num", "den", "sSup", "sSub", "sSubSup", "e", "sub", "sup", "rad", "deg",
    "nary", "naryPr", "d", "dPr", "func", "fName", "limLow", "lim", "m", "mr", "box", "chr",
)  # fmt: skip

# Blocks of which every word W stands in the note, on the line where it is written.
BLOCKS: dict[str, tuple[str, ...]] = {
    ".html": (
        "<p>W W\nW</p>", "<h2>W W</h2>", "<ul>\n<li>W</li>\n<li>W\n<b>W</b></li>\n</ul>",
        "<pre>W\nW\n\nW</pre>",
        "<table>\n<tr><td>W</td><td>W</td></tr>\n<tr><td>W</td></tr></table>",
        "<!-- x\nx -->", "<script>\nx\n</script>", "<p\n class='a'>W</p>",
        "<div>\nW\n<p>W</p>\nW</div>", "<p>W<br>W\n<br>W</p>", "<svg>\n<text>x</text>\n</svg>W",
        "<blockquote><p>W\nW</p></blockquote>", "<a\nhref='x.html'>W</a>", "<div>W\n\n\nW</div>",
        "<dl><dt>W</dt>\n<dd>W</dd></dl>", "<p><img alt='W' src=x>\nW</p>", "<p>\n\nW</p>",
        "<p>W <code>W\nW</code> W</p>", "<ol><li>W<ul>\n<li>W</li></ul>\nW</li></ol>",
        "<p>W<!-- x\nx -->W\nW</p>", "<p>W <i>\nW</i>\n</p>", "<pre>\nW</pre>", "<nav>\nx\n</nav>W",
        "<p>W <b\nid=a>W</b> W\nW</p>", "<div hidden>\nx\n</div>W", "<pre>\n\nW\n</pre>W",
        "<figure>\n<img alt='W' src=x>\n<figcaption>W</figcaption></figure>", "<hr>\nW",
    ),
    ".tex": (
        "W W\nW", "\\section{W W}", "\\begin{itemize}\n\\item W\n\\item W\nW\n\\end{itemize}",
        "% x\nW", "W % x\nW", "\\begin{verbatim}\nW\n\nW\n\\end{verbatim}", "\\[\nW\n\\]",
        "\\begin{tabular}{ll}\nW & W \\\\\nW & W\n\\end{tabular}", "\\textbf{W\nW} W",
        "W \\emph{W}\nW", "\\begin{tikzpicture}\nx\n\\end{tikzpicture}W", "W \\footnote{W} W\nW",
        "W~W\\\\\nW", "\\begin{frame}{W}\nW\n\\end{frame}", "\\caption{W}", "\\label{x}\nW",
        "\\begin{center}\nW\n\\end{center}", "\\noindent W", "W\\par W", "$W$ W\nW", "{W\nW}",
        "\\begin{lstlisting}[language=C]\nW\nW\n\\end{lstlisting}", "\\paragraph{W} W\nW",
        "\\begin{enumerate}\n\\item W\n\\begin{itemize}\n\\item W\n\\end{itemize}\nW"
        "\n\\end{enumerate}",
        "\\begin{equation}\nW\n\\end{equation}", "W\n%\nW", "\\begin{block}{W}\nW\n\\end{block}",
        "\\begin{description}\n\\item[W] W\n\\end{description}", "W\n\\vspace{1cm}\nW", "$$W$$ W",
    ),
    ".rst": (
        "W W\nW", "W W\n=================", "* W\n* W\n  W", "::\n\n  W\n\n  W", "W::\n\n  W",
        ".. note::\n\n   W\n   W", ".. code-block:: c\n\n   W\n   W", ".. x\n   x\n\nW", "| W\n| W",
        "`W <https://a.b/>`_ W\nW", "W\n  W\n  W", "1. W\n2. W", ".. image:: x\n   :alt: W",
        ".. unknown:: W\n   :opt: x\n\n   W", ".. math::\n\n   W", "**W** *W*\nW", ">>> W\nW",
        ":doc:`W <x>` W\nW", "W\n\n  W\n  W", "* W\n\n  * W\n\n  W", ".. note:: W\n   W",
        "==========  ===\nW      x\n==========  ===",
        ":W: W", ".. only:: html\n\n   W\n\n   W", ".. figure:: x\n\n   W\n\n   W", "- W\n\n- W",
    ),
}  # fmt: skip


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Count as a tokenizer would: short pieces of words, and four for what is around."""
    return [len(re.findall(r"\w{1,4}|[^\w\s]{1,4}", text)) + 4 for text in texts]


def warm_up() -> None:
    """Load every library once, so that the first input is not charged for it."""
    for suffix in (".md", ".html", ".tex", ".rst"):
        read(suffix, "<p>mot</p> $x$ `y`")


def read(suffix: str, text: str) -> Note | None:
    """Read a note; None where it is refused for a reason meant for a user."""
    name = f"a{suffix}"
    found = read_bytes(CorpusFile(name, Path(name), ""), text.encode("utf-8"))
    if isinstance(found, Skipped):
        assert found.reason and "\n" not in found.reason and _OURS not in found.reason, found
        return None
    return found


def note(suffix: str, text: str) -> None:
    """Check a note of any text, its places, its structure and its chunks."""
    started = time.process_time()
    found = read(suffix, text)
    if found is None:
        return
    found.text.encode("utf-8")
    assert found.title.strip() and "\n" not in found.title, found.title
    source = decode(text.encode("utf-8"))
    if suffix == ".md":
        assert found.text == source and not found.places
    else:
        _check_places(found.places, found.text, source)
    blocks = read_structure(found.text, found.body_start)
    _check_blocks(found, blocks)
    for window in WINDOWS:
        _check_chunks(found, [b for b in blocks if b.kind is Kind.HIDDEN], window)
    assert time.process_time() - started < LONGEST


def _check_places(places: tuple[Place, ...], text: str, source: str) -> None:
    """Places rise, lie in the text, and name lines that the source has."""
    assert all(before.start < after.start for before, after in pairwise(places))
    assert all(0 <= place.start < len(text) and place.number >= 1 for place in places)
    assert not text or (places and not text[: places[0].start].strip())
    lines = len(re.findall(r"\r\n|\r|\n", source)) + 1
    assert all(place.number <= lines for place in places if place.unit == "line")


def _check_blocks(found: Note, blocks: Sequence[Block]) -> None:
    """Blocks are in order and hold every character of the body that is no white space."""
    position = found.body_start
    for block in blocks:
        assert position <= block.start < block.end <= len(found.text)
        assert not found.text[position : block.start].strip()
        position = block.end
        if block.lead is not None:
            assert found.body_start <= block.lead[0] < block.lead[1] <= len(found.text)
    assert not found.text[position:].strip()


def _check_chunks(found: Note, hidden: Sequence[Block], window: int) -> None:
    """Chunks are slices in order that fit, lose nothing, and quote nothing hidden."""
    chunks = chunk_note(found, count_tokens, window=window)
    left_out = list(found.text)
    for block in hidden:
        left_out[block.start : block.end] = " " * (block.end - block.start)
    position = found.body_start
    for chunk in chunks:
        assert position <= chunk.start < chunk.end <= len(found.text)
        assert found.text[chunk.start : chunk.end] == chunk.text
        left_out[chunk.start : chunk.end] = " " * len(chunk.text)
        position, inside = chunk.end, chunk.start
        for span in chunk.spans:
            assert inside <= span.start < span.end <= chunk.end
            assert any(map(str.isalnum, found.text[span.start : span.end]))
            assert not any(b.start < span.end and span.start < b.end for b in hidden)
            inside = span.end
    assert not "".join(left_out[found.body_start :]).strip()
    sizes = count_tokens([passage_text(found.title, chunk) for chunk in chunks])
    assert max(sizes, default=0) <= window


def known_lines(suffix: str, text: str) -> None:
    """Write a source whose words are numbered, and find each word on the line it stands on."""
    blocks = BLOCKS[suffix]
    pattern = "\n".join(
        blocks[ord(character) % len(blocks)] + "\n" * (ord(character) // len(blocks) % 3 + 1)
        for character in text[:40]
    )
    number = iter(range(len(pattern)))
    source = re.sub("W", lambda _: f"mot{next(number)}q", pattern)
    found = read(suffix, source) if text else None
    if found is None:
        assert not text
        return
    lines = {
        word: index
        for index, line in enumerate(source.split("\n"), 1)
        for word in re.findall(r"mot\d+q", line)
    }
    cited = {m[0]: line_at(found, m.start()) for m in re.finditer(r"mot\d+q", found.text)}
    assert cited == lines, sorted(cited.items() ^ lines.items())[:4]


def linear_time(suffix: str, text: str) -> None:
    """Read and cut a note that says the same again and again, in bounded time."""
    unit = text[:40]
    started = time.process_time()
    if unit and (found := read(suffix, unit * (REPEATED // len(unit)))) is not None:
        chunk_note(found, count_tokens, window=WINDOWS[-1])
    assert time.process_time() - started < LONGEST_REPEATED


def front_matter(text: str) -> None:
    """Front matter ends with a line, and says single lines of bounded length."""
    text = text if text.startswith(("---", "+++")) else "---\n" + text
    found = read_front_matter(text)
    assert found.end == 0 or found.end == len(text) or text[found.end - 1] == "\n"
    assert found.end or found == FrontMatter()
    for value in (found.title, found.author, found.date):
        assert value is None or (value.strip() and len(value) <= 300 and "\n" not in value)
    assert len(found.tags) <= 50 and len(set(found.tags)) == len(found.tags)
    assert all(tag.strip() and "\n" not in tag and len(tag) <= 100 for tag in found.tags)


def links(text: str) -> None:
    """Links are words of the note, each once, and lead to no file outside the corpus."""
    found = markdown_links(text)
    assert len(set(found)) == len(found)
    for target in found:
        assert all(part in text for part in target.strip("[]").split()) and "\n" not in target
    for note_id in resolve_links([t for t in found if not t.startswith("[[")], "cours/a.md"):
        assert note_id not in ("", ".", "..", "cours/a.md")
        assert not note_id.startswith(("../", "/")) and "/../" not in note_id


def formatting_tags(text: str) -> None:
    """What is shown is the text with tags left out, in order, and nothing added to it."""
    shown = without_tags(text)
    rest = iter(text)
    assert all(character in rest for character in shown if character != " ")
    if "<" not in text:
        assert shown == text


def markdown_pieces(text: str) -> None:
    """A second parser reads code and prose as they were meant; parts have their numbers."""
    content = assembling.printable(text)
    parser = MarkdownIt("commonmark").disable("inline")
    [fence] = parser.parse(assembling.fenced(content))
    assert fence.type == "fence"
    assert fence.content.removesuffix("\n") == content.strip("\n")
    lines = content.split("\n")
    for line in lines:
        tokens = parser.parse(assembling.escaped(line.strip()))
        assert not any(token.type == "heading_open" and token.level == 0 for token in tokens)
    parts = [(number, f"mot{number}q {line}") for number, line in enumerate(lines, 1)]
    whole, places = assembling.assemble(parts, "page")
    assert [place.number for place in places] == [number for number, _ in parts]
    for place in places:
        assert whole.startswith(f"mot{place.number}q", place.start)


def source_lines(text: str) -> None:
    """Each line added keeps its number, also among blank lines and inside code."""
    lines = SourceLines()
    numbers: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        word = f"mot{number}q"
        if line.startswith("-"):
            lines.blank()
        elif line.startswith("`"):
            blank = line.count(" ")
            lines.code("\n" * blank + f"{word}: {line}\n\nfin", number)
            numbers[word] = number + blank
        else:
            lines.add(f"{word}: {line}", number)
            numbers[word] = number
    written, places = lines.finish()
    made = Note("a.rst", "a", "fr", written, "", Path("a.rst"), places=places)
    for word, number in numbers.items():
        assert line_at(made, written.index(f"{word}:")) == number


def table(text: str) -> None:
    """A second parser finds the cells again, in tables whose headers are the first row."""
    rows = [line.split("\t") for line in text.replace("\0", "").split("\n")]
    lines = [line for _, line in table_lines(rows)]
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    kept = [row for row in cells if any(row)]
    columns = sorted({i for row in kept for i, cell in enumerate(row) if cell})
    expected = [[row[i] if i < len(row) else "" for i in columns] for row in kept]
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    read_again: list[list[str]] = []
    is_head = False
    for token in parser.parse("\n".join(lines)):
        is_head = token.type == "thead_open" or (is_head and token.type != "thead_close")
        if token.type == "tr_open":
            read_again.append([])
        elif token.type == "inline":
            read_again[-1].append(token.content)
        elif token.type == "thead_close" and len(read_again) > 1:
            assert read_again.pop() == expected[0]
    assert read_again == expected


def office_formula(text: str) -> None:
    """The LaTeX of any tree of elements has its braces in pairs and no end of a formula."""
    root = etree.Element(_MATH + "oMath")
    here, words = root, []
    for character in text:
        if character.islower():
            name = _FORMULA_PARTS[ord(character) % len(_FORMULA_PARTS)]
            here = etree.SubElement(here, _MATH + name)
            here.set(_MATH + "val", "{" if len(text) % 2 else "[")
        elif character == "\n":
            parent = here.getparent()
            here = root if parent is None else parent
        elif character.isprintable():
            run = etree.SubElement(here, _MATH + "t")
            run.text = character
            words.append(character)
    latex_source = linear(root)
    bare = re.sub(r"\\.", "", latex_source)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0, latex_source
    assert depth == 0 and "$" not in bare and "\n" not in bare, latex_source


def page_layout(text: str) -> None:
    """Every word of a page lies in exactly one line, and a line goes from left to right."""
    numbers = [ord(character) for character in text]
    words = [
        Word(
            f"mot{order}", float(x * 3), float(x * 3 + 8 + length % 64), float(y * 4),
            8.0 + length % 5, bool(length & 1), bool(length & 2), order, upright=length % 16 != 15,
        )
        for order, (x, y, length) in enumerate(
            zip(numbers[::3], numbers[1::3], numbers[2::3], strict=False)
        )
    ]  # fmt: skip
    lines = [line for column in lines_in_order(words) for line in column]
    placed = Counter(word.text for line in lines for word in line.words)
    assert placed == Counter(word.text for word in words)
    for line in lines:
        assert all(a.x0 <= b.x0 for a, b in pairwise(line.words))
        assert line.x0 <= line.x1 and line.text and line.cells >= 1
