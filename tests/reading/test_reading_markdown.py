"""A note from its bytes: text unchanged, title found, unreadable files named."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_notes import note_of

from assistant.reading.extracted import UnreadableNoteError
from assistant.reading.markdown import plain_heading, read_markdown

COURSE = Path(__file__).parents[2] / "corpus" / "docker.md"


def test_the_docker_course() -> None:
    data = COURSE.read_bytes()
    note = note_of("a/docker.md", data)
    assert note.text.encode() == data
    assert note.sha256 == sha256(data).hexdigest()
    assert (note.id, note.title) == ("a/docker.md", "Cours sur docker issu de Dyma")
    assert (note.author, note.date, note.language) == ("v de GERMAIN", "15 fevrier 2021", "fr")
    assert note.text[note.body_start :].startswith("\n# Fonctionnement Docker")


@given(
    st.text(alphabet=st.characters(blacklist_characters="\0", codec="utf-8"), max_size=200).filter(
        lambda text: not text.startswith(("GIF8", "%PDF", "PK", "{\\rtf"))
    )
)
@settings(max_examples=150, deadline=None)
def test_no_character_is_changed(text: str) -> None:
    note = note_of("n.md", text.encode())
    assert note.text == text.removeprefix("\ufeff")
    assert note.title


def test_line_ends_and_decomposed_accents_are_kept() -> None:
    text = "# E\u0301te\u0301\r\nun\rdeux\u2028trois\r\n"
    assert note_of("n.md", text.encode()).text == text


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Un *titre*\n", "Un *titre*"), ("Intro\n\n## **Deux**\n# Un\n", "Deux"),
        ("```sh\n# pas un titre\n```\n# Vrai\n", "Vrai"), ("Du texte.\n", "notes du jour"),
        ("", "notes du jour"), ("# C#\n", "C#"), ("#\n", "notes du jour"),
        ("---\ntitle: Devant\n---\n# Derrière\n", "Devant"), ("# Titre ##\r\n", "Titre"),
        ("Souligné\r\n=====\r\n", "Souligné"), ("<!-- # Caché -->\n# Vrai\n", "Vrai"),
    ],
)  # fmt: skip
def test_title(text: str, title: str) -> None:
    assert note_of("a/notes du jour.md", text.encode()).title == title


def test_a_byte_order_mark_is_no_text() -> None:
    note = note_of("n.md", b"\xef\xbb\xbf---\ntitle: T\n---\nx")
    assert (note.title, note.text[note.body_start :]) == ("T", "x")


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\x89PNG\r\n\x1a\n\0", "image PNG"), (b"%PDF-1.7\n", ".pdf"), (b"PK\x03\x04ab", "archive"),
     (b"<!DOCTYPE html>\n<html>", ".html"), (b"abc" + b"\0" * 50, "octets nuls")],
)  # fmt: skip
def test_an_unreadable_file_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableNoteError) as error:
        read_markdown(data, "n.md")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [("**Les** `ps`", "Les ps"), ("![i](a.png) Logo", "i Logo"), ("a <b>x</b>", "a x"),
     ("Titre {#ancre}", "Titre"), ("__init__", "init"), ("", ""), ("# ", "#")],
)  # fmt: skip
def test_plain_heading(line: str, words: str) -> None:
    assert plain_heading(line) == words


def test_tags_among_the_words_join_those_of_the_front_matter() -> None:
    note = read_markdown(
        b"---\ntags: [docker]\n---\n# Titre\n\nVoir #cours/docker, #docker et #r\xc3\xa9seau.\n"
        b"[ancre](#sommaire) la couleur #ffffff, le ticket #12, C#net\n\n"
        b"#include <stdio.h>\n\n```sh\n# commentaire\necho #pas-une-etiquette\n```\n`#non`\n",
        "n.md",
    )
    assert note.tags == ("docker", "cours/docker", "réseau")
