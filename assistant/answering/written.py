"""The answer that a language model writes, in place of the quotations it is proved by.

The decision that the notes answer was made before. Where nothing that the model writes
holds, or the model fails, the quotations are the answer, with one line saying why;
sentences that were verified before a failure are kept. In place of a sentence that is not
proved, beside others that are, the sentence of the notes that it seems to restate is quoted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from assistant.answering.frames import FRAMES
from assistant.answering.generative import (
    Composition,
    Dropped,
    VerifiedSentence,
    cite_places,
    generate,
)
from assistant.answering.language_model import LanguageModel, LanguageModelError
from assistant.answering.prompt import NumberedPassage, number_passages
from assistant.answering.proof import StaleCitationError, verify
from assistant.answering.verification import Support
from assistant.datatypes import Answer, Note
from assistant.embedding.late_interaction import Codec
from assistant.embedding.protocol import Embedder
from assistant.retrieval.found import Retrieval
from assistant.settings import Settings

ReadNote = Callable[[str], Note]  # KeyError for a note that is not in the index


def written(
    quoted: Answer,
    retrieval: Retrieval,
    *,
    settings: Settings,
    embedder: Embedder,
    codec: Codec,
    language: str,
    note: ReadNote,
) -> Iterator[Answer]:
    """Yield the answer as its sentences are verified; the last one is whole.

    `quoted` is the answer in the notes' own words. Raises StaleCitationError where a cited
    note changed while the model wrote.
    """
    texts = FRAMES[quoted.language]
    if not retrieval.is_calibrated:
        yield replace(quoted, notice=texts["not_calibrated"])
        return
    started = time.perf_counter()
    model = LanguageModel(settings.llm_url or "", settings.llm_model or "", settings.llm_key)
    passages = number_passages(retrieval.passages, lambda text: embedder.count_tokens([text])[0])
    composition, dropped, notice = Composition(), 0, ""
    unproved: list[Support] = []  # what dropped sentences seem to restate, not yet quoted
    answer = quoted
    sentences = generate(
        retrieval.question.text,
        passages,
        model=model,
        embedder=embedder,
        codec=codec,
        language=language,
    )
    try:
        for sentence in sentences:
            proved = () if isinstance(sentence, Dropped) else sentence.support
            if isinstance(sentence, Dropped):
                dropped += 1
                unproved += [sentence.nearest] if sentence.nearest else []
                if not composition.places:
                    continue
            before = composition.text
            for place in unproved:
                if not any(place.overlaps(other) for other in proved):
                    notes = _as_retrieved([place], passages, note)
                    composition.quote(place, notes[place.note_id])
            unproved.clear()
            if isinstance(sentence, VerifiedSentence):
                composition.add(sentence)
            if composition.text == before:
                continue
            notes = _as_retrieved(composition.places, passages, note)
            citations = cite_places(composition.places, notes)
            verify(citations, notes, settings.corpus)
            answer = replace(quoted, text=composition.text, citations=citations, model=model.name)
            yield answer
    except LanguageModelError as error:
        notice = error.reason(quoted.language)
        if not composition.places:
            notice = texts["own_words"].format(reason=notice)
    if composition.places:
        counted = (("dropped", dropped - composition.quoted), ("replaced", composition.quoted))
        told = [texts[name].format(count=count) for name, count in counted if count > 0]
        notice = " ".join(filter(None, (notice, *told)))
    elif not notice:
        notice = texts["not_supported"]
    verify(answer.citations, _still_there(answer, note), settings.corpus)  # a model takes its time
    timings = {**quoted.timings_ms, "model": 1000 * (time.perf_counter() - started)}
    yield replace(answer, notice=notice, timings_ms=timings)


def _still_there(answer: Answer, note: ReadNote) -> dict[str, Note]:
    """Return the cited notes as they are in the index now; not those that left it."""
    notes = {}
    for note_id in dict.fromkeys(citation.note_id for citation in answer.citations):
        with suppress(KeyError):
            notes[note_id] = note(note_id)
    return notes


def _as_retrieved(
    places: Sequence[Support], passages: Sequence[NumberedPassage], note: ReadNote
) -> dict[str, Note]:
    """Return the notes of places; the index may have been refreshed while a model wrote."""
    notes = {}
    for place in places:
        chunk = next(p.chunk for p in passages if p.number == place.number)
        try:
            found = note(place.note_id)
        except KeyError as error:
            raise StaleCitationError(place.note_id) from error
        if found.text[chunk.start : chunk.end] != chunk.text:
            raise StaleCitationError(place.note_id)
        notes[found.id] = found
    return notes
