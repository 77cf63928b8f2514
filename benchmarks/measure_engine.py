"""Measures the ONNX Runtime engine against sentence-transformers, in one run.

    python benchmarks/measure_engine.py [--data FOLDER]… [--limit N] [--passages N]

Speed is that of passages of 113 tokens, the engines taking turns; the cold start is that
of a new process up to its first vector. With --data, folders in the BEIR layout, quality
is nDCG@10 of the dense vectors and of late interaction (mean over the question's tokens
of the best cosine with a passage's token), and the root mean square of the distances between
the passages' unit vectors of one engine and of the other. Nothing is indexed and no leg is
fused: the engines alone are compared. Both need their converted models, made before the
clock runs.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.embedding.conversion import converted_folder
from assistant.embedding.onnx_engine import OnnxEmbedder
from assistant.embedding.protocol import Embedder, TokenVectors
from assistant.embedding.sentence_transformer import SentenceTransformerEmbedder
from assistant.evaluation.collection import load_beir
from assistant.evaluation.metrics import ndcg

TEXT = Path(__file__).resolve().parent.parent / "corpus" / "docker.md"
TOKENS = 113  # of a passage, prompt and special tokens included
ROUNDS = 3
QUESTION = "À quoi servent les cgroups ?"

COLD = {
    "sentence-transformers": (
        "from assistant.embedding.conversion import converted_folder;"
        "from assistant.embedding.sentence_transformer import SentenceTransformerEmbedder;"
        "embedder = SentenceTransformerEmbedder(str(converted_folder()));"
    ),
    "onnxruntime int8": (
        "from assistant.embedding.onnx_engine import OnnxEmbedder; embedder = OnnxEmbedder();"
    ),
}
# The largest resident set of this process alone, in MB; ru_maxrss starts at its parent's.
MEMORY = (
    "import pathlib;"
    "status = pathlib.Path('/proc/self/status');"
    "lines = status.read_text().splitlines() if status.exists() else [];"
    "print(*[int(l.split()[1]) / 1024 for l in lines if l.startswith('VmHWM')])"
)


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--limit", type=int, default=1000, help="questions of each folder")
    parser.add_argument("--passages", type=int, default=48, help="in each round of speed")
    options = parser.parse_args()
    engines: dict[str, Embedder] = {
        "sentence-transformers": SentenceTransformerEmbedder(str(converted_folder())),
        "onnxruntime int8": OnnxEmbedder(),
    }
    print_speed(engines, options.passages)
    print_cold()
    for folder in options.data:
        print_quality(engines, folder, options.limit)


def print_speed(engines: dict[str, Embedder], count: int) -> None:
    """Passages a second, and milliseconds of one question; medians of all rounds."""
    passages = [passage(next(iter(engines.values())), number) for number in range(count)]
    rates: dict[str, list[float]] = {name: [] for name in engines}
    waits: dict[str, list[float]] = {name: [] for name in engines}
    for engine in engines.values():
        engine.encode_passages(passages[:4])
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            start = time.perf_counter()
            engine.encode_passages(passages)
            rates[name].append(count / (time.perf_counter() - start))
            for _ in range(10):
                start = time.perf_counter()
                engine.encode_queries([QUESTION])
                waits[name].append(1000 * (time.perf_counter() - start))
    first = statistics.median(next(iter(rates.values())))
    print(f"{'engine':<24}{'passages/s':>12}{'ratio':>8}{'question ms':>13}")
    for name in engines:
        rate, wait = statistics.median(rates[name]), statistics.median(waits[name])
        print(f"{name:<24}{rate:>12.1f}{rate / first:>8.2f}{wait:>13.1f}", flush=True)


def passage(engine: Embedder, number: int) -> str:
    """A passage of exactly `TOKENS` tokens, beginning at another word for each number."""
    words = TEXT.read_text(encoding="utf-8").split()
    start = 37 * number % (len(words) - TOKENS)
    low, high = 0, TOKENS  # a word is at least one token
    while low < high:
        middle = (low + high + 1) // 2
        fits = engine.count_tokens([" ".join(words[start : start + middle])])[0] <= TOKENS
        low, high = (middle, high) if fits else (low, middle - 1)
    text = " ".join(words[start : start + low])
    missing = TOKENS - engine.count_tokens([text])[0]
    return text + " a" * missing


def print_cold() -> None:
    """Seconds from the start of a process to its first vector, and its memory then."""
    print(f"\n{'engine':<24}{'cold s':>12}{'cold MB':>12}")
    for name, code in COLD.items():
        seconds, memory = [], ""
        for _ in range(ROUNDS):
            start = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-c", code + f"embedder.encode_queries([{QUESTION!r}]);"
                 f"print('done', flush=True);{MEMORY}"],
                stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            assert process.stdout is not None
            process.stdout.readline()
            seconds.append(time.perf_counter() - start)
            memory = process.communicate()[0].strip() or "?"
        print(f"{name:<24}{statistics.median(seconds):>12.2f}{memory[:6]:>12}", flush=True)


def print_quality(engines: dict[str, Embedder], folder: Path, limit: int) -> None:
    """nDCG@10 in points, the difference from the first engine, and how far vectors lie apart."""
    collection = load_beir(folder)
    queries = [query for query in collection.queries if query.relevant][:limit]
    names = [document.id for document in collection.documents]
    print(f"\n{folder.name:<24}{'dense':>12}{'late':>12}{'':4}(difference; distance of vectors)")
    first: tuple[float, float] | None = None
    vectors: NDArray[np.float32] | None = None
    for name, engine in engines.items():
        passages = engine.encode_passages([document.text for document in collection.documents])
        questions = engine.encode_queries([query.text for query in queries])
        scores = (
            questions.vectors @ passages.vectors.T,
            late_interaction(questions.tokens, passages.tokens),
        )
        dense, late = (
            100
            * statistics.mean(
                ndcg([names[i] for i in np.argsort(-row, kind="stable")[:10]], query.relevant, 10)
                for row, query in zip(matrix, queries, strict=True)
            )
            for matrix in scores
        )
        first = first or (dense, late)
        vectors = passages.vectors if vectors is None else vectors
        apart = float(np.sqrt(np.mean(np.sum((passages.vectors - vectors) ** 2, axis=1))))
        print(
            f"{name:<24}{dense:>12.2f}{late:>12.2f}{'':4}"
            f"({dense - first[0]:+.2f}, {late - first[1]:+.2f}; {apart:.4f})",
            flush=True,
        )


def late_interaction(
    questions: list[TokenVectors], passages: list[TokenVectors]
) -> NDArray[np.float32]:
    """MaxSim of every question with every passage, (questions, passages)."""
    scores = np.zeros((len(questions), len(passages)), np.float32)
    for row, question in enumerate(questions):
        for column, text in enumerate(passages):
            if len(question.vectors) and len(text.vectors):
                scores[row, column] = (question.vectors @ text.vectors.T).max(axis=1).mean()
    return scores


if __name__ == "__main__":
    main()
