# /// script
# dependencies = [
#     "haiku.rag>=0.6,<0.7", "sentence-transformers>=5", "torch",
#     "pysqlite3-binary>=0.5; sys_platform == 'linux'",
# ]
# ///
"""haiku.rag: docling's structure-aware chunks, vectors and full text in SQLite, ranks fused
(no reranker, which would need a language model); one note is replaced. It asks a server for
vectors and counts tokens with a file from the network: here the model runs in its process,
and 1,000 bytes stand for its 256 tokens."""

import asyncio
import os
import sqlite3
import sys

import tiktoken
from protocol import PASSAGE_PROMPT, QUERY_PROMPT, Folders, run

if not hasattr(sqlite3.Connection, "enable_load_extension"):  # left out of some Pythons
    import pysqlite3

    sys.modules["sqlite3"] = pysqlite3
sys.modules["torchvision"] = None  # its build may not suit torch's, and no note is a picture
os.environ.update(EMBEDDINGS_VECTOR_DIM="384", RERANK_PROVIDER="", CHUNK_SIZE="1000")
BYTES = tiktoken.Encoding(
    "bytes",
    pat_str=r"(?s).",
    mergeable_ranks={bytes([value]): value for value in range(256)},
    special_tokens={},
)
tiktoken.encoding_for_model = lambda name: BYTES

from haiku.rag.client import HaikuRAG  # noqa: E402  (reads the lines above when imported)
from haiku.rag.embeddings.base import EmbedderBase  # noqa: E402


class LocalEmbedder(EmbedderBase):
    def __init__(self, folder: str) -> None:
        from sentence_transformers import SentenceTransformer

        super().__init__("multilingual-e5-small", 384)
        self.model = SentenceTransformer(folder, local_files_only=True)
        self.prompt = PASSAGE_PROMPT

    async def embed(self, text: str) -> list[float]:
        vector = self.model.encode(
            text, prompt=self.prompt, normalize_embeddings=True, show_progress_bar=False
        )
        return vector.tolist()


class Haiku:
    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.embedder = LocalEmbedder(str(folders.model))
        self.open()

    def open(self) -> None:
        self.client = HaikuRAG(self.folders.index / "haiku.rag.sqlite")
        self.client.chunk_repository.embedder = self.embedder
        self.client.document_repository.chunk_repository.embedder = self.embedder

    def build(self) -> int:
        for path in sorted(self.folders.notes.glob("*.md")):
            self.refresh(path.name)
        chunks = self.client.store._connection.execute("SELECT count(*) FROM chunks")
        return chunks.fetchone()[0]

    def search(self, question: str, count: int) -> list[str]:
        self.embedder.prompt = QUERY_PROMPT
        found = asyncio.run(self.client.search(question, limit=count))
        return [chunk.document_uri.rpartition("/")[2] for chunk, _ in found]

    def refresh(self, name: str) -> None:
        self.embedder.prompt = PASSAGE_PROMPT
        source = self.folders.notes / name
        asyncio.run(self.client.create_document_from_source(source, metadata={}))


if __name__ == "__main__":
    run(Haiku)
