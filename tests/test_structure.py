"""Blocks tile the text; headings, items, code, tables and leads are where they should be."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.structure import Block, Kind, read_structure

COURSE = (Path(__file__).parents[1] / "corpus" / "docker.md").read_text(encoding="utf-8")


def _outline(text: str) -> list[tuple[str, str]]:
    """Kind and text of each block."""
    return [(str(b.kind), text[b.start : b.end].strip()) for b in read_structure(text)]


def _headings(text: str) -> list[tuple[str, ...]]:
    return [b.headings for b in read_structure(text) if b.kind is Kind.HEADING]


def _leads(text: str) -> dict[str, str | None]:
    """The lead of each block that is no heading, by the block's text."""
    return {
        text[b.start : b.end].strip(): text[b.lead[0] : b.lead[1]].strip() if b.lead else None
        for b in read_structure(text)
        if b.kind is not Kind.HEADING
    }


def _assert_tiles(text: str, blocks: list[Block], start: int) -> None:
    position = start
    for block in blocks:
        assert position <= block.start < block.end <= len(text)
        assert not text[position : block.start].strip()
        if block.lead is not None:
            assert start <= block.lead[0] < block.lead[1] <= max(block.start, block.end)
        position = block.end
    assert not text[position:].strip()


@given(st.text(alphabet="#-*>|`~=: \n\r\t\u2028\u0085\x0b\x1ca1.)!<é[]\0", max_size=120))
@settings(max_examples=400, deadline=None)
def test_blocks_of_any_text_tile_it(text: str) -> None:
    _assert_tiles(text, read_structure(text), 0)
    start = len(text) // 3
    _assert_tiles(text, read_structure(text, start), start)


def test_headings_have_their_ancestry() -> None:
    text = "# A\n## B\n### C\n## D\n# E\n### F\n"
    assert _headings(text) == [
        ("A",), ("A", "B"), ("A", "B", "C"), ("A", "D"), ("E",), ("E", "F"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("# C#", "C#"), ("## Titre ##", "Titre"), ("# **Les** `ps` et _top_", "Les ps et _top_"),
        ("Titre setext\n============", "Titre setext"), ("Autre\n---", "Autre"),
        ("#   Espaces   \t", "Espaces"), ("# [Lien](http://a.b) {#ancre}", "Lien"),
    ],
)  # fmt: skip
def test_words_of_a_heading(line: str, words: str) -> None:
    assert _headings(f"{line}\n\nTexte.\n") == [(words,)]
    assert _headings(f"{line}\r\n\r\nTexte.\r\n".replace("\n-", "\r\n-")) == [(words,)]


@pytest.mark.parametrize(
    "code",
    ["```\n# a\n- b\n```", "~~~sh\n# a\n~~~", "```\n# jamais fermé\n\n## non plus",
     "````\n```\n# a\n```\n````", "    # indenté\n    - b"],
)  # fmt: skip
def test_nothing_inside_code_is_a_heading_or_an_item(code: str) -> None:
    assert _outline(f"Avant.\n\n{code}\n") == [("paragraph", "Avant."), ("code", code.strip())]


def test_code_in_an_item_stays_whole() -> None:
    text = "- Lancer :\n\n  ```sh\n  # rien\n  - x\n  ```\n\n- Puis\n"
    assert _outline(text) == [
        ("item", "- Lancer :"), ("code", "```sh\n  # rien\n  - x\n  ```"), ("item", "- Puis"),
    ]  # fmt: skip
    assert _leads(text)["```sh\n  # rien\n  - x\n  ```"] == "- Lancer :"


def test_messy_bullets_are_items() -> None:
    text = "Liste des objets du cours que voici :\n-- un\n- - deux\n--- trois\n• quatre\n– cinq\n"
    assert [content for kind, content in _outline(text) if kind == "item"] == [
        "-- un", "- - deux", "--- trois", "• quatre", "– cinq",
    ]  # fmt: skip


def test_nested_items_are_led_by_their_parent() -> None:
    text = "Voici la liste de ce cours :\n\n- a\n  - b\n    - c\n- d\n"
    assert _leads(text) == {
        "Voici la liste de ce cours :": None,
        "- a": "Voici la liste de ce cours :",
        "- b": "- a",
        "- c": "- b",
        "- d": "Voici la liste de ce cours :",
    }


def test_the_lead_is_the_last_sentence_before_the_list() -> None:
    text = "Une phrase longue. Les étapes à suivre ici sont :\n\n1. un\n2. deux\n"
    assert _leads(text)["1. un"] == _leads(text)["2. deux"] == "Les étapes à suivre ici sont :"


def test_an_item_goes_on_over_its_lines() -> None:
    text = "- un point\n  sur deux lignes\net même trois\n- autre\n"
    assert [content for _, content in _outline(text)] == [
        "- un point\n  sur deux lignes\net même trois", "- autre",
    ]  # fmt: skip


def test_a_number_in_prose_is_no_item() -> None:
    assert _outline("Nous étions en\n1984. Puis vint\nla suite.\n") == [
        ("paragraph", "Nous étions en\n1984. Puis vint\nla suite.")
    ]


def test_a_table_has_a_block_a_row_led_by_its_header() -> None:
    text = "| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 | 4 |\n\nFin.\n"
    assert _outline(text) == [
        ("table", "| a | b |"), ("table", "|---|:-:|"), ("table", "| 1 | 2 |"),
        ("table", "| 3 | 4 |"), ("paragraph", "Fin."),
    ]  # fmt: skip
    assert _leads(text)["| 3 | 4 |"] == "| a | b |"
    assert _leads(text)["Fin."] is None


def test_block_quotes_html_and_definitions_are_prose() -> None:
    text = "> citation\n> suite\n\n<div>\n# pas titre\n</div>\n\nTerme\n: définition\n"
    assert _outline(text) == [
        ("paragraph", "> citation\n> suite"),
        ("paragraph", "<div>\n# pas titre\n</div>"),
        ("paragraph", "Terme\n: définition"),
    ]


def test_an_item_in_a_block_quote_is_an_item() -> None:
    assert _outline("> À voir :\n> - un\n> - deux\n")[-2:] == [
        ("item", "> - un"), ("item", "> - deux"),
    ]  # fmt: skip


def test_bold_lines_after_a_colon_are_items() -> None:
    text = "Cela permet de faire tout ceci :\n**un**\n**deux**\n"
    assert [kind for kind, _ in _outline(text)] == ["paragraph", "item", "item"]
    assert _leads(text)["**deux**"] == "Cela permet de faire tout ceci :"
    assert _outline("**Important**\nDu texte.\n") == [("paragraph", "**Important**\nDu texte.")]


def test_mkdocs_admonitions_are_prose_and_their_code_is_code() -> None:
    text = (
        '!!! note "Titre"\n\n    Contenu. Suite.\n\n    - un\n\n    ```sh\n    # x\n    ```\n\n'
        "Après.\n"
    )
    assert _outline(text) == [
        ("paragraph", '!!! note "Titre"'), ("paragraph", "Contenu. Suite."), ("item", "- un"),
        ("code", "```sh\n    # x\n    ```"), ("paragraph", "Après."),
    ]  # fmt: skip


def test_quarto_containers_hold_ordinary_blocks() -> None:
    text = "::: {.callout-tip}\n## Astuce\nVoici :\n\n- a\n- b\n:::\n\n- c\n"
    assert _outline(text) == [
        ("paragraph", "::: {.callout-tip}"), ("heading", "## Astuce"), ("heading", "Voici :"),
        ("item", "- a"), ("item", "- b"), ("paragraph", ":::"), ("item", "- c"),
    ]  # fmt: skip
    assert _leads(text)["- b"] == "Voici :"
    assert _leads(text)["- c"] is None


def test_a_plain_line_with_a_colon_over_items_is_a_heading_until_the_list_ends() -> None:
    text = "# Cours\n\nLes objets:\n-- une image\n-- un volume\n\n- autre chose\n"
    blocks = {text[b.start : b.end]: b for b in read_structure(text)}
    assert blocks["Les objets:"].kind is Kind.HEADING
    assert blocks["-- un volume"].headings == ("Cours", "Les objets")
    assert blocks["- autre chose"].headings == ("Cours",)
    assert blocks["- autre chose"].lead is None


def test_the_docker_course() -> None:
    start = COURSE.index("\n# Fonctionnement")
    blocks = read_structure(COURSE, start)
    by_text = {COURSE[b.start : b.end].strip(): b for b in blocks}
    kinds = [str(block.kind) for block in blocks]
    assert kinds == ["heading"] + ["item"] * 15 + ["heading"] + ["item"] * 6
    plain = by_text["Les objet Docker:"]
    assert plain.headings == ("Fonctionnement Docker", "Les objet Docker")
    engine = by_text["- Docker Engine contient  (demon+ client)"]
    for child in ("-- Le serveur dockerd", "-- L'API REST-", "- - Le client (CLI)"):
        assert by_text[child].lead == (
            COURSE.index("  - Docker Engine"), engine.end,
        )  # fmt: skip
    compose = next(text for text in by_text if text.startswith("-- Docker Compose"))
    assert compose.endswith("\n)")
    assert by_text[compose].headings == ("Fonctionnement Docker", "Les objet Docker")


@given(st.text(alphabet="<!->%`{note}: \n~:[]/#a=é", max_size=80), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_blocks_of_text_with_comments_tile_it(text: str, times: int) -> None:
    text = text + ("<!--" + text + "-->") * times + "A" * 450
    _assert_tiles(text, read_structure(text), 0)


def test_the_content_of_a_myst_directive_is_prose() -> None:
    text = (
        "```{tip} Titre\n:class: x\n\nDu texte.\n\n- un\n```\n\n```{r, eval=FALSE}\nx <- 1\n```\n"
    )
    assert _outline(text) == [
        ("paragraph", "```{tip} Titre"), ("hidden", ":class: x"), ("paragraph", "Du texte."),
        ("item", "- un"), ("paragraph", "```"), ("code", "```{r, eval=FALSE}\nx <- 1\n```"),
    ]  # fmt: skip


def test_code_inside_a_myst_directive_stays_code() -> None:
    text = "````{note}\nTexte.\n\n```c\n# a\n```\n````\n\n# Titre\n"
    assert ("code", "```c\n# a\n```") in _outline(text)
    assert _outline(text)[-1] == ("heading", "# Titre")


def test_a_comment_in_code_is_code() -> None:
    text = "```xml\n<!-- Maven -->\n<a/>\n```\n"
    assert _outline(text) == [("code", text.strip())]


@pytest.mark.parametrize("text", ["<!--" * 50_000, " %%" * 50_001, "```{note}\n" * 20_000,
                                  "**a** " + " " * 100_000 + "x", ">" * 20_000 + " a"])  # fmt: skip
def test_hostile_text_takes_no_quadratic_time(text: str) -> None:
    start = time.perf_counter()
    read_structure(text)
    assert time.perf_counter() - start < 10
