"""Filters choose exactly: each leg against brute force over the chosen passages."""

from __future__ import annotations

import unicodedata
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import FilterError
from assistant.index.lexical import read_question, search_terms
from assistant.index.vectors import open_vectors
from assistant.retrieval.dates import read_date
from assistant.retrieval.filters import EVERYTHING, Filters, chosen_rows

QUESTION = "à quoi sert le volume de la machine ?"


def note(title: str, *, tags: str = "", when: str = "") -> str:
    return (
        f"---\ntitle: {title}\ntags: [{tags}]\ndate: {when}\n---\n\n"
        f"Le volume de {title} sert à garder les données.\n\n# Suite\n\nLe noyau de {title}.\n"
    )


@pytest.fixture
def courses(course):
    course.write("docker/a.md", note("Docker A", tags="base, Réseau", when="15 février 2021"))
    course.write("docker/b.md", note("Docker B", when="2023-01-05"))
    course.write("réseau/a.md", note("Réseau A", tags="réseau", when="2022"))
    course.write("réseau/[1] c.md", note("Réseau C"))
    course.write("seule.md", note("Seule", tags="base", when="`r Sys.Date()`"))
    course.fill(30)
    course.refresh()
    return course


def chosen(course, **filters):
    hits = course.assistant.search(QUESTION, k=100, filters=Filters(**filters))
    return {hit.chunk.note_id for hit in hits}


@pytest.mark.parametrize(
    ("filters", "notes"),
    [
        ({"courses": ("docker",)}, {"docker/a.md", "docker/b.md"}),
        ({"courses": ("RESEAU",)}, {"réseau/a.md", "réseau/[1] c.md"}),
        ({"courses": ("docker", "réseau"), "notes": ("a.md",)}, {"docker/a.md", "réseau/a.md"}),
        ({"notes": ("docker/*",)}, {"docker/a.md", "docker/b.md"}),
        ({"notes": ("réseau/[1] c.md",)}, {"réseau/[1] c.md"}),
        ({"notes": ("seul*",)}, {"seule.md"}),
        ({"notes": (unicodedata.normalize("NFD", "réseau/a.md"),)}, {"réseau/a.md"}),
        ({"tags": ("réseau",)}, {"docker/a.md", "réseau/a.md"}),
        ({"tags": ("#Base",)}, {"docker/a.md", "seule.md"}),
        ({"tags": ("base", "réseau"), "courses": ("réseau",)}, {"réseau/a.md"}),
        ({"since": date(2022, 6, 1)}, {"docker/b.md", "réseau/a.md"}),
        ({"since": date(2023, 1, 5)}, {"docker/b.md"}),
    ],
)
def test_the_notes_that_are_searched(courses, filters, notes):
    assert chosen(courses, **filters) == notes
    answer = courses.assistant.ask(QUESTION, filters=Filters(**filters))
    assert {citation.note_id for citation in answer.citations} <= notes
    assert answer.answered and 0 <= answer.confidence <= 1


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"courses": ("x",)}, "Aucun cours « x » : il y a docker, réseau."),
        ({"courses": ("docker", "x")}, "Aucun cours « x » : il y a docker, réseau."),
        ({"tags": ("x",)}, "Aucune étiquette « x » : il y a Réseau, base, réseau."),
        ({"since": date(2030, 1, 1)}, "la plus récente est du 2023-01-05."),
        ({"courses": ("docker",), "notes": ("seule.md",)}, "retirez-en un"),
    ],
)
def test_a_choice_of_nothing_tells_what_there_is(courses, filters, told):
    with pytest.raises(FilterError) as raised:
        courses.assistant.ask(QUESTION, filters=Filters(**filters))
    assert told in str(raised.value) and "\n" not in str(raised.value)


def test_an_unknown_note_names_the_nearest(courses):
    with pytest.raises(FilterError, match=r"Aucune note « doker/a.md » : il y a docker/a\.md"):
        courses.assistant.search(QUESTION, filters=Filters(notes=("doker/a.md",)))


def test_what_no_note_has_at_all_is_told(course):
    course.write("a.md", "# Titre\n\nUn texte.\n")
    for filters, told in (
        (Filters(courses=("x",)), "pas du tout"),
        (Filters(tags=("x",)), "pas du tout"),
        (Filters(since=date(2020, 1, 1)), "aucune note ne porte de date"),
    ):
        with pytest.raises(FilterError, match=told):
            course.assistant.ask(QUESTION, filters=filters)


def test_filters_on_an_empty_course_are_no_error(course):
    assert "aucune note" in course.assistant.ask("x", filters=Filters(courses=("x",))).text


def test_a_chosen_note_without_text_is_a_refusal_not_an_empty_course(courses):
    courses.write("vide/vide.md", "")
    answer = courses.assistant.ask(QUESTION, filters=Filters(courses=("vide",)))
    assert not answer.answered and "ne répondent pas" in answer.text


def test_brackets_in_the_name_of_a_folder_are_brackets(course):
    course.write("TP [2024]/a.md", "# Noyau\n\nLe noyau partage le temps.\n")
    course.write("TP 2/b.md", "# Noyau\n\nLe noyau partage la mémoire.\n")
    course.refresh()
    found = course.assistant.search("noyau", filters=Filters(notes=("TP [2024]/*",)))
    assert {hit.chunk.note_id for hit in found} == {"TP [2024]/a.md"}


def test_no_filter_is_no_choice(courses):
    store = courses.store()
    assert Filters().is_empty and chosen_rows(store, EVERYTHING) is None
    assert not Filters(tags=("x",)).is_empty


def test_both_legs_are_exact_for_any_choice(courses, monkeypatch):
    """Against brute force over the chosen rows, with recent and removed rows beside the base."""
    for n in range(0, 30, 4):
        courses.write(f"note{n:03}.md", f"# Neuf {n}\n\nLe volume {n} sert la machine.\n")
    (courses.corpus / "note001.md").unlink()
    courses.refresh(hash_all=True)
    store = courses.store()
    index = open_vectors(store, store.meta(), 64)
    assert index.recent is not None and index.gone
    rows = [row for (row,) in store.connection.execute("SELECT id FROM chunks ORDER BY id")]
    stored = store.embeddings(store.meta()["fingerprint"], rows)
    matrix = {row: np.frombuffer(stored[row][0], np.float32) for row in rows}
    terms = read_question(store.connection, QUESTION, ["fr"], len(rows))
    found = search_terms(store.connection, terms, len(rows))
    everything = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
    assert len(everything) > 20

    @given(st.frozensets(st.sampled_from(rows)), st.integers(1, 100), st.integers(0, 9))
    def check(allowed, k, seed):
        vector = np.random.default_rng(seed).standard_normal(64).astype(np.float32)
        best = sorted(allowed, key=lambda row: (-float(matrix[row] @ vector), row))[:k]
        found = index.search(vector, k, allowed)
        assert [row for row, _ in found] == best
        np.testing.assert_allclose(
            [score for _, score in found], [matrix[row] @ vector for row in best], atol=1e-5
        )
        lexical = search_terms(store.connection, terms, len(rows), allowed)
        scores = dict(zip(lexical.rows.tolist(), lexical.scores.tolist(), strict=True))
        assert scores == {r: s for r, s in everything.items() if r in allowed}

    check()


def test_a_narrow_choice_is_found_behind_many_better_passages(courses, monkeypatch):
    """Neither leg cuts before it chooses: the last of all by score is still found."""
    monkeypatch.setattr("assistant.index.lexical._LONGEST_POSTINGS", 3)
    monkeypatch.setattr("assistant.retrieval.search.CANDIDATES", 2)
    courses.write("loin/z.md", "# Loin\n\nUn mot : volume. Tout le reste parle d'autre chose.\n")
    (hit,) = courses.assistant.search(QUESTION, filters=Filters(courses=("loin",)))
    assert hit.chunk.note_id == "loin/z.md" and hit.signals.lexical > 0


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2021-02-15", "2021-02-15", "2021-02-15"),
        ("2021-02-15T10:30:00+01:00", "2021-02-15", "2021-02-15"),
        ("2021/2/5", "2021-02-05", "2021-02-05"),
        ("20210215", "2021-02-15", "2021-02-15"),
        ("15/02/2021", "2021-02-15", "2021-02-15"),
        ("02/15/2021", "2021-02-15", "2021-02-15"),
        ("5.2.2021", "2021-02-05", "2021-02-05"),
        ("15 fevrier 2021", "2021-02-15", "2021-02-15"),
        ("Lundi 15 février 2021", "2021-02-15", "2021-02-15"),
        ("1er août 2020", "2020-08-01", "2020-08-01"),
        ("14 juin 2019", "2019-06-14", "2019-06-14"),
        ("14 juillet 2019", "2019-07-14", "2019-07-14"),
        ("February 3rd, 2021", "2021-02-03", "2021-02-03"),
        ("3 Feb. 2021", "2021-02-03", "2021-02-03"),
        ("DÉCEMBRE 2020", "2020-12-01", "2020-12-31"),
        ("2020-02", "2020-02-01", "2020-02-29"),
        ("2021", "2021-01-01", "2021-12-31"),
        ("2021-2022", "2021-01-01", "2022-12-31"),
    ],
)
def test_dates_as_people_write_them(written, first, last):
    assert read_date(written) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize("written", ["", "hier", "`r Sys.Date()`", "31/02/2021", "99/99/9999",
                                     "note 2021", "12345678901", "0000-01-01"])  # fmt: skip
def test_what_is_no_date(written):
    assert read_date(written) is None


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_is_read_back_in_each_form(day):
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%d %B %Y", "%B %d, %Y"):
        assert read_date(day.strftime(form)) == (day, day)
