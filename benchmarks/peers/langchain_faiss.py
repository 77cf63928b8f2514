# /// script
# dependencies = [
#     "langchain-core>=1", "langchain-community>=0.4", "langchain-text-splitters>=1",
#     "langchain-huggingface>=1", "sentence-transformers>=6.2,<7", "torch", "faiss-cpu>=1.11",
# ]
# ///
"""LangChain: recursive splitter (1,000 characters, 200 shared) + FAISS; one note is replaced."""

from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from protocol import PASSAGE_PROMPT, QUERY_PROMPT, Folders, run


class LangChain:
    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.embeddings = HuggingFaceEmbeddings(
            model_name=str(folders.model),
            model_kwargs={"local_files_only": True},
            encode_kwargs={"prompt": PASSAGE_PROMPT, "normalize_embeddings": True},
            query_encode_kwargs={"prompt": QUERY_PROMPT, "normalize_embeddings": True},
        )
        self.splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)

    def build(self) -> int:
        passages = self.split(self.folders.all_notes())
        self.store = FAISS.from_documents(
            passages, self.embeddings, ids=[passage.id for passage in passages]
        )
        self.store.save_local(str(self.folders.index))
        return len(passages)

    def open(self) -> None:
        self.store = FAISS.load_local(
            str(self.folders.index), self.embeddings, allow_dangerous_deserialization=True
        )

    def search(self, question: str, count: int) -> list[str]:
        found = self.store.similarity_search(question, k=count)
        return [passage.metadata["source"] for passage in found]

    def refresh(self, name: str) -> None:
        known = self.store.index_to_docstore_id.values()
        self.store.delete([i for i in known if i.rpartition("#")[0] == name])
        passages = self.split([(name, self.folders.note(name))])
        self.store.add_documents(passages, ids=[passage.id for passage in passages])
        self.store.save_local(str(self.folders.index))

    def split(self, notes: list[tuple[str, str]]) -> list[Document]:
        return [
            Document(id=f"{name}#{number}", page_content=part, metadata={"source": name})
            for name, text in notes
            for number, part in enumerate(self.splitter.split_text(text))
        ]


if __name__ == "__main__":
    run(LangChain)
