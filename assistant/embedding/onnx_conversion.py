"""Writes the embedded weights once as a folder that the ONNX Runtime engine maps.

model.onnx is the encoder in 8 bits, word_*.npy the word embedding in the 4-bit blocks it
came in, positions.npy the position embeddings with the type embedding added; the other
.npy files are the fast tokenizer's, and tokenizer.json is the full one. No torch is
needed. Activations are measured on a few built-in texts: only the sizes of their largest
values matter, and those depend on the model far more than on the text.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.derived_folder import ensure_folder, is_sound, models_folder
from assistant.embedding.fast_tokenizer import Rules, write_pieces
from assistant.embedding.full_tokenizer import build_tokenizer
from assistant.embedding.onnx_graph import (
    INPUT,
    Smoothing,
    build_graph,
    smoothed_activations,
    smoothing_of,
)
from assistant.embedding.protocol import Progress
from assistant.embedding.weights_file import EMBEDDED, Weights, WeightsSource, read_weights
from assistant.errors import ModelError

FORMAT = 1  # of the folder and the arithmetic; a new number converts again

_MEGABYTES = 150  # of room it takes
_STEPS = 4
_CALIBRATION = (
    "passage: Un conteneur partage le noyau de la machine hôte ; une machine virtuelle, elle, "
    "emporte un système d'exploitation entier. C'est pourquoi un conteneur démarre en une "
    "seconde et n'occupe que quelques mégaoctets de mémoire.",
    "query: À quoi servent les groupes de contrôle (cgroups) ?",
    "query: How do I remove a volume that is no longer used?",
    "passage: ## Installation\n\n```bash\nsudo apt-get update && sudo apt-get install -y curl\n"
    "docker run --rm -it -p 8080:80 -v $(pwd):/app nginx:1.27 /bin/sh\n```\n\n- `--rm` supprime "
    "le conteneur à la fin ;\n- `-p` publie un port ;\n- `-v` monte un dossier.",
    "passage: La Révolution française commence en 1789 avec l'ouverture des États généraux, le "
    "5 mai, et la prise de la Bastille, le 14 juillet. Elle prend fin avec le coup d'État du 18 "
    "brumaire an VIII (9 novembre 1799) de Napoléon Bonaparte.",
    "passage: | Commande | Effet |\n|---|---|\n| ls -l | liste détaillée |\n| chmod 755 f | droits "
    "rwxr-xr-x |\n\nSoit f(x) = 3x² + 2x − 1, alors f'(x) = 6x + 2 ; on trouve x = −1/3.",
    "passage: The list of modules is computed when the interpreter starts. Functions defined "
    "with def are objects: they can be passed as arguments, returned and stored in a dict.",
    "query: mémoire",
)


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
    smoothing = _measure(weights, positions, calibration)
    step(3)
    graph = build_graph(weights, smoothing)
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
    return [tokenizer.encode(text).ids[:window] for text in _CALIBRATION]


def _measure(weights: Weights, positions: NDArray[np.float32], texts: list[list[int]]) -> Smoothing:
    """Run texts in float32 and derive the smoothing from the largest activations."""
    import onnxruntime

    names = smoothed_activations(weights.architecture.layers)
    session = onnxruntime.InferenceSession(
        build_graph(weights, None).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    maxima = {name: np.zeros(weights.architecture.hidden, np.float32) for name in names}
    for ids in texts:
        rows = np.concatenate([weights.tensor("emb.word", slice(i, i + 1)) for i in ids])
        embeddings = (rows + positions[: len(ids)])[np.newaxis]
        for name, values in zip(names, session.run(names, {INPUT: embeddings}), strict=True):
            maxima[name] = np.maximum(maxima[name], np.abs(values[0]).max(axis=0))
    return smoothing_of(weights, maxima)
