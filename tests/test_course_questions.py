"""The course answers the questions it is meant for, and refuses those it does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.assistant import Assistant
from assistant.settings import Settings

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).parents[1] / "corpus"
TEXT = (CORPUS / "docker.md").read_bytes().decode()

ANSWERED = {  # question -> what the first quotations must hold
    "à quoi servent les cgroups ?": "limiter l'accès aux ressources",
    "c'est quoi une image docker": "schéma en lecture seule",
    "a koi serve les volume": "permettent aux conteneurs de stocker des données",
    "kesk un conteneurr docker": "instance d'une image en cours d'exécution",
    "Dans quel langage Docker est-il écrit ?": "Docker est écrit en langage Go",
    "What are cgroups for?": "limiter l'accès aux ressources",
    "quel est le nom du serveur (démon) docker ?": "dockerd",
    "de quoi se compose Docker Engine ?": "Docker Engine contient",
    "Kubernetes, ça sert à quoi ?": "gérer facilement plusieurs conteneurs",
}
REFUSED = (
    "Quelle est la capitale de l'Australie ?",
    "Combien coûte une licence Docker Desktop ?",
    "qui a créé docker ?",  # it says "permet de Scaler"
    "bonjour",
)


@pytest.fixture(scope="module")
def docker(tmp_path_factory, embedder):
    settings = Settings(corpus=CORPUS, index=tmp_path_factory.mktemp("index"))
    return Assistant.open(settings, embedder=embedder)


def assert_proved(answer):
    for citation in answer.citations:
        assert TEXT[citation.start : citation.end] == citation.quote != ""
        assert citation.line_start == TEXT[: citation.start].count("\n") + 1
        assert citation.line_end == TEXT[: citation.end - 1].count("\n") + 1


@pytest.mark.parametrize("question", list(ANSWERED))
def test_course_answers_with_the_right_lines(docker, question):
    answer = docker.ask(question)
    assert answer.answered, f"refused at {answer.confidence:.3f}"
    assert ANSWERED[question] in answer.citations[0].quote
    assert_proved(answer)
    assert answer.language == ("en" if question.startswith("What") else "fr")


@pytest.mark.parametrize("question", REFUSED)
def test_course_refuses_what_it_does_not_hold(docker, question):
    answer = docker.ask(question)
    assert not answer.answered, f"answered at {answer.confidence:.3f}: {answer.text}"
    assert not answer.citations and answer.confidence < 0.5


def test_docker_engine_is_told_with_its_parts(docker):
    quote = docker.ask("de quoi se compose Docker Engine ?").citations[0].quote
    for part in ("dockerd", "API REST", "client (CLI)"):
        assert part in quote


def test_corpus_is_the_course_unchanged():
    """As its author wrote it, mistakes included."""
    import hashlib

    digest = hashlib.sha256((CORPUS / "docker.md").read_bytes()).hexdigest()
    assert digest == "167bb24cc1516ec0eaa6c73f0f7d5729937f52391c0f9f360102d792bc77aca7"
