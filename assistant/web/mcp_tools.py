"""The course for other assistants: ask, search and read_note over MCP at /mcp.

Needs the package `mcp`, an extra of the installation; without it there is no such
address. Stateless, in plain JSON: nothing is kept between two calls. The guard has
checked Host and Origin before a request arrives here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from assistant.cli_output import hit_as_json
from assistant.errors import AssistantError, FilterError, QuestionError
from assistant.web.metrics import MeasuredCourse
from assistant.web.programs import Said, Turns, note_as_json, recalled
from assistant.web.texts import TEXTS

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

log = logging.getLogger(__name__)


def mcp_server(
    course: MeasuredCourse, turns: Turns, answer_as_json: Callable[[Any], dict[str, Any]]
) -> MCPServer[Any]:
    """The server with its three tools; ImportError without the package `mcp`."""
    from mcp.server.mcpserver import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    server: MCPServer[Any] = MCPServer(
        "course-assistant",
        instructions="Answers about the course come from its notes alone, each with its source.",
        log_level="WARNING",
    )

    async def run(call: Callable[[], Any]) -> Any:
        try:
            async with turns.turn():
                return await run_in_threadpool(call)
        except OverflowError:
            raise ToolError("Too many questions are waiting: try again in a moment.") from None
        except (QuestionError, FilterError) as error:
            raise ToolError(str(error)) from None
        except AssistantError as error:
            log.error("not answered: %s", error)  # names folders: for whoever runs the course
            raise ToolError(TEXTS["en"]["error"]) from None

    @server.tool()
    async def ask(question: str, conversation: list[Said] | None = None) -> dict[str, Any]:
        """Answer a question about the course with quotations proved against its notes.

        `conversation` holds the questions and answers before, the latest last, so that a
        follow-up is understood; `standalone` of the reply says what was understood.
        """
        told = conversation or []
        return answer_as_json(await run(lambda: course.ask(question, conversation=recalled(told))))

    @server.tool()
    async def search(question: str, k: int = 8) -> dict[str, Any]:
        """Find the passages of the course nearest to a question."""
        found = await run(lambda: course.search(question, k=max(1, min(k, 100))))
        return {"passages": [hit_as_json(hit) for hit in found]}

    @server.tool()
    async def read_note(note_id: str) -> dict[str, Any]:
        """Read a whole note by its id, as the citations name it."""
        try:
            return note_as_json(await run(lambda: course.note(note_id)))
        except KeyError:
            raise ToolError(f"There is no note {note_id!r}.") from None

    return server
