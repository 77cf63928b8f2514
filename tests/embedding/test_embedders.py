"""One contract for every embedder; then what is special to the real and the fake one.

The recorded numbers were made by `Reference` in conftest.py, a plain float64 forward
pass in numpy over the file's bytes with a tokenizer of its own, never by the code under
test; `test_recorded_numbers_are_the_references` makes them again.
"""

from __future__ import annotations

import socket
import threading
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assistant.embedding.fake import FakeEmbedder
from assistant.embedding.tokens import encodable, text_tokens

EMBEDDERS = [
    "fake_embedder",
    pytest.param("embedder", marks=pytest.mark.slow),
    pytest.param("torch_embedder", marks=pytest.mark.slow),
]
TEXTS = [
    "À quoi servent les cgroups ?",
    "Un conteneur partage le noyau de la machine hôte.",
    "docker",
    "",
    "é" * 3,
    "Les volumes gardent les données. " * 200,
]
# First 8 of 384 components of the unit vector of prompt + text.
RECORDED = {
    "À quoi servent les cgroups ?": [
        -0.00725753,
        -0.03078479,
        -0.05255813,
        -0.01893461,
        0.05313444,
        -0.07168046,
        0.07179827,
        0.07682879,
    ],
    "Comment supprimer un volume Docker ?": [
        0.04035974,
        -0.05245144,
        -0.04209518,
        -0.03474869,
        0.04795366,
        -0.02324243,
        0.02541292,
        0.02825173,
    ],
    "Un conteneur partage le noyau de la machine hôte.": [
        0.01650935,
        -0.04400993,
        -0.08367361,
        -0.06314931,
        0.07055771,
        -0.04004972,
        0.04686649,
        0.05003427,
    ],
}

RICH = list("eéa\u0301\u0327ﬁﬀ½™ﷺ👍🏽👩\u200d💻한\u1112\u1161\u11ab \u00a0\n▁<s>\x01\ufeff")
UNICODE_RICH = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(RICH),
    ),
    max_size=40,
)


@pytest.fixture(params=EMBEDDERS)
def any_embedder(request):
    return request.getfixturevalue(request.param)


def test_vectors_are_unit_float32_in_the_order_of_the_texts(any_embedder):
    for encode in (any_embedder.encode_queries, any_embedder.encode_passages):
        encoded = encode(TEXTS)
        assert encoded.vectors.shape == (len(TEXTS), any_embedder.dimension)
        assert encoded.vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-5)
        for number, text in enumerate(TEXTS):
            alone = encode([text])
            np.testing.assert_allclose(alone.vectors[0], encoded.vectors[number], atol=1e-5)
            np.testing.assert_allclose(
                alone.tokens[0].vectors, encoded.tokens[number].vectors, atol=1e-4
            )


def test_tokens_are_unit_vectors_with_offsets_into_the_text(any_embedder):
    encoded = any_embedder.encode_passages(TEXTS)
    for text, tokens in zip(TEXTS, encoded.tokens, strict=True):
        count = len(tokens.vectors)
        assert tokens.vectors.shape == (count, any_embedder.dimension)
        assert tokens.vectors.dtype == np.float32
        assert tokens.starts.dtype == tokens.ends.dtype == np.int32
        assert tokens.starts.shape == tokens.ends.shape == (count,)
        np.testing.assert_allclose(np.linalg.norm(tokens.vectors, axis=1), 1, atol=1e-5)
        assert (np.diff(tokens.starts) >= 0).all()
        covered = {i for s, e in zip(tokens.starts, tokens.ends, strict=True) for i in range(s, e)}
        end = max(covered, default=-1) + 1
        words = {i for i in range(end) if text[i].isalnum()}
        assert words <= covered and all(text[i].strip() for i in covered)
        if any_embedder.count_tokens([text])[0] <= any_embedder.max_tokens:
            assert end == len(text.rstrip(" ?.")) or end == len(text.rstrip())


def test_no_texts_give_no_vectors(any_embedder):
    encoded = any_embedder.encode_passages([])
    assert encoded.vectors.shape == (0, any_embedder.dimension) and encoded.tokens == []
    assert any_embedder.count_tokens([]) == []


def test_counts_include_prompt_and_special_tokens_and_are_not_cut(any_embedder):
    counts = any_embedder.count_tokens(TEXTS)
    overhead = any_embedder.count_tokens([""])[0]
    assert overhead >= 3
    tokens = any_embedder.encode_passages(TEXTS).tokens
    for count, found in zip(counts, tokens, strict=True):
        room = any_embedder.max_tokens - overhead
        assert len(found.vectors) == min(count - overhead, room)
    assert counts[-1] > any_embedder.max_tokens


def test_progress_counts_every_passage(any_embedder):
    steps: list[tuple[int, int]] = []
    any_embedder.encode_passages(TEXTS, lambda *step: steps.append(step))
    assert steps[-1] == (len(TEXTS), len(TEXTS))
    assert steps == sorted(set(steps))


def test_nearer_texts_have_nearer_vectors(any_embedder):
    question = any_embedder.encode_queries(["Comment supprimer un volume Docker ?"]).vectors[0]
    near, far = any_embedder.encode_passages(
        ["Pour supprimer un volume Docker : docker volume rm.", "Le chat dort sur le canapé."]
    ).vectors
    assert question @ near > question @ far + 0.05


def test_fake_is_a_pure_function_of_the_text():
    first, second = FakeEmbedder(), FakeEmbedder()
    a, b = first.encode_queries(["Un volume."]), second.encode_passages(["Un volume."])
    np.testing.assert_array_equal(a.vectors, b.vectors)
    assert a.tokens[0].starts.tolist() == [0, 3] and a.tokens[0].ends.tolist() == [2, 9]
    assert first.count_tokens(["Un volume.", ""]) == [6, 4]
    assert first.fingerprint == second.fingerprint != FakeEmbedder(dimension=32).fingerprint
    # One word: the text's vector is the word's.
    one = first.encode_queries(["volumes"])
    np.testing.assert_allclose(one.vectors[0], one.tokens[0].vectors[0], atol=1e-6)
    # A shared stem brings words nearer than chance.
    stem = first.encode_queries(["volume"]).vectors[0]
    assert one.vectors[0] @ stem > 0.1


def test_fake_is_cut_at_its_window():
    tokens = FakeEmbedder(max_tokens=7).encode_passages(["un deux trois quatre"]).tokens[0]
    assert tokens.ends.tolist() == [2, 7, 13]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "query: À quoi servent les cgroups ?",
        "passage: L’e\u0301te\u0301 dernier, l’oﬃce a supprimé 3½ volumes… 👍🏽 ﷺ",
        "passage: `docker run --rm -it <image>` lance un conteneur\u200b;\tC’est tout.",
    ],
)
def test_vectors_are_the_references(torch_embedder, reference, text):
    prompt, _, body = text.partition(": ")
    encode = torch_embedder.encode_queries if prompt == "query" else torch_embedder.encode_passages
    encoded = encode([body])
    expected, raw = reference.encode(text)
    np.testing.assert_allclose(encoded.vectors[0], expected, atol=2e-6)
    assert float(encoded.vectors[0] @ expected) > 1 - 1e-6
    own = raw[-1 - len(encoded.tokens[0].vectors) : -1]  # the text's ids end before </s>
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    np.testing.assert_allclose(encoded.tokens[0].vectors, own, atol=2e-5)
    prompt_ids = len(reference.ids(prompt + ":")) - 1
    assert len(own) == len(reference.ids(text)) - prompt_ids - 1


@pytest.mark.slow
@pytest.mark.parametrize("text", RECORDED)
def test_vectors_are_the_recorded_ones(torch_embedder, text):
    encoded = torch_embedder.encode_queries([text])
    np.testing.assert_allclose(encoded.vectors[0][:8], RECORDED[text], atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("text", RECORDED)
def test_recorded_numbers_are_the_references(reference, text):
    vector, _ = reference.encode("query: " + text)
    np.testing.assert_allclose(vector[:8], RECORDED[text], atol=1e-7)


@pytest.mark.slow
def test_ids_of_real_notes_are_those_of_the_viterbi_search(torch_embedder, reference, request):
    lines = (request.config.rootpath / "corpus" / "docker.md").read_text("utf-8").splitlines()
    lines = [*lines, "<s>a</s> <mask> <pad>", "𓀀𓀁 x", "日本語 한국어 العربية", "co\u0302te\u0301"]
    for line, count in zip(lines, torch_embedder.count_tokens(lines), strict=True):
        assert count == len(reference.ids("passage: " + line))
        encoding = torch_embedder._tokenizer.encode("passage: " + line)
        assert encoding.ids == reference.ids("passage: " + line)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(UNICODE_RICH)
@example("e\u0301te\u0301 ﬁn 👍🏽 👩\u200d💻 ﷺ fin")
@example("\u0301abc")
@example("a\ud800b")
@example("\x00\x01")
@example("\u1112\u1161\u11ab\u1100\u116e\u11a8")
def test_offsets_cover_what_the_tokens_read(torch_embedder, text):
    text = encodable(text)  # as `encode_passages` does, without the cost of the model
    encoding = torch_embedder._tokenizer.encode("passage: " + text)
    tokens = text_tokens(encoding, "passage: ", text, torch_embedder.max_tokens)
    assert len(tokens.positions) == len(tokens.ids) - 4  # <s> ▁passage : </s>
    starts, ends = tokens.starts.tolist(), tokens.ends.tolist()
    assert all(0 <= s <= e <= len(text) for s, e in zip(starts, ends, strict=True))
    assert starts == sorted(starts)
    covered = {i for s, e in zip(starts, ends, strict=True) for i in range(s, e)}
    # Every letter, digit or mark on a letter belongs to a token; no space does.
    for position, character in enumerate(text):
        if unicodedata.category(character)[0] in "LN":
            assert position in covered
        if character in " \n\u00a0":
            assert position not in covered or unicodedata.category(text[position + 1])[0] == "M"


@pytest.mark.slow
def test_offsets_of_a_worked_example(torch_embedder):
    text = "e\u0301te\u0301 ﬁn 👍🏽 ﷺ fin"
    tokens = torch_embedder.encode_queries([text]).tokens[0]
    spans = [text[s:e] for s, e in zip(tokens.starts, tokens.ends, strict=True)]
    assert spans[0] == "e\u0301te\u0301"  # the last accent too
    assert "".join(dict.fromkeys(spans[1:-1])) == "ﬁn👍🏽ﷺ"
    assert spans[-1] == "fin" and spans.count("ﷺ") == 4  # one character, 18 letters


@pytest.mark.slow
def test_a_character_that_expands_is_no_danger(torch_embedder):
    encoded = torch_embedder.encode_passages(["\ufdfa" * 5000])
    assert len(encoded.tokens[0].vectors) == torch_embedder.max_tokens - 4  # <s> ▁passage : </s>
    assert np.isfinite(encoded.vectors).all()


@pytest.mark.slow
def test_threads_give_the_same_vectors(torch_embedder):
    expected = [torch_embedder.encode_queries([text]).vectors[0] for text in TEXTS[:3]]
    found: dict[int, np.ndarray] = {}

    def encode(number: int) -> None:
        found[number] = torch_embedder.encode_queries([TEXTS[number % 3]]).vectors[0]

    threads = [threading.Thread(target=encode, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(9):
        np.testing.assert_allclose(found[number], expected[number % 3], atol=1e-5)


@pytest.mark.slow
def test_works_with_sockets_blocked(monkeypatch):
    from assistant.embedding.loading import load_embedder

    def refuse(*arguments, **options):
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    fresh = load_embedder(engine="torch")
    assert fresh.encode_queries(["Bonjour"]).vectors.shape == (1, 384)
