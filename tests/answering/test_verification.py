"""Planted errors are caught and true sentences pass, with the embedded model.

Four parts of the sentences, each row of `verified_sentences.jsonl` naming its own or that of
its subject. "fitting" fitted the thresholds; "held-out" was written after they were. Then came
120 sentences, worded as freely as a small model's and written before the rules were looked at
again: of each kind the first, third, fifth … are in "development", the others in "blind". The
other 89 of "development" reword the passages of "fitting". No rule was written for a sentence
of "blind", but its counts were seen between the rules, and sentences and rules share an
author: take it for the most that can be expected.

Of true sentences 8 % may be lost, of errors 10 % missed. A true sentence is kept when it is
shown as the model wrote it, or when the sentence of the passage that it restates is found, to be
quoted in its place. Free wording is seldom proved: a noun that the passage does not say ("le
SMIC") or another order of the words is enough. What is asserted is what was measured, so that
it cannot get worse unseen.

On 227 sentences about real courses, written by someone who had not seen the rules and not part
of this repository, the rules of the time showed 21 % of the true ones and caught 77 % of the
errors; that set led to the quoting and to the rule about order, with which they show 8 %, quote
the notes for 86 %, lose 6 % and catch 91 %. For a set that nobody looked at, expect less.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from evidence_passages import numbered

from assistant.analysis import analyse
from assistant.answering.polarity import contradicts, denials, has_opposite
from assistant.answering.quantities import quantities
from assistant.answering.verification import Fault, Verifier
from assistant.embedding.fake import FakeEmbedder
from assistant.embedding.late_interaction import codec_for

SENTENCES = Path(__file__).with_name("verified_sentences.jsonl")
LEAST = {  # true sentences shown as written, and kept; errors caught: two less than measured
    "fitting": (63, 96, 152),
    "held-out": (8, 17, 28),
    "development": (49, 95, 47),
    "blind": (10, 31, 20),
}
DOCKER = Path(__file__).parents[2] / "corpus" / "docker.md"


def rows():
    with SENTENCES.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_the_passages_about_docker_are_the_course():
    text = DOCKER.read_bytes().decode()
    passages = [
        p for r in rows() if r["subject"].startswith("docker") for p in r.get("passages", [])
    ]
    assert len(passages) == 10 and all(p.strip() in text for p in passages)


@pytest.mark.slow
def test_errors_are_caught_and_true_sentences_pass(embedder):
    codec = codec_for(embedder.fingerprint, embedder.dimension)
    subjects, total = {}, Counter()
    shown, kept, caught = Counter(), Counter(), Counter()
    half = ""
    for row in rows():
        if "passages" in row:
            half = row.get("half", "")
            subjects[row["subject"]] = numbered(
                row["passages"], embedder, codec, title=row["title"], language=row["language"]
            )
            continue
        passages = subjects[row["subject"]]
        verdict = Verifier(passages, embedder, codec, language=row["language"]).verify(
            row["sentence"]
        )
        part, is_true = row.get("half", half), row["kind"] == "true"
        total[part, is_true] += 1
        if is_true:
            shown[part] += verdict.fault is None
            kept[part] += verdict.fault is None or verdict.nearest is not None
        else:
            caught[part] += verdict.fault is not None
        places = verdict.support or ((verdict.nearest,) if verdict.nearest else ())
        for place in places:
            chunk = passages[place.number - 1].chunk
            assert chunk.start <= place.start < place.end <= chunk.end
    for part, least in LEAST.items():
        found = shown[part], kept[part], caught[part]
        print(f"{part}: {found} of {total[part, True]} true ones and {total[part, False]} errors")
        assert all(a >= b for a, b in zip(found, least, strict=True)), (part, found)
    assert {part for part, _ in total} == set(LEAST)
    trues = sum(n for (_, is_true), n in total.items() if is_true)
    assert kept.total() >= 0.92 * trues
    assert caught.total() >= 0.95 * (total.total() - trues)


def verifier_of(text, embedder):
    """A verifier of French sentences about one passage."""
    codec = codec_for(embedder.fingerprint, embedder.dimension)
    passages = numbered([text], embedder, codec, title="Cours", language="fr")
    return Verifier(passages, embedder, codec, language="fr")


@pytest.mark.slow
def test_a_noun_put_in_place_of_another_is_caught(embedder):
    verifier = verifier_of(
        "# Le noyau\n\nLes cgroups permettent de limiter les ressources des processus.\n", embedder
    )
    for sentence in (
        "Les volumes permettent de limiter les ressources des processus [1].",
        "Les cgroups permettent de limiter les ressources des volumes [1].",
        "Les cgroups servent à chiffrer les disques [1].",
        "Les cgroups permettent de supprimer les images [1].",
        "Les volumes permettent de limiter la mémoire [1].",
        "Les cgroups permettent de limiter le nombre des processus [1].",
    ):
        assert verifier.verify(sentence).fault is not None, sentence
    for sentence in (
        "Les cgroups servent à limiter les ressources des processus [1].",
        "Les ressources des processus sont limitées par les cgroups [1].",
        "Les cgroups assurent la limitation des ressources des processus [1].",
        "Les cgroups sont un mécanisme qui restreint les ressources des processus [1].",
    ):
        assert verifier.verify(sentence).fault is None, sentence


@pytest.mark.slow
def test_what_is_defined_and_what_defines_it_do_not_change_places(embedder):
    verifier = verifier_of("# Objets\n\nUn conteneur est une instance d'une image.\n", embedder)
    assert verifier.verify("Un conteneur est une instance d'image [1].").fault is None
    assert verifier.verify("Une image est une instance d'un conteneur [1].").fault is Fault.SENSE


@pytest.mark.slow
def test_facts_do_not_change_places(embedder):
    verifier = verifier_of("# Ports\n\nLe port 80 sert à HTTP, le port 443 à HTTPS.\n", embedder)
    assert verifier.verify("Le port 443 sert à HTTPS et le port 80 à HTTP [1].").fault is None
    assert (
        verifier.verify("Le port 443 sert à HTTP et le port 80 à HTTPS [1].").fault is Fault.SENSE
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("between", "is_quoted"),
    [(" ", True), ("\n\n", True), ("\n\n~~~\ndocker run nginx\n~~~\n\n", False)],
)
def test_what_is_quoted_instead_is_prose(embedder, between, is_quoted):
    """Code before a sentence that leans on it would stand on one line with it."""
    first, second = "On lance le conteneur.", "Elle monte le volume des données dans le conteneur."
    text = f"{first}{between}{second}\n"
    verdict = verifier_of(text, embedder).verify(
        "Elle ne monte pas le volume des données dans le conteneur [1]."
    )
    assert verdict.fault is Fault.NEGATION
    place = verdict.nearest
    assert (place is not None) is is_quoted
    assert place is None or text[place.start : place.end] == f"{first}{between}{second}"


def test_a_title_of_one_letter_names():
    fake = FakeEmbedder(max_tokens=512)
    codec = codec_for(fake.fingerprint, fake.dimension)
    passages = numbered(["Ce langage dessine des courbes.\n"], fake, codec, title="R")
    verifier = Verifier(passages, fake, codec, language="fr")
    assert verifier.verify("Ce langage R dessine des courbes [1].").fault is None
    assert verifier.verify("Ce langage S dessine des courbes [1].").fault is Fault.NAME


@pytest.mark.slow
def test_a_number_may_count_what_the_sentence_itself_names(embedder):
    verifier = verifier_of("# Feux\n\nUn feu peut être rouge, orange ou vert.\n", embedder)
    three = "Il existe trois sortes de feu : rouge, orange et vert [1]."
    assert verifier.verify(three).fault is None
    assert verifier.verify("Il existe quatre sortes de feu : rouge, orange et vert [1].").fault


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


def test_two_is_a_number_and_a_preposition_no_unit():
    assert [q.value for q in quantities("deux cellules, puis two atria", "fr")] == ["2"]
    assert [q.value for q in quantities("two atria", "en")] == ["2"]
    for elided in ("En 1789 l'Assemblée", "En 1789, ml'"):
        assert [q.unit for q in quantities(elided, "fr")] == [None]
    assert [(q.value, q.unit) for q in quantities("de 700 à 1 200 °C", "fr")] == [
        ("700", None),
        ("1200", "°c"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("0,3 kg", "300 g", True),
        ("300 kg", "300 g", False),
        ("20 L/min", "20 litres par minute", True),
        ("20 litres par heure", "20 litres par minute", False),
        ("20 litres", "20 litres par minute", True),
        ("90 minutes", "1,5 heure", True),
        ("200 m", "de 50 à 200 km", False),
        ("0,5 µm", "500 nm", True),
        ("5 °C", "il fait -5 °C", False),
        ("moins cinq degrés", "il fait −5 °C", True),
        ("au moins 5 °C", "il fait −5 °C", False),
        ("5 °C", "au moins cinq degrés", True),
        ("x = -1", "x = 1", False),
        ("signal 9", "kill -9", True),
        ("1945", "1939-1945, ou 1939 -1945", True),
        ("3 km", "de 2-3 km", True),
        ("5 g", "- 5 g de sel", True),
        ("5 euros par an", "5 euros par mois", False),
    ],
)
def test_units_of_one_measure_are_converted(one, other, agree):
    (first,) = quantities(one, "fr")
    assert any(first.agrees(known) for known in quantities(other, "fr")) is agree


def test_a_number_without_end_takes_no_long():
    embedder = FakeEmbedder()
    codec = codec_for(embedder.fingerprint, embedder.dimension)
    passages = numbered(["Le noyau partage le temps."], embedder, codec, title="Noyau")
    started = time.thread_time()
    verdict = Verifier(passages, embedder, codec, language="fr").verify(f"Le {'1' * 1500} [1].")
    assert verdict.fault is not None and time.thread_time() - started < 2


@pytest.mark.parametrize(
    ("claim", "source", "denied"),
    [
        ("Le sang se mélange.", "Une cloison empêche le mélange du sang.", True),
        ("La cloison évite le mélange du sang.", "Une cloison empêche le mélange du sang.", False),
        ("Il n'a besoin que d'un noyau.", "Il utilise un noyau.", False),
        ("Il n'a pas besoin d'un noyau.", "Il a besoin d'un noyau.", True),
    ],
)
def test_what_is_prevented_is_denied(claim, source, denied):
    claimed, said = ({t.term for t in analyse(text, "fr")} for text in (claim, source))
    assert contradicts(denials(claim, "fr"), claimed, denials(source, "fr"), said) is denied


def test_a_rise_is_the_opposite_of_a_fall_in_any_word():
    said = "Les activités humaines entraînent l'augmentation de la concentration des gaz."
    assert has_opposite("Elles diminuent la concentration des gaz.", said, "fr")
    assert not has_opposite("Elles accroissent la concentration des gaz.", said, "fr")


def test_half_of_a_comparison_turned_round_is_an_opposite():
    said = "Plus il est riche, plus il est visqueux."
    assert has_opposite("Moins il est riche, plus il est visqueux.", said, "fr")
    assert not has_opposite("Plus il est riche, plus c'est visqueux.", said, "fr")
