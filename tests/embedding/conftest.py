"""A tiny weights file, and an independent reading of the real one as an oracle.

The oracle shares no code with the product: its own parser, a Viterbi search in plain
Python for the tokenizer, and the BERT encoder written out in numpy.
"""

from __future__ import annotations

import hashlib
import math
import struct
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.embedding.loading import load_embedder
from assistant.embedding.weights_file import WeightsSource, find_package_file
from assistant.errors import ModelError

HIDDEN, LAYERS, HEADS, FEED_FORWARD, ROWS, POSITIONS = 32, 1, 2, 64, 16, 12
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "a", "b", "▁ab", "é", "<", "s", ">", "<mask>"]
SCORES = [0.0, 0.0, 0.0, 0.0, -4.0, -5.0, -6.0, -3.0, -7.0, -8.0, -8.0, -8.0, 0.0]


@dataclass(frozen=True)
class TinyFile:
    path: Path
    source: WeightsSource
    tensors: dict[str, NDArray[np.float32]]  # what must be decoded


def _quantised(values: NDArray[np.int64], scales: NDArray[np.float16]) -> bytes:
    """Blocks of a float16 scale and 32 values in -8 … 7, packed one by one."""
    packed = b""
    for block, scale in zip(values.reshape(-1, 32), scales, strict=True):
        low, high = block[:16] + 8, block[16:] + 8
        packed += struct.pack("<e", scale)
        packed += bytes(int(a) | int(b) << 4 for a, b in zip(low, high, strict=True))
    return packed


@pytest.fixture
def tiny(tmp_path: Path) -> TinyFile:
    """A whole weights file of one layer with 32 dimensions, written value by value."""
    random = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (ROWS, HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (2, HIDDEN),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    for part in ("q", "k", "v", "ao", "aln", "fi", "fo", "oln"):
        output = FEED_FORWARD if part == "fi" else HIDDEN
        width = FEED_FORWARD if part == "fo" else HIDDEN
        shapes[f"l0.{part}.w"] = (HIDDEN,) if part.endswith("ln") else (output, width)
        shapes[f"l0.{part}.b"] = (HIDDEN,) if part.endswith("ln") else (output,)
    header = b"E5S1" + struct.pack(
        "<I7ifi", 1, HIDDEN, LAYERS, HEADS, FEED_FORWARD, ROWS, POSITIONS, 2, 1e-12, 32
    )
    blobs = [piece.encode() for piece in PIECES]
    offsets = np.cumsum([0, *map(len, blobs)]).astype("<u4")
    header += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, sum(map(len, blobs)))
    header += offsets.tobytes() + np.array(SCORES, "<f4").tobytes() + b"".join(blobs)
    entries = {"\x01": "", "\u200b": " ", "▁": " ", "ﬁ": "fi"}
    normalisation = b"".join(
        struct.pack(f"<IB{len(value)}I", ord(key), len(value), *map(ord, value))
        for key, value in entries.items()
    )
    header += struct.pack("<iI", len(entries), len(normalisation)) + normalisation
    tensors, stored = {}, []
    for name, shape in shapes.items():
        if name == "emb.word" or (len(shape) == 2 and name.startswith("l0")):
            values = random.integers(-8, 8, shape)
            scales = random.uniform(0.01, 0.1, values.size // 32).astype(np.float16)
            stored.append((name, 1, _quantised(values, scales)))
            tensors[name] = values.astype(np.float32) * np.repeat(
                scales.astype(np.float32), 32
            ).reshape(shape)
        else:
            tensors[name] = random.standard_normal(shape).astype("<f4")
            stored.append((name, 0, tensors[name].tobytes()))
    position = len(header) + 4 + sum(2 + len(name) + 21 for name in shapes)
    directory, data = struct.pack("<i", len(shapes)), b""
    for name, kind, content in stored:
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack(
            "<BIQQ", kind, tensors[name].size, position + len(data), len(content)
        )
        data += content
    path = tmp_path / "tiny.bin"
    path.write_bytes(header + directory + data)
    content = path.read_bytes()
    source = WeightsSource("tiny", lambda: path, len(content), hashlib.sha256(content).hexdigest())
    return TinyFile(path, source, tensors)


class Reference:
    """The embedded model computed plainly in numpy from the bytes of its file."""

    def __init__(self, path: Path) -> None:
        self.data = np.memmap(path, np.uint8, "r")
        position = 44  # magic, version, 7 sizes, epsilon, block
        count, *_ = struct.unpack_from("<5iQ", self.data, position)
        length = struct.unpack_from("<5iQ", self.data, position)[5]
        position += 28
        offsets = self._array("<u4", count + 1, position)
        scores = self._array("<f4", count, position + 4 * (count + 1))
        position += 8 * count + 4
        blob = self.data[position : position + length].tobytes()
        self.pieces: dict[str, tuple[int, float]] = {}
        for number in range(count):
            piece = blob[offsets[number] : offsets[number + 1]].decode()
            if number > 3 and piece != "<mask>":
                self.pieces[piece] = (number, float(scores[number]))
        self.unknown_score = float(scores.min()) - 10
        position += length
        entries, length = struct.unpack_from("<iI", self.data, position)
        position += 8
        self.normalisation: dict[str, str] = {}
        at = position
        for _ in range(entries):
            character, size = struct.unpack_from("<IB", self.data, at)
            result = struct.unpack_from(f"<{size}I", self.data, at + 5)
            self.normalisation[chr(character)] = "".join(map(chr, result))
            at += 5 + 4 * size
        position += length
        self.directory: dict[str, tuple[int, int, int]] = {}
        (count,) = struct.unpack_from("<i", self.data, position)
        position += 4
        for _ in range(count):
            (size,) = struct.unpack_from("<H", self.data, position)
            name = self.data[position + 2 : position + 2 + size].tobytes().decode()
            kind, elements, offset, _ = struct.unpack_from("<BIQQ", self.data, position + 2 + size)
            self.directory[name] = (kind, elements, offset)
            position += 2 + size + 21

    def _array(self, form: str, count: int, offset: int) -> NDArray[np.generic]:
        return np.frombuffer(self.data[offset : offset + 4 * count].tobytes(), form)

    def weights(self, name: str, first: int = 0, count: int | None = None) -> NDArray[np.float64]:
        """Values `first` to `first + count` of a tensor; whole blocks of 32."""
        kind, elements, offset = self.directory[name]
        count = elements if count is None else count
        if kind == 0:
            return self._array("<f4", count, offset + 4 * first).astype(np.float64)
        stored = self.data[offset + first // 32 * 18 :][: count // 32 * 18].tobytes()
        scales = [scale for (scale,) in struct.iter_unpack("<e16x", stored)]
        packed = np.frombuffer(stored, np.uint8).reshape(-1, 18)[:, 2:].astype(np.float64)
        high = packed // 16
        values = np.concatenate([packed - 16 * high, high], axis=1) - 8
        return np.asarray(values * np.array(scales)[:, None]).ravel()

    def ids(self, text: str) -> list[int]:
        """`<s>`, the best segmentation of each word by Viterbi, `</s>`."""
        # Where the map and NFKC of single characters differ, the map holds for what it
        # removes or turns into a space.
        text = "".join(
            self.normalisation[c] if self.normalisation.get(c) in ("", " ") else c for c in text
        )
        ids = [0]
        for word in unicodedata.normalize("NFKC", text).split():
            ids += self._segment("▁" + word)
        return [*ids, 2]

    def _segment(self, word: str) -> list[int]:
        best: list[tuple[float, int, int]] = [(0.0, 0, -1)]  # score, start, id
        for end in range(1, len(word) + 1):
            candidates = []
            for start in range(end):
                number, score = self.pieces.get(word[start:end], (3, None))
                if score is None:
                    if end - start > 1:
                        continue
                    score = self.unknown_score
                candidates.append((best[start][0] + score, start, number))
            best.append(max(candidates))
        path, end = [], len(word)
        while end:
            _, start, number = best[end]
            if not (number == 3 and path and path[-1] == 3):  # unknowns in a row are one
                path.append(number)
            end = start
        return path[::-1]

    def encode(self, text: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Unit vector of the text (384,), and the raw vectors of all its ids (ids, 384)."""
        ids = self.ids(text)
        x = np.stack([self.weights("emb.word", number * 384, 384) for number in ids])
        x = x + self.weights("emb.pos").reshape(-1, 384)[: len(ids)]
        x = self._norm(x + self.weights("emb.type")[:384], "emb.ln")
        for layer in range(12):
            name = f"l{layer}."
            heads = []
            q, k, v = (self._linear(x, name + part) for part in "qkv")
            for head in range(12):
                part = slice(head * 32, head * 32 + 32)
                logits = q[:, part] @ k[:, part].T / math.sqrt(32)
                attention = np.exp(logits - logits.max(axis=1, keepdims=True))
                attention /= attention.sum(axis=1, keepdims=True)
                heads.append(attention @ v[:, part])
            attended = self._linear(np.concatenate(heads, axis=1), name + "ao")
            x = self._norm(x + attended, name + "aln")
            inner = self._linear(x, name + "fi")
            inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
            x = self._norm(x + self._linear(inner, name + "fo"), name + "oln")
        mean = x.mean(axis=0)
        return mean / np.linalg.norm(mean), x

    def _linear(self, x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        matrix = self.weights(name + ".w").reshape(-1, x.shape[1])
        return np.asarray(x @ matrix.T + self.weights(name + ".b"))

    def _norm(self, x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        centred = x - x.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-12)
        return np.asarray(scaled * self.weights(name + ".w") + self.weights(name + ".b"))


@pytest.fixture(scope="session")
def reference() -> Reference:
    """The oracle over the installed weights."""
    try:
        return Reference(find_package_file())
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def torch_embedder():
    """The embedded model in sentence-transformers, converted once in the user's cache."""
    try:
        find_package_file()
    except ModelError as error:
        pytest.skip(str(error))
    return load_embedder(engine="torch")
