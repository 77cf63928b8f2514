"""Everything the server keeps beside the index, opened together from one data folder.

Leaves out the pages: `routers` gives their routes to the application.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.web.conversations import Conversations
from assistant.web.data_folder import open_data_folder, secret_of
from assistant.web.feedback import Feedback
from assistant.web.index_state import Indexed, IndexKeeper
from assistant.web.session import Sessions
from assistant.web.teacher_login import Logins
from assistant.web.uploads import Uploads

if TYPE_CHECKING:
    from fastapi import APIRouter

_NAMES_BYTES = 2**20  # of the names of files to replace, as JSON


@dataclass(frozen=True, slots=True)
class Keeping:
    """The stores of one server."""

    sessions: Sessions
    conversations: Conversations
    feedback: Feedback
    index: IndexKeeper
    logins: Logins
    uploads: Uploads

    @staticmethod
    def open(folder: Path, *, course: Indexed, corpus: Path, password: str | None) -> Keeping:
        """Open or make the data folder; SettingsError where it cannot be used."""
        folder = open_data_folder(folder)
        secret = secret_of(folder)
        return Keeping(
            sessions=Sessions(secret),
            conversations=Conversations(folder),
            feedback=Feedback(folder),
            index=IndexKeeper(course),
            logins=Logins(folder, secret, password),
            uploads=Uploads(corpus),
        )

    def routers(self) -> tuple[APIRouter, ...]:
        """Exports of conversations, and the teacher's page."""
        from assistant.web.exports import export_routes
        from assistant.web.teacher import TeacherPages

        teacher = TeacherPages(self.index, self.feedback, self.logins, self.uploads)
        return export_routes(self.conversations, self.sessions), teacher.router()

    def larger_bodies(self) -> dict[str, int]:
        """Bytes of a request that the guard lets through to the routes that take files."""
        from assistant.web.teacher import FILES, PUBLISH

        return {FILES: self.uploads.limits.body_bytes, PUBLISH: _NAMES_BYTES}

    def close(self) -> None:
        """Let go of the files."""
        self.conversations.close()
        self.feedback.close()
        self.logins.close()
