"""The number of passages that a reader chose is the number that the panel shows."""

from __future__ import annotations

import pytest

from assistant.assistant import Assistant
from assistant.embedding.fake import FakeEmbedder
from assistant.settings import Settings
from assistant.web import sources
from assistant.web.reader_settings import SOURCES, ReaderSettings

QUESTION = "Que gardent les volumes d'un conteneur ?"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    root = tmp_path_factory.mktemp("course")
    (root / "corpus").mkdir()
    for n in range(20):
        parts = [f"Le volume {n} garde la donnée {m}.\n{'Un mot. ' * 9}" for m in range(n % 4 + 1)]
        text = f"# Volumes {n}\n" + "\n\n".join(parts) + "\n"
        (root / "corpus" / f"{n:02}.md").write_text(text, encoding="utf-8")
    settings = Settings(corpus=root / "corpus", index=root / "index", caution=0.0)
    opened = Assistant.open(settings, embedder=FakeEmbedder(max_tokens=32))
    opened.refresh()
    return opened


@pytest.mark.parametrize("chosen", SOURCES)
def test_as_many_sources_are_shown_as_were_chosen(course: Assistant, chosen: int) -> None:
    options = ReaderSettings.read({"sources": chosen}).options()
    answer = course.ask(QUESTION, refresh=False, **options)
    shown = sources.panel(1, answer, course.note, "fr")
    assert shown["sources"]
    cited, found = len(shown["sources"]), len(shown["found"])
    assert cited + found == max(chosen, cited)
    entries = [*shown["sources"], *shown["found"]]
    assert len({(e["file"], e["quote"] or e["after"]) for e in entries}) == len(entries)
