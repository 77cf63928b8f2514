"""What the system refuses is told in French."""

from __future__ import annotations

import errno

from assistant.errors import system_reason


def test_reasons_of_the_system_are_told_in_french() -> None:
    assert system_reason(PermissionError(errno.EACCES, "Permission denied", "b.md")) == (
        "accès refusé"
    )
    assert system_reason(OSError(errno.ENOSPC, "No space left on device")) == "disque plein"


def test_a_rare_reason_keeps_the_systems_words() -> None:
    assert system_reason(OSError(errno.EXDEV, "Invalid cross-device link")) == (
        "Invalid cross-device link"
    )
    assert system_reason(OSError("sans numéro")) == "sans numéro"
