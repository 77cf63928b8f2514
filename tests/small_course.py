"""A course in a temporary folder, and the whole index written out to be compared."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.assistant import Assistant
from assistant.datatypes import RefreshReport
from assistant.embedding.fake import FakeEmbedder
from assistant.embedding.protocol import Encoded, Progress
from assistant.index.store import Store
from assistant.settings import Settings

FILLER = (
    "# Titre {n}\n\nLe sujet {n} parle de {topic}. Il sert à {verb} la machine.\n\n- point {n}\n"
)
TOPICS = ("docker", "réseau", "disque", "mémoire", "processus", "volume", "image", "noyau")


class CountingEmbedder(FakeEmbedder):
    """The fake, which remembers every passage it was asked to embed."""

    def __init__(self, **options: int) -> None:
        super().__init__(**options)
        self.passages: list[str] = []

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Encoded:
        self.passages += texts
        return super().encode_passages(texts, progress)


class Course:
    """A folder of notes with its index, and what a test does to them."""

    def __init__(self, root: Path, embedder: FakeEmbedder, *, index: str = "index") -> None:
        self.root = root
        self.corpus, self.index = root / "corpus", root / index
        self.corpus.mkdir(parents=True, exist_ok=True)
        self.embedder = embedder
        self.assistant = self.reopened()

    def reopened(self) -> Assistant:
        """The same course, as another process would open it."""
        settings = Settings(corpus=self.corpus, index=self.index, caution=0.0)
        return Assistant.open(settings, embedder=self.embedder)

    def close(self) -> None:
        """Let go of the index, as a process does when it ends."""
        self.assistant._store().close()
        self.assistant = self.reopened()

    def write(self, note_id: str, text: str | bytes) -> Path:
        path = self.corpus / note_id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def fill(self, count: int) -> None:
        for n in range(count):
            topic, verb = TOPICS[n % len(TOPICS)], ("gérer", "isoler")[n % 2]
            self.write(f"note{n:03}.md", FILLER.format(n=n, topic=topic, verb=verb))

    def refresh(self, **options: Any) -> RefreshReport:
        return self.assistant.refresh(**options)

    def store(self) -> Store:
        return Store.open(self.index)

    def dump(self) -> dict[str, Any]:
        """Everything the index holds, without row ids, times and vectors nothing uses."""
        return dump(self.index)

    def fresh_dump(self, embedder: FakeEmbedder | None = None) -> dict[str, Any]:
        """The same of an index built from nothing."""
        folder = self.root / f"fresh-{os.urandom(4).hex()}"
        settings = Settings(corpus=self.corpus, index=folder)
        Assistant.open(settings, embedder=embedder or FakeEmbedder()).refresh()
        return dump(folder)


def dump(folder: Path) -> dict[str, Any]:
    """Every table, rows told by note and ordinal instead of ids."""
    store = Store.open(folder)
    query = store.connection.execute
    assert query("PRAGMA integrity_check").fetchall() == [("ok",)]
    query("INSERT INTO terms(terms) VALUES ('integrity-check')")
    meta = store.meta()
    chunks = "chunks c JOIN notes n ON n.id = c.note"
    tables = {
        "notes": query(
            "SELECT path, title, language, author, date, sha256, source, body_start, tags, places, "
            "links, text, words FROM notes ORDER BY path"
        ).fetchall(),
        "skipped": query("SELECT path, reason, sha256 FROM skipped ORDER BY path").fetchall(),
        "chunks": query(
            "SELECT path, ordinal, start, stop, headings, lead_in, spans, passage, c.text "
            f"FROM {chunks} ORDER BY path, ordinal"
        ).fetchall(),
        "terms": query(
            f"SELECT path, ordinal, analysed FROM {chunks} JOIN terms t ON t.rowid = c.id "
            "ORDER BY path, ordinal"
        ).fetchall(),
        "term_count": query("SELECT count(*) FROM terms").fetchone(),
        "vocabulary": query("SELECT term, doc, cnt FROM vocabulary ORDER BY term").fetchall(),
        "words": query("SELECT word, term, notes FROM words ORDER BY word, term").fetchall(),
        "embeddings": query(
            f"SELECT path, ordinal, vector, tokens FROM {chunks} JOIN embeddings e "
            "ON e.passage = c.passage AND e.fingerprint = ? ORDER BY path, ordinal",
            (meta["fingerprint"],),
        ).fetchall(),
        "versions": {k: meta[k] for k in ("schema", "chunker", "analysis", "fingerprint")},
    }
    assert len(tables["embeddings"]) == len(tables["chunks"]) == tables["term_count"][0]
    store.close()
    return tables
