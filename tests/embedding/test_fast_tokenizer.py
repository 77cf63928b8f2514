"""The fast tokenizer gives what the full one gives, or leaves the text to it."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assistant.embedding.fast_tokenizer import FastTokenizer, Rules, write_pieces
from assistant.embedding.full_tokenizer import build_tokenizer
from assistant.embedding.onnx_conversion import converted_onnx_folder
from assistant.embedding.weights_file import find_package_file, read_weights
from assistant.errors import ModelError

PIECES = ["<s>", "</s>", "<unk>", "▁", "a", "b", "ab", "▁ab", "aba", "é", "fi", "▁1", "/", "2", "<"]
SCORES = [-9.0, -9.0, -9.0, -2.0, -3.0, -3.0, -4.5, -5.0, -7.5, -6.0, -4.0, -4.0, -6.0, -5.0, -8.0]
RULES = Rules(begin=0, end=1, unknown=2, spaces=frozenset("▁\u200b"), removed=frozenset("\x01"))

EVERYDAY = st.text(
    st.one_of(
        st.sampled_from("abé <s>▁ \n\t\u00a0\u200bﬁ½ﷺ…’─│┌👍🏽ùœ«»€12/"),
        st.characters(max_codepoint=0x2FF),
        st.characters(),
    ),
    max_size=60,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The fast tokenizer of a few pieces, and the tokenizers library over the same."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    folder = tmp_path_factory.mktemp("pieces")
    write_pieces(folder, PIECES, np.array(SCORES), RULES)
    full = Tokenizer(models.Unigram(list(zip(PIECES, SCORES, strict=True)), unk_id=2))
    full.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex("\x01"), ""),
            normalizers.Replace(Regex("[▁\u200b]"), " "),
            normalizers.NFKC(),
        ]
    )
    full.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    full.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return FastTokenizer(folder), full


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """Both tokenizers of the embedded model."""
    from tokenizers import Tokenizer

    try:
        find_package_file()
    except ModelError as error:
        pytest.skip(str(error))
    folder = converted_onnx_folder()
    full = Tokenizer.from_file(str(folder / "tokenizer.json"))
    full.encode_special_tokens = True
    return FastTokenizer(folder), full


def assert_same(pair, text):
    fast, full = pair
    found = fast.encode(text)
    if found is None:
        return False
    expected = full.encode(text)
    assert found.ids == expected.ids
    assert found.offsets == expected.offsets
    assert found.special_tokens_mask == expected.special_tokens_mask
    return True


def test_worked_example(small):
    fast, _ = small
    # "▁ab" (-5) beats "▁" + "ab" (-6.5); for "aba", "▁ab" + "a" (-8) beats "▁" + "aba"
    # (-9.5). "zz" is one unknown; "½" reads 1⁄2, of which only the 2 is known.
    found = fast.encode("ab  aba zz é½")
    assert found.ids == [0, 7, 7, 4, 3, 2, 3, 9, 2, 13, 1]
    assert found.offsets[1:6] == [(0, 2), (4, 6), (6, 7), (8, 9), (8, 10)]
    assert found.offsets[6:-1] == [(11, 12), (11, 12), (12, 13), (12, 13)]


@settings(max_examples=500, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.text(st.sampled_from("abzé ﬁ½▁\u200b<s>/"), max_size=30))
@example("a" * 300 + "zzz" + "ab" * 50)
def test_few_pieces_are_cut_as_the_library_cuts_them(small, text):
    assert assert_same(small, text)


@pytest.mark.parametrize(
    "text", ["e\u0301", "a\x01b", "\u1112\u1161\u11ab", "\U000e0fff", "\ud800"]
)
def test_odd_texts_are_left_to_the_full_tokenizer(small, text):
    fast, _ = small
    assert fast.encode(text) is None
    assert fast.encode("é ﬁ ½ \u200b 한 👍🏽 a") is not None


def test_scores_are_those_the_library_reads(tiny, tmp_path):
    folder = converted_onnx_folder(tmp_path, source=tiny.source)
    vocabulary = json.loads(build_tokenizer(read_weights(tiny.source).vocabulary).to_str())
    scores = [score for _, score in vocabulary["model"]["vocab"]]
    np.testing.assert_allclose(np.load(folder / "scores.npy"), scores, rtol=1e-15)


@pytest.mark.slow
@settings(max_examples=1500, suppress_health_check=list(HealthCheck), deadline=None)
@given(EVERYDAY)
@example("│────?───▶│")
@example("<s>a</s> <mask> <pad> <unk>")
@example("日本語 한국어 العربية 𓀀𓀁 x")
@example("ﷺ" * 40)
def test_any_text_is_cut_as_the_library_cuts_it(real, text):
    assert_same(real, "passage: " + text)


@pytest.mark.slow
def test_notes_are_cut_as_the_library_cuts_them(real, request):
    text = (request.config.rootpath / "corpus" / "docker.md").read_text("utf-8")
    for part in (text, *text.split("\n\n"), *text.splitlines()):
        assert assert_same(real, part)


@pytest.mark.slow
def test_a_word_without_end_takes_no_longer_than_its_length(real):
    fast, _ = real

    def seconds(length):
        start = time.process_time()
        fast.encode("abcdefghij" * (length // 10))
        return time.process_time() - start

    seconds(1000)
    assert seconds(40_000) < 40 * max(seconds(2_000), 0.002)
