"""A note as safe HTML that knows its lines.

Markdown is rendered by markdown-it, and the whole result passes nh3, so that nothing a
note says becomes more than the elements listed here. Every paragraph, heading, table row
and line of code carries `data-l="12-14"`, the lines of the note it comes from. HTML in a
note is shown as the text it is, but for harmless elements such as <kbd>. Leaves out
remote images, which would tell their server who reads what.
"""

from __future__ import annotations

import contextlib
import html
import re
from bisect import bisect_right
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from assistant.datatypes import Note, Place
from assistant.places import line_at, line_starts
from assistant.structure import ITEM_MARKER
from assistant.web.formulas import MATH_ATTRIBUTES, MATH_TAGS, formula_html
from assistant.web.note_links import links_among, slug

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

    from assistant.web.note_links import NoteLinks

HIGHLIGHT_LIMIT = 50_000  # characters of a code block; longer ones stay plain

# What a note may write as HTML; all else is shown as the text it is.
_RAW_TAGS = frozenset(
    "a abbr b blockquote br caption center cite code dd del details dfn div dl dt em figcaption "
    "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub "
    "summary sup table tbody td tfoot th thead tr u ul var".split()
)
_RAW_ATTRIBUTES = frozenset("alt colspan height href open rowspan src start title width".split())
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"id", "data-l", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height", "loading"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
    "details": {"open"},
    "pre": {"tabindex"},
    "div": {"tabindex"},
    "abbr": {"title"},
}
_CLASSES = {
    "p": {"left", "right"},
    "div": {"table", "place"},
    "code": {"formula", "display"},
    "td": {"left", "right", "middle"},
    "th": {"left", "right", "middle"},
    "sup": {"footnote-ref"},
    "section": {"footnotes"},
    "li": {"footnote-item"},
}
_ADDRESS = re.compile(r"#|https?:|mailto:|/notes/|/files/")
_ID = re.compile(r"[\w:.-]{1,200}")
_ALIGNMENT = {"text-align:left": "left", "text-align:right": "right", "text-align:center": "middle"}
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_WIKILINK = re.compile(r"!?\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]*))?\]\]")
_TASK = re.compile(r"\[([ xX])\] ")
_CITABLE = re.compile(r'(<(?:p|span|h[1-6]|tr|div|dt)\b[^<>]*? ?data-l="(\d+)-(\d+)")')


@dataclass(frozen=True, slots=True)
class Heading:
    """An entry of the table of contents."""

    level: int  # 1 is the outermost
    text: str
    line: int  # 1 is the first line of the note


@dataclass(frozen=True, slots=True)
class NotePage:
    """A note as HTML."""

    html: str
    headings: tuple[Heading, ...]


@lru_cache(maxsize=32)
def render_note(note: Note, note_ids: tuple[str, ...], place_names: tuple[str, ...]) -> NotePage:
    """Render a note; `note_ids` are those that links may lead to.

    `place_names` are the words for page, slide, cell, sheet and chapter, in this order.
    """
    links = links_among(note_ids)
    source = _source(note)
    tokens = _parser().parse(source, {"links": links, "note_id": note.id})
    lines = _Lines(note)
    headings = list(_number(tokens, lines, links, note.id))
    names = dict(zip(("page", "slide", "cell", "sheet", "chapter"), place_names, strict=True))
    tokens = list(_with_places(tokens, note, names))
    parser = _parser()
    written = parser.renderer.render(tokens, parser.options, {})
    return NotePage(_sanitized(written), tuple(headings))


def mark_lines(page: NotePage, first: int, last: int) -> NotePage:
    """The same page with the blocks that hold lines `first` to `last` marked as cited."""

    def mark(found: re.Match[str]) -> str:
        cited = int(found[2]) <= last and int(found[3]) >= first
        return f'{found[1]} data-cited=""' if cited else found[1]

    return replace(page, html=_CITABLE.sub(mark, page.html))


class _Lines:
    """From lines of the text, 0 for the first, to lines as citations name them."""

    def __init__(self, note: Note) -> None:
        self._note = note
        self._starts = line_starts(note.text)

    def of(self, first: int, after: int) -> str:
        """The value of `data-l` for the lines from `first` to the one before `after`."""
        return f"{self.number(first)}-{self.number(max(first, after - 1))}"

    def number(self, line: int) -> int:
        return line_at(self._note, self._starts[min(line, len(self._starts) - 1)])


def _source(note: Note) -> str:
    """The text with its front matter blank, so that every line keeps its number."""
    matter = note.text[: note.body_start]
    text = "\n" * matter.count("\n") + note.text[note.body_start :]
    return text.replace("\r\n", "\n").replace("\r", " ")


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.amsmath import amsmath_plugin
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.use(footnote_plugin).use(deflist_plugin).use(amsmath_plugin)
    parser.use(dollarmath_plugin, allow_space=False, allow_labels=False, double_inline=True)
    parser.core.ruler.before("inline", "typed_items", _typed_items)
    parser.inline.ruler.before("html_inline", "harmless_html", _harmless_html)
    parser.inline.ruler.before("link", "wikilink", _wikilink)
    parser.add_render_rule("math_inline", _inline_formula)
    parser.add_render_rule("math_inline_double", _inline_formula)
    return parser


def _typed_items(state: StateCore) -> None:
    """Make items of the lines with a bullet that CommonMark takes for prose, as `-- a`."""
    tokens: list[Token] = []
    for token in state.tokens:
        is_paragraph = token.type == "inline" and tokens and tokens[-1].type == "paragraph_open"
        if is_paragraph and (begins := list(_typed_bullets(token.content))):
            tokens += _parted(tokens.pop(), token, begins)
        elif not (token.type == "paragraph_close" and tokens[-1].type == "bullet_list_close"):
            tokens.append(token)
    state.tokens = tokens


def _typed_bullets(content: str) -> Iterator[tuple[int, int]]:
    """The lines of a paragraph that begin an item, 0 for the first, and where its words do."""
    for number, line in enumerate(content.split("\n")):
        marker = ITEM_MARKER.match(line)
        if marker and not marker["marker"][0].isalnum():
            yield number, marker.start("check") if marker["check"] else marker.end()


def _parted(opening: Token, inline: Token, begins: list[tuple[int, int]]) -> Iterator[Token]:
    """A paragraph as what stands before its first typed bullet, and a list."""
    from markdown_it.token import Token

    lines = inline.content.split("\n")
    first = opening.map[0] if opening.map else 0
    ends = [number for number, _ in begins[1:]] + [len(lines)]

    def paragraph(start: int, end: int, cut: int) -> Iterator[Token]:
        content = "\n".join(lines[start:end])[cut:]
        span = [first + start, first + end]
        yield replace(opening, map=span, attrs={})
        yield replace(inline, content=content, map=list(span), children=[])
        yield Token("paragraph_close", "p", -1, hidden=opening.hidden, block=True)

    if begins[0][0]:
        yield from paragraph(0, begins[0][0], 0)
    span = [first + begins[0][0], first + len(lines)]
    yield Token("bullet_list_open", "ul", 1, level=opening.level, map=span, block=True)
    for (start, cut), end in zip(begins, ends, strict=True):
        yield Token("list_item_open", "li", 1, level=opening.level + 1, block=True)
        item = list(paragraph(start, end, cut))
        item[0].hidden = item[-1].hidden = True
        item[0].level = opening.level + 2
        yield from item
        yield Token("list_item_close", "li", -1, level=opening.level + 1, block=True)
    yield Token("bullet_list_close", "ul", -1, level=opening.level, block=True)


def _inline_formula(renderer: Any, tokens: Sequence[Token], index: int, *_: Any) -> str:
    token = tokens[index]
    return formula_html(token.content, display=token.type == "math_inline_double")


def _harmless_html(state: StateInline, silent: bool) -> bool:
    """Let the elements of `_RAW_TAGS` through, rewritten, and drop comments."""
    from markdown_it.common.html_re import HTML_TAG_RE

    if state.src[state.pos] != "<":
        return False
    if comment := _COMMENT.match(state.src, state.pos):
        length, written = len(comment[0]), ""
    else:
        tag = HTML_TAG_RE.match(state.src[state.pos : state.posMax])
        rewritten = _rewritten_tag(tag[0], state.env) if tag else None
        if tag is None or rewritten is None:
            return False
        length, written = len(tag[0]), rewritten
    if not silent:
        state.push("html_inline", "", 0).content = written
    state.pos += length
    return True


class _Tag(HTMLParser):
    """The one tag of a piece of HTML, with the attributes a note may give it."""

    def __init__(self, links: NoteLinks, note_id: str) -> None:
        super().__init__()
        self._links, self._note_id = links, note_id
        self.written: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _RAW_TAGS:
            return
        kept = {name: value or "" for name, value in attrs if name in _RAW_ATTRIBUTES}
        for name, lead in (("href", self._links.link), ("src", self._links.image)):
            if name in kept:
                kept[name] = lead(kept[name], self._note_id) or ""
        pairs = "".join(f' {name}="{html.escape(value)}"' for name, value in kept.items())
        self.written = f"<{tag}{pairs}>"

    def handle_endtag(self, tag: str) -> None:
        if tag in _RAW_TAGS and self.written is None:
            self.written = f"</{tag}>"


def _rewritten_tag(tag: str, env: MutableMapping[str, Any]) -> str | None:
    parser = _Tag(env["links"], env["note_id"])
    parser.feed(tag)
    parser.close()
    return parser.written


def _wikilink(state: StateInline, silent: bool) -> bool:
    """Read [[note]], [[note|words]], [[note#section]] and ![[image.png]]."""
    found = _WIKILINK.match(state.src, state.pos)
    if not found or found.end() > state.posMax:
        return False
    if silent:
        state.pos = found.end()
        return True
    links: NoteLinks = state.env["links"]
    name, words = found[1].strip(), (found[2] or found[1]).strip()
    if found[0].startswith("!") and (address := links.image(name, state.env["note_id"])):
        image = state.push("image", "img", 0)
        image.attrs, image.children, image.content = {"src": address, "alt": ""}, [], words
        image.meta["resolved"] = True
    else:
        address = links.named(name, state.env["note_id"])
        if address:
            link = state.push("link_open", "a", 1)
            link.attrs, link.meta["resolved"] = {"href": address}, True
        state.push("text", "", 0).content = words
        if address:
            state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


def _number(
    tokens: list[Token], lines: _Lines, links: NoteLinks, note_id: str
) -> Iterator[Heading]:
    """Give every block its lines, build code and formulas, lead links, yield the headings."""
    seen: set[int] = set()
    slugs: set[str] = set()

    def marks(first: int, after: int) -> dict[str, str | int | float]:
        found: dict[str, str | int | float] = {"data-l": lines.of(first, after)}
        number = lines.number(first)
        if number not in seen:  # an identifier stands once in a page
            seen.add(number)
            found["id"] = f"L{number}"
        return found

    for index, token in enumerate(tokens):
        if token.type in ("paragraph_open", "paragraph_close") and token.hidden:
            token.hidden, token.tag = False, "span"  # the words of a list item, without its lists
        if token.type == "inline":
            if index > 1 and tokens[index - 2].type == "list_item_open":
                _show_task(token)
            _lead(token, links, note_id)
        if token.type in ("td_open", "th_open"):
            alignment = _ALIGNMENT.get(str(token.attrs.pop("style", "")))
            if alignment:
                token.attrSet("class", alignment)
        if token.map is None:
            continue
        first, after = token.map
        if token.type in ("paragraph_open", "tr_open", "dt_open"):
            token.attrs |= marks(first, after)
        elif token.type == "heading_open":
            token.attrs |= marks(first, after)
            inline = tokens[index + 1]
            words = _words(inline)
            anchor = slug(words)
            if anchor and anchor not in slugs:
                slugs.add(anchor)
                _insert_html(inline, f'<a id="{html.escape(anchor)}"></a>')
            if words:
                yield Heading(int(token.tag[1]), words, lines.number(first))
        elif token.type in ("fence", "code_block"):
            begin = first + 1 if token.type == "fence" else first
            written = [
                f"<span{_written(marks(begin + n, begin + n + 1))}>{line}\n</span>"
                for n, line in enumerate(_highlighted(token.content, token.info))
            ]
            code = f'<pre tabindex="0"><code>{"".join(written)}</code></pre>\n'
            token.type, token.content = "html_block", code
        elif token.type in ("math_block", "amsmath"):
            formula = formula_html(token.content, display=True)
            framed = f"<div{_written(marks(first, after))}>{formula}</div>\n"
            token.type, token.content = "html_block", framed


def _written(attributes: dict[str, str | int | float]) -> str:
    return "".join(f' {name}="{value}"' for name, value in attributes.items())


def _show_task(item: Token) -> None:
    """Turn the `[x] ` of a task into a box."""
    first = item.children[0] if item.children else None
    if first is not None and (task := _TASK.match(first.content)):
        first.content = ("☐ " if task[1] == " " else "☑ ") + first.content[task.end() :]


def _lead(inline: Token, links: NoteLinks, note_id: str) -> None:
    """Send links and images where they lead; an image from elsewhere becomes a link."""
    for child in inline.children or []:
        if child.meta.get("resolved"):
            continue
        if child.type == "link_open":
            address = links.link(str(child.attrs.pop("href", "")), note_id)
            if address:
                child.attrSet("href", address)
        elif child.type == "image":
            target = str(child.attrs.get("src", ""))
            if address := links.image(target, note_id):
                child.attrs = {**child.attrs, "src": address, "loading": "lazy"}
                continue
            words = html.escape(child.content or target)
            away = links.link(target, note_id)
            child.type = "html_inline"
            child.content = f'<a href="{html.escape(away)}">{words}</a>' if away else words


def _insert_html(inline: Token, written: str) -> None:
    from markdown_it.token import Token

    inline.children = [Token("html_inline", "", 0, content=written), *(inline.children or [])]


def _words(inline: Token) -> str:
    """The words of a heading without their marks."""
    kinds = ("text", "code_inline", "math_inline")
    parts = [child.content for child in inline.children or [] if child.type in kinds]
    return " ".join("".join(parts).split())


def _with_places(tokens: list[Token], note: Note, names: dict[str, str]) -> Iterator[Token]:
    """Put a separator before the first block of every page, slide, cell …; frame tables."""
    from markdown_it.token import Token

    starts = line_starts(note.text)
    pending = [place for place in note.places if place.unit != "line"]
    following = iter([*pending, None])
    place: Place | None = next(following)
    for token in tokens:
        if token.level == 0 and token.map is not None:
            while place is not None and bisect_right(starts, place.start) - 1 <= token.map[0]:
                words = f"{names[place.unit]} {place.number}"
                written = f'<div class="place" id="{place.unit}-{place.number}">{words}</div>\n'
                yield Token("html_block", "", 0, content=written)
                place = next(following)
        if token.type == "table_open":
            yield Token("html_block", "", 0, content='<div class="table" tabindex="0">')
        yield token
        if token.type == "table_close":
            yield Token("html_block", "", 0, content="</div>\n")


def _highlighted(code: str, info: str) -> list[str]:
    """The lines of a code block as HTML; no element crosses from one into the next."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    written = html.escape(code)
    words = re.findall(r"[\w+#-]+", info)
    if words and len(code) <= HIGHLIGHT_LIMIT:
        with contextlib.suppress(ClassNotFound):
            lexer = get_lexer_by_name(words[0], stripnl=False, ensurenl=False)
            written = highlight(code, lexer, HtmlFormatter(nowrap=True))
    lines = written.split("\n")
    return lines if lines[-1] else lines[:-1]


@cache
def _allowed() -> dict[str, Any]:
    from pygments.token import STANDARD_TYPES

    tags = _RAW_TAGS | MATH_TAGS | {"section"}
    attributes = {tag: set(names) for tag, names in _ATTRIBUTES.items()}
    for tag in MATH_TAGS:
        attributes[tag] = set(MATH_ATTRIBUTES)
    code_classes = {name for name in STANDARD_TYPES.values() if name}
    classes = {
        **_CLASSES,
        "a": {"footnote-backref"},
        "span": code_classes | {"formula", "display"},
    }
    return {"tags": set(tags), "attributes": attributes, "allowed_classes": classes}


def _sanitized(written: str) -> str:
    """Keep what is listed above, and no address but those of this module's making."""
    import nh3

    def attribute(element: str, name: str, value: str) -> str | None:
        if name == "id":
            return value if _ID.fullmatch(value) else None
        if (element, name) == ("a", "href"):
            return value if _ADDRESS.match(value) else None
        if (element, name) == ("img", "src"):
            return value if value.startswith("/files/") else None
        return value

    return nh3.clean(
        written,
        attribute_filter=attribute,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
        **_allowed(),
    )
