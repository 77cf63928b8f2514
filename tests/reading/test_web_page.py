"""HTML pages and slides: what is read, what is left out, and where it stands."""

from __future__ import annotations

import re

import pytest
from reading_notes import note_of

from assistant.places import line_at, place_at
from assistant.reading.extracted import UnreadableNoteError
from assistant.reading.web_page import read_html

_PAGE = """<!DOCTYPE html>
<html><head><title>Mon cours</title><meta name="author" content="A. B">
<meta name=keywords content="un, deux"><style>secret{}</style></head>
<body>
<nav>secret</nav>
<h1>Titre <em>premier</em></h1>
<p>Une phrase sur
deux lignes avec <b>du gras</b> et &eacute;t&eacute;.
Voir <a href="autre.html#x">ici</a> ou <a href="https://a.b">là</a>.</p>
<ul><li>pomme
<li>poire <ul><li>verte</ul>
</ul>
<ol><li>premier</li>
<li>second</li></ol>
<pre><code class="language-sh">ls -l

cd &lt;ici&gt;</code></pre>
<table><tr><th>Nom</th><th>Prix|</th></tr>
<tr><td>Thé</td><td><p>deux</p></td></tr></table>
<img src="data:image/png;base64,AAAA" alt="un schéma"><p style="display: none">secret</p>
<template>secret</template><ul hidden><li>secret</li></ul><!-- secret -->
<p>Soit \\(x^2\\) et
<math><mi>x</mi><annotation encoding="application/x-tex">y_1</annotation></math></p>
<script>var secret = "<p>secret</p>"</script>
<p># pas un titre<br>suite</p>
"""
_TEXT = """# Titre premier

Une phrase sur
deux lignes avec **du gras** et été.
Voir ici ou là.

- pomme
- poire
    - verte

1. premier
2. second

```sh
ls -l

cd <ici>
```

| Nom | Prix\\| |
| --- | --- |
| Thé | deux |

![un schéma]()

Soit $x^2$ et
$y_1$

\\# pas un titre
suite
"""


def test_a_page() -> None:
    page = read_html(_PAGE.encode(), "p.html")
    assert page.text == _TEXT
    assert (page.title, page.author, page.tags) == ("Mon cours", "A. B", ("un", "deux"))
    assert page.links == ("autre.html#x",)


def test_every_line_knows_its_source_line() -> None:
    note = note_of("p.html", _PAGE.encode())
    source = _PAGE.split("\n")
    for words in ("premier", "deux lignes", "Voir ici", "pomme", "verte", "second", "cd", "Thé",
                  "schéma", "Soit", "pas un titre"):  # fmt: skip
        line = source[line_at(note, note.text.index(words)) - 1]
        plain = re.sub(r"<(?:[^>]*alt=\"([^\"]*)\")?[^>]*>", r"\1", line)
        assert words in plain, (words, line)


@pytest.mark.parametrize("deck", [
    '<div class="reveal"><div class="slides"><section><h2>Un</h2></section><section><section>Deux'
    "</section><section>Trois</section></section></div></div>",
    '<div><svg><foreignObject><section data-marpit-pagination="1"><h1>Un</h1></section>'
    '</foreignObject></svg><svg><foreignObject><section data-marpit-pagination="2"></section>'
    '</foreignObject><foreignObject><section data-marpit-pagination="2">Deux</section>'
    '</foreignObject></svg><svg><foreignObject><section data-marpit-pagination="3">Trois</section>'
    "</foreignObject></svg></div>",
])  # fmt: skip
def test_slides_are_numbered(deck: str) -> None:
    note = note_of("p.html", f"<!DOCTYPE html><body>{deck}</body>".encode())
    found = [place_at(note, note.text.index(word)) for word in ("Un", "Deux", "Trois")]
    assert [(place.unit, place.number) for place in found if place] == [
        ("slide", 1), ("slide", 2), ("slide", 3),
    ]  # fmt: skip


def test_the_encoding_that_a_page_declares() -> None:
    page = b'<html><meta charset="windows-1251"><p>' + "Привет".encode("cp1251") + b"</p></html>"
    assert read_html(page, "p.html").text == "Привет\n"


def test_nesting_without_end_is_a_reason() -> None:
    with pytest.raises(UnreadableNoteError, match="imbriqués"):
        read_html(b"<div>" * 100_000, "p.html")


@pytest.mark.parametrize("page", ["", "<", "<!-- ", "<html></html>", "<p>"])
def test_empty_pages_have_no_text(page: str) -> None:
    if "<" not in page:
        with pytest.raises(UnreadableNoteError):
            read_html(page.encode(), "p.html")
    else:
        assert not any(map(str.isalnum, read_html(page.encode(), "p.html").text))


@pytest.mark.parametrize(
    "before",
    [
        "<p>a</p>\n<!-- x\nx\nx -->\n", "<svg>\n<text>x</text>\n</svg>",
        "<nav>\nx\n<b>x\n</b>\n</nav>", "<script>\nx\n</script>\n", "a <nav>\n</nav>",
        "<div hidden>\n<!-- x\nx -->\n</div>", "<pre>a\n\n<b>b\n</b>\n</pre>", "a <!-- x\nx -->",
    ],
)  # fmt: skip
def test_what_is_left_out_counts_in_lines(before: str) -> None:
    source = f"{before}mot un <i>\nmot deux</i>\n"
    note = note_of("p.html", source.encode())
    for words in ("mot un", "mot deux"):
        line = source[: source.index(words)].count("\n") + 1
        assert line_at(note, note.text.index(words)) == line


@pytest.mark.parametrize(
    "first", ["<script>x()</script>", "<style>p{}</style>", "<title>T</title>"]
)
@pytest.mark.parametrize("tag", ["main", "figure", "section", "p"])
def test_a_page_without_body_keeps_its_words(first: str, tag: str) -> None:
    page = f"<!DOCTYPE html>{first}\n<{tag}>\n<h1>Titre</h1>mot</{tag}>"
    assert read_html(page.encode(), "p.html").text == "# Titre\n\nmot\n"
