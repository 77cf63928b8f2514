"""An evaluation goes the whole way: folder, index, ask, measures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.embedding.fake import FakeEmbedder
from assistant.errors import EvaluationError
from assistant.evaluation.run import evaluate
from assistant.settings import Settings

DOCUMENTS = [
    {"_id": "x/1", "title": "Docker", "text": "Docker est écrit en langage Go."},
    {"_id": "x/2", "title": "Volumes", "text": "Les volumes gardent les données des conteneurs."},
    {"_id": "x/3", "title": "", "text": "Les namespaces isolent les processus du noyau."},
]
QUERIES = [
    {"_id": "1", "text": "langage Go de Docker", "answers": ["langage  GO"], "answerable": True},
    {"_id": "2", "text": "volumes données conteneurs", "answers": ["réseau"], "answerable": True},
    {"_id": "3", "text": "recette tarte pommes", "answerable": False, "kind": "absent"},
]


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "beir"
    folder.mkdir()
    for name, rows in (("corpus", DOCUMENTS), ("queries", QUERIES)):
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (folder / f"{name}.jsonl").write_text(lines + "\n", encoding="utf-8")
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\tx/1\t1\n2\tx/2\t1\n")
    return folder


def test_measures_of_a_small_folder(beir: Path, tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache", caution=0.0)
    found = evaluate(beir, settings, embedder=FakeEmbedder())
    assert found["documents"] == 3
    assert found["queries"] == 3
    assert found["ndcg@10"] == found["recall@1"] == found["mrr@10"] == 1
    assert found["answer_in_citation@1"] == 0.5  # one of two quotations holds its answer
    assert found["coverage"] == 1
    assert found["auroc"] == found["auroc:absent"] == 1
    low, high = found["intervals"]["answer_in_citation@1"]
    assert low == 0 and high == 1
    assert json.loads(json.dumps(found)) is not None


def test_limit_takes_the_first_questions_and_keeps_all_documents(
    beir: Path, tmp_path: Path
) -> None:
    settings = Settings(cache=tmp_path / "cache")
    found = evaluate(beir, settings, limit=1, embedder=FakeEmbedder())
    assert (found["queries"], found["documents"]) == (1, 3)


def test_a_teachers_questions_about_their_notes(tmp_path: Path) -> None:
    corpus = tmp_path / "notes"
    corpus.mkdir()
    (corpus / "docker.md").write_text("# Docker\nDocker est écrit en langage Go.\n")
    (corpus / "autre.md").write_text("# Volumes\nLes volumes gardent les données.\n")
    questions = tmp_path / "questions.csv"
    questions.write_text(
        "question;note;quote\nlangage de Docker;docker.md;langage Go\nprix du pain;;\n",
        encoding="utf-8",
    )
    settings = Settings(corpus=corpus, index=tmp_path / "index", caution=0.0)
    found = evaluate(questions, settings, embedder=FakeEmbedder())
    assert found["recall@1"] == 1
    assert found["answer_in_citation@1"] == 1
    assert "refusal_recall:no answer" in found


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("corpus.jsonl", "{not json\n", "corpus.jsonl"),
        ("queries.jsonl", '{"text": "x"}\n', "_id"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\n1 x/1 1\n", "ligne 2"),
    ],
)
def test_a_broken_file_is_named(
    beir: Path, tmp_path: Path, name: str, content: str, said: str
) -> None:
    (beir / name).write_text(content)
    with pytest.raises(EvaluationError, match=said) as caught:
        evaluate(beir, Settings(cache=tmp_path), embedder=FakeEmbedder())
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="introuvable"):
        evaluate(tmp_path / "nothing", Settings(), embedder=FakeEmbedder())
