"""LaTeX notes, written as Markdown with the source line of every block.

pylatexenc parses them, because it keeps positions and runs nothing. Formulas stay LaTeX
between dollars, comments and what only sets the page are left out, and a macro it does not
know keeps the words of its arguments.
"""

from __future__ import annotations

import logging
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from assistant.places import line_starts
from assistant.reading.assembling import escaped
from assistant.reading.decoding import decode
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.source_lines import SourceLines
from assistant.reading.table import table_lines

if TYPE_CHECKING:
    from pylatexenc.latexwalker import LatexNode

LARGEST = 2_000_000  # characters: a thesis has fewer
_VERBATIM = re.compile(
    r"\\begin\{(?P<name>(?:verbatim|Verbatim|lstlisting|minted|alltt|comment|filecontents)\*?)\}"
    r"(?P<content>.*?)\\end\{(?P=name)\}",
    re.S,
)
_CODE_OPTIONS = re.compile(
    r"[ \t]*(?:\[(?P<options>[^\]]*)\])?[ \t]*(?:\{(?P<language>[\w+-]*)\})?"
)
_LISTING_LANGUAGE = re.compile(r"language\s*=\s*\{?(?:\[[^\]]*\])?([\w+#-]+)")
_SECTIONS = {
    "part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4,
    "paragraph": 5, "subparagraph": 6, "frametitle": 3, "framesubtitle": 4,
}  # fmt: skip
_MARKS = {"textbf": "**", "emph": "*", "textit": "*", "texttt": "`", "alert": "**", "code": "`"}
_SILENT = frozenset(
    "documentclass usepackage RequirePackage label cite citep citet pagestyle thispagestyle "
    "vspace hspace setlength addtolength setcounter addtocounter newcommand renewcommand "
    "providecommand newenvironment renewenvironment DeclareMathOperator newtheorem geometry "
    "hypersetup bibliography bibliographystyle input include tableofcontents maketitle "
    "listoffigures listoftables newpage clearpage cleardoublepage centering noindent "
    "usetheme usecolortheme definecolor graphicspath lstset pgfplotsset usetikzlibrary index "
    "selectlanguage newif fancyhead fancyfoot lhead rhead lfoot rfoot chead cfoot rule hline "
    "cline toprule midrule bottomrule color includegraphics def let title author date today".split()
)
_FORMULAS = frozenset(
    "equation align gather multline eqnarray displaymath math flalign alignat".split()
)
_DRAWINGS = frozenset({"tikzpicture", "comment", "filecontents", "thebibliography", "pspicture"})
_TABLES = frozenset({"tabular", "tabularx", "longtable", "tabulary", "array"})
_BOXES = frozenset({"block", "alertblock", "exampleblock"})
_LISTS = {"itemize": False, "enumerate": True, "description": False}
_CLUTTER = re.compile(r"[ \t]*\n[ \t]*")


def read_latex(data: bytes, name: str) -> Extracted:
    """Read a note; raise UnreadableNoteError with the reason when it is too large."""
    source = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    if len(source) > LARGEST:
        raise UnreadableNoteError(f"dépasse {LARGEST // 1_000_000} Mo de LaTeX : découpez-la")
    from pylatexenc.latexwalker import LatexWalker

    # The same length: a position among the nodes is one in the source.
    masked = _VERBATIM.sub(_masked, source)
    nodes, _, _ = LatexWalker(
        masked, latex_context=_context(), tolerant_parsing=True
    ).get_latex_nodes()
    writer = _Writer(source)
    documents = [n for n in nodes if getattr(n, "environmentname", "") == "document"]
    writer.metadata(nodes)
    writer.blocks(documents[0].nodelist if documents else nodes)
    writer.flush()
    text, places = writer.lines.finish()
    return Extracted(
        text=text,
        title=writer.said.get("title"),
        author=writer.said.get("author"),
        date=writer.said.get("date"),
        places=places,
        links=tuple(dict.fromkeys(writer.links)),
    )


def _masked(match: re.Match[str]) -> str:
    content = re.sub(r"[^\n]", "x", match["content"])
    return f"\\begin{{{match['name']}}}{content}\\end{{{match['name']}}}"


@cache
def _context() -> Any:
    """Return pylatexenc's own macros, and the arguments of some it does not know."""
    from pylatexenc.latexwalker import get_default_latex_context_db
    from pylatexenc.macrospec import EnvironmentSpec, MacroSpec

    database = get_default_latex_context_db()
    arguments = {
        "href": "{{", "url": "{", "hypersetup": "{", "geometry": "[{", "lstset": "{",
        "usetheme": "[{", "usecolortheme": "[{", "definecolor": "{{{", "frametitle": "[{",
        "framesubtitle": "[{", "newtheorem": "*{[{[", "setcounter": "{{", "textcolor": "[{{",
        "usetikzlibrary": "{", "includegraphics": "*[{", "color": "[{", "colorbox": "{{",
        "DeclareMathOperator": "*{{", "selectlanguage": "{", "index": "{", "alert": "{",
        "code": "{", "graphicspath": "{", "fancyhead": "[{", "fancyfoot": "[{", "cline": "{",
        "caption": "[{", "multicolumn": "{{{", "multirow": "{{{", "footnotetext": "[{",
    }  # fmt: skip
    environments = {
        "frame": "[", "tabularx": "{{", "tabulary": "{{", "longtable": "[{", "block": "{",
        "alertblock": "{", "exampleblock": "{", "figure": "[", "table": "[", "columns": "[",
        "column": "[{", "minipage": "[{", "multicols": "{", "enumerate": "[", "itemize": "[",
    }  # fmt: skip
    database.add_context_category(
        "course",
        macros=[MacroSpec(name, spec) for name, spec in arguments.items()],
        environments=[EnvironmentSpec(name, spec) for name, spec in environments.items()]
        + [EnvironmentSpec(name, "") for name in ("verbatim", "lstlisting", "minted", "comment")],
        prepend=True,
    )
    return database


@cache
def _symbols() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text

    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)  # it warns of every cut macro
    return LatexNodes2Text(math_mode="verbatim", keep_comments=False, strict_latex_spaces=False)


def _arguments(node: Any) -> list[Any]:
    parsed = getattr(node, "nodeargd", None)
    return [arg for arg in (parsed.argnlist or ()) if arg is not None] if parsed else []


class _Writer:
    """Writes nodes as Markdown lines; `said` is what the document says of itself."""

    def __init__(self, source: str) -> None:
        self.lines = SourceLines()
        self.links: list[str] = []
        self.said: dict[str, str] = {}
        self._source = source
        self._parts: list[tuple[int, str]] = []  # (position in the source, text)
        self._item: str | None = None
        self._indent = ""

    def metadata(self, nodes: Sequence[LatexNode | None]) -> None:
        """Remember title, author and date, wherever they stand outside groups."""
        for node in nodes:
            name = getattr(node, "macroname", "")
            if name in ("title", "author", "date") and (arguments := _arguments(node)):
                value = " ".join(self._inline([arguments[-1]]).replace("**", "").split())[:300]
                if value and (name != "date" or any(map(str.isdigit, value))):
                    self.said.setdefault(name, value)
            elif getattr(node, "environmentname", "") == "document":
                self.metadata(node.nodelist)  # type: ignore[union-attr]

    def _number(self, position: int) -> int:
        return bisect_right(line_starts(self._source), position)

    def blocks(self, nodes: Sequence[LatexNode | None]) -> None:
        """Write nodes in order; a blank line, a heading or a list ends a paragraph."""
        from pylatexenc import latexwalker as walker

        for node in nodes:
            match node:
                case walker.LatexCharsNode():
                    position = node.pos
                    for index, part in enumerate(re.split(r"(\n[ \t]*\n\s*)", node.chars)):
                        if index % 2:
                            self.flush()
                        elif part:
                            self._parts.append((position, part))
                        position += len(part)
                case walker.LatexCommentNode():
                    if "\n" in node.comment_post_space.replace("\n", "", 1):
                        self.flush()
                    else:
                        self._parts.append((node.pos, "\n"))
                case walker.LatexSpecialsNode() if "\n" in node.specials_chars:
                    self.flush()
                case walker.LatexEnvironmentNode():
                    self._environment(node)
                case walker.LatexMathNode() if node.displaytype == "display":
                    self._formula(node.pos + 2, node.latex_verbatim()[2:-2])
                case walker.LatexMacroNode() if node.macroname in _SECTIONS:
                    self._heading(node)
                case walker.LatexMacroNode() if node.macroname in ("par", "caption", "item"):
                    self.flush()
                    if arguments := _arguments(node):
                        self._parts.append((node.pos, self._inline([arguments[-1]])))
                    self.flush()
                case walker.LatexMacroNode() if node.macroname in ("input", "include"):
                    if arguments := _arguments(node):
                        self.links.append(self._inline([arguments[-1]]).strip())
                case walker.LatexGroupNode():
                    self.blocks(node.nodelist)
                case None:
                    continue
                case _:
                    self._parts.append((node.pos, self._inline([node])))

    def flush(self) -> None:
        """Write the paragraph that grew."""
        parts, self._parts = self._parts, []
        if not any(text.strip() for _, text in parts):
            return
        rows: list[tuple[int, str]] = []
        for position, text in parts:
            for index, row in enumerate(text.split("\n")):
                number = self._number(position) + index
                if index == 0 and rows:
                    rows[-1] = (rows[-1][0] if rows[-1][1].strip() else number, rows[-1][1] + row)
                else:
                    rows.append((number, row))
        opening = self._indent
        if self._item is not None:
            opening, self._item = self._item, None
        else:
            self.lines.blank()
        for number, row in rows:
            if content := " ".join(row.split()):
                self.lines.add(opening + escaped(content), number)
                opening = self._indent
        if not self._indent:
            self.lines.blank()

    def _heading(self, node: Any) -> None:
        self.flush()
        arguments = _arguments(node)
        words = " ".join(self._inline([arguments[-1]]).split()) if arguments else ""
        if words:
            self.lines.blank()
            self.lines.add("#" * _SECTIONS[node.macroname] + " " + words, self._number(node.pos))
            self.lines.blank()

    def _formula(self, position: int, content: str) -> None:
        self.flush()
        formula = _CLUTTER.sub(" ", re.sub(r"\\label\{[^{}]*\}", "", content)).strip()
        if formula:
            number = self._number(position + len(content) - len(content.lstrip()))
            self.lines.blank()
            self.lines.add(f"{self._indent}$${formula}$$", number)
            self.lines.blank()

    def _environment(self, node: Any) -> None:
        from pylatexenc.latexwalker import LatexGroupNode

        name = node.environmentname.rstrip("*")
        inside = self._source[node.pos : node.pos + node.len]
        if name in _DRAWINGS:
            return
        if name in _FORMULAS:
            formula = re.sub(r"\\(?:begin|end)\{(?:equation|displaymath|math)\*?\}", "", inside)
            self._formula(node.pos + inside.find(formula), formula)
            return
        self.flush()
        if match := _VERBATIM.fullmatch(inside):
            code = match["content"]
            options = _CODE_OPTIONS.match(code)
            skipped = options.end() if options else 0
            language = (options and options["language"]) or ""
            if options and (named := _LISTING_LANGUAGE.search(options["options"] or "")):
                language = named[1].lower()
            start = node.pos + match.start("content") + skipped
            self.lines.code(code[skipped:], self._number(start), language)
        elif name in _LISTS:
            self._list(node, numbered=_LISTS[name])
        elif name in _TABLES:
            self._table(node)
        else:
            content = [child for child in node.nodelist if child is not None]
            if name == "frame" and content and isinstance(content[0], LatexGroupNode):
                self._parts.append((content[0].pos, f"**{self._inline(content[:1]).strip()}**"))
                self.flush()
                content = content[1:]
            elif name in _BOXES and (arguments := _arguments(node)):
                self._parts.append((node.pos, f"**{self._inline(arguments[-1:]).strip()}**"))
                self.flush()
            self.blocks(content)
            self.flush()

    def _list(self, node: Any, *, numbered: bool) -> None:
        outer, outer_item = self._indent, self._item
        if outer_item is not None:  # a list that opens an item has no words before it
            self._item = None
        items: list[tuple[Any, list[Any]]] = []
        for child in node.nodelist:
            if getattr(child, "macroname", "") == "item":
                items.append((child, []))
            elif items:
                items[-1][1].append(child)
        for number, (item, content) in enumerate(items, 1):
            marker = f"{number}. " if numbered else "- "
            self._item = outer + marker
            self._indent = outer + " " * len(marker)
            if arguments := _arguments(item):
                self._parts.append((item.pos, f"**{self._inline([arguments[-1]]).strip()}** "))
            self.blocks(content)
            self.flush()
            self._item = None
        self._indent = outer
        if not outer:
            self.lines.blank()

    def _table(self, node: Any) -> None:
        rows: list[list[str]] = [[]]
        numbers = [self._number(node.pos)]
        cell: list[Any] = []

        def end_cell() -> None:
            rows[-1].append(" ".join(self._inline(cell).split()))
            first = next((c for c in cell if c is not None and self._inline([c]).strip()), None)
            if len(rows[-1]) == 1 and first is not None:
                text = self._source[first.pos :]
                numbers[-1] = self._number(first.pos + len(text) - len(text.lstrip()))
            cell.clear()

        for child in node.nodelist:
            if getattr(child, "specials_chars", "") == "&":
                end_cell()
            elif getattr(child, "macroname", "") in ("\\", "tabularnewline"):
                end_cell()
                rows.append([])
                numbers.append(numbers[-1])
            else:
                cell.append(child)
        end_cell()
        self.lines.blank()
        for index, line in table_lines(rows):
            self.lines.add(line, numbers[index])
        self.lines.blank()

    def _inline(self, nodes: Sequence[Any]) -> str:
        from pylatexenc import latexwalker as walker

        parts: list[str] = []
        for node in nodes:
            match node:
                case None:
                    continue
                case walker.LatexCommentNode():
                    parts.append("\n")
                case walker.LatexCharsNode():
                    parts.append(node.chars)
                case walker.LatexMathNode():
                    content = node.latex_verbatim()
                    width = 1 if content.startswith("$") and not content.startswith("$$") else 2
                    parts.append(f"${_CLUTTER.sub(' ', content[width:-width]).strip()}$")
                case walker.LatexGroupNode():
                    parts.append(self._inline(node.nodelist))
                case walker.LatexEnvironmentNode():
                    if node.environmentname.rstrip("*") not in _DRAWINGS:
                        parts.append(self._inline(node.nodelist))
                case walker.LatexMacroNode():
                    parts.append(self._macro(node))
                case _:
                    parts.append(_symbols().nodelist_to_text([node]))
        return "".join(parts)

    def _macro(self, node: Any) -> str:
        name, arguments = node.macroname, _arguments(node)
        space = node.macro_post_space or ""
        if name in ("\\", "newline", "linebreak"):
            return "\n" if "\n" in space else " "
        if name == "and":
            return ", "
        if name == "verb":
            return f"`{arguments[-1].chars}`" if arguments else ""
        if name in _SILENT:
            return space
        if name in _MARKS and arguments:
            words = self._inline([arguments[-1]]).strip()
            return f"{_MARKS[name]}{words}{_MARKS[name]}" if words else ""
        if name in ("footnote", "footnotetext") and arguments:
            return f" ({self._inline([arguments[-1]]).strip()})"
        is_shown = name in ("href", "textcolor", "colorbox", "multicolumn", "multirow")
        if (is_shown or name in _SECTIONS) and arguments:
            return self._inline([arguments[-1]])
        if name in ("ref", "eqref", "pageref", "autoref", "url") and arguments:
            return self._inline([arguments[-1]])
        try:
            symbol: str = _symbols().nodelist_to_text([node])
        except (AttributeError, IndexError, TypeError):  # the file ends among its arguments
            symbol = ""
        if symbol.count("\n") > node.latex_verbatim().count("\n"):  # would count as lines
            symbol = " ".join(symbol.split())
        return symbol or "".join(self._inline([argument]) for argument in arguments)
