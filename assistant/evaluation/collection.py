"""What an evaluation asks: documents, questions, and what is known of each.

Two sources: a BEIR folder (corpus.jsonl, queries.jsonl, qrels.tsv, where queries may
carry `answers`, `answerable` and `kind`), or a teacher's own questions about their
notes as CSV or JSON lines with the columns question, note, quote; a question that the
notes do not answer has neither.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import EvaluationError


@dataclass(frozen=True, slots=True)
class Query:
    """A question with what a right reply to it is."""

    id: str
    text: str
    relevant: dict[str, float]  # document id -> gain
    answers: tuple[str, ...] = ()  # strings of which a quotation must hold one
    answerable: bool | None = None  # None: the source does not say
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a BEIR collection."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Collection:
    """Questions, and the documents they are asked of; none for a teacher's questions."""

    queries: tuple[Query, ...]
    documents: tuple[Document, ...] = field(default=())


def load_beir(folder: Path) -> Collection:
    """Read a BEIR folder; raise EvaluationError naming the file and line that is wrong."""
    documents = tuple(
        Document(str(row["_id"]), str(row.get("title") or ""), str(row.get("text") or ""))
        for row in _json_lines(folder / "corpus.jsonl")
        if _has(row, "_id", folder / "corpus.jsonl")
    )
    qrels = _qrels(folder)
    queries = tuple(
        Query(
            id=str(row["_id"]),
            text=str(row.get("text") or ""),
            relevant=qrels.get(str(row["_id"]), {}),
            answers=tuple(str(answer) for answer in row.get("answers") or ()),
            answerable=row.get("answerable"),
            kind=row.get("kind"),
        )
        for row in _json_lines(folder / "queries.jsonl")
        if _has(row, "_id", folder / "queries.jsonl")
    )
    return Collection(queries, documents)


def load_questions(path: Path) -> Collection:
    """Read a teacher's questions from a .csv or .jsonl file."""
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _json_lines(path)
    queries = []
    for number, row in enumerate(rows, start=1):
        text = str(row.get("question") or "").strip()
        if not text:
            raise EvaluationError(
                f"« {path} », question {number} : la colonne « question » manque."
            )
        note = str(row.get("note") or "").strip()
        quote = str(row.get("quote") or "").strip()
        queries.append(
            Query(
                id=str(number),
                text=text,
                relevant={note: 1.0} if note else {},
                answers=(quote,) if quote else (),
                answerable=bool(note or quote),
                kind="answerable" if note or quote else "no answer",
            )
        )
    return Collection(tuple(queries))


def _has(row: dict[str, Any], key: str, path: Path) -> bool:
    if key not in row:
        raise EvaluationError(f"« {path} » : une ligne n'a pas de champ « {key} ».")
    return True


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise EvaluationError(
                        f"« {path} », ligne {number} : un objet JSON est attendu."
                    )
                yield row
    except OSError as error:
        raise EvaluationError(
            f"« {path} » est introuvable ou illisible : il faut un dossier au format BEIR "
            "(corpus.jsonl, queries.jsonl, qrels.tsv) ou un fichier .csv ou .jsonl de questions."
        ) from error
    except ValueError as error:
        raise EvaluationError(f"« {path} » n'est pas du JSON en lignes, UTF-8 : {error}") from error


def _csv_rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            sample = file.read(4096)
            file.seek(0)
            delimiter = ";" if sample.count(";") > sample.count(",") else ","
            yield from csv.DictReader(file, delimiter=delimiter)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(f"« {path} » est illisible : {error}") from error


def _qrels(folder: Path) -> dict[str, dict[str, float]]:
    places = (folder / "qrels.tsv", folder / "qrels" / "test.tsv")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise EvaluationError(
            f"« {folder / 'qrels.tsv'} » est introuvable : le dossier n'est pas au format BEIR."
        )
    qrels: dict[str, dict[str, float]] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            fields = line.rstrip("\r\n").split("\t")
            if number == 0 and fields[-1] == "score":
                continue
            try:
                query, document, score = fields
                qrels.setdefault(query, {})[document] = float(score)
            except ValueError as error:
                raise EvaluationError(
                    f"« {path} », ligne {number + 1} : question, document et score séparés par des "
                    "tabulations sont attendus."
                ) from error
    return qrels
