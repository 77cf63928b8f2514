"""Writes the embedded weights once as a folder that sentence-transformers can load.

The folder lies in the user's cache and is either whole or absent: it is written beside
its final name, its manifest last, and renamed when complete. One process converts while
others wait. A folder whose sizes or times differ from the manifest is hashed again, and
written anew when it is damaged. No torch is needed: safetensors is a JSON header and the
bytes of the tensors, written one by one so that memory stays small.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.protocol import Progress
from assistant.embedding.weights_file import (
    EMBEDDED,
    Vocabulary,
    Weights,
    WeightsSource,
    read_weights,
)
from assistant.errors import ModelError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

QUERY_PROMPT, PASSAGE_PROMPT = "query: ", "passage: "

_FORMAT = 1  # of the converted folder; a new number converts again
_MANIFEST = "MANIFEST"
_ROWS = 16_384  # rows of the word embedding decoded at a time
_NEVER = -1000.0  # score of a piece that text must not be cut into
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


def converted_folder(
    cache: Path | None = None,
    progress: Progress | None = None,
    *,
    source: WeightsSource = EMBEDDED,
) -> Path:
    """Return the converted model, after converting it where it is missing or damaged.

    `cache` is None for the user's cache folder. `progress` is called with bytes written
    and bytes in all. Raises ModelError, naming the remedy.
    """
    folder = _folder(cache, source)
    if is_sound(folder):
        return folder
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(folder.name + ".lock")):
            if not is_sound(folder):
                _replace(folder, read_weights(source), progress)
    except OSError as error:
        raise ModelError(
            f"The model cannot be written to {folder.parent} ({error.strerror or error}); "
            "free 500 MB there or set ASSISTANT_CACHE to another folder."
        ) from error
    return folder


def is_converted(cache: Path | None = None, *, source: WeightsSource = EMBEDDED) -> bool:
    """Whether a sound converted model is in the cache."""
    return is_sound(_folder(cache, source))


def is_sound(folder: Path) -> bool:
    """Whether every file of a converted folder is as its manifest says.

    Sizes are compared each time; contents are hashed only where the modification time
    is not the recorded one, which is then recorded.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        moved = False
        for name, known in manifest["files"].items():
            status = (folder / name).stat()
            if status.st_size != known["size"]:
                return False
            if status.st_mtime_ns != known["modified"]:
                with (folder / name).open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != known["sha256"]:
                        return False
                known["modified"] = status.st_mtime_ns
                moved = True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    if moved:
        with suppress(OSError):  # a cache that cannot be written is hashed each time
            _write_atomically(folder / _MANIFEST, manifest)
    return True


def build_tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    """Build the XLM-R tokenizer: NFKC, split at spaces, Metaspace, Unigram, `<s> … </s>`.

    Where the file's normalisation map says other than NFKC (control characters are
    dropped; zero-width ones, the replacement character and ▁ become spaces), it is
    followed. The special pieces get a score that no text can reach, so `<s>` written in
    a note is text.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    pieces = vocabulary.pieces
    special = [vocabulary.begin, vocabulary.padding, vocabulary.end, vocabulary.unknown]
    special += [number for number, piece in enumerate(pieces) if piece == "<mask>"]
    scores = vocabulary.scores.tolist()
    for number in special:
        scores[number] = _NEVER
    tokenizer = Tokenizer(
        models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=vocabulary.unknown)
    )
    steps: list[normalizers.Normalizer] = []
    for result in ("", " "):
        characters = [key for key, value in vocabulary.normalisation.items() if value == result]
        if characters:
            listed = "".join(f"\\x{{{ord(character):x}}}" for character in characters)
            steps.append(normalizers.Replace(Regex(f"[{listed}]"), result))
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    begin, end = pieces[vocabulary.begin], pieces[vocabulary.end]
    tokenizer.post_processor = TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} {end} $B {end}",
        special_tokens=[(begin, vocabulary.begin), (end, vocabulary.end)],
    )
    tokenizer.add_special_tokens(
        [AddedToken(pieces[number], special=True, normalized=False) for number in special]
    )
    return tokenizer


def _folder(cache: Path | None, source: WeightsSource) -> Path:
    if cache is None:
        from platformdirs import user_cache_path

        cache = user_cache_path("course-assistant")
    return cache / "models" / f"{source.name}-{source.sha256[:12]}-{_FORMAT}"


def _replace(folder: Path, weights: Weights, progress: Progress | None) -> None:
    """Write the folder beside its name, then rename it; the caller holds the lock."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        _write_model(partial, weights, progress)
        manifest = {"files": {path: _describe(partial / path) for path in _files(partial)}}
        _write_atomically(partial / _MANIFEST, manifest)
        if folder.exists():
            (folder / _MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder)
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write_model(folder: Path, weights: Weights, progress: Progress | None) -> None:
    sizes, vocabulary = weights.architecture, weights.vocabulary
    _write_safetensors(folder / "model.safetensors", weights, progress)
    build_tokenizer(vocabulary).save(str(folder / "tokenizer.json"), pretty=False)
    pieces = vocabulary.pieces
    documents: dict[str, Any] = {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": sizes.hidden,
            "num_hidden_layers": sizes.layers,
            "num_attention_heads": sizes.heads,
            "intermediate_size": sizes.feed_forward,
            "vocab_size": sizes.vocabulary,
            "max_position_embeddings": sizes.positions,
            "type_vocab_size": sizes.types,
            "layer_norm_eps": sizes.epsilon,
            "hidden_act": "gelu",
            "pad_token_id": vocabulary.padding,
            "dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": sizes.positions,
            "bos_token": pieces[vocabulary.begin],
            "cls_token": pieces[vocabulary.begin],
            "eos_token": pieces[vocabulary.end],
            "sep_token": pieces[vocabulary.end],
            "unk_token": pieces[vocabulary.unknown],
            "pad_token": pieces[vocabulary.padding],
            "split_special_tokens": True,
        },
        "modules.json": [
            {
                "idx": number,
                "name": str(number),
                "path": path,
                "type": f"sentence_transformers.{module}",
            }
            for number, (path, module) in enumerate(
                (
                    ("", "base.modules.transformer.Transformer"),
                    ("1_Pooling", "sentence_transformer.modules.pooling.Pooling"),
                    ("2_Normalize", "base.modules.normalize.Normalize"),
                )
            )
        ],
        "sentence_bert_config.json": {"max_seq_length": sizes.positions, "do_lower_case": False},
        "1_Pooling/config.json": {"embedding_dimension": sizes.hidden, "pooling_mode": "mean"},
        "2_Normalize/config.json": {},
        "config_sentence_transformers.json": {
            "model_type": "SentenceTransformer",
            "prompts": {"query": QUERY_PROMPT, "passage": PASSAGE_PROMPT},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }
    for name, content in documents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")


def _write_safetensors(path: Path, weights: Weights, progress: Progress | None) -> None:
    """Write u64 header length, JSON header, then the tensors in float32."""
    hidden = weights.architecture.hidden
    shapes = {_standard_name(name): weights.shape(name) for name in weights.names}
    pooler = {"pooler.dense.weight": (hidden, hidden), "pooler.dense.bias": (hidden,)}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    total = 0
    for name, shape in (shapes | pooler).items():
        size = 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [total, total + size]}
        total += size
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    done = 0
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for values in _tensor_parts(weights, pooler):
            file.write(values.astype("<f4", copy=False).data)
            done += values.nbytes
            if progress is not None:
                progress(done, total)


def _tensor_parts(
    weights: Weights, pooler: dict[str, tuple[int, ...]]
) -> Iterator[NDArray[np.float32]]:
    for name in weights.names:
        rows = weights.shape(name)[0]
        for start in range(0, rows, _ROWS):
            yield weights.tensor(name, slice(start, start + _ROWS))
    for shape in pooler.values():  # BertModel has one; mean pooling does not use it
        yield np.zeros(shape, np.float32)


def _standard_name(name: str) -> str:
    """Name of a tensor in a BertModel: `l3.fi.w` is `encoder.layer.3.intermediate…`."""
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_PARTS[part]}.{'weight' if kind == 'w' else 'bias'}"


def _files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def _describe(path: Path) -> dict[str, Any]:
    """Size, time and sha256 of a file that has reached the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    status = path.stat()
    return {"size": status.st_size, "modified": status.st_mtime_ns, "sha256": digest}


def _write_atomically(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=2), encoding="utf-8")
    os.replace(temporary, path)
