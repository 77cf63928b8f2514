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
