# /// script
# dependencies = [
#     "llama-index-core>=0.14", "llama-index-embeddings-huggingface>=0.7",
#     "sentence-transformers>=5", "torch",
# ]
# ///
"""LlamaIndex: its sentence splitter (512 tokens, the model's window) and its default vector
store; one note is replaced."""

from llama_index.core import (
    Document,
    Settings,
    StorageContext,
    VectorStoreIndex,
    load_index_from_storage,
)
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from protocol import PASSAGE_PROMPT, QUERY_PROMPT, Folders, run


class LlamaIndex:
    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        Settings.llm = None
        Settings.chunk_size = 512
        Settings.embed_model = HuggingFaceEmbedding(
            model_name=str(folders.model),
            query_instruction=QUERY_PROMPT,
            text_instruction=PASSAGE_PROMPT,
            normalize=True,
            embed_batch_size=32,
        )

    def build(self) -> int:
        notes = self.folders.all_notes()
        index = VectorStoreIndex.from_documents(
            [Document(text=text, id_=name) for name, text in notes]
        )
        index.storage_context.persist(str(self.folders.index))
        return len(index.docstore.docs)

    def open(self) -> None:
        context = StorageContext.from_defaults(persist_dir=str(self.folders.index))
        self.index = load_index_from_storage(context)

    def search(self, question: str, count: int) -> list[str]:
        found = self.index.as_retriever(similarity_top_k=count).retrieve(question)
        return [passage.node.ref_doc_id for passage in found]

    def refresh(self, name: str) -> None:
        self.index.refresh_ref_docs([Document(text=self.folders.note(name), id_=name)])
        self.index.storage_context.persist(str(self.folders.index))


if __name__ == "__main__":
    run(LlamaIndex)
