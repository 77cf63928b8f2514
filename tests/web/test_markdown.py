"""Note text in the chat's Markdown: nothing becomes an element, what is text stays readable.

Oracle: markdown-it, a CommonMark parser, told to let HTML through.
"""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from assistant.web.markdown import escape_all, escape_note, render_answer

PARSER = MarkdownIt("commonmark", {"html": True, "breaks": True}).enable("table")
OURS = re.compile(r"</?(?:code|pre|span)>|<br>")
PIECES = [
    "<img src=x onerror=alert(1)>",
    "<form>",
    "</span>",
    "<!--",
    "<b",
    "`",
    "``",
    "```",
    "~~~",
    "\n",
    "\n\n",
    "    ",
    "\t",
    "> ",
    "- ",
    "1. ",
    "|",
    "|-|-|\n",
    "[a](http://e.x)",
    "![i](//e.x)",
    "[r]: http://e.x\n",
    "[r]",
    "[1]",
    "<http://e.x>",
    "\\",
    "*",
    "_",
    "$",
    "$$",
    "&lt;",
    "&#60;",
    "${alert(1)}",
    "{{x}}",
    "mermaid",
    "# ",
    "===",
    "---",
    "a",
    "é",
    "www.e.x",
    "m@e.x",
    " ",
]


def forbidden(markdown: str) -> list[str]:
    """Every element of the page that is not one of ours, in a rendering of `markdown`."""
    page = OURS.sub("", PARSER.render(markdown))
    return re.findall(r"<(?:(?:a|img|form|input|script|b)\b|!--|[a-z]+ [^>]*on\w+=)[^>]*", page)


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_no_note_text_becomes_an_element(text: str) -> None:
    assert forbidden(escape_note(text)) == []
    assert forbidden(escape_all(text)) == []


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_every_less_than_sign_left_is_one_of_ours(text: str) -> None:
    # The chat puts formulas and Mermaid blocks into the page as they are, so no
    # unescaped sign may be left anywhere, whatever a parser takes it for.
    assert "<" not in OURS.sub("", escape_note(text))


@given(st.text(alphabet=st.sampled_from("abc <>&*_[]()#`$|~\\!-+.1@:/?é"), max_size=40))
def test_a_question_is_shown_as_it_was_typed(text: str) -> None:
    lines = [line.strip() for line in text.splitlines()]
    shown = re.sub(r"<br\s*/?>", "\n", PARSER.render(escape_all(text)))
    assert "<" not in re.sub(r"</?p>", "", shown)
    plain = html.unescape(re.sub(r"</?p>", "", shown)).strip()
    assert plain.split() == " ".join(lines).split()


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("![schéma](http://e.x/a.png)", "schéma"),
        ("voir [la page](http://e.x)", "voir la page"),
        ("**gras** et _italique_", "**gras** et _italique_"),
        ("formule $a_{1} < b$", "formule $a_{1} &#60; b$"),
        ("coûte 5 $ ou 6 $", "coûte 5 <span>&#36;</span> ou 6 <span>&#36;</span>"),
        ("`ls <x>`", "<code>ls &#60;x&#62;</code>"),
        ("`$HOME/$USER`", "<code>&#36;HOME&#47;&#36;USER</code>"),
        ("# titre", "&#35; titre"),
        ("tableau[0]", "tableau&#91;0&#93;"),
    ],
)
def test_worked_examples(note: str, shown: str) -> None:
    assert escape_note(note) == shown


def test_a_fence_is_one_block_of_code_whatever_it_is_called() -> None:
    assert escape_note("```mermaid\na --> <b>\n\n- c\n```\nsuite") == (
        "<pre><code>a &#45;&#45;&#62; &#60;b&#62;&#10;&#10;&#45; c</code></pre>\n\nsuite"
    )


def test_markers_become_links_and_markers_of_notes_do_not() -> None:
    text = "Le test [1] du cours [9] montre [2] cela. [1]\n\nSuite [2] [7]"
    quotes = ["Le test [1] du cours [9] montre [2] cela."]
    linked = render_answer(text, quotes, lambda n: f"#src-4-{n}" if n <= 2 else None)
    assert re.findall(r"\]\((#[^)]*)\)", linked) == ["#src-4-1", "#src-4-2"]
    assert linked.index("cela.") < linked.index("#src-4-1")
    assert "&#91;7&#93;" in linked


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Voir l'annexe [1] pour tout. [1]", "Voir\n> l'annexe [1] pour tout."),
        ("Liste :\n- voir [1] et\n- rien [1]", "Liste :\n* voir [1] et\n* rien"),
        ("Liste :\n- voir [1] et\n- rien [1]", "Liste :\n1. voir [1] et\n2. rien"),
    ],
)
def test_markers_of_notes_stay_text_where_lines_begin_otherwise(text: str, quote: str) -> None:
    linked = render_answer(text, [quote], lambda n: f"#src-{n}")
    assert linked.count("(#src-1)") == 1 and linked.endswith("(#src-1)")
