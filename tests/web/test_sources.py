"""The panel's data: exact slices, whole lines, the right section, changed notes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fake_course import FakeCourse
from hypothesis import given
from hypothesis import strategies as st

from assistant.web import sources

NOTE = (
    "---\ntitle: x\n---\n# Un\nalpha\nbeta\n\n## Deux\n"
    "gamma\n```\n# pas un titre\n```\nfin\n# Trois\nx\n"
)


@given(st.text(alphabet="ab\n# `", max_size=80), st.data())
def test_an_excerpt_is_a_slice_around_the_span(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    shown = sources.excerpt(text, start, end, heading="a", context=10)
    assert shown.quote == text[start:end]
    assert text[:start].endswith(shown.before)
    assert text[end:].startswith(shown.after)
    assert len(shown.before) <= 10
    assert len(shown.after) <= 10


def test_the_section_of_a_span_is_shown_and_no_other() -> None:
    start = NOTE.index("gamma")
    shown = sources.excerpt(NOTE, start, start + 5, heading="Deux")
    assert shown.before == "## Deux\n"
    assert shown.after == "\n```\n# pas un titre\n```\nfin"
    assert not shown.starts_inside
    assert not shown.ends_inside


def test_a_long_section_is_cut_at_whole_lines_and_says_so() -> None:
    note = "\n".join(f"ligne {number}" for number in range(1000))
    start = note.index("ligne 500")
    shown = sources.excerpt(note, start, start + 9, context=100)
    assert shown.starts_inside
    assert shown.ends_inside
    assert shown.before.split("\n")[0] in note.split("\n")
    assert shown.after.split("\n")[-1] in note.split("\n")


def test_panel_names_place_in_the_readers_language() -> None:
    course = FakeCourse({"cours/a.md": "# Titre\n- un namespace isole\n"})
    answer = course.ask("Que fait un namespace ?")
    two_lines = replace(answer.citations[0], line_start=2, line_end=4)
    answer = replace(answer, citations=(two_lines,))
    french = sources.panel(3, answer, course.note, "fr")["sources"][0]
    assert (french["anchor"], french["place"]) == ("#src-3-1", "lignes 2–4")
    assert french["copy"] == ("« un namespace isole » (cours/a.md › Titre, cours/a.md, lignes 2–4)")
    assert sources.panel(3, answer, course.note, "en")["sources"][0]["place"] == "lines 2–4"


def test_a_note_changed_since_shows_the_proved_quotation_alone() -> None:
    course = FakeCourse({"a.md": "# Titre\n- un namespace isole\n"})
    answer = course.ask("Que fait un namespace ?")
    course.texts["a.md"] = "# Autre\n- tout a changé ici même\n"
    source = sources.panel(1, answer, course.note, "fr")["sources"][0]
    assert (source["before"], source["quote"], source["after"]) == ("", "un namespace isole", "")
    del course.texts["a.md"]
    assert sources.panel(1, answer, course.note, "fr")["sources"][0]["quote"]


def test_the_template_holds_no_value() -> None:
    assert "$" not in sources.TEMPLATE
    assert "{" not in sources.TEMPLATE
    for name in ("sources.js", "menu.js", "settings.js"):
        script = Path(sources.__file__).with_name(name).read_text(encoding="utf-8")
        assert "innerHTML" not in script
