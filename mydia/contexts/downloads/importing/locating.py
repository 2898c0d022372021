"""Find where the files of a finished download are, as seen from here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mydia.adapters.download_clients import RemoteDownload, RemoteFile, RemoteState
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import shown, to_os
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.downloads.importing.values import PARTIAL_SUFFIXES, Content, Known, NotReady
from mydia.contexts.settings import ClientChoice
from mydia.events import Reason, reason


def locate(outside: Outside, known: Known) -> Content | Reason:
    """Return the location of the content, or why it can't be found."""
    row, choice = known.row, known.choice
    remote: RemoteDownload | None = None
    client = None if choice is None or row.client_ref is None else outside.download_client(choice.connection)
    files: Sequence[RemoteFile] = ()
    if client is not None:
        try:
            remote = client.get(row.client_ref or "")
            if remote is not None:
                files = client.files(remote.ref)
        except AdapterError as error:
            raise NotReady(f"{error}. The import waits for it.") from error
    if remote is not None and (remote.progress < 1 or remote.state not in (RemoteState.SEEDING, RemoteState.COMPLETED)):
        raise NotReady(f"{row.client_name} reports that “{row.release_title}” is not complete yet ({remote.state}).")
    path = remote.output_path if remote else row.output_path
    loose = path is None and remote is not None and remote.save_path is not None and bool(files)
    path = remote.save_path if remote is not None and loose else path or row.output_path
    if path is None:
        return reason("import.no-path", client=row.client_name)
    local = Path(to_os(settings.clients.map_remote_path(choice.mappings if choice else (), path)))
    if not local.is_absolute() or not outside.files.exists(local):
        if remote is None and client is not None:
            return reason(
                "import.path-removed", client=row.client_name, release=row.release_title, path=shown(str(local))
            )
        return reason("import.path-missing", path=shown(str(local)), client=row.client_name)
    if known.library_folder is None:
        return reason("import.no-library-folder", title=known.item_title)
    if not outside.files.mount_state(known.library_folder).exists:
        return reason("import.library-missing", path=str(known.library_folder))
    # Paths from files() are relative to the save folder, so the name of the content folder is removed.
    cut = "" if loose or remote is None or remote.save_path is None else _below(remote.save_path, path)
    listed = {file.path.removeprefix(cut): file.wanted for file in files}
    return Content(
        local,
        frozenset(listed) if loose else None,
        frozenset(name for name, wanted in listed.items() if not wanted),
    )


def complete_size(outside: Outside, choice: ClientChoice, path: str | None) -> int | None:
    """Return the size of a download's files in bytes, None if they are not there or some are incomplete.

    Args:
        path: As the client reported it.
    """
    if path is None:
        return None
    local = Path(to_os(settings.clients.map_remote_path(choice.mappings, path)))
    facts = outside.files.facts(local) if local.is_absolute() else None
    if facts is None:
        return None
    if not facts.is_folder:
        return None if local.name.lower().endswith(PARTIAL_SUFFIXES) else facts.size_bytes
    found = list(outside.files.walk(local))
    if any(one.path.lower().endswith(PARTIAL_SUFFIXES) for one in found):
        return None
    return sum(one.size_bytes for one in found)


def _below(save_path: str, path: str) -> str:
    """Return the part of a content folder below the save folder, with a slash at its end: `Some.Release/`."""
    rest = path.replace("\\", "/").removeprefix(save_path.replace("\\", "/").rstrip("/")).strip("/")
    return f"{rest}/" if rest else ""
