"""Which files of the corpus are no notes: ignore files, hidden files, folders of tools.

`.gitignore` and `.assistantignore` hold at every level, in Git's syntax, the second having
the last word; nothing above the corpus is read. As in Git, what lies in an ignored folder
cannot be taken back. Hidden files and folders that surely hold no notes are always out;
folders of what a program built are out unless an ignore file takes them back (`!build/`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

NAMES = (".gitignore", ".assistantignore")
_LARGEST = 1_000_000  # bytes of an ignore file that is read
_FOLDERS = frozenset(
    {"node_modules", "__pycache__", "__MACOSX", "venv", "site-packages", "_build", "_site"}
)
_BUILT = frozenset({"build", "dist", "target", "_book"})


def is_tool_folder(name: str) -> bool:
    """Whether a folder of this name is hidden or holds no notes whatever is in it."""
    return name.startswith(".") or name in _FOLDERS or name.endswith((".dist-info", ".egg-info"))


class IgnoreRules:
    """The rules of the folders from the corpus down to one, outermost first."""

    def __init__(self, levels: tuple[tuple[int, GitIgnoreSpec], ...] = ()) -> None:
        self._levels = levels  # (length of the folder's path with "/", its rules)

    def within(self, folder: Path, prefix: str, names: Iterable[str]) -> IgnoreRules:
        """Return the rules inside `folder`; `prefix` is its id and "/", `names` its files."""
        present = set(names)
        lines = [
            line
            for name in NAMES
            if name in present
            for line in _lines(folder / name)
        ]  # fmt: skip
        if not lines:
            return self
        return IgnoreRules((*self._levels, (len(prefix), _spec(lines))))

    def ignores(self, path: str) -> bool:
        """Whether `path`, relative to the corpus and ending in "/" for a folder, is out."""
        for length, spec in reversed(self._levels):
            verdict = spec.check_file(path[length:]).include
            if verdict is not None:
                return verdict
        return path.endswith("/") and path[:-1].rpartition("/")[2] in _BUILT


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8-sig", "replace").splitlines()
    except OSError:  # an ignore file that cannot be read ignores nothing
        return []


def _spec(lines: Iterable[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    sound = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:  # Git, too, passes over a pattern that means nothing
            continue
        sound.append(line)
    return GitIgnoreSpec.from_lines(sound)
