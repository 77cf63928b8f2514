"""Every line of the glossary is sound, and a question in one language finds notes in the other."""

from __future__ import annotations

from pathlib import Path

import pytest

import assistant
from assistant.analysis import analyse, fold
from assistant.glossary import translate

LINES = Path(assistant.__file__).with_name("glossary.tsv").read_text(encoding="utf-8").splitlines()
PAIRS = [
    (english, french)
    for english, _, translations in (line.partition("\t") for line in LINES)
    for french in translations.split(", ")
]


def terms_of(text, language):
    return tuple(term.term for term in analyse(text, language))


def translations_of(text, source, target):
    """The translations of each word of a question, by that word."""
    found = translate(analyse(text, source), source, target)
    return {text[start:end]: set(translations) for (start, end), translations in found.items()}


def test_the_glossary_holds_what_it_promises():
    assert len(PAIRS) > 5000
    assert all(line.count("\t") == 1 for line in LINES)
    assert max(line.count(", ") for line in LINES) < 4
    heads = [terms_of(line.partition("\t")[0], "en") for line in LINES]
    assert len(set(heads)) == len(heads), "two lines with one head"
    assert len(set(PAIRS)) == len(PAIRS)


def test_each_side_of_a_pair_has_terms_and_no_phrase_falls_to_one_word():
    for english, french in PAIRS:
        assert fold(english) != fold(french)
        for text, language in ((english, "en"), (french, "fr")):
            words, terms = text.replace("-", " ").split(), terms_of(text, language)
            assert text.strip() == text and terms, (english, french)
            assert len(words) == 1 or len(terms) > 1, (english, french)


def test_every_pair_is_found_both_ways():
    for english, french in PAIRS:
        for text, source, other, target in (
            (english, "en", french, "fr"),
            (french, "fr", english, "en"),
        ):
            found = translate(analyse(text, source), source, target)
            assert any(terms_of(other, target) in known for known in found.values()), text


@pytest.mark.parametrize(
    ("question", "source", "target", "word", "translation"),
    [
        ("How do I delete files?", "en", "fr", "delete", "supprimer"),
        ("How do I delete files?", "en", "fr", "files", "fichiers"),
        ("Which threads are running?", "en", "fr", "threads", "fils"),
        ("I lost my password", "en", "fr", "password", "mot de passe"),
        ("What is an operating system?", "en", "fr", "operating", "système d'exploitation"),
        ("What is an operating system?", "en", "fr", "system", "systèmes d'exploitation"),
        ("What do the kidneys do?", "en", "fr", "kidneys", "rein"),
        ("À quoi servent les reins ?", "fr", "en", "reins", "kidney"),
        ("un mot de passe oublié", "fr", "en", "passe", "password"),
        ("vider l'écran", "fr", "en", "écran", "screen"),
    ],
)
def test_a_word_is_translated(question, source, target, word, translation):
    assert terms_of(translation, target) in translations_of(question, source, target)[word]


def test_the_longest_phrase_wins():
    found = translations_of("a hard drive", "en", "fr")
    assert found["hard"] == found["drive"] == {terms_of("disque dur", "fr")}


def test_what_the_glossary_does_not_have_stays_alone():
    assert translations_of("kubernetes", "en", "fr") == {}
    assert translations_of("file", "en", "en") == {}
    assert translations_of("Datei löschen", "de", "fr") == {}


@pytest.fixture
def french_notes(course):
    course.write("a.md", "# Ménage\n\nPour supprimer un fichier, tapez la commande rm.\n")
    course.write("b.md", "# Accès\n\nLe mot de passe se change avec la commande passwd.\n")
    course.write("c.md", "# Textes\n\nChaque mot du fichier est compté par la commande wc.\n")
    course.fill(30)
    course.refresh()
    return course


@pytest.mark.parametrize(
    ("question", "note"),
    [
        ("How do I delete a file?", "a.md"),
        ("How is the password changed?", "b.md"),
        ("Which command counts the words of a file?", "c.md"),
    ],
)
def test_an_english_question_finds_the_french_passage(french_notes, question, note):
    hits = french_notes.assistant.search(question, k=50)
    assert max(hits, key=lambda hit: hit.signals.lexical).chunk.note_id == note


def test_the_words_of_a_translation_count_together(french_notes):
    hits = french_notes.assistant.search("What is the password?", k=50)
    assert [hit.chunk.note_id for hit in hits if hit.signals.lexical > 0] == ["b.md"]


def test_english_notes_answer_a_french_question(course):
    course.write("a.md", "# Files\n\nTo delete a file, you type the command and confirm it.\n")
    course.write("b.md", "# Screens\n\nThe screen is cleared with the command that we know.\n")
    course.refresh()
    hits = course.assistant.search("Comment vider l'écran ?", k=50)
    assert [hit.chunk.note_id for hit in hits if hit.signals.lexical > 0] == ["b.md"]


def test_a_question_in_the_language_of_the_notes_is_not_translated(french_notes):
    hits = french_notes.assistant.search("Comment supprimer un fichier ?", k=50)
    said = {hit.chunk.note_id for hit in hits if hit.signals.lexical > 0}
    assert said == {"a.md", "c.md"}
