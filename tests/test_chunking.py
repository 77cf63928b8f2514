"""Chunks of any text: in order, exact, complete, within the window; and worked examples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_notes import note_of

from assistant.chunking import CountTokens, chunk_note, passage_text
from assistant.datatypes import Chunk, Note
from assistant.embedding.fake import FakeEmbedder
from assistant.embedding.protocol import Embedder
from assistant.structure import Kind, read_structure

COURSE = Path(__file__).parents[1] / "corpus" / "docker.md"
WINDOWS = (16, 24, 64, 128, 512)

_WORDS = st.sampled_from(
    "docker conteneur système é e\u0301te\u0301 🐳 👩‍💻 etc. M. fin.Docker l'image ` ``` | : ; - * "
    "** # > ) ( \u2028 \u00a0 \t \ufeff 日本語 ﬃ x y::z".split(" ")
) | st.text(max_size=6)
_LINES = st.builds(
    lambda prefix, words, suffix: prefix + " ".join(words) + suffix,
    st.sampled_from(
        ["", "", "# ", "## ", "### ", "- ", "-- ", "- - ", "--- ", "* ", "1. ", "12) ", "    ",
         "> ", "> - ", "  - ", "      - ", "\t", "| ", "**", "!!! note ", "::: ", "<div>", "```"]
    ),
    st.lists(_WORDS, max_size=12),
    st.sampled_from(["", "", " :", ":", ".", "**", " |", "  ", " #", "</div>"]),
)  # fmt: skip
_WHOLE_LINES = st.sampled_from(
    ["", "", "---", "```", "```python", "~~~", "===", "***", "| a | b |", "|---|:-:|", "| 1 | 2 |",
     ":::", "+++", "title: x", ")", "x" * 300, "mot " * 120, "a" + ":" * 40, "." * 50, "<!--",
     "-->"]
)  # fmt: skip
MESSY = st.lists(
    st.tuples(_LINES | _WHOLE_LINES, st.sampled_from(["\n", "\n", "\n", "\n\n", "\r\n", "\r"])),
    max_size=40,
).map(lambda lines: "".join(line + ending for line, ending in lines))
_ANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _note(text: str, title: str = "Cours") -> Note:
    return Note(id="a.md", title=title, language="fr", text=text, sha256="", source=Path("a.md"))


def _chunks(text: str, *, window: int = 512, title: str = "Cours") -> list[Chunk]:
    embedder = FakeEmbedder(max_tokens=window)
    return chunk_note(_note(text, title), embedder.count_tokens, window=window)


def _quotes(chunk: Chunk) -> list[str]:
    return [chunk.text[span.start - chunk.start : span.end - chunk.start] for span in chunk.spans]


def _lead(text: str, chunk: Chunk, quote: str) -> str | None:
    span = chunk.spans[_quotes(chunk).index(quote)]
    return text[span.lead[0] : span.lead[1]].strip() if span.lead else None


def _without_hidden(note: Note) -> str:
    """The text with comments and blobs blanked, at the same offsets."""
    text = note.text
    for block in read_structure(text, note.body_start):
        if block.kind is Kind.HIDDEN:
            text = text[: block.start] + " " * (block.end - block.start) + text[block.end :]
    return text


def assert_sound(
    note: Note, chunks: Sequence[Chunk], count_tokens: CountTokens, window: int
) -> None:
    """Assert everything that holds for the chunks of any note."""
    text, position = _without_hidden(note), note.body_start
    for ordinal, chunk in enumerate(chunks):
        assert (chunk.note_id, chunk.ordinal) == (note.id, ordinal)
        assert position <= chunk.start < chunk.end <= len(text)
        assert note.text[chunk.start : chunk.end] == chunk.text
        assert not text[position : chunk.start].strip()
        position, inside = chunk.end, chunk.start
        for span in chunk.spans:
            assert inside <= span.start < span.end <= chunk.end
            assert any(map(str.isalnum, note.text[span.start : span.end]))
            if span.lead is not None:
                assert note.body_start <= span.lead[0] < span.lead[1] <= len(text)
            inside = span.end
    assert not text[position:].strip()
    for size in count_tokens([passage_text(note.title, chunk) for chunk in chunks]):
        assert size <= window


def _assert_code_whole(note: Note, chunks: Sequence[Chunk], count_tokens: CountTokens) -> None:
    """A code block that is small enough to be sure of fitting lies in one chunk."""
    for block in read_structure(note.text, note.body_start):
        code = note.text[block.start : block.end]
        if block.kind is Kind.CODE and count_tokens([code])[0] <= 40:
            assert any(c.start <= block.start and block.end <= c.end for c in chunks), code


@_ANY
@given(text=MESSY | st.text(max_size=400), window=st.sampled_from(WINDOWS))
def test_chunks_of_any_text_are_exact_complete_and_fit(text: str, window: int) -> None:
    embedder = FakeEmbedder(max_tokens=window)
    note = _note(text)
    chunks = chunk_note(note, embedder.count_tokens, window=window)
    assert_sound(note, chunks, embedder.count_tokens, window)
    if window >= 512:
        _assert_code_whole(note, chunks, embedder.count_tokens)


@_ANY
@given(
    front=st.sampled_from(
        ["---\ntitle: Un titre\n---\n", "---\nTitle: a: b\nAuthor: [x\n---\n", "---\ntitle: x\n",
         "+++\ntitle = 'T'\n+++\n", "+++\ntitle = \n+++\n", "---\r\ntitle: x\r\n---\r\n"]
    ),
    body=MESSY,
)  # fmt: skip
def test_only_front_matter_and_white_space_lie_outside(front: str, body: str) -> None:
    note = note_of("a.md", (front + body).replace("\0", "").encode())
    embedder = FakeEmbedder(max_tokens=512)
    chunks = chunk_note(note, embedder.count_tokens, window=512)
    assert_sound(note, chunks, embedder.count_tokens, 512)
    assert note.body_start <= len(front) or note.text[len(front) :].strip("\r\n")


@pytest.mark.slow
@pytest.mark.parametrize("window", [64, 512])
def test_chunks_of_any_text_fit_the_real_model(embedder: Embedder, window: int) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(text=MESSY)
    def check(text: str) -> None:
        note = _note(text)
        chunks = chunk_note(note, embedder.count_tokens, window=window)
        assert_sound(note, chunks, embedder.count_tokens, window)

    check()


def test_no_text_gives_no_chunk() -> None:
    assert _chunks("") == _chunks(" \r\n\t\u2028\n") == []


def test_a_text_without_spaces_is_still_cut_to_the_window() -> None:
    text = "é-" * 5_000
    chunks = _chunks(text, window=32)
    assert "".join(chunk.text for chunk in chunks) == text
    assert len(chunks) >= 5_000 / 28


def test_a_long_title_and_lead_never_push_a_passage_over_a_small_window() -> None:
    lead = "Voici une phrase assez longue qui annonce la liste que voici " * 3 + ":"
    text = f"# {'Titre ' * 10}\n\n{lead}\n\n" + "\n".join(
        f"- point numéro {n} avec sept mots de plus encore ici" for n in range(30)
    )
    for window in (32, 48, 64, 128):
        count = FakeEmbedder(max_tokens=window).count_tokens
        note = _note(text, "Un cours de dix mots à peu près, pas plus")
        assert_sound(note, chunk_note(note, count, window=window), count, window)


def test_the_docker_course() -> None:
    note = note_of("docker.md", COURSE.read_bytes())
    chunks = chunk_note(note, FakeEmbedder(max_tokens=512).count_tokens, window=512)
    assert {chunk.headings[0] for chunk in chunks} == {"Fonctionnement Docker"}
    spans = [(span, note.text[span.start : span.end]) for c in chunks for span in c.spans]
    quotes = [quote for _, quote in spans]
    leads = {
        quote: note.text[span.lead[0] : span.lead[1]].strip() if span.lead else None
        for span, quote in spans
    }
    assert quotes[0] == "Docker utilise le noyau Linux et l'environnement GNU de votre système."
    assert leads[quotes[0]] is None
    assert leads["**l'isolation du système de fichiers**"].startswith(  # type: ignore[union-attr]
        "- Docker utilise les namespaces Linux"
    )
    for child in ("Le serveur dockerd", "L'API REST-", "Le client (CLI)"):
        assert leads[child] == "- Docker Engine contient  (demon+ client)"
    volumes = "Les volumes : permettent aux conteneurs de stocker des données."
    assert leads[volumes] == "Les objet Docker:"
    compose = next(quote for quote in quotes if quote.startswith("Docker Compose est"))
    assert compose.endswith("votre application serveur.\n)")
    kuberante = next(quote for quote in quotes if quote.startswith("Kuberante"))
    assert leads[kuberante] is None
    cgroups = next(quote for quote in quotes if "(cgroups)" in quote)
    assert cgroups.startswith("Docker utilise également") and cgroups.endswith("disques etc).")
    # The list of objects is one passage with the line that introduces it.
    objects = next(chunk for chunk in chunks if volumes in chunk.text)
    assert objects.text.startswith("Les objet Docker:\n-- Une image Docker")


def test_a_list_that_is_cut_repeats_its_lead_in_as_context() -> None:
    items = "\n".join(f"- le point {n} dit quelque chose de précis" for n in range(120))
    text = f"# Liste\n\nPremière phrase. Les points sont :\n\n{items}\n"
    chunks = _chunks(text)
    assert len(chunks) > 2
    assert chunks[0].lead_in == ""
    for chunk in chunks[1:]:
        assert chunk.lead_in == "Les points sont :"
        assert chunk.headings == ("Liste",)
        assert chunk.text.startswith("- le point")
        assert passage_text("Cours", chunk).startswith("Cours > Liste\nLes points sont :\n- le ")
    quotes = [quote for chunk in chunks for quote in _quotes(chunk) if quote.startswith("le point")]
    assert quotes == [f"le point {n} dit quelque chose de précis" for n in range(120)]


def test_a_list_stays_with_its_lead_in_line() -> None:
    prose = "Une phrase de prose avec exactement dix mots en tout. " * 14
    text = f"{prose}\n\nLes commandes sont :\n\n- la première commande de la liste avec des mots\n"
    chunks = _chunks(text)
    assert chunks[-1].text.startswith("Les commandes sont :\n\n- la première")


def test_a_table_repeats_its_header_row() -> None:
    rows = "\n".join(f"| commande {n} | elle fait la chose {n} |" for n in range(120))
    text = f"| Nom | Rôle |\n|-----|:----:|\n{rows}\n"
    chunks = _chunks(text)
    assert len(chunks) > 2
    assert {chunk.lead_in for chunk in chunks[1:]} == {"| Nom | Rôle |"}
    row = "| commande 119 | elle fait la chose 119 |"
    assert _lead(text, chunks[-1], row) == "| Nom | Rôle |"
    assert not any("---" in quote for chunk in chunks for quote in _quotes(chunk))


def test_code_is_one_span_with_the_sentence_that_introduces_it() -> None:
    text = "Un mot. On lance :\n\n```bash\n# commentaire\ndocker run x\n```\n\nSuite.\n"
    [chunk] = _chunks(text)
    assert _quotes(chunk) == [
        "Un mot.", "On lance :", "```bash\n# commentaire\ndocker run x\n```", "Suite.",
    ]  # fmt: skip
    assert _lead(text, chunk, "```bash\n# commentaire\ndocker run x\n```") == "On lance :"
    assert [span.kind for span in chunk.spans] == ["sentence", "sentence", "code", "sentence"]


def test_code_too_large_is_cut_between_its_lines() -> None:
    code = "\n".join(f"appel_{n} = fonction({n}, {n})" for n in range(200))
    chunks = _chunks(f"```python\n{code}\n```\n")
    lines = [line for chunk in chunks for line in chunk.text.split("\n")]
    assert len(chunks) > 3
    assert lines == ["```python", *code.split("\n"), "```"]


def test_rules_images_without_words_and_containers_are_no_evidence() -> None:
    text = "Une phrase.\n\n---\n\n🛡️\n\n::: {.callout-tip}\nUn conseil.\n:::\n\n***\n"
    [chunk] = _chunks(text)
    assert _quotes(chunk) == ["Une phrase.", "Un conseil."]


def test_context_names_title_and_headings_once() -> None:
    text = "# Docker\n\n## Images\n\nUne image est un schéma.\n\n## Volumes\n\nUn volume.\n"
    chunks = _chunks(text, title="Docker")
    assert [chunk.headings for chunk in chunks] == [("Docker", "Images"), ("Docker", "Volumes")]
    assert passage_text("Docker", chunks[0]) == "Images\n" + chunks[0].text
    assert passage_text("Docker", chunks[1]) == "Docker\n" + chunks[1].text


@pytest.mark.parametrize(
    "text",
    ["mot " * 50_000, "a" * 200_000, "- x\n" * 5_000, "# a\n" * 3_000, "M. " * 30_000,
     "." * 100_000, "```\n" + " " * 100_000 + "\n```", "# a" + " " * 50_000 + "b\n",
     "# " + "[" * 30_000],
)  # fmt: skip
def test_large_monotonous_notes_take_linear_time(text: str) -> None:
    # Quadratic work on these takes minutes: the suite itself would never end.
    note = note_of("a.md", text.encode())
    count = FakeEmbedder(max_tokens=512).count_tokens
    assert_sound(note, chunk_note(note, count, window=512), count, 512)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Le schéma ![plan](data:image/png;base64," + "iVBORw0K" * 9_000 + ") suit.", 40),
        ("Avant.\n\n" + "function n(e){const t=e.a;return t};" * 500 + "\n\nAprès.", 20),
        ("Avant.\n\n" + '<path d="M' + "12.5,4l-3.2,5z" * 400 + '"/>' + "\n\nAprès.", 20),
        ("Avant.\n\n<!-- " + "Brouillon à cacher. " * 30 + "-->\n\nAprès.", 20),
    ],
)
def test_blobs_and_comments_are_in_no_passage(text: str, kept: int) -> None:
    note = note_of("a.md", text.encode())
    assert note.text == text
    count = FakeEmbedder(max_tokens=512).count_tokens
    chunks = chunk_note(note, count, window=512)
    assert_sound(note, chunks, count, 512)
    assert 0 < sum(len(chunk.text) for chunk in chunks) <= kept
    words = " ".join(chunk.text for chunk in chunks)
    assert ("schéma" in words and "suit" in words) or ("Avant" in words and "Après" in words)


def test_long_prose_on_one_line_and_text_without_spaces_are_kept() -> None:
    count = FakeEmbedder(max_tokens=512).count_tokens
    for text in ("La facture change de modèle, un peu. " * 100, "学习容器技术。" * 300):
        note = note_of("a.md", text.encode())
        assert sum(len(c.text) for c in chunk_note(note, count, window=512)) > 0.9 * len(text)


@pytest.mark.parametrize(
    "text",
    [
        "Une phrase vraie. <!-- Une phrase cachée. -->\n",
        "Une phrase vraie.\n\n<!--\n# Titre caché\n\n- phrase cachée\n-->\n",
        "Une phrase vraie. %% Une phrase cachée. %%\n",
        "%%\nUne phrase cachée.\n%%\n\nUne phrase vraie.\n",
        "Une phrase vraie.\n\n[//]: # (Une phrase cachée.)\n",
        '!!! note "Une phrase cachée"\n    Une phrase vraie.\n',
        "> [!note] Une phrase cachée\n> Une phrase vraie.\n",
        "```{note} Une phrase cachée\n:class: cachée\nUne phrase vraie.\n```\n",
    ],
)
def test_comments_and_titles_of_boxes_are_no_evidence(text: str) -> None:
    note = note_of("a.md", text.encode())
    chunks = chunk_note(note, FakeEmbedder(max_tokens=512).count_tokens, window=512)
    quotes = [text[span.start : span.end] for chunk in chunks for span in chunk.spans]
    assert [quote for quote in quotes if "vraie" in quote]
    assert not [quote for quote in quotes if "caché" in quote]


_BLOB = "data:image/png;base64," + "iVBORw0K" * 900


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        (f"Le schéma ![fig]({_BLOB}) suit.\n", ["Le schéma", "suit."]),
        (f"Voici ![le plan du réseau]({_BLOB}).\n", ["Voici", "le plan du réseau"]),
        (f'Avant.\n\n![fig]({_BLOB} "titre")\n\nAprès.\n', ["Avant.", "Après."]),
        (f"Avant.\n\n[fig]: <{_BLOB}>\n\nAprès.\n", ["Avant.", "Après."]),
        (f"Avant.\n\n<img alt='x' src=\"{_BLOB}\" width=3/> Fin.\n", ["Avant.", "Fin."]),
    ],
)
def test_nothing_is_left_of_the_markup_around_a_blob(text: str, quotes: list[str]) -> None:
    note = _note(text)
    count = FakeEmbedder(max_tokens=512).count_tokens
    chunks = chunk_note(note, count, window=512)
    assert_sound(note, chunks, count, 512)
    assert [quote for chunk in chunks for quote in _quotes(chunk)] == quotes
    assert not any("fig" in c.text or "base64" in c.text or "](" in c.text for c in chunks)


def test_block_ids_of_obsidian_are_not_quoted() -> None:
    text = (
        "Une phrase vraie. ^bloc-1\n\nLes points : ^points\n\n- un item ^item-1\n- deux\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n^table-1\n\nCar z = x ^2 + y ^2\n\n`a ^bc`\n"
    )
    chunks = _chunks(text)
    assert [quote for chunk in chunks for quote in _quotes(chunk)] == [
        "Une phrase vraie.", "Les points :", "un item", "deux", "| a | b |", "| 1 | 2 |",
        "Car z = x ^2 + y ^2", "`a ^bc`",
    ]  # fmt: skip
    assert _lead(text, chunks[1], "un item") == "Les points :"


@pytest.mark.parametrize(
    "opening",
    [
        "{r, echo = FALSE, out.width = '80%'}", "{r setup, include=FALSE}", "{r echo=F}",
        "{python}\n#| label: figure\n#| echo: false",
    ],
)  # fmt: skip
def test_code_that_the_page_does_not_show_is_no_answer(opening: str) -> None:
    shown = "```{r, eval = FALSE, echo = TRUE}\nplot(include = FALSE)\n```"
    text = f"La fenêtre suivante :\n\n```{opening}\ninclude_image(1)\n```\n\nAprès.\n\n{shown}\n"
    chunks = _chunks(text)
    quotes = [quote for chunk in chunks for quote in _quotes(chunk)]
    assert quotes == ["La fenêtre suivante :", "Après.", shown]
    assert not any(span.lead for chunk in chunks for span in chunk.spans if span.kind != "code")


@pytest.mark.parametrize("language", ["dataview", "dataviewjs", "tasks", "query"])
def test_queries_of_obsidian_are_no_answer(language: str) -> None:
    query = f"```{language}\nTABLE note FROM #livre WHERE auteur\n```"
    text = f"Les livres :\n\n{query}\n\nAprès.\n\n```sql\nSELECT 1\n```\n"
    chunks = _chunks(text)
    quotes = [quote for chunk in chunks for quote in _quotes(chunk)]
    assert quotes == ["Les livres :", "Après.", "```sql\nSELECT 1\n```"]
    assert all(chunk.text == text[chunk.start : chunk.end] for chunk in chunks)


def test_a_headword_is_quoted_with_what_defines_it() -> None:
    text = (
        "**inode**\n\nUn bloc du disque. Il a un numéro.\n\n**Unités**\n\n**bit**\n\n"
        "La plus petite.\n\n**Les nombreux avantages de tout cela :**\n\n- rapide\n\n"
        "**Un volume ?**\n\nIl garde.\n\n**Fin**\n"
    )
    (chunk,) = _chunks(text)
    assert _quotes(chunk) == [
        "**inode**\n\nUn bloc du disque.", "Il a un numéro.", "**Unités**",
        "**bit**\n\nLa plus petite.", "**Les nombreux avantages de tout cela :**", "rapide",
        "**Un volume ?**", "Il garde.", "**Fin**",
    ]  # fmt: skip


def test_a_headword_stays_with_what_defines_it() -> None:
    words = " ".join(["mot"] * 300)
    text = f"{words}.\n\n**inode**\n\nUn bloc du disque, {' '.join(['long'] * 30)}.\n"
    chunks = _chunks(text)
    assert [chunk.text.split()[0] for chunk in chunks] == ["mot", "**inode**"]


def test_an_image_beside_a_sentence_is_not_quoted_with_it() -> None:
    text = (
        "![Le style](img/a.png){width=100%}\n"
        "Enfin le *package* met en forme ![ici](b.png) le code.\n![](c.png) ![](d.png)\n\n"
        "Voici la fenêtre :\n![](e.png)\n\n- ![logo](f.png) un item\n"
    )
    (chunk,) = _chunks(text)
    assert _quotes(chunk) == [
        "Enfin le *package* met en forme ![ici](b.png) le code.", "Voici la fenêtre :", "un item",
    ]  # fmt: skip


def test_what_is_hidden_between_short_blocks_counts_in_the_size_of_a_chunk() -> None:
    embedder = FakeEmbedder(max_tokens=512)
    note = _note("".join(f"Le mot {n}.\n\n<!-- {'x ' * 90}-->\n\n" for n in range(60)))
    chunks = chunk_note(note, embedder.count_tokens, window=512)
    assert_sound(note, chunks, embedder.count_tokens, 512)


def test_a_link_to_a_name_in_brackets_is_no_answer() -> None:
    text = "- [la fiche(1).pdf](fiche(1).pdf)\n- ![](plan(2).png) Le plan.\n"
    (chunk,) = _chunks(text)
    assert _quotes(chunk) == ["Le plan."]
