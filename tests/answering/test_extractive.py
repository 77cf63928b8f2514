"""What is quoted: whole spans, lists with their lead-in, exact slices, never twice."""

from __future__ import annotations

import itertools
import json
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from assistant.answering.evidence import Evidence, leans_on_previous
from assistant.answering.extractive import choose_quotations, cite, compose
from assistant.chunking import chunk_note
from assistant.datatypes import Chunk, Note, Signals
from assistant.index.store import StoredChunk
from assistant.index.token_store import StoredTokens
from assistant.retrieval.found import Passage


def note_of(text: str, note_id: str = "cours.md") -> Note:
    return Note(note_id, "Cours", "fr", text, sha256(text.encode()).hexdigest(), Path(note_id))


def evidence_for(note: Note, *quotes: tuple[str, float]) -> list[Evidence]:
    """Evidence for the spans that begin with these words, as if retrieval had scored them."""
    chunks = chunk_note(note, lambda texts: [len(t.split()) + 4 for t in texts], window=512)
    found = []
    for quote, score in quotes:
        chunk, span = next(
            (chunk, span)
            for chunk in chunks
            for span in chunk.spans
            if note.text[span.start : span.end].startswith(quote)
        )
        found.append(Evidence(passage_of(chunk), span, score))
    return sorted(found, key=lambda e: -e.score)


def passage_of(chunk: Chunk) -> Passage:
    tokens = StoredTokens(np.zeros((0, 1), np.uint8), np.zeros(0, np.uint8))
    stored = StoredChunk(
        row=1 + chunk.ordinal,
        note_id=chunk.note_id,
        ordinal=chunk.ordinal,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        lead_in=chunk.lead_in,
        headings_json=json.dumps(chunk.headings),
        spans_json=json.dumps([astuple(span) for span in chunk.spans]),
        title="Cours",
        language="fr",
        author=None,
        date=None,
        passage=b"",
        tokens=b"",
    )
    return Passage(
        1 + chunk.ordinal,
        stored,
        Signals(0, 0),
        1.0,
        tokens,
        np.zeros((1, 0), np.float32),
        np.zeros(1, np.float32),
    )


LIST = """# Docker

Docker Engine contient :
- le serveur dockerd
- l'API REST
- le client

Un volume garde les données. Il survit au conteneur.

```bash
# pas un titre
docker run -v donnees:/data image
```
"""


@pytest.mark.parametrize("asked", ["Docker Engine contient", "le serveur dockerd"])
def test_a_list_is_quoted_with_the_line_that_introduces_it(asked: str) -> None:
    note = note_of(LIST)
    quotations = choose_quotations(evidence_for(note, (asked, 9.0)), {note.id: note})
    (citation,) = cite(quotations, {note.id: note})
    assert citation.quote.startswith("Docker Engine contient :\n- le serveur dockerd")
    assert (citation.line_start, citation.headings) == (3, ("Docker", "Docker Engine contient"))
    assert note.text[citation.start : citation.end] == citation.quote
    answer = compose(quotations, {note.id: note})
    assert answer.startswith("Docker Engine contient :\n- le serveur dockerd")
    assert answer.endswith("[1]")


def test_a_sentence_that_leans_on_the_one_before_brings_it_along() -> None:
    note = note_of(LIST)
    quotations = choose_quotations(evidence_for(note, ("Il survit", 9.0)), {note.id: note})
    (citation,) = cite(quotations, {note.id: note})
    assert citation.quote == "Un volume garde les données. Il survit au conteneur."
    assert leans_on_previous("Cela permet d'isoler") and not leans_on_previous("Ilot de calme")


def test_code_is_quoted_whole_with_the_sentence_that_introduces_it() -> None:
    note = note_of(LIST)
    quotations = choose_quotations(evidence_for(note, ("```bash", 9.0)), {note.id: note})
    (citation,) = cite(quotations, {note.id: note})
    code = "```bash\n# pas un titre\ndocker run -v donnees:/data image\n```"
    assert citation.quote == f"Il survit au conteneur.\n\n{code}"
    assert (citation.line_start, citation.line_end) == (8, 13)
    assert f"Il survit au conteneur.\n\n{code}" in compose(quotations, {note.id: note})


def test_no_span_is_quoted_twice_and_weak_ones_are_left_out() -> None:
    note = note_of(LIST)
    evidence = evidence_for(
        note, ("Docker Engine", 9.0), ("le client", 8.9), ("Un volume", 8.9), ("```bash", 1.0)
    )
    quotations = choose_quotations(evidence, {note.id: note})
    ranges = sorted((q.start, q.end) for q in quotations)
    assert len(quotations) == 2
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ranges))


def test_a_sentence_broken_over_lines_is_shown_on_one_but_quoted_exactly() -> None:
    note = note_of("Les namespaces isolent\n  les processus du noyau.\n")
    quotations = choose_quotations(evidence_for(note, ("Les namespaces", 9.0)), {note.id: note})
    (citation,) = cite(quotations, {note.id: note})
    assert citation.quote == "Les namespaces isolent\n  les processus du noyau."
    assert compose(quotations, {note.id: note}) == (
        "Les namespaces isolent les processus du noyau. [1]"
    )


TABLE = """# Commandes

| Commande | Rôle |
|---|---|
| docker ps | liste les conteneurs |
| docker stop | arrête un conteneur |
"""


def test_rows_are_shown_as_a_table_under_their_header() -> None:
    note = note_of(TABLE)
    quotations = choose_quotations(evidence_for(note, ("| Commande", 9.0)), {note.id: note})
    assert compose(quotations, {note.id: note}) == (
        "| Commande | Rôle |\n|---|---|\n| docker ps | liste les conteneurs |\n"
        "| docker stop | arrête un conteneur |\n\n[1]"
    )


def test_the_same_sentence_of_two_notes_is_quoted_once() -> None:
    notes = {name: note_of("Un volume garde les données.\n", name) for name in ("a.md", "b.md")}
    evidence = [e for note in notes.values() for e in evidence_for(note, ("Un volume", 9.0))]
    assert len(choose_quotations(evidence, notes)) == 1


COMPARED = """# Docker

- Une image : est un schéma en lecture seule.
- Un conteneur : est une instance d'une image.
"""


def test_a_comparison_quotes_what_begins_with_each_side() -> None:
    note = note_of(COMPARED)
    evidence = evidence_for(note, ("Un conteneur", 9.0), ("Une image", 8.0))
    question = "quelle est la différence entre une image et un conteneur ?"
    citations = cite(choose_quotations(evidence, {note.id: note}, question), {note.id: note})
    assert [citation.quote for citation in citations] == [
        "Une image : est un schéma en lecture seule.",
        "Un conteneur : est une instance d'une image.",
    ]


def test_sides_that_share_a_word_are_told_apart_by_the_others() -> None:
    note = note_of(
        "Il y a deux types de librairies : des librairies statiques et partagées.\n\n"
        "Une librairie statique est intégrée au programme.\n\n"
        "Une librairie partagée est dans un seul fichier.\n"
    )
    evidence = evidence_for(
        note, ("Il y a", 9.0), ("Une librairie partagée", 8.0), ("Une librairie statique", 7.0)
    )
    question = "différence entre librairie statique et librairie partagée"
    citations = cite(choose_quotations(evidence, {note.id: note}, question), {note.id: note})
    assert [citation.quote for citation in citations] == [
        "Une librairie statique est intégrée au programme.",
        "Une librairie partagée est dans un seul fichier.",
    ]


def test_a_span_that_contrasts_both_sides_is_enough() -> None:
    contrast = "Contrairement à une image, un conteneur garde un état."
    note = note_of(f"{COMPARED}\n{contrast}\n")
    evidence = evidence_for(note, ("Un conteneur", 9.0), ("Une image", 8.0), ("Contrairement", 7.0))
    (citation,) = cite(
        choose_quotations(evidence, {note.id: note}, "image vs conteneur"), {note.id: note}
    )
    assert citation.quote == contrast


def test_a_list_that_is_asked_for_is_quoted_whole_from_any_of_its_items() -> None:
    note = note_of(LIST)
    evidence = evidence_for(note, ("le client", 9.0))
    (citation,) = cite(
        choose_quotations(evidence, {note.id: note}, "quels sont les composants de Docker ?"),
        {note.id: note},
    )
    assert citation.quote.endswith("- le client") and "le serveur dockerd" in citation.quote


def test_a_formula_is_quoted_with_the_sentence_that_introduces_it() -> None:
    note = note_of(
        "# Énergie\n\nL'énergie cinétique s'écrit :\n\n$$E_c=\\frac12mv^2$$\n\nEn joules.\n"
    )
    quotations = choose_quotations(evidence_for(note, ("L'énergie", 9.0)), {note.id: note})
    (citation,) = cite(quotations, {note.id: note})
    assert citation.quote == "L'énergie cinétique s'écrit :\n\n$$E_c=\\frac12mv^2$$"
    assert compose(quotations, {note.id: note}) == (
        "L'énergie cinétique s'écrit :\n\n$$E_c=\\frac12mv^2$$ [1]"
    )


def test_a_formula_that_ends_a_sentence_is_quoted_with_it() -> None:
    text = "# Énergie\n\nL'énergie cinétique vaut\n\n$$E_c=\\frac12mv^2$$\n\nEn joules.\n"
    assert quotes_of(note_of(text), ("L'énergie", 9.0)) == [
        "L'énergie cinétique vaut\n\n$$E_c=\\frac12mv^2$$"
    ]


def test_a_formula_after_a_whole_sentence_is_not_part_of_it() -> None:
    text = "# Énergie\n\nL'énergie cinétique est en joules.\n\n$$P=mg$$\n"
    assert quotes_of(note_of(text), ("L'énergie", 9.0)) == ["L'énergie cinétique est en joules."]


PARAGRAPH = (
    "Les volumes gardent les données. Docker les crée à la demande. Ils survivent au conteneur.\n"
    "\nLe réseau relie les conteneurs entre eux.\n"
)


def quotes_of(note: Note, *scores: tuple[str, float], question: str = "") -> list[str]:
    quotations = choose_quotations(evidence_for(note, *scores), {note.id: note}, question)
    return [citation.quote for citation in cite(quotations, {note.id: note})]


def test_sentences_of_one_paragraph_are_quoted_as_one_passage() -> None:
    quotes = quotes_of(note_of(PARAGRAPH), ("Les volumes", 9.0), ("Ils survivent", 8.9))
    assert quotes == [PARAGRAPH.partition("\n")[0]]


@pytest.mark.parametrize(
    "between",
    ["\n## Réseau\n", "\n\n", "\r\n\r\n", "\n \t\n", "\n```\nls\n```\n"],
)
def test_nothing_but_a_line_break_lies_between_sentences_of_one_passage(between: str) -> None:
    text = f"# T\n\nUn volume garde les données.{between}Il survit au conteneur.\n"
    whole = text.partition("\n\n")[2].strip()
    quotes = quotes_of(note_of(text), ("Un volume", 9.0), ("Il survit", 8.9))
    assert sorted(quotes) == ["Il survit au conteneur.", "Un volume garde les données."]
    assert quotes_of(note_of(text), ("Il survit", 9.0)) == ["Il survit au conteneur."]
    assert quotes_of(note_of(text.replace(between, "\r\n")), ("Il survit", 9.0)) == [
        whole.replace(between, "\r\n")
    ]


def test_a_further_sentence_is_quoted_when_it_is_worth_its_words() -> None:
    """Of 4 and of 50 words, as probable: exp(-2.5 * 0.8) / (1 + exp(-2.5 * 0.8)) is 0.12."""
    short = "Un volume survit longtemps."
    long = f"Un volume {'très ' * 47}vieux."
    for other, is_quoted in ((short, True), (long, False)):
        note = note_of(f"Un volume garde les données.\n\n{other}\n")
        quotes = quotes_of(note, ("Un volume garde", 9.0), (other, 8.2))
        assert (other in quotes) is is_quoted


def test_nothing_is_put_before_a_definition() -> None:
    text = "Il pleut ici. Les volumes gardent les données.\n"
    scores = (("Les volumes", 9.0), ("Il pleut", 8.9))
    assert quotes_of(note_of(text), *scores) == [text.strip()]
    assert quotes_of(note_of(text), *scores, question="c'est quoi un volume ?")[0] == (
        "Les volumes gardent les données."
    )


def test_a_headword_is_shown_on_the_line_of_its_definition() -> None:
    note = note_of("**inode**\n\nUn bloc\ndu disque.\n")
    quotations = choose_quotations(evidence_for(note, ("**inode", 9.0)), {note.id: note})
    assert compose(quotations, {note.id: note}) == "**inode** Un bloc du disque. [1]"


def test_a_line_break_before_a_sentence_is_no_space() -> None:
    note = note_of("Un gène code. <br> <br> Un **allèle** est une version d'un gène. <br>\n")
    quotations = choose_quotations(evidence_for(note, ("<br> <br> Un", 9.0)), {note.id: note})
    shown = compose(quotations, {note.id: note})
    assert shown == "Un **allèle** est une version d'un gène. [1]"
