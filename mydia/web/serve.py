"""Run the web server: granian on uvloop, one process, HTTP/1."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from litestar import Litestar

from mydia.config import Config

logger = logging.getLogger(__name__)

_CONNECTIONS = 2048
_FIRST_PAGE_S = 0.5
"""How long background work waits for the first page after the port is open."""


def serve(config: Config, app: Litestar, *, on_settled: Callable[[], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        on_settled: Called once the first page has had time to be served.
    """
    import uvloop

    uvloop.run(_serve(config, app, on_settled))


async def _serve(config: Config, app: Litestar, on_settled: Callable[[], None] | None) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    if on_settled is not None:
        loop.call_later(_FIRST_PAGE_S, on_settled)
    await listen(app, str(config["server.host"]), int(config["server.port"]), stopping)


async def listen(app: Litestar, host: str, port: int, stopping: asyncio.Event) -> None:
    """Serve until `stopping` is set; works on any event loop and in any thread."""
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=True,
        # The default of 128 also limits open connections, and every open tab keeps one for its live updates.
        backlog=_CONNECTIONS,
        backpressure=_CONNECTIONS,
        log_enabled=False,
    )
    task = asyncio.create_task(server.serve())
    waiting = asyncio.create_task(stopping.wait())
    logger.info("listening", extra={"address": f"http://{host}:{port}"})
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    # Streams must end first, because the server waits for open connections.
    await asyncio.to_thread(app.state.live.close)
    waiting.cancel()
    if not task.done():
        server.stop()  # type: ignore[no-untyped-call]  # granian leaves it untyped
    await task
