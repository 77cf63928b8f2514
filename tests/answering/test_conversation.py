"""Follow-ups are completed, complete questions are left word for word."""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.answering.conversation import (
    Kind,
    Rewritten,
    Turn,
    read_together,
    recall,
    remember,
    standalone,
)
from assistant.answering.frames import FRAMES
from assistant.assistant import Assistant
from assistant.datatypes import Answer, Citation
from assistant.settings import Settings

CONVERSATIONS = Path(__file__).with_name("conversations.jsonl")
CORPUS = Path(__file__).parents[2] / "corpus"
CGROUPS = "À quoi servent les cgroups ?"
VOLUME = "Comment créer un volume ?"
DIFFERENCE = "Quelle est la différence entre une image et un conteneur ?"


def after(*questions, language="fr", subjects=()):
    return [Turn(q, q, True, language, (), subjects) for q in questions]


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        (CGROUPS, "et les namespaces ?", "à quoi servent les namespaces ?"),
        (CGROUPS, "Et pour les volumes ?", "À quoi servent les volumes ?"),
        (CGROUPS, "et Docker Compose alors ?", "à quoi sert Docker Compose ?"),
        (CGROUPS, "et leurs limites ?", "quelles sont les limites des cgroups ?"),
        (CGROUPS, "pk ?", "pourquoi utiliser les cgroups ?"),
        (CGROUPS, "donne un exemple stp", "donne un exemple de cgroups."),
        (CGROUPS, "plus de détails", "plus de détails sur les cgroups."),
        (CGROUPS, "comment sa marche", "comment fonctionnent les cgroups ?"),
        (CGROUPS, "quels sont les avantages ?", "quels sont les avantages des cgroups ?"),
        (
            CGROUPS,
            "c koi la diff avec une VM",
            "quelle est la différence entre les cgroups et une VM ?",
        ),
        (VOLUME, "et le supprimer ?", "comment supprimer un volume ?"),
        (VOLUME, "comment les lister ?", "comment lister les volumes ?"),
        (VOLUME, "et un réseau ?", "comment créer un réseau ?"),
        (VOLUME, "et sous Windows ?", "comment créer un volume sous Windows ?"),
        (VOLUME, "et l'inverse ?", "comment supprimer un volume ?"),
        (VOLUME, "pourquoi ?", "pourquoi créer un volume ?"),
        (VOLUME, "quelle commande ?", "quelle commande pour créer un volume ?"),
        (VOLUME, "où sont-ils stockés ?", "où les volumes sont-ils stockés ?"),
        (DIFFERENCE, "et avec une VM ?", "quelle est la différence entre une image et une VM ?"),
        (
            DIFFERENCE,
            "lequel est le plus léger ?",
            "entre une image et un conteneur, lequel est le plus léger ?",
        ),
        (
            "Comment installer Docker sous Linux ?",
            "et sous Windows ?",
            "comment installer Docker sous Windows ?",
        ),
        (
            "Quels sont les avantages de la virtualisation ?",
            "et les inconvénients ?",
            "quels sont les inconvénients de la virtualisation ?",
        ),
        ("Combien de MON faut-il ?", "et d'OSD ?", "combien d'OSD faut-il ?"),
        ("What are cgroups for?", "and namespaces?", "what are namespaces for?"),
        ("What are cgroups for?", "how do they work?", "how do cgroups work?"),
        ("What are cgroups for?", "Why?", "Why use cgroups?"),
    ],
)
def test_a_follow_up_is_completed_from_the_question_before(before, question, expected):
    language = "en" if before.startswith("What") else "fr"
    rewritten = standalone(question, after(before, language=language))
    assert rewritten == Rewritten(expected, True, Kind.FOLLOW_UP)


@pytest.mark.parametrize(
    "question",
    [
        "Et comment créer un volume ?",
        "et c'est quoi un pod ?",
        "merci, c'est quoi un pod ?",
        "Docker, comment ça marche ?",
        "A quoi ça sert, les volumes ?",
        "Comment supprimer un conteneur sans l'arrêter ?",
        "Pourquoi un conteneur démarre-t-il plus vite que sa machine virtuelle ?",
        "Y a-t-il des différences entre les paquets de ses distributions ?",
        "Combien de conteneurs faut-il lancer ?",
        "Où se trouve le registre ?",
        "Où l'image est-elle stockée ?",
        "Quels sont les avantages de la conteneurisation ?",
        "Quelle est la différence entre une image et un volume ?",
        "Est-il possible de lancer deux conteneurs ?",
        "volumes Docker",
        "What is a container and how does it work?",
        "Is it possible to run two containers?",
        "How can I ensure that all programs use the same paper size?",
    ],
)
@pytest.mark.parametrize("before", [CGROUPS, VOLUME, DIFFERENCE])
def test_a_complete_question_is_left_word_for_word(before, question):
    assert standalone(question, after(before)) == Rewritten(question, False, Kind.COMPLETE)


@pytest.mark.parametrize(
    ("question", "language"),
    [("en anglais", "en"), ("Et en anglais ?", "en"), ("in English please", "en"),
     ("réponds en français", "fr"), ("en allemand stp", "de")],
)  # fmt: skip
def test_another_language_keeps_the_question(question, language):
    rewritten = standalone(question, after(CGROUPS))
    assert rewritten == Rewritten(CGROUPS, True, Kind.LANGUAGE, language)


def test_another_language_keeps_the_topic_that_a_line_is_looked_for_with():
    line, topic = "et faut savoir quoi avant ?", "les volumes"
    turn = Turn(line, Rewritten(line, True, Kind.FOLLOW_UP, about=topic).shown, True)
    again = standalone("en anglais", [turn])
    assert again == Rewritten(line, True, Kind.LANGUAGE, "en", about=topic)
    assert again.shown == turn.standalone and "propos" not in again.searched


@pytest.mark.parametrize("line", ["merci", "Merci beaucoup !", "ok", "d'accord, merci", "Thanks!"])
@pytest.mark.parametrize("turns", [[], after(CGROUPS)])
def test_thanks_are_not_a_question(line, turns):
    assert standalone(line, turns) == Rewritten(line, False, Kind.COURTESY)


@pytest.mark.parametrize("question", ["et ses limites ?", "pourquoi ?", "en anglais"])
def test_without_a_turn_before_nothing_is_completed(question):
    assert standalone(question, []) == Rewritten(question, False, Kind.COMPLETE)


def test_the_answer_gives_the_topic_when_the_question_asks_for_it():
    turns = after("Qui gère les conteneurs ?", subjects=("le démon Docker",))
    assert standalone("et où est-il installé ?", turns).text == (
        "et où le démon Docker est-il installé ?"
    )


def test_the_difference_between_the_two_last_topics():
    turns = after("C'est quoi une image ?", "Et c'est quoi un conteneur ?")
    assert standalone("quelle est la différence ?", turns).text == (
        "quelle est la différence entre une image et un conteneur ?"
    )


def test_a_topic_lives_through_several_follow_ups():
    turns = after("c'est quoi une image docker ?")
    for question, expected in (
        ("comment la construire ?", "comment construire une image docker ?"),
        ("pourquoi ?", "pourquoi construire une image docker ?"),
        ("et pour la supprimer ?", "comment supprimer une image docker ?"),
    ):
        rewritten = standalone(question, turns)
        assert rewritten.text == expected
        turns.append(Turn(question, rewritten.text, True))


def test_a_turn_remembers_what_the_answer_speaks_of_and_goes_through_json():
    quote = "**Les volumes** permettent aux conteneurs de stocker des données."
    citation = Citation(1, "a.md", "Cours", ("Docker", "Volumes"), 0, len(quote), 1, 1, None, quote)
    answer = Answer(
        "pourquoi ?", "fr", True, 0.9, "…", (citation,), (), standalone="pourquoi un volume ?"
    )
    turn = remember(answer)
    assert (turn.question, turn.standalone) == ("pourquoi ?", "pourquoi un volume ?")
    assert turn.subjects == ("les volumes",) and {"volum", "conteneur"} <= set(turn.terms)
    again = Turn(**json.loads(json.dumps(asdict(turn))))
    assert standalone("et ses limites ?", [again]) == standalone("et ses limites ?", [turn])


def test_a_conversation_told_by_its_texts_is_the_one_that_was_had():
    quote = "Les volumes permettent aux conteneurs de stocker des données."
    citation = Citation(1, "a.md", "Cours", (), 0, len(quote), 1, 1, None, quote)
    asked = "À quoi sert un volume ?"
    answers = [
        Answer(asked, "fr", True, 0.9, f"{quote} [1]", (citation,), ()),
        Answer(
            "et ses limites ?", "fr", False, 0.1, FRAMES["fr"]["no_answer"], (), (),
            standalone="quelles sont les limites d'un volume ?",
        ),
    ]  # fmt: skip
    told = [(answer.question, answer.text) for answer in answers]
    thanks = ("merci !", FRAMES["fr"]["courtesy"])
    had = [replace(remember(answer), notes=()) for answer in answers]  # texts name no note
    assert recall([told[0], thanks, told[1], thanks]) == had
    assert [turn.question for turn in recall([*told * 9, *told])] == [t[0] for t in told * 4]


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80)), max_size=4))
@example([("\ud800\0 x" * 900, "l'" * 9_000)] * 100)
def test_no_conversation_that_is_told_breaks_it(told):
    turns = recall(told)
    assert all(len(turn.question) <= 2_000 for turn in turns)
    standalone("et ses limites ?", turns).text.encode()


@given(st.text(max_size=200), st.text(max_size=80))
def test_no_text_breaks_it_and_what_is_unchanged_is_word_for_word(question, before):
    rewritten = standalone(question, after(before))
    assert rewritten.changed or rewritten.text == question
    assert rewritten.changed == (rewritten.kind in (Kind.FOLLOW_UP, Kind.LANGUAGE))


def test_it_takes_less_than_a_millisecond():
    conversations = [json.loads(line) for line in CONVERSATIONS.open(encoding="utf-8")]
    turns, seconds = after(CGROUPS, VOLUME), []
    for question in [t["question"] for c in conversations for t in c["turns"]]:
        started = time.perf_counter()
        standalone(question, turns)
        seconds.append(time.perf_counter() - started)
    assert statistics.median(seconds) < 1e-3


@pytest.mark.slow
def test_follow_ups_about_the_course_are_found_as_if_written_by_hand(tmp_path, embedder):
    course = Assistant.open(Settings(corpus=CORPUS, index=tmp_path), embedder=embedder)
    course.refresh()

    def finds(question, gold):
        hits = course.search(question, k=3, refresh=False)
        return any(gold in hit.chunk.text for hit in hits)

    found, by_hand = [], []
    for conversation in map(json.loads, CONVERSATIONS.open(encoding="utf-8")):
        turns = []
        for turn in conversation["turns"]:
            rewritten = standalone(turn["question"], turns)
            if turn["complete"]:
                assert rewritten.text == turn["question"]
            if turn.get("language"):
                assert rewritten.language == turn["language"]
            if turns:
                found.append(finds(rewritten.text, turn["gold"]))
                by_hand.append(finds(turn["standalone"], turn["gold"]))
            answer = course.ask(turn["question"], conversation=turns, refresh=False)
            assert answer.standalone == (rewritten.text if rewritten.changed else "")
            turns.append(remember(answer))
    assert len(found) >= 30
    assert statistics.mean(found) >= statistics.mean(by_hand) - 0.03


def test_long_questions_do_not_push_the_line_out_of_what_the_model_reads():
    long, short = f"Pourquoi {'très ' * 300}lent ?", "et ses limites ?"
    assert read_together(short, [Turn(long, long, True)]) == ""
    turns = [Turn(long, long, True), Turn("et ses causes ?", "Quelles sont ses causes ?", True)]
    assert read_together(short, turns) == "et ses causes ? et ses limites ?"


def test_a_leaning_line_that_no_rule_knows_goes_beside_the_topic():
    line = "et faut savoir quoi avant de s'y mettre ?"
    understood = standalone(line, after("C'est quoi un registre privé ?"))
    assert (understood.text, understood.about) == (line, "un registre privé")
    assert understood.shown == f"{line} (à propos de : un registre privé)"
    # A turn without a topic hands on the one before; a line with nothing before stays alone.
    handed = standalone(line, after("C'est quoi un registre privé ?", "et vite ?"))
    assert handed.about == "un registre privé"
    assert standalone(line, after("et vite ?")).kind is Kind.COMPLETE


def test_a_follow_up_is_read_after_the_questions_since_the_last_complete_one():
    complete = after("C'est quoi SSH ?", VOLUME)
    follow_up = Turn("et le supprimer ?", "comment supprimer un volume ?", True)
    thanks = Turn("merci !", "merci !", False)
    turns = [*complete, follow_up, thanks]
    read = read_together("pourquoi ?", turns)
    assert read == "Comment créer un volume ? et le supprimer ? pourquoi ?"
    assert read_together("en anglais", turns) == "Comment créer un volume ? et le supprimer ?"
    assert read_together("en anglais", complete) == ""  # the question before was complete
    assert read_together("pourquoi ?", []) == ""
    many = [*complete, *(Turn(f"et {n} ?", f"volume {n} ?", True) for n in range(5))]
    assert read_together("et 5 ?", many) == "et 2 ? et 3 ? et 4 ? et 5 ?"


def test_a_turn_knows_the_notes_that_it_quoted_each_once():
    citation = Citation(
        number=1, note_id="a.md", title="A", headings=(), start=0, end=1, line_start=1,
        line_end=1, page=None, quote="Un volume est un dossier.", score=1.0, unit="line",
    )  # fmt: skip
    answer = Answer(VOLUME, "fr", True, 0.9, "x [1]", (citation, citation), ())
    assert remember(answer).notes == ("a.md",)


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        ("que retourne fork dans le processus fils ?", "et dans le père ?",
         "que retourne fork dans le père ?"),
        ("que retourne fork dans le processus fils ?", "et dans le processus père ?",
         "que retourne fork dans le processus père ?"),
        ("où va la valeur dans le registre eax ?", "et dans la pile ?",
         "où va la valeur dans la pile ?"),
        ("comment afficher dans le terminal les logs ?", "et dans une fenêtre ?",
         "comment afficher dans une fenêtre les logs ?"),
        ("comment installer sous linux docker ?", "et sous windows ?",
         "comment installer sous windows docker ?"),
        ("qui est dans le conteneur de Marie ?", "et dans l'image ?",
         "qui est dans l'image de Marie ?"),
    ],
)  # fmt: skip
def test_the_whole_place_is_replaced_by_another(before, question, expected):
    assert standalone(question, after(before)).text == expected
