"""Index terms: exact offsets, and the same terms however a word is typed."""

from __future__ import annotations

import re
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.analysis import analyse, fold, stem, term_names

COURSE = (Path(__file__).parents[1] / "corpus" / "docker.md").read_text(encoding="utf-8")


def _terms(text: str, language: str = "fr") -> list[str]:
    return [term.term for term in analyse(text, language)]


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l'image d’un conteneur jusqu'au volume", ["imag", "conteneur", "volum"]),
        ("L'œuvre de l’œil, lʼimage", ["oeuvr", "oeil", "imag"]),
        ("étudiant·e·s étudiant.e.s étudiant(e)s étudiants", ["etudi"] * 4),
        ("docker-compose", ["docker-compose", "dock", "compos"]),
        ("/etc/fstab", ["/etc/fstab", "etc", "fstab"]),
        ("C, R et C++ en C#", ["c", "r", "c++", "c", "c#", "c"]),
        ("node.js", ["node.js", "nod", "js"]),
        ("getUserName", ["getusernam", "get", "user", "nam"]),
        ("./run.sh", ["./run.sh", "run", "sh"]),
        ("std::vector", ["std::vector", "std", "vector"]),
        ("sécurité", ["secur"]),
        ("créée créées créés créé", ["cre"] * 4),
        ("Qu'est-ce que c'est ? est-il là", []),
        ("Y a-t-il un démon ?", ["demon"]),
        ("a koi serve les volume", ["volum"]),
        ("Kel est le nom du serveur ?", ["nom", "serveur"]),
        ("", []),
        ("?! … 🐳", []),
    ],
)
def test_french_terms(text: str, expected: list[str]) -> None:
    got = _terms(text)
    # "là" carries no stop: compare what the case is about.
    assert [term for term in got if term != "la"] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What are cgroups for?", ["cgroup"]),
        ("containers running images", ["contain", "run", "imag"]),
        ("the daemon's name", ["daemon's", "daemon", "name"]),
    ],
)
def test_english_terms(text: str, expected: list[str]) -> None:
    assert _terms(text, "en") == expected


def test_a_compound_typed_in_one_word_meets_the_camel_case_one() -> None:
    for name in ("WordPress", "GitHub", "PowerShell", "OpenStack"):
        assert set(_terms(name.lower())) <= set(_terms(name))


def test_offsets_cover_the_word_in_the_text_as_it_is() -> None:
    text = "L’image Docker d'un étudiant·e·s : /etc/fstab, œuvre"
    for form in ("NFC", "NFD"):
        written = unicodedata.normalize(form, text)
        covered = [written[term.start : term.end] for term in analyse(written)]
        assert [unicodedata.normalize("NFC", word) for word in covered] == [
            "image", "Docker", "étudiant·e·s", "/etc/fstab", "/etc/fstab", "/etc/fstab", "œuvre",
        ]  # fmt: skip


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_each_term_of_the_course_lies_at_its_offsets(form: str) -> None:
    text = unicodedata.normalize(form, COURSE)
    terms = analyse(text)
    assert len(terms) > 150
    for term in terms:
        assert fold(term.word) == term.word
        assert term.word in fold(text[term.start : term.end])
    starts = [term.start for term in terms]
    assert starts == sorted(starts)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_terms_of_any_text_are_ordered_and_inside_it(text: str) -> None:
    for language in ("fr", "en", "xx"):
        position = 0
        for term in analyse(text, language):
            assert position <= term.start < term.end <= len(text)
            assert term.term
            assert term.word
            position = term.start


_FRENCH = st.text(
    alphabet=st.sampled_from("abcdeéèêëàâîïôùûüçœæ'’-./ ·ABCÉÀÇ+#_1()\n"), max_size=80
)


@given(_FRENCH)
@settings(max_examples=300, deadline=None)
def test_composed_and_decomposed_texts_give_the_same_terms(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    ours, theirs = analyse(composed), analyse(decomposed)
    assert [t.term for t in ours] == [t.term for t in theirs]
    for one, other in zip(ours, theirs, strict=True):
        covered = unicodedata.normalize("NFC", decomposed[other.start : other.end])
        assert covered == composed[one.start : one.end]


def test_french_terms_do_not_depend_on_accents_or_capitals() -> None:
    words = sorted({word.lower() for word in re.findall(r"[^\W\d_]{3,}", COURSE)})
    words += ["sécurité", "qualité", "créées", "employée", "système", "écrit", "élève", "façon",
              "réseaux", "légers", "générale", "mémoire", "où", "déployé", "site"]  # fmt: skip
    for word in words:
        assert stem(word, "fr") == stem(_without_accents(word), "fr")
        assert _terms(word) == _terms(_without_accents(word)) == _terms(word.upper()), word


@pytest.mark.parametrize(
    "question",
    ["à quoi servent les cgroups ?", "Dans quel langage Docker est-il écrit ?",
     "quel est le nom du serveur (démon) docker ?", "c'est quoi une image docker",
     "De quoi se compose l’outil Docker Engine ?", "Où sont stockées les données ?"],
)  # fmt: skip
def test_a_question_gives_the_same_terms_however_it_is_typed(question: str) -> None:
    expected = _terms(question)
    assert expected
    for typed in (
        _without_accents(question), question.upper(), _without_accents(question).upper(),
        unicodedata.normalize("NFD", question), question.replace("'", "’"),
        question.replace("’", "'"),
    ):  # fmt: skip
        assert _terms(typed) == expected, typed


def test_singular_and_plural_and_verb_forms_share_a_term() -> None:
    assert len(set(_terms("conteneur conteneurs Conteneurs"))) == 1
    assert len(set(_terms("permet permettent", "fr"))) <= 2
    assert set(_terms("isolation")) != set(_terms("image"))


def test_runs_of_punctuation_take_no_exponential_time() -> None:
    start = time.perf_counter()
    for mark in (":", "-", "_", "/", "'", "::", "·e"):
        analyse("a" + mark * 20_000 + "!")
    assert time.perf_counter() - start < 5


@given(st.text(max_size=60), st.sampled_from(["fr", "en"]))
def test_names_of_terms_are_those_of_the_terms(text: str, language: str) -> None:
    assert term_names(text, language) == [term.term for term in analyse(text, language)]
