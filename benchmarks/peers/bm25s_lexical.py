# /// script
# dependencies = ["bm25s>=0.2.14", "PyStemmer>=2.2"]
# ///
"""bm25s: words alone, no model (French stop words and stems); every note is indexed again."""

import json

import bm25s
import Stemmer
from protocol import Folders, run


class Bm25s:
    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.stemmer = Stemmer.Stemmer("french")
        self.names = folders.index / "names.json"

    def build(self) -> int:
        notes = self.folders.all_notes()
        self.note_names = [name for name, _ in notes]
        self.index = bm25s.BM25()
        self.index.index(self.tokenize([text for _, text in notes]), show_progress=False)
        self.index.save(str(self.folders.index))
        self.names.write_text(json.dumps(self.note_names))
        return len(notes)

    def open(self) -> None:
        self.index = bm25s.BM25.load(str(self.folders.index))
        self.note_names = json.loads(self.names.read_text())

    def search(self, question: str, count: int) -> list[str]:
        found = self.index.retrieve(
            self.tokenize([question]), k=min(count, len(self.note_names)), show_progress=False
        )
        return [self.note_names[number] for number in found.documents[0]]

    def refresh(self, name: str) -> None:
        self.build()

    def tokenize(self, texts: list[str]):
        return bm25s.tokenize(texts, stopwords="fr", stemmer=self.stemmer, show_progress=False)


if __name__ == "__main__":
    run(Bm25s)
