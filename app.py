"""The web chat: `python app.py` opens it on http://127.0.0.1:7860.

Host and port can be given by `assistant serve --host --port`, the same chat.
"""

import sys

from assistant.errors import AssistantError
from assistant.settings import Settings
from assistant.web.application import HOST, PORT, serve

if __name__ == "__main__":
    try:
        serve(HOST, PORT, Settings.from_environment())
    except AssistantError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
