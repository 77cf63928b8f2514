"""Kinds of question, the sides of a comparison, and what an answer must hold."""

from __future__ import annotations

import time

import pytest

from assistant.answering.answer_type import can_answer
from assistant.answering.question_kind import QuestionKind, compared, question_kind


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("c koi docker compose", QuestionKind.DEFINITION),
        ("Kubernetes ?", QuestionKind.DEFINITION),
        ("explique-moi ce qu'est une image", QuestionKind.DEFINITION),
        ("À quoi servent les volumes ?", QuestionKind.PURPOSE),
        ("De quoi se compose Docker Engine ?", QuestionKind.LIST),
        ("Quels sont les avantages de Docker ?", QuestionKind.LIST),
        ("En quoi un conteneur diffère-t-il d'une VM ?", QuestionKind.COMPARISON),
        ("quelle commande pour lister les conteneurs ?", QuestionKind.COMMAND),
        ("comment lister les images ?", QuestionKind.PROCEDURE),
        ("Combien de RAM faut-il ?", QuestionKind.QUANTITY),
        ("Qui a créé Docker ?", QuestionKind.WHO),
        ("en quelle année Docker est-il sorti ?", QuestionKind.WHEN),
        ("pourquoi un conteneur est-il léger", QuestionKind.REASON),
        ("formule de l'énergie cinétique", QuestionKind.FORMULA),
        ("Docker est-il gratuit ?", QuestionKind.OTHER),
        ("c koi la diff entre une image et un conteneur", QuestionKind.COMPARISON),
        ("à quoi sert git diff ?", QuestionKind.PURPOSE),
        ("ki a cree linux", QuestionKind.WHO),
        ("koman on cree un processus", QuestionKind.PROCEDURE),
        ("qu'es ce que le tas ?", QuestionKind.DEFINITION),
        ("c'est qoi la pile", QuestionKind.DEFINITION),
        ("kel est le role du shell", QuestionKind.PURPOSE),
        ("quelle est l'utilite des volumes", QuestionKind.PURPOSE),
        ("donne les etapes d'un appel", QuestionKind.LIST),
    ],
)
def test_kind(question: str, kind: QuestionKind) -> None:
    assert question_kind(question) is kind


@pytest.mark.parametrize(
    ("question", "sides"),
    [
        ("quelle est la différence entre une image et un conteneur ?",
         ("une image", "un conteneur")),
        ("image vs conteneur", ("image", "conteneur")),
        ("En quoi un conteneur diffère-t-il d'une VM ?", ("un conteneur", "une VM")),
        ("What is the difference between an image and a container?", ("an image", "a container")),
        ("à quoi servent les cgroups ?", None),
        ("la diff entre image et conteneur", ("image", "conteneur")),
    ],
)  # fmt: skip
def test_sides(question: str, sides: tuple[str, str] | None) -> None:
    assert compared(question) == sides


@pytest.mark.parametrize("opening", ["différence entre", "compare", "différence :"])
def test_a_question_full_of_spaces_takes_no_long(opening: str) -> None:
    started = time.thread_time()
    assert compared(f"{opening}{' ' * 1900}a et b") in (("a", "b"), None)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize(
    ("question", "text", "possible"),
    [
        ("Qui a créé Docker ?", "Docker a été créé par Solomon Hykes.", True),
        ("Qui a créé Docker ?", "Docker permet de créer des images.", False),
        ("Qui a créé Docker ?", "- Définir un `Dockerfile`\n- Docker Swarm crée des nœuds", False),
        ("En quelle année Docker est-il sorti ?", "Docker est sorti en 2013.", True),
        ("En quelle année Docker est-il sorti ?", "Docker est un outil libre.", False),
        ("Combien de RAM faut-il ?", "Il faut deux gigaoctets de RAM.", True),
        ("Combien de RAM faut-il ?", "La RAM est partagée.", False),
        ("quand utiliser un volume ?", "Pour garder des données.", True),
        ("qui lance les conteneurs ?", "Le démon lance les conteneurs.", True),
    ],
)
def test_a_date_number_or_name_is_demanded_where_it_is_asked_for(
    question: str, text: str, possible: bool
) -> None:
    assert can_answer(question, text) is possible
