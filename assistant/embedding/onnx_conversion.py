"""Writes the embedded weights once as a folder that the ONNX Runtime engine maps.

model.onnx is the encoder in 8 bits, word_*.npy the word embedding in the 4-bit blocks it
came in, positions.npy the position embeddings with the type embedding added; the other
.npy files are the fast tokenizer's, and tokenizer.json is the full one. No torch is
needed. The sample of activations, from built-in texts, is measured in float32. A machine
always writes the same files; another's may differ by a step of a byte here and there,
which is far below what 8 bits cost.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.derived_folder import ensure_folder, is_sound, models_folder
from assistant.embedding.fast_tokenizer import Rules, write_pieces
from assistant.embedding.full_tokenizer import build_tokenizer
from assistant.embedding.onnx_calibration import CALIBRATION
from assistant.embedding.onnx_graph import (
    DISABLED_OPTIMIZERS,
    INPUT,
    Activations,
    build_graph,
    observed_activations,
)
from assistant.embedding.protocol import Progress
from assistant.embedding.weights_file import EMBEDDED, Weights, WeightsSource, read_weights
from assistant.errors import ModelError

FORMAT = 2  # of the folder and the arithmetic; a new number converts again

_MEGABYTES = 150  # of room it takes
_STEPS = 4


def converted_onnx_folder(
    cache: Path | None = None,
    progress: Progress | None = None,
    *,
    source: WeightsSource = EMBEDDED,
) -> Path:
    """Return the engine's folder, after writing it where it is missing or damaged.

    `cache` is None for the user's cache folder. `progress` is called with steps done and
    steps in all. Raises ModelError, naming the remedy.
    """
    folder = _folder(cache, source)
    ensure_folder(
        folder,
        lambda empty: _write(empty, read_weights(source), progress),
        megabytes=_MEGABYTES,
    )
    return folder


def is_onnx_converted(cache: Path | None = None, *, source: WeightsSource = EMBEDDED) -> bool:
    """Whether a sound folder of the engine is in the cache."""
    return is_sound(_folder(cache, source))


def _folder(cache: Path | None, source: WeightsSource) -> Path:
    return models_folder(cache) / f"{source.name}-{source.sha256[:12]}-onnx-{FORMAT}"


def _write(folder: Path, weights: Weights, progress: Progress | None) -> None:
    try:
        import onnx  # noqa: F401  # needed by build_graph; named here for its error
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ModelError(
            f"Le moteur rapide n'est pas installé ({error}) : lancez "
            "« pip install onnx onnxruntime », ou choisissez ASSISTANT_ENGINE=torch."
        ) from error

    def step(done: int) -> None:
        if progress is not None:
            progress(done, _STEPS)

    step(0)
    calibration = _write_tokenizers(folder, weights)
    step(1)
    scales, values = weights.blocks("emb.word")
    np.save(folder / "word_scales.npy", scales)
    np.save(folder / "word_values.npy", values)
    positions = weights.tensor("emb.pos") + weights.tensor("emb.type", slice(0, 1))
    np.save(folder / "positions.npy", positions)
    step(2)
    activations = _measure(weights, positions, calibration)
    step(3)
    graph = build_graph(weights, activations)
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    step(4)


def _write_tokenizers(folder: Path, weights: Weights) -> list[list[int]]:
    """Write the full and the fast tokenizer; return the ids of the calibration texts."""
    from tokenizers import Tokenizer

    vocabulary = weights.vocabulary
    path = str(folder / "tokenizer.json")
    build_tokenizer(vocabulary).save(path, pretty=False)
    # Read again, since its JSON reader may be off by the last bit of a score, and two
    # ways to cut "───" differ by less than that.
    tokenizer = Tokenizer.from_file(path)
    pieces, scores = zip(*json.loads(tokenizer.to_str())["model"]["vocab"], strict=True)
    rules = Rules(
        vocabulary.begin,
        vocabulary.end,
        vocabulary.unknown,
        spaces=frozenset(c for c, result in vocabulary.normalisation.items() if result == " "),
        removed=frozenset(c for c, result in vocabulary.normalisation.items() if not result),
    )
    write_pieces(folder, pieces, np.array(scores), rules)
    window = weights.architecture.positions
    return [tokenizer.encode(text).ids[:window] for text in CALIBRATION]


def _measure(
    weights: Weights, positions: NDArray[np.float32], texts: list[list[int]]
) -> Activations:
    """Run texts in float32; return the activations of all their tokens."""
    import onnxruntime

    names = observed_activations(weights.architecture.layers)
    session = onnxruntime.InferenceSession(
        build_graph(weights, None).SerializeToString(),
        providers=["CPUExecutionProvider"],
        disabled_optimizers=DISABLED_OPTIMIZERS,
    )
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    for ids in texts:
        rows = np.concatenate([weights.tensor("emb.word", slice(i, i + 1)) for i in ids])
        embeddings = (rows + positions[: len(ids)])[np.newaxis]
        for name, values in zip(names, session.run(names, {INPUT: embeddings}), strict=True):
            found[name].append(values[0])
    return {name: np.concatenate(values) for name, values in found.items()}
