"""Runs any sentence-transformers model, by name or folder, as an Embedder.

Nothing is loaded before it is needed: counting tokens reads only the tokenizer, and the
fingerprint only small files. Prompts are the model's own where it has any. A model that
is on this machine is loaded without a look at the network; another is downloaded, since
naming it asks for that. Models with code of their own are not run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.protocol import Encoded, Progress, TokenVectors
from assistant.embedding.tokens import TextTokens, encodable, text_tokens
from assistant.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

_VERSION = 1  # of pooling and prompts as done here; part of the fingerprint
_SAMPLE = 1 << 20  # bytes hashed at either end of a large file
_BATCH_TOKENS = {"cpu": 4_096}  # padded ids of one forward pass, by device
_BATCH_TOKENS_ACCELERATED = 65_536
_E5_PROMPTS = ("query: ", "passage: ")
_E5_INSTRUCT_PROMPTS = (
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: ",
    "",
)


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What is known of a model before any of its files is read."""

    fingerprint: str
    dimension: int
    max_tokens: int


class SentenceTransformerEmbedder:
    """An Embedder over sentence-transformers; see `assistant.embedding.protocol`."""

    def __init__(
        self,
        model: str,
        *,
        folder: Callable[[], Path] | None = None,
        known: KnownModel | None = None,
    ) -> None:
        """Name a model without loading it.

        `model` is a folder or a name on the model hub. `folder`, called at most once and
        only when files are needed, says where the model lies instead.
        """
        self._name = model
        self._find = folder
        self._known = known
        self._lock = threading.RLock()

    @property
    def fingerprint(self) -> str:
        """Name, content and prompts of the model; the same on every machine."""
        return self._known.fingerprint if self._known else self._computed_fingerprint

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        if self._known:
            return self._known.dimension
        return int(self._model.get_embedding_dimension() or self._encode([""], "").vectors.shape[1])

    @property
    def max_tokens(self) -> int:
        """The model's window, prompt and special tokens included."""
        if self._known:
            return self._known.max_tokens
        return int(self._model.max_seq_length or 512)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as a passage, prompt and special tokens included."""
        prompt = self._prompts[1]
        encodings = self._tokenizer.encode_batch_fast([prompt + encodable(text) for text in texts])
        return [len(encoding) for encoding in encodings]

    def encode_queries(self, texts: Sequence[str]) -> Encoded:
        """Embed questions."""
        return self._encode(texts, self._prompts[0])

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Encoded:
        """Embed passages; longer ones than the window are cut."""
        return self._encode(texts, self._prompts[1], progress)

    def _encode(
        self, texts: Sequence[str], prompt: str, progress: Progress | None = None
    ) -> Encoded:
        if not texts:
            return Encoded(np.empty((0, self.dimension), np.float32), [])
        model, tokenizer, window = self._model, self._model_tokenizer, self.max_tokens
        texts = [encodable(text) for text in texts]
        encodings = tokenizer.encode_batch([prompt + text for text in texts])
        inputs = [
            text_tokens(encoding, prompt, text, window)
            for encoding, text in zip(encodings, texts, strict=True)
        ]
        budget = _BATCH_TOKENS.get(model.device.type, _BATCH_TOKENS_ACCELERATED)
        pooled: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(texts)
        tokens: list[TokenVectors | None] = [None] * len(texts)
        done = 0
        for batch in _batches([len(entry.ids) for entry in inputs], budget):
            vectors, hidden = self._forward([inputs[number] for number in batch], prompt)
            for row, number in enumerate(batch):
                entry = inputs[number]
                pooled[number] = vectors[row]
                tokens[number] = TokenVectors(
                    _unit(hidden[row][entry.positions]), entry.starts, entry.ends
                )
            done += len(batch)
            if progress is not None:
                progress(done, len(texts))
        return Encoded(_unit(np.stack(pooled)), [entry for entry in tokens if entry is not None])

    def _forward(
        self, batch: list[TextTokens], prompt: str
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One pass: pooled vectors (texts, dimension), token vectors (texts, longest, …)."""
        import torch

        model = self._model
        longest = max(len(entry.ids) for entry in batch)
        ids = np.full((len(batch), longest), model.tokenizer.pad_token_id or 0, np.int64)
        mask = np.zeros_like(ids)
        for row, entry in enumerate(batch):
            ids[row, : len(entry.ids)] = entry.ids
            mask[row, : len(entry.ids)] = 1
        features: dict[str, Any] = {
            "input_ids": torch.from_numpy(ids).to(model.device),
            "attention_mask": torch.from_numpy(mask).to(model.device),
        }
        if prompt:  # for models whose pooling leaves the prompt out
            encoding = self._model_tokenizer.encode(prompt)
            features["prompt_length"] = len(encoding) - sum(encoding.special_tokens_mask[1:])
        with torch.inference_mode():
            output = model(features)
        return (
            output["sentence_embedding"].float().cpu().numpy(),
            output["token_embeddings"].float().cpu().numpy(),
        )

    @cached_property
    def _folder(self) -> Path:
        """Where the model's files lie; a model that is on no disk yet is downloaded."""
        with self._lock:
            if self._find is not None:
                return self._find()
            if (folder := _local_folder(self._name)) is not None:
                return folder
            _load(self._name, self._name, download=True)
            if (folder := _local_folder(self._name)) is None:
                raise ModelError(
                    f"Le modèle « {self._name} » n'a laissé aucun fichier : téléchargez-le dans "
                    "un dossier et donnez ce dossier à ASSISTANT_MODEL."
                )
            return folder

    @cached_property
    def _prompts(self) -> tuple[str, str]:
        """Prompts of questions and passages: the model's own, else those of its family."""
        try:
            path = self._folder / "config_sentence_transformers.json"
            own = json.loads(path.read_text(encoding="utf-8")).get("prompts") or {}
        except (OSError, ValueError):
            own = {}
        query = own.get("query") or ""
        passage = own.get("passage") or own.get("document") or own.get("corpus") or ""
        name = self._name.lower()
        if not query and not passage and "e5" in name:
            return _E5_INSTRUCT_PROMPTS if "instruct" in name else _E5_PROMPTS
        return query, passage

    @cached_property
    def _computed_fingerprint(self) -> str:
        digest = hashlib.sha256(json.dumps([_VERSION, self._prompts]).encode())
        for path in sorted(self._folder.rglob("*")):
            if path.suffix in (".json", ".safetensors", ".bin", ".model", ".txt"):
                digest.update(path.relative_to(self._folder).as_posix().encode())
                digest.update(_sample(path))
        return f"{Path(self._name).name}@{digest.hexdigest()[:16]}"

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """The tokenizer alone, without torch where the model ships it as one file."""
        with self._lock:
            path = self._folder / "tokenizer.json"
            if "_model" in self.__dict__ or not path.is_file():
                return self._model_tokenizer
            from tokenizers import Tokenizer

            try:
                return _uncut(Tokenizer.from_file(str(path)))
            except Exception as error:  # the library raises bare Exception
                raise ModelError(_unusable(self._name, error)) from error

    @cached_property
    def _model_tokenizer(self) -> Tokenizer:
        """The tokenizer as the model set it up."""
        tokenizer = getattr(self._model.tokenizer, "backend_tokenizer", None)
        if tokenizer is None:
            raise ModelError(
                f"Le modèle « {self._name} » ne dit pas où sont ses mots dans le texte : "
                "choisissez-en un autre avec ASSISTANT_MODEL."
            )
        return _uncut(tokenizer)

    @cached_property
    def _model(self) -> SentenceTransformer:
        with self._lock:
            if "_model" in self.__dict__:  # loaded by another thread meanwhile
                return self.__dict__["_model"]  # type: ignore[no-any-return]
            return _load(str(self._folder), self._name, download=False)


def _load(folder_or_name: str, name: str, *, download: bool) -> SentenceTransformer:
    """Load a model quietly; raise ModelError with one line where that fails."""
    if not download:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import transformers
            from sentence_transformers import SentenceTransformer

            transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
            transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            logging.getLogger("sentence_transformers").setLevel(logging.ERROR)
            model = SentenceTransformer(folder_or_name, local_files_only=not download)
    except ImportError as error:
        raise ModelError(
            f"Il manque une bibliothèque au modèle « {name} » ({_first_line(error)}) : lancez "
            "« pip install sentence-transformers »."
        ) from error
    except Exception as error:  # whatever the libraries raise for a model they cannot use
        raise ModelError(_unusable(name, error)) from error
    return model.eval()


def _unusable(name: str, error: Exception) -> str:
    return (
        f"Impossible de charger le modèle « {name} » ({_first_line(error)}) : vérifiez "
        "ASSISTANT_MODEL, ou retirez cette variable pour utiliser le modèle embarqué."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _local_folder(model: str) -> Path | None:
    """The folder of a model on this machine: a folder itself, or in the hub's cache."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    home = Path(os.environ.get("HF_HOME") or Path("~/.cache/huggingface").expanduser())
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    for name in (model, f"sentence-transformers/{model}"):
        cached = hub / ("models--" + name.replace("/", "--"))
        try:
            revision = (cached / "refs" / "main").read_text(encoding="utf-8").strip()
        except OSError:
            continue
        snapshot = cached / "snapshots" / revision
        if any((snapshot / file).is_file() for file in ("modules.json", "config.json")):
            return snapshot
    return None


def _uncut(tokenizer: Tokenizer) -> Tokenizer:
    """Switch off what would change a text's tokens: cutting, padding, special words."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _batches(lengths: list[int], budget: int) -> list[list[int]]:
    """Group texts, longest first; the shortest of a batch is half the longest or more."""
    order = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    batches: list[list[int]] = []
    longest = 0
    for number in order:
        is_like = 2 * lengths[number] >= longest
        if batches and is_like and (len(batches[-1]) + 1) * longest <= budget:
            batches[-1].append(number)
        else:
            batches.append([number])
            longest = lengths[number]
    return batches


def _sample(path: Path) -> bytes:
    """Size, beginning and end of a file: enough to tell two versions apart."""
    size = path.stat().st_size
    with path.open("rb") as file:
        beginning = file.read(_SAMPLE)
        file.seek(max(0, size - _SAMPLE))
        return str(size).encode() + beginning + file.read()


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
