"""See also: links as they are written, resolved against the notes there are."""

from __future__ import annotations

import json

import pytest

from assistant.index.links import LinkGraph


@pytest.fixture
def linked(course):
    """Notes whose links are set by hand: what readers find is their own tests' business."""
    links = {
        "docker/volumes.md": ["docker/réseau.md", "Images", "absente", "docker/volumes.md#ici"],
        "docker/réseau.md": [],
        "docker/images.md": ["docker/volumes.md"],
        "autre/images.md": [],
        "autre/sommaire.md": ["volumes", "docker/images"],
    }
    for note_id in links:
        course.write(note_id, f"# {note_id}\n\nUn texte sur le volume.\n")
    course.refresh()
    store = course.store()
    with store.writing():
        for note_id, targets in links.items():
            store.connection.execute(
                "UPDATE notes SET links = ? WHERE path = ?", (json.dumps(targets), note_id)
            )
    return store


def ids(found):
    return [note_id for note_id, _ in found]


def test_links_out_come_first_then_links_in(linked):
    found = LinkGraph(linked).linked(["docker/volumes.md"], 10)
    assert found == (
        ("docker/réseau.md", "docker/réseau.md"),
        ("docker/images.md", "docker/images.md"),  # of two of this name, the nearest
        ("autre/sommaire.md", "autre/sommaire.md"),
    )


def test_names_are_found_without_case_accents_and_suffix(linked):
    assert ids(LinkGraph(linked).linked(["autre/sommaire.md"], 10)) == [
        "docker/volumes.md",
        "docker/images.md",
    ]


def test_only_so_many_and_never_a_cited_note(linked):
    assert ids(LinkGraph(linked).linked(["docker/volumes.md"], 1)) == ["docker/réseau.md"]
    cited = ["docker/volumes.md", "docker/réseau.md", "docker/images.md"]
    assert ids(LinkGraph(linked).linked(cited, 10)) == ["autre/sommaire.md"]
    assert LinkGraph(linked).linked(["docker/réseau.md"], 10) == (
        ("docker/volumes.md", "docker/volumes.md"),
    )
