"""Damaged files: whatever a parsing library raises becomes one reason to show.

Parsers of binary formats answer broken input with any exception at all (`KeyError`,
`struct.error`, `RecursionError`, their own): listing them would be a guess, and a single
one missed would end the whole run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assistant.reading.extracted import UnreadableNoteError


@contextmanager
def reading(kind: str) -> Iterator[None]:
    """Map the errors of the block to UnreadableNoteError; `kind` names the format in French."""
    try:
        yield
    except (UnreadableNoteError, ImportError):  # a missing library is no damage
        raise
    except MemoryError as error:
        raise UnreadableNoteError(
            f"demande trop de mémoire pour être lu ({kind}) : découpez-le en plusieurs fichiers"
        ) from error
    except Exception as error:
        raise UnreadableNoteError(
            f"abîmé ou incomplet ({kind}) : ouvrez-le dans son logiciel et enregistrez-le à nouveau"
        ) from error
