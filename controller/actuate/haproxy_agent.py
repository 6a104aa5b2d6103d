"""The TCP server that HAProxy's agent-check asks. Only the Lease holder listens; others refuse the connection.

While nobody listens or nothing is decided, HAProxy keeps the weights it has.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from controller.actuate.haproxy_board import LONGEST_QUESTION_BYTES, AgentBoard, UnknownQuestionError

QUESTION_SECONDS = 1.0
"""HAProxy sends its question with the connection; whoever is slower is not HAProxy."""


class AgentServer:
    """Answers from the board while it is open and `holding` says that it may."""

    def __init__(
        self,
        board: AgentBoard,
        host: str,
        port: int,
        *,
        now: Callable[[], datetime],
        holding: Callable[[], bool] = lambda: True,
        on_unknown: Callable[[str], None] = lambda _why: None,
    ) -> None:
        self._board = board
        self._host = host
        self._port = port
        self._now = now
        self._holding = holding
        self._on_unknown = on_unknown
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens; None while it refuses."""
        if self._server is None or not self._server.sockets:
            return None
        host, port, *_ = self._server.sockets[0].getsockname()
        return host, port

    async def open(self) -> None:
        """Listen and answer.

        Raises:
            OSError: the address cannot be had.
        """
        if self._server is None:
            self._server = await asyncio.start_server(
                self._converse, self._host, self._port, limit=LONGEST_QUESTION_BYTES
            )

    async def close(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            server, self._server = self._server, None
            server.close()
            await server.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(QUESTION_SECONDS):
                question = (await reader.readline()).decode("ascii", "replace")
            if self._server is not None and self._holding() and question:
                asker = str((writer.get_extra_info("peername") or ("unknown",))[0])
                writer.write(f"{self._board.answer(question, asker=asker, now=self._now())}\n".encode("ascii"))
                await writer.drain()
        except UnknownQuestionError as error:
            self._on_unknown(str(error))  # closing without a word leaves HAProxy as it is
        except (TimeoutError, ValueError, OSError):
            pass  # a scanner, or an HAProxy that went away
        finally:
            writer.close()
