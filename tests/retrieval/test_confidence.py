"""The confidence by hand; one page and many; what it needs no model to know."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from assistant.assistant import Assistant
from assistant.embedding.protocol import Embedder
from assistant.retrieval import confidence
from assistant.settings import Settings

CORPUS = Path(__file__).parents[2] / "corpus"
ABSENT = [
    "Quelle est la capitale de l'Australie ?",
    "Combien coûte une licence Docker Desktop ?",
    "bonjour",
    "Comment installer Docker sur Windows ?",
    "Quel est le port par défaut de MySQL ?",
    "Who invented the telephone?",
    "How do I push an image to a registry?",
]
PRESENT = [
    "à quoi servent les cgroups ?",
    "c'est quoi une image docker",
    "a koi serve les volume",
    "Kubernetes, ça sert à quoi ?",
    "What are cgroups for?",
    "In which language is Docker written?",
]


@pytest.fixture(scope="module")
def course(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    index = tmp_path_factory.mktemp("confidence")
    assistant = Assistant.open(Settings(corpus=CORPUS, index=index), embedder=embedder)
    assistant.refresh()
    return assistant


@pytest.mark.slow
def test_it_is_the_logistic_of_its_signals(course: Assistant) -> None:
    retrieval = course.retrieve("à quoi servent les cgroups ?")
    passages = retrieval.passages[: confidence.PASSAGES]
    weights = retrieval.question.content_weights
    late = [float((p.similarities.max(axis=1) * weights).sum()) for p in passages]
    logit = (
        confidence.INTERCEPT
        + confidence.LATE * max(late)
        + confidence.DENSE * max(p.signals.dense for p in passages)
        + confidence.COVERED * 1.0  # "cgroups" is the only content word, and it is there
        + confidence.MARGIN * (late[0] - late[1])
    )
    assert confidence.confidence(retrieval) == pytest.approx(1 / (1 + math.exp(-logit)), rel=1e-4)


@pytest.mark.slow
def test_one_page_answers_what_it_says_and_nothing_else(course: Assistant) -> None:
    caution = Settings().caution
    known = {q: confidence.confidence(course.retrieve(q)) for q in PRESENT}
    unknown = {q: confidence.confidence(course.retrieve(q)) for q in ABSENT}
    assert all(value >= caution for value in known.values()), known
    assert all(value < caution for value in unknown.values()), unknown


@pytest.mark.parametrize(
    ("question", "lacking"),
    [
        ("que dit Docker des volumes ?", 0.0),
        ("que dit Nomad des volumes ?", 1.0),
        ("que disent Docker et Nomad des volumes ?", 0.5),
        ("que dit nomad des volumes ?", 0.0),  # no capital: it may be any word
        ("QUE DIT NOMAD DES VOLUMES ?", 0.0),
        ("Nomad, qu'est-ce ?", 0.0),  # a capital that any first word has
    ],
)
def test_names_that_no_passage_says(
    course_of_fake: Assistant, question: str, lacking: float
) -> None:
    retrieval = course_of_fake.retrieve(question)
    share = confidence.unnamed_share(retrieval, retrieval.passages[: confidence.PASSAGES])
    assert share == pytest.approx(lacking)


def test_extreme_logits_do_not_overflow() -> None:
    assert confidence.logistic(-1e9) == pytest.approx(0.0)
    assert confidence.logistic(1e9) == pytest.approx(1.0)
    assert confidence.logistic(0.0) == 0.5


def test_without_a_learnt_codec_the_words_decide(course_of_fake: Assistant) -> None:
    absent = course_of_fake.retrieve("tarte aux pommes")
    present = course_of_fake.retrieve("cgroups")
    assert not present.is_calibrated
    assert confidence.confidence(absent) < 0.1
    assert confidence.confidence(present) > 0.9


@pytest.fixture
def course_of_fake(fake_embedder: Embedder, tmp_path: Path) -> Assistant:
    settings = Settings(corpus=CORPUS, index=tmp_path / "index")
    assistant = Assistant.open(settings, embedder=fake_embedder)
    assistant.refresh()
    return assistant
