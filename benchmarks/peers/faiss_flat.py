# /// script
# dependencies = ["sentence-transformers>=6.2,<7", "torch", "faiss-cpu>=1.11"]
# ///
"""sentence-transformers + FAISS flat: one vector a note, exact search; one note is replaced."""

import json

import numpy as np
from protocol import Folders, run


class FaissFlat:
    def __init__(self, folders: Folders) -> None:
        from sentence_transformers import SentenceTransformer

        self.folders = folders
        self.model = SentenceTransformer(str(folders.model), local_files_only=True)
        self.vectors = folders.index / "vectors.faiss"
        self.names = folders.index / "names.json"

    def build(self) -> int:
        import faiss

        notes = self.folders.all_notes()
        vectors = self.encode([text for _, text in notes])
        self.index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
        self.note_names = [name for name, _ in notes]
        self.index.add_with_ids(vectors, np.arange(len(notes)))
        self.write()
        return len(notes)

    def open(self) -> None:
        import faiss

        self.index = faiss.read_index(str(self.vectors))
        self.note_names = json.loads(self.names.read_text())

    def search(self, question: str, count: int) -> list[str]:
        vector = self.model.encode_query([question], normalize_embeddings=True)
        _, (found,) = self.index.search(vector, min(count, self.index.ntotal))
        return [self.note_names[number] for number in found]

    def refresh(self, name: str) -> None:
        number = self.note_names.index(name)
        self.index.remove_ids(np.array([number]))
        self.index.add_with_ids(self.encode([self.folders.note(name)]), np.array([number]))
        self.write()

    def encode(self, texts: list[str]):
        # The folder's own prompts are "query: " and "passage: ".
        return self.model.encode_document(texts, normalize_embeddings=True)

    def write(self) -> None:
        import faiss

        faiss.write_index(self.index, str(self.vectors))
        self.names.write_text(json.dumps(self.note_names))


if __name__ == "__main__":
    run(FaissFlat)
