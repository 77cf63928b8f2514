"""The languages of passages that a snapshot keeps, against the rows of the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.assistant import Assistant
from assistant.embedding.fake import FakeEmbedder
from assistant.index.snapshot import open_snapshot
from assistant.index.store import Store
from assistant.settings import Settings

NOTES = {
    "a.md": "---\nlang: fr\n---\n# Volumes\nLes volumes gardent les données.\n",
    "b.md": "---\nlang: en\n---\n# Volumes\nThe volumes keep the data.\n\n# Networks\nThey link.\n",
    "c.md": "---\nlang: fr\n---\n# Réseaux\nLes réseaux relient les conteneurs.\n",
    "d.md": "---\nlang: de\n---\n# Netze\nDie Netze verbinden.\n",
}


@pytest.mark.parametrize("names", [("a.md",), ("a.md", "c.md"), tuple(NOTES)])
def test_foreign_passages_are_those_of_notes_in_another_language(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name in names:
        (corpus / name).write_text(NOTES[name], encoding="utf-8")
    settings = Settings(corpus=corpus, index=tmp_path / "index")
    Assistant.open(settings, embedder=FakeEmbedder()).refresh()
    store = Store.open(settings.index)
    with store.reading():
        snapshot = open_snapshot(store, store.meta(), FakeEmbedder().dimension)
        stored = store.chunks(range(1, 100))
    assert {chunk.note_id for chunk in stored.values()} == set(names)
    rows = sorted(stored, key=lambda row: -row)
    for language in ("fr", "en", "de", "es"):
        expected = [stored[row].language != language for row in rows]
        assert snapshot.is_foreign(rows, language).tolist() == expected
    assert snapshot.is_foreign([], "fr").tolist() == []
