"""The turns on one reader's page, as the server remembers them.

The page receives them and never sends them: forged turns have no way in. Leaves out
where they are kept when the page is closed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from assistant.answering.conversation import Turn

TURNS_SHOWN = 100  # older ones leave the page, not the store
_LEANED_ON = 4  # turns that a follow-up may lean on


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """One question and its answer, as safe Markdown."""

    number: int  # in the addresses of its sources
    question: str
    answer: str
    asked: Turn | None  # what the next question may lean on; None where it failed


@dataclass(slots=True)
class Memory:
    """The conversation on the page."""

    conversation: str | None = None  # its id in the store; None before the first turn is kept
    turns: list[ShownTurn] = field(default_factory=list)
    last: int = 0  # number of the last turn
    begun: bool = False  # false where this server does not know what the page shows

    def add(self, turn: ShownTurn) -> None:
        """Append a turn, letting the oldest go beyond `TURNS_SHOWN`."""
        self.turns.append(turn)
        self.last = turn.number
        del self.turns[:-TURNS_SHOWN]

    def leaned_on(self) -> list[Turn]:
        """The turns that complete a follow-up, the last the latest."""
        return [turn.asked for turn in self.turns if turn.asked is not None][-_LEANED_ON:]

    def messages(self) -> list[dict[str, str]]:
        """The conversation as the chat component takes it."""
        return [
            {"role": role, "content": content}
            for turn in self.turns
            for role, content in (("user", turn.question), ("assistant", turn.answer))
        ]
