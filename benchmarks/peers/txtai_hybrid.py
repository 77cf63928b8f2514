# /// script
# dependencies = ["txtai>=9", "sentence-transformers>=5", "torch"]
# ///
"""txtai: hybrid of dense vectors and BM25, one vector a note; one note is replaced."""

from protocol import PASSAGE_PROMPT, QUERY_PROMPT, Folders, run
from txtai import Embeddings


class Txtai:
    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.embeddings = Embeddings(
            path=str(folders.model),
            method="sentence-transformers",
            instructions={"query": QUERY_PROMPT, "data": PASSAGE_PROMPT},
            hybrid=True,
        )

    def build(self) -> int:
        notes = self.folders.all_notes()
        self.embeddings.index(notes)
        self.embeddings.save(str(self.folders.index))
        return len(notes)

    def open(self) -> None:
        self.embeddings.load(str(self.folders.index))

    def search(self, question: str, count: int) -> list[str]:
        return [name for name, _ in self.embeddings.search(question, count)]

    def refresh(self, name: str) -> None:
        self.embeddings.upsert([(name, self.folders.note(name))])
        self.embeddings.save(str(self.folders.index))


if __name__ == "__main__":
    run(Txtai)
