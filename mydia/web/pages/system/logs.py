"""Logs: filter, follow and download them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery
from litestar.response import File

from mydia.contexts import settings
from mydia.errors import Invalid
from mydia.web.deps import CallerDep, ConfigDep, WebRequest
from mydia.web.render import fragment, is_htmx, page, query


class LogsView(msgspec.Struct, frozen=True, kw_only=True):
    """The newest lines that match the filter."""

    lines: tuple[settings.log_files.LogLine, ...]
    level: str
    q: str
    file: str
    files: tuple[str, ...]
    live: bool
    levels: tuple[str, ...] = settings.log_files.LEVELS

    @property
    def url(self) -> str:
        """Return the address of these lines."""
        return "/system/logs" + query({"level": self.level, "q": self.q, "file": self.file})


@get("/system/logs", sync_to_thread=True, include_in_schema=False)
def show_logs(
    request: WebRequest,
    config: ConfigDep,
    caller: CallerDep,
    level: FromQuery[str] = "info",
    q: FromQuery[str] = "",
    file: FromQuery[str] = "",
    live: FromQuery[str] = "",
) -> Response[str]:
    """Show the newest lines of the logs, newest first."""
    files = settings.log_files.present(caller, config.log_directory)
    if level not in settings.log_files.LEVELS or (file and file not in files):
        raise Invalid("Choose a level and a file from the lists.")
    lines = settings.log_files.read_logs(caller, config.log_directory, (file,) if file else files, level, q)
    view = LogsView(lines=tuple(lines), level=level, q=q, file=file, files=files, live=live != "off")
    if is_htmx(request) and request.headers.get("hx-target", "").endswith("#log-lines"):
        return fragment(request, "system/_log_lines.html", view)
    return page(request, "system/logs.html", view, active="system")


@get("/system/logs/{name:str}/download", sync_to_thread=True, include_in_schema=False)
def download_log(config: ConfigDep, caller: CallerDep, name: FromPath[str]) -> File:
    """Send a whole log."""
    path = settings.log_files.get_log(caller, config.log_directory, name)
    return File(path=path, filename=f"mydia-{name}.log", media_type="text/plain")


ROUTES: tuple[Any, ...] = (show_logs, download_log)
