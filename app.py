"""The web chat: `python app.py` opens it on http://127.0.0.1:7860.

It is `assistant serve`, options included: `python app.py --port 7861`.
"""

import sys

from assistant.cli import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
