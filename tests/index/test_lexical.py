"""BM25 and its questions, against an implementation that shares no code with it."""

from __future__ import annotations

import math
import random

import pytest

from assistant.analysis import analyse
from assistant.index.lexical import (
    MISSPELT_WEIGHT,
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


def ask(store, question, languages=("fr",)):
    chunks = store.counts()[1]
    terms = read_question(store.connection, question, languages, chunks)
    return search_terms(store.connection, terms, chunks)


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
    found = ask(words, question)
    assert expected, "the question must find something"
    assert found.scores.keys() == expected.keys()
    for row, score in expected.items():
        assert found.scores[row] == pytest.approx(score, rel=1e-6)


def test_a_word_in_every_passage_still_counts(words):
    """FTS5's own IDF would be next to nothing here."""
    result = ask(words, "docker")
    assert len(result.scores) == 40
    assert result.terms[0].idf == pytest.approx(math.log(1 + 0.5 / 40.5))
    assert min(result.scores.values()) > 0.001


def test_scores_after_edits_are_those_of_a_fresh_index(words, course):
    for n in range(0, 40, 2):
        (course.corpus / f"n{n}.md").unlink()
    course.write("n1.md", "Le cours de Docker parle des noyau noyau noyau avec la machine.\n")
    course.refresh(hash_all=True)
    store = course.store()
    expected = bm25(documents_of(store), {"noyau"})
    found = ask(store, "noyau").scores
    assert found == pytest.approx(expected, rel=1e-6)


def test_idf_by_hand():
    assert inverse_document_frequency(10, 3) == pytest.approx(math.log(1 + 7.5 / 3.5))
    assert inverse_document_frequency(5, 0) == pytest.approx(math.log(12))
    assert inverse_document_frequency(5, 5) > 0


def test_contributions_add_up_to_the_score(words):
    result = ask(words, "docker noyau image")
    for row, score in result.scores.items():
        assert score == pytest.approx(sum(by.get(row, 0.0) for by in result.by_term))


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
        scores = ask(store, question).scores
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
    assert ask(store, typed).scores.keys() >= ask(store, meant).scores.keys() > set()


@pytest.mark.parametrize("typed", ["banane", "Australie", "xyz", "1234", "go"])
def test_words_the_notes_never_say_stand_for_nothing(kuberante, typed):
    result = ask(kuberante.store(), typed)
    assert not result.scores
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
