"""Planted errors are caught and true sentences pass, with the embedded model.

The sentences marked "held-out" were written after the thresholds were frozen; all others
were used to fit them. True sentences are dropped more often than the 8 % aimed at (14 in 100,
and 4 in 20 of those held out), because a noun that the passage does not say is never let
through: what is asserted of them is what was measured, so that it cannot get worse unseen.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from evidence_passages import numbered

from assistant.answering.quantities import quantities
from assistant.answering.verification import Verifier
from assistant.embedding.late_interaction import codec_for

SENTENCES = Path(__file__).with_name("verified_sentences.jsonl")
HELD_OUT = "held-out"
DOCKER = Path(__file__).parents[2] / "corpus" / "docker.md"


def rows():
    with SENTENCES.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_the_passages_about_docker_are_the_course():
    text = DOCKER.read_bytes().decode()
    passages = [
        p for r in rows() if r["subject"].startswith("docker") for p in r.get("passages", [])
    ]
    assert len(passages) == 5 and all(p.strip() in text for p in passages)


@pytest.mark.slow
def test_errors_are_caught_and_true_sentences_pass(embedder):
    codec = codec_for(embedder.fingerprint, embedder.dimension)
    subjects, right, total = {}, Counter(), Counter()
    half = ""
    for row in rows():
        if "passages" in row:
            half = row["half"]
            subjects[row["subject"]] = numbered(
                row["passages"], embedder, codec, title=row["title"], language=row["language"]
            )
            continue
        passages = subjects[row["subject"]]
        verdict = Verifier(passages, embedder, codec, language=row["language"]).verify(
            row["sentence"]
        )
        kind = row["kind"]
        total[half, kind] += 1
        right[half, kind] += (verdict.fault is None) == (kind == "true")
        for support in verdict.support:
            chunk = passages[support.number - 1].chunk
            assert chunk.start <= support.start < support.end <= chunk.end
    assert sum(total.values()) >= 200
    for kind in ("true", "number", "entity", "negation", "invented", "citation"):
        least = (0.86 if kind == "true" else 0.9) * total["fitting", kind]
        assert right["fitting", kind] >= least, (kind, right)
    caught = sum(n for (half, kind), n in right.items() if half == HELD_OUT and kind != "true")
    errors = sum(n for (half, kind), n in total.items() if half == HELD_OUT and kind != "true")
    assert caught >= 0.9 * errors, right
    assert right[HELD_OUT, "true"] >= 0.8 * total[HELD_OUT, "true"], right


@pytest.mark.slow
def test_a_noun_put_in_place_of_another_is_caught(embedder):
    codec = codec_for(embedder.fingerprint, embedder.dimension)
    text = "# Le noyau\n\nLes cgroups permettent de limiter les ressources des processus.\n"
    passages = numbered([text], embedder, codec, title="Le noyau", language="fr")
    verifier = Verifier(passages, embedder, codec, language="fr")
    for sentence in (
        "Les volumes permettent de limiter les ressources des processus [1].",
        "Les cgroups permettent de limiter les ressources des volumes [1].",
        "Les cgroups servent à chiffrer les disques [1].",
        "Les cgroups permettent de supprimer les images [1].",
    ):
        assert verifier.verify(sentence).fault is not None, sentence
    for sentence in (
        "Les cgroups servent à limiter les ressources des processus [1].",
        "Les ressources des processus sont limitées par les cgroups [1].",
    ):
        assert verifier.verify(sentence).fault is None, sentence


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("17 000 personnes", "dix-sept mille personnes"),
        ("17.000 personnes", "17,000 personnes"),
        ("0,5 A", "0.5 A"),
        ("90 %", "quatre-vingt-dix pour cent"),
        ("2,5 millions", "2 500 000"),
        ("40 °C", "quarante degrés"),
        ("5 GB", "5 Go"),
    ],
)
def test_numbers_are_equal_however_they_are_written(one, other):
    (first,), (second,) = quantities(one, "fr"), quantities(other, "fr")
    assert (first.value, first.unit) == (second.value, second.unit)


@pytest.mark.parametrize(
    ("one", "other"), [("1,5", "15"), ("3.14", "314"), ("5 Go", "5 Mo"), ("1.13.1", "1131")]
)
def test_other_numbers_and_units_differ(one, other):
    assert quantities(one, "fr") != quantities(other, "fr")


def test_an_article_is_no_number():
    assert quantities("un conteneur est une instance", "fr") == []
