"""What is evidence: words that answer, not those that ask, point or decorate."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.answering.evidence import SpanSignals, find_evidence, judged_spans
from assistant.assistant import Assistant
from assistant.embedding.fake import FakeEmbedder
from assistant.retrieval.found import Retrieval
from assistant.settings import Settings


def best(root: Path, text: str, question: str) -> str:
    corpus = root / "corpus"
    corpus.mkdir()
    (corpus / "cours.md").write_text(text, encoding="utf-8")
    settings = Settings(corpus=corpus, index=root / "index", caution=0.0)
    assistant = Assistant.open(settings, embedder=FakeEmbedder(max_tokens=512))
    assistant.refresh()
    span = find_evidence(assistant.retrieve(question))[0].span
    return text[span.start : span.end]


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        (
            "# Registre\n\nPourquoi utiliser un registre privé ?\n\nUn registre privé est sûr.\n",
            "Pourquoi utiliser un registre privé ?",
            "Un registre privé est sûr.",
        ),
        (
            "# Swarm\n\nRecherchez la commande de Swarm.\n\nLa commande de Swarm est init.\n",
            "la commande de Swarm",
            "La commande de Swarm est init.",
        ),
        (
            "# Baromètre\n\n![baromètre](https://exemple.fr/barometre.png)\n\n"
            "- [Le baromètre](#barometre)\n\nLe baromètre mesure la pression.\n",
            "le baromètre",
            "Le baromètre mesure la pression.",
        ),
        (
            "# Volume\n\n```bash\ndocker volume create volume\n```\n\n"
            "Le volume garde les données.\n",
            "un volume, c koi",
            "Le volume garde les données.",
        ),
    ],
)
def test_the_best_span_answers(tmp_path: Path, text: str, question: str, expected: str) -> None:
    assert best(tmp_path, text, question) == expected


def gains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weight: str, text: str, question: str
) -> list[float]:
    """What the score of each span owes to a weight, in the order of the text."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text(text, encoding="utf-8")
    settings = Settings(corpus=tmp_path / "notes", index=tmp_path / "index")
    assistant = Assistant.open(settings, embedder=FakeEmbedder(max_tokens=512))
    assistant.refresh()
    retrieval = assistant.retrieve(question)
    scores = {e.span.start: e.score for e in find_evidence(retrieval)}
    monkeypatch.setattr(f"assistant.answering.evidence.{weight}", 0.0)
    without = {e.span.start: e.score for e in find_evidence(retrieval)}
    return [scores[start] - without[start] for start in sorted(scores)]


def test_what_begins_with_the_thing_defined_gains_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "# Docker\n\nUn conteneur est une instance.\n\nUne image Docker crée un conteneur.\n\n"
        "Le noyau isole un conteneur Docker.\n"
    )
    question = "c'est quoi un conteneur Docker ?"
    assert gains(tmp_path, monkeypatch, "_DEFINED_WEIGHT", text, question) == pytest.approx(
        [1.6 * 3 / 4, 1.6 / 4, 0.0]
    )


@pytest.mark.parametrize(
    ("question", "lacks"),
    [
        ("en quelle année le volcan explose-t-il ?", [0.0, -0.7]),
        ("combien de fois le volcan explose-t-il ?", [0.0, -0.7]),
        ("comment le volcan explose-t-il ?", [0.0, 0.0]),
    ],
)
def test_what_lacks_the_date_or_number_asked_for_loses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, lacks: list[float]
) -> None:
    text = "# Volcan\n\nLe volcan explose en 1883.\n\nUn volcan explose parfois.\n"
    assert gains(tmp_path, monkeypatch, "_UNTYPED", text, question) == pytest.approx(lacks)


@pytest.mark.parametrize(
    ("question", "gained"),
    [
        ("c'est quoi un volume ?", [0.0, 0.3, 0.3, 0.3, 0.0]),
        ("à quoi sert un volume ?", [0.0] * 5),
    ],
)
def test_what_says_what_a_thing_is_gains_where_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, gained: list[float]
) -> None:
    text = (
        "# Docker\n\nUn volume peut être partagé entre hôtes.\n\n"
        "Un volume (ou montage) est un dossier gardé.\n\n**Volume**\n\nDossier gardé.\n\n"
        "- Volume : dossier gardé\n\nC'est le volume qui garde.\n"
    )
    assert gains(tmp_path, monkeypatch, "_SAYS_WHAT_WEIGHT", text, question) == pytest.approx(
        gained
    )


def signals_of(tmp_path: Path, text: str, question: str) -> tuple[list[SpanSignals], Retrieval]:
    corpus = tmp_path / "signals"
    corpus.mkdir(exist_ok=True)
    (corpus / "cours.md").write_text(text, encoding="utf-8")
    settings = Settings(corpus=corpus, index=tmp_path / "signals-index")
    assistant = Assistant.open(settings, embedder=FakeEmbedder(max_tokens=512))
    assistant.refresh()
    retrieval = assistant.retrieve(question)
    return [signals for _, _, signals in judged_spans(retrieval)], retrieval


def test_a_span_owes_to_the_one_before_what_it_supports_better(tmp_path: Path) -> None:
    text = "# Registre\n\nLe registre privé garde les images. Un serveur local suffit.\n"
    signals, retrieval = signals_of(tmp_path, text, "où le registre privé garde les images")
    first, second = signals[-2:]
    passage = retrieval.passages[0]
    starts = passage.tokens.starts
    cut = text.index("Un serveur") - passage.stored.chunk.start
    begin = text.index("Le registre") - passage.stored.chunk.start
    one = passage.similarities[:, (starts >= begin) & (starts < cut)].max(axis=1)
    two = passage.similarities[:, starts >= cut].max(axis=1)
    weights = retrieval.question.weights  # too few passages to tell any apart
    assert second.late == pytest.approx(float(weights @ two), abs=1e-6)
    assert second.before == pytest.approx(
        float(sum(w * (a - b) for w, a, b in zip(weights, one, two, strict=True) if a > b)),
        abs=1e-6,
    )
    assert second.before > 0.1
    assert first.least == pytest.approx(float(one.min()), abs=1e-6)


def test_a_definition_owes_nothing_to_the_sentence_before(tmp_path: Path) -> None:
    text = "# Registre\n\nLe registre privé garde les images. Un serveur local suffit.\n"
    signals, _ = signals_of(tmp_path, text, "c'est quoi le registre privé ?")
    assert [s.before for s in signals] == [0.0] * len(signals)
