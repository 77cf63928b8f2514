"""What is evidence: words that answer, not those that ask, point or decorate."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.answering.evidence import find_evidence
from assistant.assistant import Assistant
from assistant.embedding.fake import FakeEmbedder
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
