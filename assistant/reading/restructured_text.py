"""reStructuredText notes, written as Markdown with the source line of every block.

docutils, the reference parser, reads them: no file is inserted, no raw block kept, no
program run, and its messages stay out of the text. What only Sphinx knows (roles,
directives) keeps its words: their content is read as ordinary blocks.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from assistant.reading.assembling import escaped
from assistant.reading.decoding import decode
from assistant.reading.extracted import Extracted, UnreadableNoteError
from assistant.reading.links import is_internal
from assistant.reading.source_lines import SourceLines
from assistant.reading.table import table_lines

if TYPE_CHECKING:
    from docutils import nodes

LARGEST = 3_000_000  # characters: docutils takes a minute for as many
_DIRECTIVE_NAME = re.compile(r"^[ \t]*\.\. +(?:\|[^|\n]{1,100}\| +)?([\w:+.-]{1,60})::", re.M)
_ROLE_NAME = re.compile(r":([A-Za-z][\w:+.-]{0,60}):`|`:([A-Za-z][\w:+.-]{0,60}):")
_ROLE_TARGET = re.compile(r"(?s)(.*\S)\s*<([^<>]*)>$")
_TOCTREE_TITLE = re.compile(r".*<([^<>]+)>\s*$")
_CODE = ("code-block", "code", "sourcecode", "code-cell", "ipython", "prompt", "console")
_SILENT = (  # what they say is for the program that makes the pages, or for the teacher
    "index", "comment", "comments", "raw", "meta", "highlight", "default-role", "tabularcolumns",
    "currentmodule", "module", "title", "date", "sectnum", "contents", "header", "footer",
    "codeauthor", "todolist", "bibliography", "genindex", "literalinclude", "tags", "categories",
)  # fmt: skip
_PLAIN = ("only", "ifconfig", "container", "compound", "tabs", "grid", "hlist", "class")
_DOCUMENT_FIELDS = {"author", "authors", "auteur", "date", "title", "keywords", "tags"}
_FIELD = re.compile(r"^:(\w+):[ \t]+(\S[^\n]{0,300})$", re.M)
_TERM = re.compile(r"(?!\.\. )\S")  # of a glossary; its definition is indented
_HEAD = 2_000  # characters in which fields that describe the note stand
_LONG_PARAGRAPH = re.compile(r"(?:^[^\n]+\n?)+", re.M)
_LONG = 10_000  # characters of a paragraph whose marks are counted
_MOST_MARKS = 500
_OTHER_LINE_ENDS = str.maketrans(dict.fromkeys("\v\f\x1c\x1d\x1e\x85\u2028\u2029", " "))
_NO_MARKS = str.maketrans("*|`_[", "     ")
_LONG_WORD = re.compile(r"\S{400,}")  # a blob: docutils looks for references at each of its marks
_NO_JOINTS = str.maketrans(dict.fromkeys("-:/'+._*|`[\"(<", "x"))
_NEARBY = (0, -1, 1, -2, 2, -3, 3)
_FOLLOWING = (0, 1, 2, 3)


def read_restructured_text(data: bytes, name: str) -> Extracted:
    """Read a note; raise UnreadableNoteError with the reason when it is too large."""
    source = decode(data).replace("\r\n", "\n").replace("\r", "\n").translate(_OTHER_LINE_ENDS)
    if len(source) > LARGEST:
        raise UnreadableNoteError(
            f"dépasse {LARGEST // 1_000_000} Mo de reStructuredText : découpez-la"
        )
    document = _parse(source)
    writer = _Writer(source)
    writer.children(document)
    text, places = writer.lines.finish()
    fields = {
        key.lower(): value.strip()
        for key, value in _FIELD.findall(source[:_HEAD])
        if key.lower() in _DOCUMENT_FIELDS
    }
    tags = fields.get("tags") or fields.get("keywords") or ""
    return Extracted(
        text=text,
        title=fields.get("title"),
        author=fields.get("author") or fields.get("authors") or fields.get("auteur"),
        date=fields.get("date"),
        tags=tuple(tag for part in tags.split(",") if (tag := part.strip())),
        places=places,
        links=tuple(dict.fromkeys(writer.links)),
    )


def _parse(source: str) -> nodes.document:
    from docutils.frontend import get_default_settings
    from docutils.parsers.rst import Parser, directives, languages, roles
    from docutils.utils import new_document

    ours = _directives()
    native = languages.get_language("en", None)
    for name in {match[1].lower() for match in _DIRECTIVE_NAME.finditer(source)} - set(
        native.directives
    ):
        directives.register_directive(name, ours.get(name, ours[""]))
    for name, directive in ours.items():
        if name:
            directives.register_directive(name, directive)
    for match in _ROLE_NAME.finditer(source):
        role_name = (match[1] or match[2]).lower()
        if role_name not in native.roles:
            roles.register_local_role(role_name, _role)  # type: ignore[arg-type]
    settings = get_default_settings(Parser())
    for option, value in {
        "report_level": 5,
        "halt_level": 6,
        "file_insertion_enabled": False,
        "raw_enabled": False,
        "syntax_highlight": "none",
        "warning_stream": False,
        "line_length_limit": LARGEST,
    }.items():
        setattr(settings, option, value)
    document = new_document("note", settings)
    source = _LONG_WORD.sub(_without_joints, source)
    Parser().parse(_LONG_PARAGRAPH.sub(_unmarked, source), document)
    return document


def _without_joints(match: re.Match[str]) -> str:
    """Make one plain word of a blob; a rule, also of a table, stays."""
    word = match[0]
    is_rule = len(word) < _LONG and not any(map(str.isalnum, word))
    return word if is_rule else word.translate(_NO_JOINTS)


def _unmarked(match: re.Match[str]) -> str:
    """Blank the marks of an immense paragraph: docutils takes quadratic time for them."""
    paragraph = match[0]
    if len(paragraph) < _LONG or paragraph.lstrip()[:1] in "+=":  # or a table
        return paragraph
    marks = sum(map(paragraph.count, "*|`_["))
    return paragraph.translate(_NO_MARKS) if marks > _MOST_MARKS else paragraph


def _role(
    name: str,
    rawtext: str,
    text: str,
    lineno: int,
    inliner: Any,
    options: Any = None,
    content: Any = None,
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """Read any role that docutils does not know: the words it shows, and where it leads."""
    from docutils import nodes
    from docutils.utils import unescape

    words, target = unescape(text), ""
    if match := _ROLE_TARGET.match(words):
        words, target = match[1], match[2]
    if name.lower() in ("doc", "any") and is_internal(target or words):
        return [nodes.reference(rawtext, words, refuri=target or words)], []
    if words.startswith("~"):
        words = words.rsplit(".", 1)[-1].lstrip("~")
    return [nodes.inline(rawtext, words.removeprefix("!"))], []


@cache
def _directives() -> dict[str, Any]:
    """Return directives that keep their words, by name; "" is the one for any other name."""
    from docutils import nodes
    from docutils.parsers.rst import Directive

    class AnyOption(dict[str, Any]):
        """Options of any name, taken as they are."""

        def __bool__(self) -> bool:
            return True

        def __missing__(self, key: str) -> Any:
            return lambda value: value or ""

    class Generic(Directive):
        optional_arguments = 1
        final_argument_whitespace = True
        has_content = True
        option_spec = AnyOption()

        def nested(self) -> list[nodes.Node]:
            holder = nodes.container()
            self.state.nested_parse(self.content, self.content_offset, holder)
            return list(holder.children)

        def opening(self) -> list[nodes.Node]:
            if not self.arguments:
                return []
            found, _ = self.state.inline_text(self.arguments[0], self.lineno)
            paragraph = nodes.paragraph("", "", *found)
            paragraph.line = self.lineno
            return [paragraph]

        def run(self) -> list[nodes.Node]:
            return [*self.opening(), *self.nested()]

    class Glossary(Generic):
        """Several terms may share a definition, which docutils knows of one term alone."""

        def nested(self) -> list[nodes.Node]:
            for index in range(len(self.content) - 1):
                above, below = self.content[index : index + 2]
                if _TERM.match(above) and _TERM.match(below):
                    self.content[index], self.content[index + 1] = "", f"{above}, {below}"
            return super().nested()

    class Plain(Generic):
        def run(self) -> list[nodes.Node]:
            return self.nested()

    class Silent(Generic):
        def run(self) -> list[nodes.Node]:
            return []

    class Code(Generic):
        def run(self) -> list[nodes.Node]:
            text = "\n".join(self.content)
            block = nodes.literal_block(text, text)
            block["language"] = (self.arguments or [""])[0]
            block.line = self.content_offset + 1
            caption = self.options.get("caption", "")
            opening = [nodes.paragraph(caption, caption)] if caption else []
            return [*opening, block]

    class Picture(Generic):
        def run(self) -> list[nodes.Node]:
            image = nodes.image(uri="", alt=self.options.get("alt", ""))
            image.line = self.lineno
            return [image, *self.nested()]

    class Links(Generic):
        def run(self) -> list[nodes.Node]:
            entries = [*self.arguments, *self.content]
            shown = [_TOCTREE_TITLE.sub(r"\1", entry).strip() for entry in entries]
            return [nodes.target(refuri=entry) for entry in shown if entry and is_internal(entry)]

    named: dict[str, Any] = {"": Generic, "toctree": Links, "include": Links}
    named |= dict.fromkeys(("figure", "image", "thumbnail"), Picture)
    named |= dict.fromkeys(_CODE, Code) | dict.fromkeys(_SILENT, Silent)
    named |= dict.fromkeys(_PLAIN, Plain) | {"glossary": Glossary}
    return named


class _Writer:
    """Writes blocks as Markdown lines; `links` are the targets met on the way."""

    def __init__(self, source: str) -> None:
        self.lines = SourceLines()
        self.links: list[str] = []
        self._source = source.split("\n")
        self._line = 1
        self._depth = 0

    def children(self, node: nodes.Element, indent: str = "", opening: str = "") -> None:
        """Write what a node holds; `opening` is the marker of an item, used once."""
        for child in node.children:
            if self._block(child, indent, opening):
                opening = ""

    def _block(self, node: nodes.Node, indent: str, opening: str) -> bool:
        from docutils import nodes

        match node:
            case nodes.system_message():
                self._failed(node, indent)
            case nodes.section():
                self._depth += 1
                self.children(node)
                self._depth -= 1
            case nodes.title() | nodes.subtitle() | nodes.rubric():
                is_section = isinstance(node.parent, nodes.section | nodes.document)
                words = " ".join(self._inline(node).split())
                mark = "#" * min(max(self._depth, 1), 6) + " " if is_section else ""
                self._write(f"{mark}{words}" if mark else f"**{words}**", node, indent, opening)
            case nodes.comment() | nodes.substitution_definition() | nodes.raw():
                return False
            case nodes.target():
                if node.get("refuri") and is_internal(node["refuri"]):
                    self.links.append(node["refuri"])
                return False
            case nodes.literal_block() | nodes.doctest_block():
                line = self._locate(node, node.astext())
                text = "\n".join(indent + row for row in node.astext().split("\n"))
                self.lines.code(text, line, node.get("language", ""))
                self._line = line + text.count("\n")
            case nodes.math_block():
                self._write(f"$${node.astext().strip()}$$", node, indent, opening)
            case nodes.bullet_list() | nodes.enumerated_list():
                start = node.get("start", 1)
                for number, item in enumerate(node.children, start):
                    is_bullet = isinstance(node, nodes.bullet_list)
                    marker = "- " if is_bullet else f"{number}. "
                    deeper = indent + " " * len(marker)
                    self.children(item, deeper, indent + marker)  # type: ignore[arg-type]
                self.lines.blank()
            case nodes.term() | nodes.field_name():
                self._write(f"**{self._inline(node)}**", node, indent, opening)
            case nodes.table():
                self._table(node)
            case nodes.image():
                if node.get("alt"):
                    words = " ".join(node["alt"].split())
                    self._write(f"![{words}]({node.get('uri', '')})", node, indent, opening)
            case nodes.footnote() | nodes.citation():
                label, *body = node.children or [nodes.label()]
                if not isinstance(label, nodes.label):  # numbered by what builds the page
                    self.children(node, indent)
                    return True
                for child in body:
                    self._block(child, indent, f"{indent}[{label.astext()}] ")
            case nodes.TextElement():
                self._write(self._inline(node), node, indent, opening)
            case nodes.Element():
                self.children(node, indent, opening)
            case _:
                return False
        return True

    def _write(self, text: str, node: nodes.Element, indent: str, opening: str) -> None:
        from docutils import nodes

        if not text.strip():
            return
        if not opening.strip():
            self.lines.blank()
        rows = text.strip("\n").split("\n")
        line = self._locate(node, node.astext() or text)
        prefix = opening or indent
        for index, row in enumerate(rows):
            content = row.strip() if isinstance(node, nodes.title) else escaped(row.strip())
            # The address of a link may fill lines of the source that the text does not have.
            line = self._find(row, line + 1, _FOLLOWING) or line + 1 if index else line
            self.lines.add(prefix + content, line)
            prefix = indent
        self._line = line
        if not opening.strip() and not indent:
            self.lines.blank()

    def _locate(self, node: nodes.Element, text: str) -> int:
        """Return the source line of a block: what docutils says, set right by the words."""
        said = node.line or (node.parent and node.parent.line) or self._line
        first = next((row for row in text.split("\n") if row.strip()), "")
        return self._find(first, said, _NEARBY) or max(said, 1)

    def _find(self, row: str, said: int, offsets: tuple[int, ...]) -> int:
        """Return the source line near `said` with the row's first words; 0 without any."""
        words = re.findall(r"\w{2,}", row)[:2]
        for offset in offsets:
            index = said + offset - 1
            if 0 <= index < len(self._source) and all(w in self._source[index] for w in words):
                return index + 1
        return 0

    def _inline(self, node: nodes.Element) -> str:
        from docutils import nodes

        parts: list[str] = []
        for child in node.children:
            match child:
                case nodes.Text():
                    parts.append(child.astext())
                case nodes.emphasis() | nodes.title_reference():
                    parts.append(f"*{self._inline(child)}*")
                case nodes.strong():
                    parts.append(f"**{self._inline(child)}**")
                case nodes.literal():
                    parts.append(f"`{child.astext()}`")
                case nodes.math():
                    parts.append(f"${child.astext()}$")
                case nodes.image():
                    parts.append(child.get("alt", ""))
                case nodes.footnote_reference() if "auto" in child:  # no number yet
                    parts[-1:] = [part.rstrip() for part in parts[-1:]]
                case nodes.footnote_reference() | nodes.citation_reference():
                    parts.append(f"[{child.astext()}]")
                case nodes.target() | nodes.system_message() | nodes.raw():
                    continue
                case nodes.reference():
                    if child.get("refuri") and is_internal(child["refuri"]):
                        self.links.append(child["refuri"])
                    parts.append(self._inline(child))
                case nodes.Element():
                    parts.append(self._inline(child))
        return "".join(parts)

    def _table(self, table: nodes.Element) -> None:
        from docutils import nodes

        for title in table.findall(nodes.title):
            self._write(self._inline(title), title, "", "")
        rows: list[list[str]] = []
        numbers: list[int] = []
        for row in table.findall(nodes.row):
            first = next((p for p in row.findall(nodes.paragraph) if p.line), None)
            if first is not None:
                self._line = self._locate(first, first.astext())
            numbers.append(self._line)
            rows.append([self._cell(entry) for entry in row.children])
        self.lines.blank()
        for index, line in table_lines(rows):
            self.lines.add(line, numbers[index])
        self.lines.blank()

    def _cell(self, entry: nodes.Node) -> str:
        from docutils import nodes

        blocks = entry.findall(nodes.TextElement)
        return " ".join(
            self._inline(block) for block in blocks
            if isinstance(block, nodes.paragraph | nodes.literal_block | nodes.math_block)
        )  # fmt: skip

    def _failed(self, message: nodes.system_message, indent: str) -> None:
        """Keep the words of what docutils refuses: of a directive as prose, of a table as code."""
        from docutils import nodes

        for block in message.findall(nodes.literal_block):
            rows = block.astext().split("\n")
            line = message.get("line") or self._line
            if not rows[0].lstrip().startswith(".. "):  # a table whose columns do not align
                first = next((i for i, row in enumerate(rows) if re.search(r"\w", row)), 0)
                found = self._find(rows[first], line + first, _NEARBY) or line + first
                self.lines.code(block.astext(), max(found - first, 1))
                continue
            if rows[0].lstrip()[3:7] == "raw:":
                continue
            for index, row in enumerate(rows):
                content = _without_markup(row) if index == 0 else row.strip()
                if content and not re.match(r":[\w-]+:", content):
                    self.lines.add(indent + escaped(content), line + index)
            self.lines.blank()


def _without_markup(row: str) -> str:
    return re.sub(r"^\s*\.\. +(?:\|[^|]*\| +)?[\w:+.-]+::\s*", "", row)
