"""Links as notes write them, and the ids they lead to."""

from __future__ import annotations

import time

import pytest

from assistant.reading.links import markdown_links, resolve_links


def test_targets_are_collected_as_written() -> None:
    text = (
        "Voir [[Docker]], [[notes/Images#Couches|les images]] et ![[Schéma]].\n"
        "[un](../a%20b.md#x) [deux](<c d.md> \"Titre\") [hors](https://a.b) [ancre](#x)\n"
        "![image](i.png) [image](j.svg) [mel](mailto:a@b.c) `[[code]]` <!-- [[caché]] -->\n"
        "```sh\n[[ -f x ]]\n[[Faux]]\n```\n[ref]: trois.md\n[[Docker]]\n"
    )  # fmt: skip
    assert markdown_links(text) == (
        "[[Docker]]", "[[notes/Images]]", "[[Schéma]]", "../a%20b.md#x", "c d.md", "trois.md",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "ids"),
    [
        ("b.md", ("cours/b.md",)), ("./b.md#x", ("cours/b.md",)), ("../b.md?a=1", ("b.md",)),
        ("../../b.md", ()), ("/x/b.md", ("x/b.md",)), ("a%20%C3%A9.md", ("cours/a é.md",)),
        ("[[Nom de note]]", ("Nom de note",)), ("n.md", ()), ("", ()), ("..\\c\\b.md", ("c/b.md",)),
    ],
)  # fmt: skip
def test_targets_become_ids(target: str, ids: tuple[str, ...]) -> None:
    assert resolve_links([target, target], "cours/n.md") == ids


@pytest.mark.parametrize(
    "text", ["[" * 50_000, "[[a" * 50_000, "[a](" * 50_000, "<!--" * 50_000, "`" * 100_000]
)
def test_hostile_text_takes_no_quadratic_time(text: str) -> None:
    start = time.perf_counter()
    assert markdown_links(text) == ()
    assert time.perf_counter() - start < 10
