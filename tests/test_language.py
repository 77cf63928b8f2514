"""The language of questions and notes, where langdetect alone is random."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.language import LANGUAGES, detect_language

COURSE = (Path(__file__).parents[1] / "corpus" / "docker.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("à quoi servent les cgroups ?", "fr"),
        ("c'est quoi une image docker", "fr"),
        ("a koi serve les volume", "fr"),
        ("Dans quel langage Docker est-il écrit ?", "fr"),
        ("What are cgroups for?", "en"),
        ("quel est le nom du serveur (démon) docker ?", "fr"),
        ("de quoi se compose Docker Engine ?", "fr"),
        ("Kubernetes, ça sert à quoi ?", "fr"),
        ("Quelle est la capitale de l'Australie ?", "fr"),
        ("Combien coûte une licence Docker Desktop ?", "fr"),
        ("A QUOI SERVENT LES CGROUPS ?", "fr"),
        ("bonjour", "fr"),
        ("hello", "en"),
        ("Which language is Docker written in?", "en"),
        ("How do I run a container?", "en"),
        ("Wozu dienen Volumes?", "de"),
        ("¿Para qué sirven los volúmenes?", "es"),
    ],
)
@pytest.mark.parametrize("expected", ["fr", "en"])
def test_a_question_is_told_whatever_is_expected(
    question: str, language: str, expected: str
) -> None:
    assert detect_language(question, expected) == language


@pytest.mark.parametrize(
    "text",
    ["docker run", "Kubernetes pod", "cgroups", "volume", "docker-compose", "image docker ?",
     "pod node cluster deploy api service", "docker image volume service port installation",
     "", " \n", "42", "🐳", "?!"],
)  # fmt: skip
@pytest.mark.parametrize("expected", ["fr", "en", "de"])
def test_what_says_nothing_is_in_the_expected_language(text: str, expected: str) -> None:
    assert detect_language(text, expected) == expected


def test_the_same_text_always_gets_the_same_language() -> None:
    texts = [
        "docker run image volume port service installation configuration version machine page",
        "pod node cluster deploy api service image port volume host label secret",
    ]
    for text in texts:
        assert len({detect_language(text) for _ in range(20)}) == 1


def test_notes() -> None:
    assert detect_language(COURSE) == detect_language(COURSE, "en") == "fr"
    english = "Containers share the kernel of the host. They start in less than a second. " * 5
    assert detect_language(english) == detect_language(english, "fr") == "en"
    assert detect_language("один два три четыре пять шесть семь", "fr") in LANGUAGES
