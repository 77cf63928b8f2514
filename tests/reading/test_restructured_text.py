"""reStructuredText: its words, those that only Sphinx knows too, and their source lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from docutils.core import publish_doctree
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_notes import note_of

from assistant.places import line_at
from assistant.reading.restructured_text import read_restructured_text

_NOTE = """Cours
=====

:Author: A. B

Une phrase avec :term:`portée`, :ref:`un lien <cible>`, ``code`` et :math:`x^2`
sur **deux** lignes.

- pomme

  1. verte
  2. rouge

.. note:: Attention

   À retenir.

.. code-block:: c
   :linenos:
   :caption: Exemple

   int f;

   int g;

.. question:: mov
   :nb_prop: 3

   Que vaut ?

   .. positive:: Juste

.. comment:: caché

   caché

.. figure:: a.png
   :alt: un schéma
   :inconnu: oui

   Légende

.. math:: E_c = 1/2 m v^2

==== ====
Nom  Prix
==== ====
Thé  deux
==== ====

.. toctree::
   :maxdepth: 2

   chapitre/un
   Deux <deux>

.. literalinclude:: /C/portee.c

Partie
------

Voir |inconnu| et [C99]_::

   littéral
"""


def test_a_note() -> None:
    read = read_restructured_text(_NOTE.encode(), "n.rst")
    assert read.author == "A. B"
    assert read.links == ("chapitre/un", "deux")
    for block in (
        "# Cours\n", "avec portée, un lien, `code` et $x^2$\nsur **deux** lignes.\n",
        "- pomme\n", "  1. verte\n  2. rouge\n", "À retenir.\n", "Exemple\n",
        "```c\nint f;\n\nint g;\n```\n", "Que vaut ?\n", "Juste\n", "![un schéma]()\n",
        "Légende\n", "$$E_c = 1/2 m v^2$$\n", "| Nom | Prix |\n| --- | --- |\n| Thé | deux |\n",
        "## Partie\n", "Voir inconnu et [C99]:\n", "```\nlittéral\n```\n",
    ):  # fmt: skip
        assert block in read.text, block
    for absent in ("caché", "Unknown", "nb_prop", "linenos", "maxdepth", "inconnu:"):
        assert absent not in read.text


def test_every_block_knows_its_source_line() -> None:
    note = note_of("n.rst", _NOTE.encode())
    source = _NOTE.split("\n")
    for words in ("Cours", "Une phrase", "lignes", "pomme", "rouge", "retenir", "int f", "int g",
                  "Que vaut", "Juste", "Légende", "E_c", "Thé", "Partie", "littéral"):  # fmt: skip
        assert words in source[line_at(note, note.text.index(words)) - 1]


def test_a_link_over_two_lines_does_not_shift_those_after_it() -> None:
    source = (
        "Pour les autres modes, voyez la `documentation\n<http://example.org/long>`_. Ensuite\n"
        "il suffit de lancer les essais.\nOn affiche enfin le rapport.\n"
    )
    note = note_of("n.rst", source.encode())
    for words in ("autres modes", "il suffit", "enfin le rapport"):
        line = line_at(note, note.text.index(words))
        assert words in source.split("\n")[line - 1]


def test_no_file_is_read_and_nothing_raw_kept(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("secret")
    path = tmp_path / "s.txt"
    text = (
        f".. include:: {path}\n\n.. literalinclude:: {path}\n\n.. raw:: html\n   :file: {path}\n\n"
        f".. csv-table::\n   :file: {path}\n\n.. raw:: html\n\n   <b>secret</b>\n\n"
        f".. code-block::\n   :file: {path}\n\n.. figure:: {path}\n   :figwidth: image\n\nFin.\n"
    )
    assert "secret" not in read_restructured_text(text.encode(), "n.rst").text


@pytest.mark.parametrize("words", ["Une phrase.", "a *b* c", "- un\n- deux", "x\n  y"])
def test_plain_notes_keep_all_their_words(words: str) -> None:
    expected = publish_doctree(words).astext().split()
    assert (
        read_restructured_text(words.encode(), "n.rst")
        .text.replace("*", "")
        .replace("- ", "")
        .split()
        == expected
    )


@given(st.lists(st.sampled_from(["mot", "Titre\n=====", "- un", "  deux", ".. note:: x", "::",
       "   code", "`a <b>`_", ":r:`x`", "|s|", "+-+\n|a|\n+-+", ".. x::", "[1]_", ".. [1] n",
       "*", "\t", "====", ":f: v", ""]), max_size=12), st.sampled_from(["\n", "\n\n"]))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_any_mixture_of_blocks_is_read(parts: list[str], joint: str) -> None:
    read = read_restructured_text(joint.join(parts).encode(), "n.rst")
    starts = [place.start for place in read.places]
    assert starts == sorted(starts)
    assert all(0 <= start < len(read.text) for start in starts)


def test_a_table_that_does_not_align_keeps_its_words_and_lines() -> None:
    text = "1. Un\n2. Deux\n\n\n==========  ===\nmot trop long  x\n==========  ===\n\nSuite.\n"
    note = note_of("n.rst", text.encode())
    source = text.split("\n")
    for words in ("Deux", "mot trop long", "Suite."):
        assert words in source[line_at(note, note.text.index(words)) - 1]


@pytest.mark.parametrize("unit", [":A", "A-", "/A", "'A", "+-", "h:"])
def test_an_immense_word_takes_linear_time(unit: str) -> None:
    # docutils alone takes a minute for a tenth of it.
    text = f"Avant.\n\n{unit * 100_000}\n\nAprès.\n"
    assert "Après." in read_restructured_text(text.encode(), "n.rst").text


def test_footnotes_without_a_number_keep_their_words_and_leave_no_empty_brackets() -> None:
    source = (
        "Il y a deux façons [#fin]_ : la fin et l'appel [#]_. Voir [1]_ [*]_\net [Bo2]_.\n\n"
        ".. [#fin] Un thread se termine aussi.\n\n.. [#] Sans nom.\n\n   En deux paragraphes.\n\n"
        ".. [*] Une étoile.\n\n.. [1] Le numéro un.\n\n.. [Bo2] Un livre.\n"
    )
    note = note_of("n.rst", source.encode())

    assert note.text.startswith("Il y a deux façons : la fin et l'appel. Voir [1]\net [Bo2].\n")
    for words in ("Un thread se termine aussi.", "Sans nom.", "En deux paragraphes."):
        line = line_at(note, note.text.index(words))
        assert words in source.split("\n")[line - 1]
    assert "\nUne étoile.\n" in note.text
    assert "[1] Le numéro un." in note.text
    assert "[Bo2] Un livre." in note.text


def test_terms_of_a_glossary_share_their_definition() -> None:
    source = (
        ".. glossary::\n   :sorted:\n\n   static library\n   librairie statique\n"
        "    Intégrée au programme.\n\n   inode\n    Un bloc.\n\n"
        "   byte\n   octet\n   o\n    Huit bits.\n"
    )
    note = note_of("n.rst", source.encode())

    assert note.text.split("\n\n") == [
        "**static library, librairie statique**", "Intégrée au programme.",
        "**inode**", "Un bloc.", "**byte, octet, o**", "Huit bits.\n",
    ]  # fmt: skip
    for words in ("static", "Intégrée", "inode", "Huit"):
        assert words in source.split("\n")[line_at(note, note.text.index(words)) - 1]
