"""Fits `assistant/embedding/token_codec.npz`: matrix, question-token weight, codebook.

    python benchmarks/fit_token_head.py FOLDER [--output FILE] [--epochs 3]

FOLDER is a BEIR collection in French. Its documents are parted by title, and only the
half whose sha1 is even is used, questions and passages alike; the other half is for
reporting. Each question is trained against the passages of its batch and two others
that BM25 and the dense vector rank high, by cross-entropy on MaxSim. The encoder stays
as it is. The codebook is a product quantiser of the passages' content tokens.
"""

from __future__ import annotations

import argparse
import hashlib
import math
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.analysis import analyse
from assistant.embedding.loading import load_embedder
from assistant.evaluation.collection import load_beir
from assistant.index.token_store import content_tokens

SCALE = 50.0  # of a cosine in the cross-entropy
BATCH = 32
NEGATIVES = 2  # of each question, drawn from the best HARD passages that are not its own
HARD = 12
SUBSPACES = 48
CODEBOOK_TOKENS = 25_000
Array = NDArray[np.float32]


def is_for_fitting(title: str) -> bool:
    """Whether a document of this title belongs to the half that may be learnt from."""
    return int(hashlib.sha1(title.encode()).hexdigest()[:8], 16) % 2 == 0


def bm25(passages: list[str], questions: list[str]) -> Array:
    """Return scores, (questions, passages), of Robertson's BM25 with k1 1.2 and b 0.75."""
    counts = [Counter(t.term for t in analyse(p, "fr")) for p in passages]
    lengths = np.array([sum(c.values()) for c in counts], float)
    norms = 1.2 * (0.25 + 0.75 * lengths / max(lengths.mean(), 1))
    postings: dict[str, list[int]] = {}
    for row, count in enumerate(counts):
        for term in count:
            postings.setdefault(term, []).append(row)
    scores = np.zeros((len(questions), len(passages)), np.float32)
    for number, question in enumerate(questions):
        for term in {t.term for t in analyse(question, "fr")}:
            rows = postings.get(term, [])
            idf = math.log(1 + (len(passages) - len(rows) + 0.5) / (len(rows) + 0.5))
            for row in rows:
                frequency = counts[row][term]
                scores[number, row] += idf * 2.2 * frequency / (frequency + norms[row])
    return scores


def standardised(scores: Array) -> Array:
    """Give each row mean 0 and deviation 1."""
    spread = np.maximum(scores.std(axis=1, keepdims=True), 1e-9)
    return np.asarray((scores - scores.mean(axis=1, keepdims=True)) / spread, np.float32)


def train(
    questions: list[Array],
    passages: list[Array],
    own: list[int],
    hard: NDArray[np.intp],
    epochs: int,
) -> tuple[Array, Array, float]:
    """Return matrix, weight and bias. `hard` is (questions, HARD + 1) passages."""
    import torch
    from torch.nn.functional import cross_entropy, normalize, softplus

    torch.manual_seed(0)
    random = np.random.default_rng(0)
    size = passages[0].shape[1]
    matrix = torch.nn.Parameter(torch.eye(size))
    weight = torch.nn.Parameter(torch.zeros(size))
    bias = torch.nn.Parameter(torch.tensor(0.54))  # softplus of it is 1
    optimizer = torch.optim.AdamW(
        [
            {"params": [matrix], "lr": 2e-4, "weight_decay": 0.0},
            {"params": [weight, bias], "lr": 5e-3, "weight_decay": 0.01},
        ]
    )
    steps = epochs * (len(questions) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / 20) * (1 - step / (steps + 1))
    )
    for _ in range(epochs):
        order = random.permutation(len(questions))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            rows = [own[q] for q in batch]
            for q in batch:
                others = [row for row in hard[q] if row != own[q]]
                rows += list(random.choice(others, min(NEGATIVES, len(others)), replace=False))
            rows = list(dict.fromkeys(int(row) for row in rows))
            tokens = torch.from_numpy(np.concatenate([passages[row] for row in rows]))
            asked = torch.from_numpy(np.concatenate([questions[q] for q in batch]))
            lengths = torch.tensor([len(passages[row]) for row in rows])
            asked_lengths = torch.tensor([len(questions[q]) for q in batch])
            similar = normalize(asked @ matrix.T, dim=-1) @ normalize(tokens @ matrix.T, dim=-1).T
            best = torch.segment_reduce(similar.T.contiguous(), "max", lengths=lengths, axis=0).T
            counted = softplus(asked @ weight + bias)
            sums = torch.segment_reduce(
                (counted[:, None] * best).contiguous(), "sum", lengths=asked_lengths, axis=0
            )
            totals = torch.segment_reduce(counted, "sum", lengths=asked_lengths, axis=0)
            target = torch.tensor([rows.index(own[q]) for q in batch])
            loss = cross_entropy(sums / totals[:, None] * SCALE, target)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        print(f"loss of the last batch {float(loss.detach()):.3f}")
    return matrix.detach().numpy(), weight.detach().numpy(), float(bias.detach())


def fit_codebook(tokens: Array, subspaces: int = SUBSPACES) -> Array:
    """Return centroids, (subspaces, 256, length), of unit vectors; their mean included."""
    import faiss

    mean = tokens.mean(axis=0)
    quantiser = faiss.ProductQuantizer(tokens.shape[1], subspaces, 8)
    quantiser.cp.niter = 12
    quantiser.train(np.ascontiguousarray(tokens - mean))
    centroids = faiss.vector_to_array(quantiser.centroids).reshape(subspaces, 256, -1)
    return np.asarray(centroids + mean.reshape(subspaces, 1, -1), np.float32)


def main() -> None:
    """Fit and write the parameters."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=Path("assistant/embedding/token_codec.npz"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--limit", type=int, help="questions, for a short trial")
    given = parser.parse_args()

    collection = load_beir(given.folder)
    documents = {d.id: d for d in collection.documents}
    pairs = [
        (query.text, next(iter(query.relevant)))
        for query in collection.queries
        if query.relevant and is_for_fitting(documents[next(iter(query.relevant))].title)
    ][: given.limit]
    titles = {documents[target].title for _, target in pairs} if given.limit else None
    kept = [
        d
        for d in collection.documents
        if is_for_fitting(d.title) and (titles is None or d.title in titles)
    ]
    places = {document.id: row for row, document in enumerate(kept)}
    texts = [f"{document.title}\n{document.text}" for document in kept]
    print(f"{len(pairs)} questions, {len(texts)} passages")

    embedder = load_embedder(engine="torch")
    encoded = embedder.encode_passages(texts)
    asked = embedder.encode_queries([question for question, _ in pairs])
    dense = asked.vectors @ encoded.vectors.T
    lexical = bm25(texts, [question for question, _ in pairs])
    hard = np.argsort(-(standardised(dense) + standardised(lexical)), axis=1)[:, : HARD + 1]
    matrix, weight, bias = train(
        [t.vectors for t in asked.tokens],
        [t.vectors for t in encoded.tokens],
        [places[target] for _, target in pairs],
        hard,
        given.epochs,
    )

    content = np.concatenate(
        [
            content_tokens(tokens, analyse(text, "fr")).vectors
            for tokens, text in zip(encoded.tokens, texts, strict=True)
        ]
    )
    random = np.random.default_rng(0)
    sample = content[random.permutation(len(content))[:CODEBOOK_TOKENS]] @ matrix.T
    centroids = fit_codebook(sample / np.linalg.norm(sample, axis=1, keepdims=True))
    np.savez_compressed(
        given.output,
        matrix=matrix.astype(np.float16),
        weight=weight,
        bias=np.float32(bias),
        centroids=centroids.astype(np.float16),
    )
    print(f"wrote {given.output}, {given.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
