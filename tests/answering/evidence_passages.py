"""Passages as retrieval hands them over, made from texts alone."""

from __future__ import annotations

from pathlib import Path

from assistant.analysis import analyse
from assistant.answering.prompt import NumberedPassage
from assistant.chunking import chunk_note, passage_context, passage_text
from assistant.datatypes import Note
from assistant.embedding.late_interaction import Codec
from assistant.embedding.protocol import Embedder
from assistant.index.token_store import content_tokens, pack_tokens, unpack_tokens


def numbered(
    texts: list[str], embedder: Embedder, codec: Codec, *, title: str, language: str = "fr"
) -> list[NumberedPassage]:
    """Each text as one note of one chunk, "1.md", "2.md" …"""
    passages = []
    for number, text in enumerate(texts, start=1):
        note = Note(f"{number}.md", title, language, text, "", Path(f"{number}.md"))
        (chunk,) = chunk_note(note, embedder.count_tokens, window=embedder.max_tokens)
        whole = passage_text(title, chunk)
        tokens = content_tokens(
            embedder.encode_passages([whole]).tokens[0], analyse(whole, language)
        )
        packed = pack_tokens(tokens, len(passage_context(title, chunk)), codec)
        stored = unpack_tokens(packed, codec)
        passages.append(NumberedPassage(number, title, language, chunk, stored))
    return passages
