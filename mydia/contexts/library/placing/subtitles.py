"""Find the subtitles of an imported video."""

from __future__ import annotations

from pathlib import Path

from mydia import clock
from mydia.adapters.errors import AdapterError
from mydia.adapters.filesystem import (
    Files,
    shown,
    to_os,
)
from mydia.contexts.library.filekinds import SUBTITLE_EXTENSIONS, FileKind, classify
from mydia.contexts.library.sidecars import subtitle_ending

_SUBTITLE_FOLDERS = ("Subs", "subs", "Subtitles", "subtitles")


def subtitles_beside(files: Files, source: Path, target: Path) -> list[tuple[str, Path, Path]]:
    """Find the subtitles of a video: those with its name, or all if it is the only video there."""
    try:
        names = files.list_folder(source.parent)
    except AdapterError:
        return []
    videos = [name for name in names if classify(f"x/{name}", 1 << 40) is FileKind.VIDEO]
    found = [source.parent / to_os(name) for name in names if Path(name).suffix.lower() in SUBTITLE_EXTENSIONS]
    for folder in _SUBTITLE_FOLDERS:
        if folder in names and len(videos) == 1:
            try:
                inner = files.list_folder(source.parent / folder)
            except AdapterError:
                continue
            found += [
                source.parent / folder / to_os(name)
                for name in inner
                if Path(name).suffix.lower() in SUBTITLE_EXTENSIONS
            ]
    beside: list[tuple[str, Path, Path]] = []
    taken: set[str] = set()
    for path in found:
        if len(videos) != 1 and not path.stem.startswith(source.stem):
            continue
        language, flags = subtitle_ending(shown(path.name))
        ending = "".join(f".{part}" for part in (language, *flags) if part)
        for number in range(1, 20):
            counted = "" if number == 1 else f".{number}"
            name = f"{target.stem}{ending}{counted}{path.suffix.lower()}"
            if name not in taken and not files.exists(target.with_name(name)):
                taken.add(name)
                beside.append((clock.new_id(), path, target.with_name(name)))
                break
    return beside
