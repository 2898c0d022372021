"""Files that are uploaded: written to disk as they arrive, so that neither memory nor the limit of forms matters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from litestar.enums import RequestEncodingType
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from mydia import units
from mydia.errors import Unavailable
from mydia.web import security
from mydia.web.deps import Unreadable, WebRequest

BACKUP_BYTES = 4 * 2**30
"""The limit for an uploaded backup; the database of a large library has a few hundred megabytes."""
_AT_ONCE_BYTES = 2**20
"""Written at once, in a thread."""
_FIELD_BYTES = 4096
"""The limit for the form's other fields, of which only the token is read."""


async def save_body(request: WebRequest, target: Path) -> Path:
    """Write the body of a request to a file.

    Raises:
        Unavailable: The disk is full or not writable.
    """
    await _write(_body(request), target)
    return target


async def save_file_field(request: WebRequest, target: Path) -> Path:
    """Write the file of a form (multipart/form-data) to a file. It stays empty if none was chosen.

    The handler is marked with `opt={"csrf": False}`, because the general check would read the whole form; the token is
    checked here before the file is written, so it has to come first.

    Raises:
        Forbidden: The form did not come from one of our pages.
        Unreadable: It is not such a form.
        Unavailable: The disk is full or not writable.
    """
    kind, options = request.content_type
    if kind != RequestEncodingType.MULTI_PART or not options.get("boundary"):
        raise Unreadable("Send the file as multipart/form-data.", status_code=415)
    await _write(_file_field(request, options["boundary"]), target)
    return target


async def _body(request: WebRequest) -> AsyncIterator[bytes]:
    security.allow_slow_body(request)
    async for chunk in request.stream():
        yield chunk


async def _file_field(request: WebRequest, boundary: str) -> AsyncIterator[bytes]:
    token, trusted = b"", False
    part: MultipartSegment | None = None
    try:
        with PushMultipartParser(boundary, max_header_size=_FIELD_BYTES) as parser:
            async for chunk in _body(request):
                for event in parser.parse(chunk) if chunk else ():
                    if isinstance(event, MultipartSegment):
                        part = event
                    elif event is None or part is None:
                        part = None
                    elif part.filename is not None:
                        if not trusted:
                            security.refuse_foreign_form(request, token.decode("latin-1"))
                            trusted = True
                        yield bytes(event)
                    elif part.name == security.CSRF_FIELD and len(token) < _FIELD_BYTES:
                        token += event
    except MultipartError as error:
        raise Unreadable("The form cannot be read: it is damaged or incomplete.") from error


async def _write(chunks: AsyncIterator[bytes], target: Path) -> None:
    with _removed_on_failure(target):
        await _write_whole(chunks, target)


@contextmanager
def _removed_on_failure(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        target.unlink(missing_ok=True)
        raise Unavailable(f"The file could not be written to {target.parent}: {error.strerror}.") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise


async def _write_whole(chunks: AsyncIterator[bytes], target: Path) -> None:
    def append(block: bytes) -> None:
        with target.open("ab") as file:
            file.write(block)

    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= _AT_ONCE_BYTES:
            await asyncio.to_thread(append, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(append, bytes(waiting))


async def read_file_fields(request: WebRequest, *, most_bytes: int) -> list[tuple[str, bytes]]:
    """Return the files of a form (multipart/form-data) with their names, which contain the path if a folder was chosen.

    As in `save_file_field`, the token has to come first.

    Raises:
        Forbidden: The form did not come from one of our pages.
        Unreadable: It is not such a form, or its files are larger than `most_bytes` together.
    """
    kind, options = request.content_type
    if kind != RequestEncodingType.MULTI_PART or not options.get("boundary"):
        raise Unreadable("Send the file as multipart/form-data.", status_code=415)
    files: list[tuple[str, bytearray]] = []
    token, trusted, total = b"", False, 0
    part: MultipartSegment | None = None
    try:
        with PushMultipartParser(options["boundary"], max_header_size=_FIELD_BYTES) as parser:
            async for chunk in _body(request):
                for event in parser.parse(chunk) if chunk else ():
                    if isinstance(event, MultipartSegment):
                        part = event
                        if part.filename:
                            if not trusted:
                                security.refuse_foreign_form(request, token.decode("latin-1"))
                                trusted = True
                            files.append((part.filename, bytearray()))
                    elif event is None or part is None:
                        part = None
                    elif part.filename:
                        total += len(event)
                        if total > most_bytes:
                            raise Unreadable(f"The files are larger than {units.size(most_bytes)}.", status_code=413)
                        files[-1][1].extend(event)
                    elif part.name == security.CSRF_FIELD and len(token) < _FIELD_BYTES:
                        token += event
    except MultipartError as error:
        raise Unreadable("The form cannot be read: it is damaged or incomplete.") from error
    if not trusted:
        security.refuse_foreign_form(request, token.decode("latin-1"))
    return [(name, bytes(content)) for name, content in files]
