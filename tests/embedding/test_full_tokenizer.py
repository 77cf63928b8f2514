"""The full tokenizer against a worked example; the oracles are in test_embedders."""

from __future__ import annotations

from assistant.embedding.full_tokenizer import build_tokenizer
from assistant.embedding.weights_file import read_weights


def test_tokenizer_of_a_worked_example(tiny):
    tokenizer = build_tokenizer(read_weights(tiny.source).vocabulary)
    tokenizer.encode_special_tokens = True
    # "▁ab" (-3) beats "▁" "a" "b" (-15); e and its accent are one piece; \x01 is dropped,
    # the zero-width space parts words, and "<s>" in a text is no special token.
    assert tokenizer.encode("ab").ids == [0, 7, 2]
    assert tokenizer.encode("be\u0301").ids == [0, 4, 6, 8, 2]
    assert tokenizer.encode("a\x01b").ids == [0, 7, 2]
    assert tokenizer.encode("b\u200bb").ids == [0, 4, 6, 4, 6, 2]
    assert tokenizer.encode("<s>").ids == [0, 4, 9, 10, 11, 2]
    assert tokenizer.encode("zz").ids == [0, 4, 3, 2]
