"""What a question looks for: phrases that only ask are left out, everything else is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.retrieval.phrasing import core


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("explique-moi ce qu'est une image", "une image"),
        ("peux-tu m’expliquer les volumes ?", "les volumes ?"),
        ("peux-tu m expliquer les volumes ?", "les volumes ?"),
        ("j'ai pas compris les cgroups", "les cgroups"),
        ("donne moi la définition d'une image", "une image"),
        ("Définition de la mitose", "mitose"),
        ("dis-moi à quoi sert docker compose", "à quoi sert docker compose"),
        ("Est-ce que tu peux me dire comment lancer un conteneur stp ?",
         "comment lancer un conteneur ?"),
        ("Pourriez-vous m'expliquer ce que sont les namespaces, s'il vous plaît ?",
         "les namespaces ?"),
        ("Bonjour, à quoi servent les cgroups ?", "à quoi servent les cgroups ?"),
        ("can you explain what a container is please?", "what a container is ?"),
        ("tell me about volumes", "volumes"),
        ("pk on utilise les volumes", "à quoi sert les volumes"),
        ("pourquoi il faut utiliser git ?", "à quoi sert git ?"),
        ("kesako docker swarm", "qu'est-ce que docker swarm"),
        ("c koi un processus", "c'est quoi un processus"),
        ("Cest quoi un volume ?", "c'est quoi un volume ?"),
        ("un inode c est quoi", "un inode c'est quoi"),
        ("a koi sert docker compose ?", "à quoi sert docker compose ?"),
        ("A quoi ça sert ?", "à quoi ça sert ?"),
        ("c koi la diff entre a et b", "c'est quoi la différence entre a et b"),
        ("qu'es ce que le tas ?", "qu'est-ce que le tas ?"),
        ("koment fo faire", "comment faut faire"),
    ],
)  # fmt: skip
def test_the_phrase_around_a_question_is_left_out(question: str, expected: str) -> None:
    assert core(question) == expected


@pytest.mark.parametrize(
    "question",
    ["de quoi se compose Docker Engine ?", "What is a Docker image?", "si x > 0, que vaut f ?",
     "Quelle est la définition d'une fonction ?", "De quelle couleur est le ciel ?", "bonjour",
     "pourquoi un conteneur démarre-t-il vite ?", "merci", "les volumes", "C'est quoi ls.pk ?",
     "c'est quoi le langage C", "il y en a quoi", "un bac quoi",
     "que fait git diff", "comment lire la sortie de diff"],
)  # fmt: skip
def test_what_is_all_of_a_question_is_kept(question: str) -> None:
    assert core(question) == question


@given(st.text(max_size=80))
def test_nothing_is_emptied(text: str) -> None:
    assert any(map(str.isalnum, core(text))) == any(map(str.isalnum, text))
