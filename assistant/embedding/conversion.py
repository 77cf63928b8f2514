"""Writes the embedded weights once as a folder that sentence-transformers can load.

The folder lies in the user's cache; `derived_folder` keeps it whole or absent. No torch
is needed: safetensors is a JSON header and the bytes of the tensors, written one by one
so that memory stays small.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.derived_folder import ensure_folder, is_sound, models_folder
from assistant.embedding.full_tokenizer import PASSAGE_PROMPT, QUERY_PROMPT, build_tokenizer
from assistant.embedding.protocol import Progress
from assistant.embedding.weights_file import EMBEDDED, Weights, WeightsSource, read_weights

_FORMAT = 1  # of the converted folder; a new number converts again
_MEGABYTES = 500  # of room it takes
_ROWS = 16_384  # rows of the word embedding decoded at a time
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
    ensure_folder(
        folder,
        lambda empty: _write_model(empty, read_weights(source), progress),
        megabytes=_MEGABYTES,
    )
    return folder


def is_converted(cache: Path | None = None, *, source: WeightsSource = EMBEDDED) -> bool:
    """Whether a sound converted model is in the cache."""
    return is_sound(_folder(cache, source))


def _folder(cache: Path | None, source: WeightsSource) -> Path:
    return models_folder(cache) / f"{source.name}-{source.sha256[:12]}-{_FORMAT}"


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
