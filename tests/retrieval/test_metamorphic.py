"""The same question typed otherwise finds the same passage: at least 95 of 100 times."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.analysis import fold
from assistant.assistant import Assistant
from assistant.embedding.protocol import Embedder
from assistant.settings import Settings

CORPUS = Path(__file__).parents[2] / "corpus"

SUBJECTS = {
    "les cgroups": "À quoi servent les cgroups ?",
    "une image Docker": "Qu'est-ce qu'une image Docker ?",
    "les volumes": "À quoi servent les volumes ?",
    "un conteneur": "Qu'est-ce qu'un conteneur ?",
    "Docker Compose": "À quoi sert Docker Compose ?",
    "Docker Swarm": "À quoi sert Docker Swarm ?",
    "les namespaces": "Que permettent les namespaces Linux ?",
    "Docker Engine": "De quoi se compose Docker Engine ?",
}
QUESTIONS = [
    *SUBJECTS.values(),
    "Dans quel langage Docker est-il écrit ?",
    "Quel orchestrateur gère plusieurs conteneurs sur de multiples serveurs ?",
    "Qu'est-ce qui isole le système de fichiers et les interfaces réseaux du conteneur ?",
    "Comment Docker limite-t-il l'accès aux ressources des processus ?",
]


def one_error_a_word(question: str) -> str:
    """Swap two letters in the middle of every word of six letters or more."""
    words = question.split(" ")
    for index, word in enumerate(words):
        if len(word) >= 6 and word.isalpha():
            middle = len(word) // 2
            swapped = word[middle + 1] + word[middle]
            words[index] = word[:middle] + swapped + word[middle + 2 :]
    return " ".join(words)


CHANGES: dict[str, Callable[[str], str]] = {
    "accents dropped": lambda q: "".join(
        c for c in unicodedata.normalize("NFD", q) if not unicodedata.combining(c)
    ),
    "decomposed": lambda q: unicodedata.normalize("NFD", q),
    "capitals": str.upper,
    "folded": fold,
    "typographic apostrophes": lambda q: q.replace("'", "’"),
    "typing errors": one_error_a_word,
    "polite": lambda q: f"Bonjour, pourriez-vous me dire s'il vous plaît : {q} Merci d'avance !",
}


@pytest.fixture(scope="module")
def course(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    index = tmp_path_factory.mktemp("metamorphic")
    assistant = Assistant.open(Settings(corpus=CORPUS, index=index), embedder=embedder)
    assistant.refresh()
    return assistant


def top(course: Assistant, question: str) -> tuple[int, int]:
    """The best passage before neighbours are joined."""
    chunk = course.retrieve(question).passages[0].stored.chunk
    return chunk.start, chunk.end


@pytest.mark.slow
def test_a_question_typed_otherwise_finds_the_same_passage(course: Assistant) -> None:
    variants = [
        (name, question, change(question))
        for name, change in CHANGES.items()
        for question in QUESTIONS
    ]
    for subject, question in SUBJECTS.items():
        bare = subject.split(" ", 1)[1] if subject.startswith(("les ", "un", "une ")) else subject
        variants += [
            ("c'est quoi", question, f"c'est quoi {subject}"),
            ("X ?", question, f"{bare} ?"),
        ]
    wrong = [
        (name, variant)
        for name, question, variant in variants
        if top(course, question) != top(course, variant)
    ]
    assert len(variants) >= 90
    assert len(wrong) <= 0.05 * len(variants), wrong
