"""Everything that can go wrong for a user, each with one line that says what to do.

AssistantError
├── CorpusError      the folder of notes is missing or cannot be read
├── IndexFolderError the index cannot be opened, written or locked
│   ├── IndexMissingError  nothing has been indexed yet
│   └── IndexDamagedError  the SQLite file is not a sound database
├── ModelError       the embedding model cannot be found, converted or loaded
├── SettingsError    an option or an environment variable has a value that cannot be used
├── QuestionError    the question is empty or too long
├── FilterError      a filter chooses no note
└── EvaluationError  the folder or file of questions cannot be used

Errors of libraries are mapped to these where they enter; no traceback reaches a user.
"""

from __future__ import annotations

import errno


class AssistantError(Exception):
    """Base of all errors meant for a user; `str(error)` is one line with its remedy."""


class CorpusError(AssistantError):
    """The folder of notes is missing or cannot be read."""


class IndexFolderError(AssistantError):
    """The index cannot be opened, written or locked."""


class IndexMissingError(IndexFolderError):
    """Nothing has been indexed yet."""


class IndexDamagedError(IndexFolderError):
    """The SQLite file is not a sound database."""


class ModelError(AssistantError):
    """The embedding model cannot be found, converted or loaded."""


class SettingsError(AssistantError):
    """An option or an environment variable has a value that cannot be used."""


class QuestionError(AssistantError):
    """The question is empty or too long."""


class FilterError(AssistantError):
    """A filter chooses no note."""


class EvaluationError(AssistantError):
    """The folder or file of questions cannot be used."""


_REASONS = {
    errno.EACCES: "accès refusé",
    errno.EPERM: "opération interdite",
    errno.ENOENT: "introuvable",
    errno.EEXIST: "existe déjà",
    errno.ENOTDIR: "pas un dossier",
    errno.EISDIR: "un dossier",
    errno.ENOSPC: "disque plein",
    errno.EDQUOT: "quota de disque dépassé",
    errno.EROFS: "disque en lecture seule",
    errno.EIO: "erreur du disque",
    errno.EMFILE: "trop de fichiers ouverts",
    errno.ENAMETOOLONG: "nom trop long",
    errno.ELOOP: "liens en boucle",
    errno.EADDRINUSE: "adresse déjà utilisée",
    errno.EADDRNOTAVAIL: "adresse absente de cette machine",
}


def system_reason(error: OSError) -> str:
    """Say in French why the system refused; in its own words where the reason is a rare one."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)
