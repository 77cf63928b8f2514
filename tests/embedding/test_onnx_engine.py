"""The ONNX Runtime engine: near float32, the same offsets, ready without torch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

from assistant.embedding import onnx_engine
from assistant.embedding.onnx_conversion import converted_onnx_folder, is_onnx_converted
from assistant.embedding.onnx_engine import OnnxEmbedder
from assistant.embedding.tokens import encodable, text_tokens
from assistant.embedding.weights_file import find_package_file
from assistant.errors import ModelError

pytest.importorskip("onnxruntime")

TEXTS = [
    "À quoi servent les cgroups ?",
    "",
    "L’e\u0301te\u0301 dernier, l’oﬃce a supprimé 3½ volumes… 👍🏽 ﷺ \ud800 \x01",
    "`docker run --rm -it <image>` lance un conteneur\u200b;\tC’est tout.",
    "Les volumes gardent les données. " * 200,
    "docker",
]


@pytest.fixture
def tiny_embedder(tiny, tmp_path):
    return OnnxEmbedder(folder=lambda: converted_onnx_folder(tmp_path / "c", source=tiny.source))


@pytest.fixture(scope="session")
def onnx_embedder():
    """The engine over the embedded model, converted once in the user's cache."""
    try:
        find_package_file()
    except ModelError as error:
        pytest.skip(str(error))
    return OnnxEmbedder()


# Conversion and the tiny model


def test_converts_once(tiny, tmp_path):
    steps = []
    assert not is_onnx_converted(tmp_path, source=tiny.source)
    folder = converted_onnx_folder(tmp_path, lambda *s: steps.append(s), source=tiny.source)
    assert steps[0][0] == 0 and steps[-1][0] == steps[-1][1] and steps == sorted(steps)
    tiny.path.unlink()  # the source is not needed again
    assert converted_onnx_folder(tmp_path, source=tiny.source) == folder
    assert is_onnx_converted(tmp_path, source=tiny.source)


@pytest.mark.parametrize(
    "damage", ["cut", "flipped", "file missing", "no manifest", "odd manifest"]
)
def test_damaged_folder_is_converted_again(tiny, tmp_path, damage):
    folder = converted_onnx_folder(tmp_path, source=tiny.source)
    model = folder / "model.onnx"
    whole = {path.name: path.read_bytes() for path in folder.glob("*.*")}
    if damage == "cut":
        os.truncate(model, 100)
    elif damage == "flipped":
        content = bytearray(model.read_bytes())
        content[-200] ^= 0xFF
        model.write_bytes(content)
        os.utime(model, ns=(1, 1))
    elif damage == "file missing":
        (folder / "slots.npy").unlink()
    elif damage == "no manifest":
        (folder / "MANIFEST").unlink()
    else:
        (folder / "MANIFEST").write_text("[]", encoding="utf-8")
    assert not is_onnx_converted(tmp_path, source=tiny.source)
    converted_onnx_folder(tmp_path, source=tiny.source)
    assert is_onnx_converted(tmp_path, source=tiny.source)
    assert {path.name: path.read_bytes() for path in folder.glob("*.*")} == whole


def test_interrupted_conversion_cleans_up(tiny, tmp_path):
    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converted_onnx_folder(tmp_path, interrupt, source=tiny.source)
    assert [path.suffix for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_cache_that_cannot_be_written_names_the_setting(tiny, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(ModelError, match=r"qu'il y reste 150 Mo, .* ASSISTANT_CACHE"):
        converted_onnx_folder(blocked, source=tiny.source)


@pytest.mark.parametrize("name", ["model.onnx", "positions.npy", "slots.npy"])
def test_a_file_damaged_behind_the_manifest_is_one_clear_line(tiny, tmp_path, name):
    folder = converted_onnx_folder(tmp_path, source=tiny.source)
    (folder / name).write_bytes(b"nothing")
    with pytest.raises(ModelError, match="supprimez le dossier") as caught:
        OnnxEmbedder(folder=lambda: folder).encode_queries(["ab"])
    assert "\n" not in str(caught.value)


def test_tiny_model_end_to_end(tiny, tiny_embedder):
    assert tiny_embedder.dimension == 32 and tiny_embedder.max_tokens == 12
    encoded = tiny_embedder.encode_passages(["ab", "b ab", "a a a b b b a a b b a b"])
    np.testing.assert_allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-5)
    # "passage:" is ▁ unk a s s a unk, then "▁ab": 10 ids with <s> and </s>
    assert tiny_embedder.count_tokens(["ab"]) == [10]
    assert len(encoded.tokens[0].vectors) == 1
    assert encoded.tokens[0].starts.tolist() == [0] and encoded.tokens[0].ends.tolist() == [2]
    assert [len(t.vectors) for t in encoded.tokens] == [1, 3, 3]  # 12 ids hold 3 of the text


def test_rows_of_the_word_embedding_are_decoded_exactly(tiny, tiny_embedder):
    found = tiny_embedder._embeddings(np.array([5, 0, 15]))
    expected = tiny.tensors["emb.word"][[5, 0, 15]]
    expected = expected + tiny.tensors["emb.pos"][:3] + tiny.tensors["emb.type"][0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


# The embedded model


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "query: À quoi servent les cgroups ?",
        "query: docker",
        "passage: `docker run --rm -it <image>` lance un conteneur\u200b;\tC’est tout.",
        "passage: Un conteneur partage le noyau de la machine hôte ; il démarre en une seconde.",
    ],
)
def test_vectors_are_near_the_references(onnx_embedder, reference, text):
    prompt, _, body = text.partition(": ")
    encode = getattr(onnx_embedder, "encode_queries" if prompt == "query" else "encode_passages")
    encoded = encode([body])
    expected, raw = reference.encode(text)
    # Plain dynamic 8-bit quantisation reaches 0.997 and 0.99.
    assert 0.9993 < float(encoded.vectors[0] @ expected) < 0.9999999
    own = raw[-1 - len(encoded.tokens[0].vectors) : -1]
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    assert (encoded.tokens[0].vectors * own).sum(axis=1).min() > 0.996


@pytest.mark.slow
def test_tokens_are_those_of_the_full_tokenizer(onnx_embedder):
    encoded = onnx_embedder.encode_passages(TEXTS)
    counts = onnx_embedder.count_tokens(TEXTS)
    for text, tokens, count in zip(TEXTS, encoded.tokens, counts, strict=True):
        text = encodable(text)
        encoding = onnx_embedder._full_tokenizer.encode("passage: " + text)
        expected = text_tokens(encoding, "passage: ", text, 512)
        assert count == len(encoding.ids)
        np.testing.assert_array_equal(tokens.starts, expected.starts)
        np.testing.assert_array_equal(tokens.ends, expected.ends)


@pytest.mark.slow
def test_a_vector_depends_on_its_text_alone(onnx_embedder):
    together = onnx_embedder.encode_passages(TEXTS)
    for number, text in enumerate(TEXTS):
        alone = onnx_embedder.encode_passages([text])
        np.testing.assert_array_equal(alone.vectors[0], together.vectors[number])
        np.testing.assert_array_equal(alone.tokens[0].vectors, together.tokens[number].vectors)


@pytest.mark.slow
def test_progress_counts_every_passage(onnx_embedder):
    steps = []
    onnx_embedder.encode_passages(TEXTS, lambda *step: steps.append(step))
    assert steps == [(number + 1, len(TEXTS)) for number in range(len(TEXTS))]


@pytest.mark.slow
def test_no_texts_give_no_vectors(onnx_embedder):
    assert onnx_embedder.encode_passages([]).vectors.shape == (0, 384)
    assert onnx_embedder.count_tokens([]) == []


@pytest.mark.slow
def test_a_character_that_expands_is_no_danger(onnx_embedder):
    encoded = onnx_embedder.encode_passages(["\ufdfa" * 5000])
    assert len(encoded.tokens[0].vectors) == 512 - 4  # <s> ▁passage : </s>
    assert np.isfinite(encoded.vectors).all()


@pytest.mark.slow
def test_threads_load_once_and_give_the_same_vectors(onnx_embedder):
    fresh = OnnxEmbedder()
    found: dict[int, np.ndarray] = {}

    def encode(number):
        found[number] = fresh.encode_queries([TEXTS[number % 4]]).vectors[0]

    threads = [threading.Thread(target=encode, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = onnx_embedder.encode_queries(TEXTS[:4]).vectors
    for number in range(8):
        np.testing.assert_array_equal(found[number], expected[number % 4])


@pytest.mark.slow
def test_a_question_needs_neither_torch_nor_the_full_tokenizer(onnx_embedder):
    onnx_embedder.encode_queries(["a"])  # converted by now
    code = (
        "import sys; from assistant.embedding.onnx_engine import OnnxEmbedder;"
        "OnnxEmbedder().encode_queries(['À quoi servent les cgroups ?']);"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'tokenizers', 'onnx'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_works_with_sockets_blocked(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert OnnxEmbedder().encode_queries(["Bonjour"]).vectors.shape == (1, 384)


@pytest.mark.slow
def test_sizes_known_beforehand_are_those_of_the_files(onnx_embedder):
    converted = OnnxEmbedder(folder=lambda: onnx_embedder._folder)  # reads them from files
    assert onnx_embedder.dimension == converted.dimension
    assert onnx_embedder.max_tokens == converted.max_tokens


# Products of bytes


def test_products_of_bytes_never_overflow():
    """The largest values there are, whose sums 16 bits do not hold: the same as in numpy."""
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime import InferenceSession

    generator = np.random.default_rng(0)
    matrix = generator.choice(np.array([-128, 127], np.int8), (384, 48))
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "matrix"], ["product"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [None, 384])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [None, 48])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = InferenceSession(
        model.SerializeToString(), onnx_engine._session_options(), ["CPUExecutionProvider"]
    )
    for rows in (1, 2, 15, 64):
        x = generator.choice(np.array([0, 255], np.uint8), (rows, 384))
        expected = x.astype(np.int32) @ matrix.astype(np.int32)
        assert (session.run(None, {"x": x})[0] == expected).all()


@pytest.mark.parametrize(
    ("flags", "are_exact"),
    [
        ("fpu avx2 avx512_vnni", True),
        ("fpu avx_vnni", True),
        ("fpu avx2 avx512f", False),
        ("", False),
    ],
)
def test_what_a_processor_says_of_itself(flags, are_exact, tmp_path, monkeypatch):
    told = tmp_path / "cpuinfo"
    told.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: avx512_vnni\n")
    monkeypatch.setattr(onnx_engine, "_PROCESSOR", told)
    assert onnx_engine._products_are_exact() is are_exact
    told.unlink()
    assert not onnx_engine._products_are_exact()
