"""Follows the folder of notes and refreshes the index when something changes.

Changes come from the system through watchfiles, gathered for less than half a second, so
that an editor's write-and-rename is one change. A network folder sends none: there the
files are looked at every second. Which notes changed is not taken from the events; the
refresh compares the folder, and a lost event costs nothing but time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from assistant.assistant import Assistant
from assistant.datatypes import RefreshReport
from assistant.errors import AssistantError

_GATHERED_MS = 400  # longest wait for more changes after the first
_LOOK_MS = 1_000  # between two looks at the folder itself, and at the files where polled
_NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph davfs fuse.davfs fuse.glusterfs fuse.rclone fuse.sshfs "
    "fuse.vmhgfs-fuse vboxsf prl_fs virtiofs".split()
)
_IGNORE_FILES = frozenset({".gitignore", ".assistantignore"})  # hidden, and yet they matter

log = logging.getLogger(__name__)


class Watcher:
    """Keeps an assistant's index up to date while its notes change.

    `start` and `stop` for a thread beside a chat, `run` to stay until interrupted.
    `told` is called after each refresh that changed something, or failed in a new way.
    """

    def __init__(
        self,
        assistant: Assistant,
        told: Callable[[RefreshReport | AssistantError], None] = lambda _: None,
    ) -> None:
        self._assistant = assistant
        self._told = told
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_error = ""

    def start(self) -> None:
        """Begin to follow the notes in a thread."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run_and_log, name="notes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a refresh under way is finished first, within ten seconds."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None

    def run(self) -> None:
        """Follow the notes until `stop` or Ctrl-C (KeyboardInterrupt)."""
        while not self._stopped.is_set():
            self._follow()
            self._stopped.wait(_LOOK_MS / 1000)

    def _run_and_log(self) -> None:
        while not self._stopped.is_set():
            try:
                self.run()
            except Exception:  # the chat goes on, on the index that there is
                log.exception("the notes are not followed; trying again")
                self._stopped.wait(10 * _LOOK_MS / 1000)

    def _follow(self) -> None:
        """Refresh at every change, until stopped or the folder is another one."""
        from watchfiles import watch

        corpus = self._assistant.settings.corpus
        before = _identity(corpus)
        if before is None:
            self._refresh()  # tells that the folder is missing
            return
        changes = watch(
            corpus,
            watch_filter=lambda _, path: self._matters(Path(path)),
            debounce=_GATHERED_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            stop_event=self._stopped,
            force_polling=True if is_network_folder(corpus) else None,  # None: as the variable says
            poll_delay_ms=_LOOK_MS,
        )
        try:
            for turn, found in enumerate(changes):
                if found or turn == 0:  # the first turn: what changed before it was followed
                    self._refresh()
                if _identity(corpus) != before:
                    return
        except FileNotFoundError:  # removed as it began to be followed
            return

    def _refresh(self) -> None:
        try:
            report = self._assistant.refresh()
        except AssistantError as error:  # mended perhaps by the next change
            if str(error) != self._last_error:
                self._told(error)
            self._last_error = str(error)
            return
        self._last_error = ""
        if report.is_stale:
            self._told(report)

    def _matters(self, path: Path) -> bool:
        """Whether a change at `path` may change a note: nothing hidden, nothing of the index."""
        settings = self._assistant.settings
        if path.is_relative_to(settings.index.absolute()) or path.is_relative_to(
            settings.index.resolve()
        ):
            return False
        for corpus in (settings.corpus.absolute(), settings.corpus.resolve()):
            if path.is_relative_to(corpus):
                parts = path.relative_to(corpus).parts
                return path.name in _IGNORE_FILES or not any(p.startswith(".") for p in parts)
        return True


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_network_folder(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Whether a folder lies on a file system that tells nobody of changes; Linux only.

    Elsewhere, and for a kind not listed here, WATCHFILES_FORCE_POLLING=1 does the same.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    path = folder.resolve()
    longest, found = -1, ""
    for line in lines:
        fields, _, kind = line.partition(" - ")
        point = fields.split()[4].replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= longest:  # a later mount hides
            longest, found = len(point), kind.split()[0]
    return found in _NETWORK_FILE_SYSTEMS
