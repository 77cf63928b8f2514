"""Runs the embedded model in ONNX Runtime: ready in a fraction of a second, without torch.

Texts are run one by one, a thread for each core: nothing is padded, a vector is the same
whatever else is encoded with it, and memory stays that of a text a thread. The word
embedding is mapped, and only the rows of a text's tokens are decoded. See `onnx_graph`
for the arithmetic and `onnx_conversion` for the files.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.fast_tokenizer import FastTokenizer
from assistant.embedding.full_tokenizer import PASSAGE_PROMPT, QUERY_PROMPT
from assistant.embedding.onnx_conversion import FORMAT, converted_onnx_folder
from assistant.embedding.onnx_graph import DISABLED_OPTIMIZERS, INPUT, OUTPUT
from assistant.embedding.protocol import Encoded, Progress, TokenVectors
from assistant.embedding.tokens import Encoding, TextTokens, encodable, text_tokens
from assistant.embedding.weights_file import EMBEDDED, EMBEDDED_DIMENSION, EMBEDDED_MAX_TOKENS
from assistant.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, SessionOptions
    from tokenizers import Tokenizer

_BLOCK = 32  # values of the word embedding that share a scale

# Without VNNI, x86 processors overflow in products of unsigned and signed bytes; this
# option makes ONNX Runtime take an exact kernel, which is half as slow again.
_EXACT_PRODUCTS = ("session.x64quantprecision", "1")
_PROCESSOR = Path("/proc/cpuinfo")
_FLAGS_OF_VNNI = frozenset({"avx512_vnni", "avx_vnni"})


class OnnxEmbedder:
    """An Embedder over ONNX Runtime; see `assistant.embedding.protocol`."""

    def __init__(
        self,
        *,
        cache: Path | None = None,
        progress: Progress | None = None,
        threads: int | None = None,
        folder: Callable[[], Path] | None = None,
    ) -> None:
        """Name the embedded model without loading it.

        It is converted into `cache` (None: the user's cache folder) when first used;
        `progress` is then called with steps done and steps in all. `threads` run texts
        side by side; None is one a core. `folder` says where another converted model
        lies instead, whose sizes are then read from its files.
        """
        self._is_embedded = folder is None
        self._find = folder or (lambda: converted_onnx_folder(cache, progress))
        self._threads = threads or os.cpu_count() or 1
        self._lock = threading.RLock()

    @property
    def fingerprint(self) -> str:
        """Weights and arithmetic: vectors differ a little from those in float32."""
        return f"{EMBEDDED.name}@{EMBEDDED.sha256[:16]}-int8-{FORMAT}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return EMBEDDED_DIMENSION if self._is_embedded else int(self._tables[0].shape[1])

    @property
    def max_tokens(self) -> int:
        """The model's window, prompt and special tokens included."""
        return EMBEDDED_MAX_TOKENS if self._is_embedded else int(self._tables[0].shape[0])

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as a passage, prompt and special tokens included."""
        return [len(self._tokenise(PASSAGE_PROMPT + encodable(text)).ids) for text in texts]

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """Embed questions."""
        return self._encode(texts, QUERY_PROMPT)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Encoded:
        """Embed passages; longer ones than the window are cut."""
        return self._encode(texts, PASSAGE_PROMPT, progress)

    def _encode(
        self, texts: Sequence[str], prompt: str, progress: Progress | None = None
    ) -> Encoded:
        vectors = np.empty((len(texts), self.dimension), np.float32)
        tokens: list[TokenVectors] = []

        def run(text: str) -> tuple[NDArray[np.float32], TokenVectors]:
            text = encodable(text)
            encoding = self._tokenise(prompt + text)
            return self._forward(text_tokens(encoding, prompt, text, self.max_tokens))

        for number, (vector, own) in enumerate(self._in_threads(run, texts)):
            vectors[number] = vector
            tokens.append(own)
            if progress is not None:
                progress(number + 1, len(texts))
        return Encoded(vectors, tokens)

    def _in_threads(
        self,
        run: Callable[[str], tuple[NDArray[np.float32], TokenVectors]],
        texts: Sequence[str],
    ) -> Iterator[tuple[NDArray[np.float32], TokenVectors]]:
        if len(texts) < 2 or self._threads == 1:
            yield from map(run, texts)
            return
        # Loaded before threads want them at once.
        _ = self._session, self._tables, self._fast_tokenizer
        with ThreadPoolExecutor(min(self._threads, len(texts))) as pool:
            futures = [pool.submit(run, text) for text in texts]
            try:
                for future in futures:
                    yield future.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _forward(self, entry: TextTokens) -> tuple[NDArray[np.float32], TokenVectors]:
        """One text: its unit vector and those of its own tokens."""
        embeddings = self._embeddings(np.array(entry.ids))[np.newaxis]
        hidden = self._session.run([OUTPUT], {INPUT: embeddings})[0][0]
        own = TokenVectors(_unit(hidden[entry.positions]), entry.starts, entry.ends)
        return _unit(hidden.mean(axis=0)), own

    def _embeddings(self, ids: NDArray[np.intp]) -> NDArray[np.float32]:
        """Sum of the word, position and type embeddings, (ids, dimension)."""
        positions, scales, packed = self._tables
        rows = packed[ids]
        words = np.empty((*rows.shape[:2], _BLOCK), np.float32)
        words[..., : _BLOCK // 2] = rows & 15
        words[..., _BLOCK // 2 :] = rows >> 4
        words -= 8
        words *= scales[ids][..., np.newaxis].astype(np.float32)
        summed: NDArray[np.float32] = words.reshape(len(ids), -1) + positions[: len(ids)]
        return summed

    def _tokenise(self, text: str) -> Encoding:
        return self._fast_tokenizer.encode(text) or self._full_tokenizer.encode(text)

    @cached_property
    def _folder(self) -> Path:
        with self._lock:
            return self.__dict__.get("_folder") or self._find()

    @cached_property
    def _tables(self) -> tuple[NDArray[np.float32], NDArray[np.float16], NDArray[np.uint8]]:
        """Position embeddings in memory; scales and packed values of words, mapped."""
        with _named_errors(self._folder):
            return (
                np.load(self._folder / "positions.npy"),
                np.load(self._folder / "word_scales.npy", mmap_mode="r"),
                np.load(self._folder / "word_values.npy", mmap_mode="r"),
            )

    @cached_property
    def _fast_tokenizer(self) -> FastTokenizer:
        with _named_errors(self._folder):
            return FastTokenizer(self._folder)

    @cached_property
    def _full_tokenizer(self) -> Tokenizer:
        with self._lock:
            if "_full_tokenizer" in self.__dict__:  # loaded by another thread meanwhile
                return self.__dict__["_full_tokenizer"]  # type: ignore[no-any-return]
            from tokenizers import Tokenizer

            with _named_errors(self._folder):
                tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
            tokenizer.encode_special_tokens = True
            return tokenizer

    @cached_property
    def _session(self) -> InferenceSession:
        with self._lock:
            if "_session" in self.__dict__:
                return self.__dict__["_session"]
            try:
                import onnxruntime
            except ImportError as error:
                raise ModelError(
                    f"Le moteur rapide n'est pas installé ({error}) : lancez "
                    "« pip install onnxruntime », ou choisissez ASSISTANT_ENGINE=torch."
                ) from error
            with _named_errors(self._folder):
                return onnxruntime.InferenceSession(
                    str(self._folder / "model.onnx"),
                    _session_options(),
                    providers=["CPUExecutionProvider"],
                    disabled_optimizers=DISABLED_OPTIMIZERS,
                )


def _session_options() -> SessionOptions:
    from onnxruntime import SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = 1  # threads run texts, not parts of a product
    options.log_severity_level = 3
    if not _products_are_exact():
        options.add_session_config_entry(*_EXACT_PRODUCTS)
    return options


def _products_are_exact() -> bool:
    """Whether the processor is known to have VNNI; only Linux says so without a library."""
    with suppress(OSError), _PROCESSOR.open(encoding="ascii", errors="replace") as file:
        flags = next((line for line in file if line.startswith("flags")), "")
        return not _FLAGS_OF_VNNI.isdisjoint(flags.split())
    return False


@contextmanager
def _named_errors(folder: Path) -> Iterator[None]:
    """Turn whatever libraries raise for a file they cannot use into one clear line."""
    try:
        yield
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ModelError(
            f"Impossible de charger le modèle converti ({reason}) : supprimez le dossier "
            f"« {folder} » et réessayez."
        ) from error


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
