"""This assistant: `Assistant` with its defaults, as the command line uses it. Opening looks
whether notes have changed, as every command does; one note is replaced."""

from protocol import Folders, run

from assistant.settings import Settings, limit_threads

limit_threads()


class CourseAssistant:
    def __init__(self, folders: Folders) -> None:
        from assistant.assistant import Assistant

        # The model that comes with the installation: the same weights as `folders.model`.
        self.course = Assistant.open(Settings(corpus=folders.notes, index=folders.index))

    def build(self) -> int:
        return self.course.refresh().chunks

    def open(self) -> None:
        self.course.refresh()

    def search(self, question: str, count: int) -> list[str]:
        hits = self.course.search(question, k=count, refresh=False)
        return [name for hit in hits for name in (hit.chunk.note_id, *hit.duplicates)]

    def refresh(self, name: str) -> None:
        self.course.refresh()


if __name__ == "__main__":
    run(CourseAssistant)
