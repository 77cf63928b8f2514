"""The one object that the faces talk to."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace

import pytest

import assistant.assistant as module
from assistant.assistant import LONGEST_QUESTION, Assistant, checked_question
from assistant.datatypes import Answer
from assistant.errors import CorpusError, IndexDamagedError, IndexMissingError, QuestionError
from assistant.settings import Settings

NOTE = (
    "# Le noyau\n\nLes cgroups permettent de limiter les ressources des processus.\n\n"
    "# Les volumes\n\nLes volumes permettent aux conteneurs de stocker des données.\n"
)
QUESTION = "que permettent les cgroups ?"


@pytest.fixture
def docker(course):
    course.write("docker.md", NOTE)
    return course


def assert_proved(course, answer):
    """Every quotation is in its file, now, where the citation says."""
    assert answer.answered and answer.citations
    for number, citation in enumerate(answer.citations, start=1):
        text = (course.corpus / citation.note_id).read_bytes().decode()
        assert citation.number == number
        assert text[citation.start : citation.end] == citation.quote != ""
        assert text[: citation.start].count("\n") + 1 == citation.line_start
        assert text[: citation.end - 1].count("\n") + 1 == citation.line_end
        assert f"[{number}]" in answer.text


def test_first_question_indexes_and_is_answered_with_proof(docker):
    answer = docker.assistant.ask(QUESTION)
    assert_proved(docker, answer)
    assert "cgroups" in answer.citations[0].quote and answer.citations[0].line_start == 3
    assert answer.language == "fr" and 0 <= answer.confidence <= 1
    assert [hit.rank for hit in answer.hits] == list(range(1, len(answer.hits) + 1))
    assert answer.timings_ms.keys() == {"refresh", "retrieve", "answer", "total"}


def test_answer_follows_the_notes(docker):
    assert "limiter" in docker.assistant.ask(QUESTION).citations[0].quote
    docker.write("docker.md", NOTE.replace("limiter", "borner"))
    answer = docker.assistant.ask(QUESTION)
    assert "borner" in answer.citations[0].quote
    assert_proved(docker, answer)
    (docker.corpus / "docker.md").unlink()
    empty = docker.assistant.ask(QUESTION)
    assert not empty.answered and not empty.citations and not empty.hits
    assert empty.text == "Il n'y a encore aucune note à interroger."


def test_note_changed_between_retrieval_and_answer_is_never_cited_dead(docker, monkeypatch):
    docker.refresh()
    cite, calls = module.cite, []

    def change_then_cite(quotations, notes):
        calls.append(1)
        if len(calls) == 1:
            docker.write("docker.md", "Une ligne de plus.\n\n" + NOTE)
        return cite(quotations, notes)

    monkeypatch.setattr(module, "cite", change_then_cite)
    answer = docker.assistant.ask(QUESTION)
    assert len(calls) == 2
    assert answer.citations[0].line_start == 5
    assert_proved(docker, answer)


def test_note_removed_between_retrieval_and_answer(docker, monkeypatch):
    docker.write("other.md", "# Autre\n\nLes volumes sont ailleurs.\n")
    docker.refresh()
    cite = module.cite

    def remove_then_cite(quotations, notes):
        (docker.corpus / "docker.md").unlink(missing_ok=True)
        return cite(quotations, notes)

    monkeypatch.setattr(module, "cite", remove_then_cite)
    answer = docker.assistant.ask(QUESTION)
    assert {citation.note_id for citation in answer.citations} <= {"other.md"}
    assert {hit.chunk.note_id for hit in answer.hits} == {"other.md"}


def test_notes_that_never_rest_are_told(docker, monkeypatch):
    cite, count = module.cite, iter(range(100))

    def change_then_cite(quotations, notes):
        docker.write("docker.md", f"Ligne {next(count)}.\n\n" + NOTE)
        return cite(quotations, notes)

    monkeypatch.setattr(module, "cite", change_then_cite)
    with pytest.raises(QuestionError, match="reposez la question"):
        docker.assistant.ask(QUESTION)


def test_without_refresh_nothing_is_read_anew(docker):
    with pytest.raises(IndexMissingError, match="assistant index"):
        docker.assistant.ask(QUESTION, refresh=False)
    docker.refresh()
    docker.write("new.md", "# Neuf\n\nLes cgroups sont aussi ici.\n")
    hits = docker.assistant.search(QUESTION, refresh=False)
    assert {hit.chunk.note_id for hit in hits} == {"docker.md"}
    hits = docker.assistant.search(QUESTION)
    assert {hit.chunk.note_id for hit in hits} == {"docker.md", "new.md"}


def test_refusal_has_no_citation_and_offers_sections(docker):
    docker.assistant.settings = replace(docker.assistant.settings, caution=1.0)
    answer = docker.assistant.ask(QUESTION)
    assert not answer.answered and not answer.citations and answer.suggestions
    assert answer.text == "Les notes ne répondent pas à cette question."
    lines = NOTE.splitlines()
    for suggestion in answer.suggestions:
        assert 1 <= suggestion.line_start <= len(lines)
    assert docker.assistant.ask("What are volumes for?", language="en").text.startswith("The notes")


@pytest.mark.parametrize("k", [1, 2, 100])
def test_k_bounds_the_hits(docker, k):
    docker.fill(20)
    hits = docker.assistant.search("le disque de la machine", k=k)
    assert len(hits) == min(k, docker.assistant.status().chunks)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize("question", ["", "  \n\t ", "\0", "x" * (LONGEST_QUESTION + 1)])
def test_questions_that_cannot_be_asked(docker, question):
    with pytest.raises(QuestionError) as raised:
        docker.assistant.ask(question)
    assert "\n" not in str(raised.value)
    assert not docker.index.exists()


@pytest.mark.parametrize("question", ["?", "...", "de la", "\ud800 cgroups", "😀", "a\0b", '"*"'])
def test_odd_questions_get_an_answer_or_a_refusal(docker, question):
    assert isinstance(docker.assistant.ask(question), Answer)


def test_checked_question_is_stripped_and_encodable():
    assert checked_question("  a\0b \ud800\n") == "a b ?"


def test_note_is_what_was_indexed(docker):
    docker.refresh()
    assert docker.assistant.note("docker.md").text == NOTE
    assert docker.assistant.notes() == [("docker.md", "Le noyau")]
    with pytest.raises(KeyError):
        docker.assistant.note("absent.md")


def test_status_before_and_after(docker):
    before = docker.assistant.status()
    assert (before.notes, before.chunks, before.stale, before.refreshed) == (0, 0, True, None)
    assert not docker.index.exists()
    docker.refresh()
    status = docker.assistant.status()
    assert (status.notes, status.stale, status.stale_reason) == (1, False, "")
    assert status.languages == {"fr": 1} and status.refreshed and status.bytes > 10_000
    docker.write("docker.md", NOTE + "\nEncore.\n")
    assert docker.assistant.status().stale


def test_index_deleted_while_the_assistant_lives(docker):
    """`index/` can be deleted at any time; cached vectors of the old one are not believed."""
    docker.assistant.ask(QUESTION)
    shutil.rmtree(docker.index)
    docker.write("docker.md", "# Réseau\n\nLes ponts relient les conteneurs entre eux.\n")
    docker.write("aaa.md", "# Avant\n\nUne note rangée avant toutes les autres.\n")
    docker.embedder.passages.clear()
    answer = docker.assistant.ask("que relient les ponts ?")
    assert docker.embedder.passages
    assert answer.citations[0].note_id == "docker.md" and "ponts" in answer.citations[0].quote
    assert docker.dump() == docker.fresh_dump(), "the new index is on disk"
    fresh = docker.reopened().ask("que relient les ponts ?")
    assert [(hit.chunk, hit.score, hit.signals) for hit in answer.hits] == [
        (hit.chunk, hit.score, hit.signals) for hit in fresh.hits
    ]


def test_rebuild_makes_all_anew_and_leaves_no_old_file(docker):
    docker.refresh()
    before = docker.dump()
    docker.embedder.passages.clear()
    report = docker.assistant.rebuild()
    assert report.embedded == report.chunks == len(docker.embedder.passages)
    assert docker.dump() == before
    assert not list(docker.index.glob("*.old*"))
    docker.assistant.rebuild()
    assert_proved(docker, docker.assistant.ask(QUESTION))


def test_failed_rebuild_leaves_the_old_index(docker, monkeypatch):
    docker.refresh()
    before = docker.dump()

    def fail(texts, progress=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(docker.embedder, "encode_passages", fail)
        with pytest.raises(KeyboardInterrupt):
            docker.assistant.rebuild()
    assert docker.dump() == before
    docker.corpus.rename(docker.root / "away")
    with pytest.raises(CorpusError):
        docker.assistant.rebuild()
    assert docker.dump() == before


def test_rebuild_mends_a_damaged_index(docker):
    docker.refresh()
    docker.close()
    (docker.index / "index.sqlite").write_bytes(b"garbage" * 1000)
    again = docker.reopened()
    for command in (again.refresh, again.status, again.check, lambda: again.ask(QUESTION)):
        with pytest.raises(IndexDamagedError, match="--rebuild"):
            command()
    again.rebuild()
    assert_proved(docker, again.ask(QUESTION))
    assert docker.dump() == docker.fresh_dump()


def test_many_threads_share_one_assistant_while_notes_change(docker):
    docker.fill(10)
    docker.refresh()
    failures, stop = [], threading.Event()

    def ask():
        try:
            while not stop.is_set():
                answer = docker.assistant.ask(QUESTION)
                assert any("cgroups" in citation.quote for citation in answer.citations)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(8):
        docker.write(f"more{n}.md", f"# Plus {n}\n\nLe disque {n} garde les images.\n")
        docker.refresh()
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert docker.dump() == docker.fresh_dump()


def test_opening_reads_and_makes_nothing(tmp_path, fake_embedder):
    Assistant.open(Settings(tmp_path / "none", tmp_path / "ix"), embedder=fake_embedder)
    assert not list(tmp_path.iterdir())
