"""The embedded model's tokenizer by the tokenizers library, and its two prompts.

Built from the vocabulary of the weights file; every engine writes it beside its model.
It takes a second to load; `fast_tokenizer` does without it for texts of all days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assistant.embedding.weights_file import Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

QUERY_PROMPT, PASSAGE_PROMPT = "query: ", "passage: "

_NEVER = -1000.0  # score of a piece that text must not be cut into


def build_tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    """Build the XLM-R tokenizer: NFKC, split at spaces, Metaspace, Unigram, `<s> … </s>`.

    Where the file's normalisation map says other than NFKC (control characters are
    dropped; zero-width ones, the replacement character and ▁ become spaces), it is
    followed. The special pieces get a score that no text can reach, so `<s>` written in
    a note is text.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers
    from tokenizers.processors import TemplateProcessing

    pieces = vocabulary.pieces
    special = [vocabulary.begin, vocabulary.padding, vocabulary.end, vocabulary.unknown]
    special += [number for number, piece in enumerate(pieces) if piece == "<mask>"]
    scores = vocabulary.scores.tolist()
    for number in special:
        scores[number] = _NEVER
    tokenizer = Tokenizer(
        models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=vocabulary.unknown)
    )
    steps: list[normalizers.Normalizer] = []
    for result in ("", " "):
        characters = [key for key, value in vocabulary.normalisation.items() if value == result]
        if characters:
            listed = "".join(f"\\x{{{ord(character):x}}}" for character in characters)
            steps.append(normalizers.Replace(Regex(f"[{listed}]"), result))
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    begin, end = pieces[vocabulary.begin], pieces[vocabulary.end]
    tokenizer.post_processor = TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} {end} $B {end}",
        special_tokens=[(begin, vocabulary.begin), (end, vocabulary.end)],
    )
    tokenizer.add_special_tokens(
        [AddedToken(pieces[number], special=True, normalized=False) for number in special]
    )
    return tokenizer
