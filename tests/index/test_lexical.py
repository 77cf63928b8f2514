"""BM25 and its questions, against an implementation that shares no code with it."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.analysis import analyse
from assistant.index.lexical import (
    MISSPELT_WEIGHT,
    LexicalResult,
    Postings,
    inverse_document_frequency,
    read_question,
    search_terms,
)

K1, B = 1.2, 0.75


def bm25(documents, wanted):
    """Scores by document of the terms `wanted`, Lucene's IDF and BM25's saturation."""
    average = sum(map(len, documents.values())) / len(documents)
    scores = {}
    for term in wanted:
        containing = sum(term in terms for terms in documents.values())
        idf = math.log(1 + (len(documents) - containing + 0.5) / (containing + 0.5))
        for row, terms in documents.items():
            if count := terms.count(term):
                length = K1 * (1 - B + B * len(terms) / average)
                score = idf * count * (K1 + 1) / (count + length)
                scores[row] = scores.get(row, 0.0) + score
    return scores


def ask(store, question, languages=("fr",), **options):
    chunks = store.counts()[1]
    known = options.get("postings")
    terms = read_question(store.connection, question, languages, chunks, postings=known)
    return search_terms(store.connection, terms, chunks, **options)


def scores_of(result):
    """The scores of a result, by row."""
    return dict(zip(result.rows.tolist(), result.scores.tolist(), strict=True))


def documents_of(store):
    """Terms of each passage, as they were put into the full-text table."""
    return {
        row: text.split(" ")
        for row, text in store.connection.execute("SELECT rowid, analysed FROM terms")
    }


@pytest.fixture
def words(course):
    """Forty notes of pseudo-random words, some in nearly every note."""
    generator = random.Random(7)
    vocabulary = "noyau disque volume image réseau conteneur processus mémoire".split()
    for n in range(40):
        text = [word for word in vocabulary for _ in range(generator.choice([0, 0, 1, 3]))]
        generator.shuffle(text)
        course.write(
            f"n{n}.md", f"Le cours de Docker parle des {' '.join(text)} avec numéro {n}.\n"
        )
    course.refresh()
    return course.store()


def test_a_word_that_very_many_passages_say_counts_in_the_best_of_them(words, monkeypatch):
    """Not in the first by row: notes indexed last would not be found by it."""
    scores = scores_of(ask(words, "noyau"))
    monkeypatch.setattr("assistant.index.lexical._LONGEST_POSTINGS", 5)
    kept = scores_of(ask(words, "noyau"))
    assert len(kept) == 5 < len(scores)
    assert kept == {row: scores[row] for row in kept}
    assert min(kept.values()) >= sorted(scores.values())[-5]


@pytest.mark.parametrize(
    "question",
    [
        "noyau",
        "docker",
        "volume disque",
        "docker noyau image",
        "machine disque",
        "les volumes et réseaux",
    ],
)
def test_scores_are_bm25_with_lucene_idf(words, question):
    wanted = {term.term for term in analyse(question, "fr")}
    expected = bm25(documents_of(words), wanted)
    assert expected, "the question must find something"
    assert scores_of(ask(words, question)) == pytest.approx(expected, rel=1e-6)


def test_a_word_in_every_passage_still_counts(words):
    """FTS5's own IDF would be next to nothing here."""
    result = ask(words, "docker")
    assert len(result.scores) == 40
    assert result.terms[0].idf == pytest.approx(math.log(1 + 0.5 / 40.5))
    assert result.scores.min() > 0.001


def test_scores_after_edits_are_those_of_a_fresh_index(words, course):
    for n in range(0, 40, 2):
        (course.corpus / f"n{n}.md").unlink()
    course.write("n1.md", "Le cours de Docker parle des noyau noyau noyau avec la machine.\n")
    course.refresh(hash_all=True)
    store = course.store()
    expected = bm25(documents_of(store), {"noyau"})
    found = scores_of(ask(store, "noyau"))
    assert found == pytest.approx(expected, rel=1e-6)


def test_idf_by_hand():
    assert inverse_document_frequency(10, 3) == pytest.approx(math.log(1 + 7.5 / 3.5))
    assert inverse_document_frequency(5, 0) == pytest.approx(math.log(12))
    assert inverse_document_frequency(5, 5) > 0


def test_contributions_add_up_to_the_score(words):
    result = ask(words, "docker noyau image")
    said = {n: scores_of(ask(words, term.word)) for n, term in enumerate(result.terms)}
    for row, score in scores_of(result).items():
        parts = [said[n].get(row, 0.0) for n in range(3)]
        assert result.of([row])[:, 0] == pytest.approx(parts)
        assert score == pytest.approx(sum(parts))


@given(st.lists(st.integers(0, 60)), st.integers(1, 50))
def test_the_best_and_any_rows_are_those_of_a_full_sort(scores, k):
    """Against Python's sort, with many ties; rows that share nothing have 0."""
    rows = [3 * n + 1 for n, score in enumerate(scores) if score]
    values = np.array([score / 4 for score in scores if score])
    result = LexicalResult((), np.array(rows, np.int64), np.stack([values, 2 * values]))
    known = dict(zip(rows, result.scores.tolist(), strict=True))
    assert result.best(k) == sorted(rows, key=lambda row: (-known[row], row))[:k]
    asked = list(range(3 * len(scores) + 2))
    assert result.of(asked).sum(axis=0).tolist() == [known.get(row, 0.0) for row in asked]


def test_postings_that_are_kept_give_the_same_scores(words, monkeypatch):
    """Also when they are dropped for others, and when threads ask at once."""
    questions = [
        "docker noyau image",
        "noyau disque",
        "docker xylophage",
        "volumes réseaux mémoire",
    ]
    expected = [scores_of(ask(words, question)) for question in questions]
    postings = Postings()
    for _ in range(2):
        found = [scores_of(ask(words, question, postings=postings)) for question in questions]
        assert found == expected
    traced = []
    words.connection.set_trace_callback(traced.append)
    ask(words, "docker", postings=postings)
    words.connection.set_trace_callback(None)
    assert not any("bm25" in statement for statement in traced), "fetched again"
    for term in ("docker", "noyau", "xylophag"):
        said = sum(term in terms for terms in documents_of(words).values())
        assert postings.count(words.connection, term) == said
    monkeypatch.setattr("assistant.index.lexical._KEPT_POSTINGS", 50)
    postings = Postings()
    for _ in range(2):
        found = [scores_of(ask(words, question, postings=postings)) for question in questions]
        assert found == expected
        kept = sum(len(term) + len(said) for term, said in postings._known.items())
        assert kept == postings._kept <= 50


@pytest.mark.parametrize(
    "question",
    [
        '"docker"', 'docker"', '"', "'; DROP TABLE notes; --", "docker AND", "NOT docker",
        "docker OR NEAR(volume, 3)", "NEAR", "docker*", "*", "analysed:docker", ":", "{a b}: c",
        "docker\0volume", "^docker", "(docker", "docker-", "-docker", "+docker", "%", "_", "\\",
        "docker\ud7ff", "\U0001f433 docker", "ﬁ", "½", "ͺx", "(1)⑴", "a" * 2000, "' ' \" \" \t\n",
    ],
)  # fmt: skip
def test_hostile_questions_are_words_never_syntax(words, question):
    result = ask(words, question)
    if any(term.term == "docker" for term in analyse(question, "fr")):
        assert len(result.scores) == 40
    assert words.counts()[0] == 40


def test_technical_words_are_found_whole(course):
    course.write(
        "a.md",
        "Il faut écrire le fichier docker-compose.yml, puis lire /etc/fstab en C++ (node.js).\n",
    )
    course.write(
        "b.md",
        "Il faut écrire le fichier docker, compose, yml, puis lire etc, fstab, C, node, js.\n",
    )
    course.refresh()
    store = course.store()
    rows = {chunk.chunk.note_id: row for row, chunk in store.chunks([1, 2]).items()}
    for question in ("docker-compose.yml", "/etc/fstab", "C++", "node.js"):
        scores = scores_of(ask(store, question))
        assert scores[rows["a.md"]] > scores.get(rows["b.md"], 0.0), question


@pytest.fixture
def kuberante(course):
    course.write("a.md", "Kuberante et Docker Swarm est un orchestrateur de conteneurs.\n")
    course.write("b.md", "Les volumes permettent aux conteneurs de stocker des données.\n")
    course.refresh()
    return course


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Kubernetes", "Kuberante"),
        ("conteneurrs", "conteneurs"),
        ("orchestrateure", "orchestrateur"),
        ("stoker", "stocker"),
        ("dokcer", "docker"),
    ],
)
def test_misspelt_words_stand_for_the_notes_own(kuberante, typed, meant):
    store = kuberante.store()
    (term,) = ask(store, typed).terms
    (expected,) = (found.term for found in analyse(meant, "fr"))
    assert term.nearest and term.weight == MISSPELT_WEIGHT
    assert expected in term.terms
    assert {*ask(store, typed).rows} >= {*ask(store, meant).rows} > set()


@pytest.mark.parametrize("typed", ["banane", "Australie", "xyz", "1234", "go"])
def test_words_the_notes_never_say_stand_for_nothing(kuberante, typed):
    result = ask(kuberante.store(), typed)
    assert not len(result.rows)
    for term in result.terms:
        assert term.terms == () and not term.nearest
        assert term.idf == pytest.approx(math.log(1 + 2.5 / 0.5))


def test_spelling_forgets_the_words_of_removed_notes(kuberante):
    """A removed note's nearer spelling must not hide the one that is left."""
    kuberante.write("c.md", "Kubernete est une faute.\n")
    kuberante.refresh(hash_all=True)
    (term,) = ask(kuberante.store(), "kubernetes").terms
    assert term.terms == ("kubernet",)
    (kuberante.corpus / "c.md").unlink()
    kuberante.refresh(hash_all=True)
    (term,) = ask(kuberante.store(), "kubernetes").terms
    assert term.nearest and term.terms == ("kuber",)


def test_words_are_counted_by_note(kuberante):
    def count(word):
        row = kuberante.store().connection.execute(
            "SELECT sum(notes) FROM words WHERE word = ?", (word,)
        )
        return row.fetchone()[0]

    assert count("conteneurs") == 2
    (kuberante.corpus / "a.md").unlink()
    kuberante.refresh(hash_all=True)
    assert count("conteneurs") == 1 and count("docker") is None


def test_an_english_question_shares_names_with_french_notes(kuberante):
    store = kuberante.store()
    result = ask(store, "What are Docker volumes for?", ("en", "fr"))
    assert {term.word for term in result.terms} == {"docker", "volumes"}
    assert len(result.scores) == 2
