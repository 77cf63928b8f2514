"""Bytes to text: UTF-8 untouched, other encodings found, binary content named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.reading.decoding import LARGEST_TEXT, decode
from assistant.reading.extracted import UnreadableNoteError

_PROSE = (
    "Où l'élève apprend à déployer un conteneur : « l'image » est un modèle, dont le cœur est "
    "figé… Ça coûte 5 €.\r\nLa dernière étape, très brève, crée un volume à l'arrêt.\n"
)


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "mac_roman"],
)
def test_french_prose_in_any_encoding(encoding: str) -> None:
    text = _PROSE * 5
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("text", ["été", "Les élèves écrivent à l'été", "où ?\r\n", "café\n"])
def test_short_latin_1(text: str) -> None:
    assert decode(text.encode("latin-1")) == text


def test_what_a_file_declares_is_believed() -> None:
    assert decode("Привет é".encode("cp1251", "ignore"), "windows-1251") == "Привет "
    assert decode("été".encode("latin-1"), "no-such-encoding") == "été"
    assert decode("été".encode("latin-1"), "base64") == "été"  # a codec, but of no text


def test_line_ends_and_controls_stay() -> None:
    text = "a\r\nb\rc\u2028d\x0ce\x1b[0m"
    assert decode(text.encode()) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a\0b", "octets nuls"), (b"texte" + bytes(500), "octets nuls"),
        ("a\0b".encode("utf-16"), "octets nuls"), (b"\xff\xfea", "abîmée"),
        (bytes(range(1, 256)) * 20, "n'est pas du texte"), (b"%PDF-1.4", ".pdf"),
        (b"\xd0\xcf\x11\xe0\xa1", "Office"), (b"x" * (LARGEST_TEXT + 1), "20 Mo"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableNoteError, match=reason) as error:
        decode(data)
    assert "\n" not in str(error.value)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_text_or_a_reason(data: bytes) -> None:
    try:
        text = decode(data)
    except UnreadableNoteError:
        return
    assert "\0" not in text
    assert text.encode("utf-8").decode("utf-8") == text
    try:
        expected = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        assert text == expected
