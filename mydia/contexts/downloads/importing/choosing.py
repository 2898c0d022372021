"""Choose what is imported: which files are the film or the episodes, and why the others are left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import replace
from pathlib import Path, PurePosixPath

from mydia.adapters.filesystem import shown, to_os, to_text
from mydia.adapters.outside import Outside
from mydia.contexts import media
from mydia.contexts.downloads.importing.judging import checked
from mydia.contexts.downloads.importing.values import PARTIAL_SUFFIXES, ChosenFile, Content, ImportFile, Known, NotReady
from mydia.contexts.library import filekinds
from mydia.contexts.media import EpisodeRef
from mydia.errors import Invalid
from mydia.events import Reason, reason
from mydia.parsing import ParsedRelease, Quality, normalise_title, parse_path
from mydia.vocabulary import MediaType

# Source: arr-stack §3.4.
_DANGEROUS = frozenset(
    [".arj", ".bat", ".cmd", ".com", ".exe", ".lnk", ".lzh", ".msi", ".ps1", ".scr", ".sh", ".vbs", ".wsf", ".zipx"]
)
_ARCHIVES = re.compile(r"(?i)\.(?:7z|bz2|gz|rar|r\d\d|tar|tbz2?|tgz|zip)$")
_NUMBERED_COPY = re.compile(r"\.[1-9]\d?$")
_MULTI_PART = re.compile(r"(?i)(?:^|[ ._-])(?:cd|dis[ck]|part|pt)[ ._-]?[1-9](?:[ ._-]|$)")


def examine(outside: Outside, known: Known, content: Content) -> tuple[list[ImportFile], list[Reason]]:
    """Return all videos with what an import would do with each, and the problems of the whole download."""
    folder = content.folder
    found = _files_in(outside, content)
    if partial := [path for path, _ in found if str(path).lower().endswith(PARTIAL_SUFFIXES)]:
        raise NotReady(f"“{known.row.release_title}” still has incomplete files, such as {shown(partial[0].name)}.")
    if dangerous := [path.name for path, _ in found if path.suffix.lower() in _DANGEROUS]:
        return [], [reason("import.dangerous", names=[shown(name) for name in dangerous[:3]])]
    if any({"bdmv", "video_ts"} & {part.lower() for part in path.parts} for path, _ in found):
        return [], [reason("import.disc")]
    single = outside.files.facts(folder) is not None and len(found) == 1 and found[0][0].name == folder.name
    root = folder.parent if single else folder
    videos, extras = _sort_out(known, root, folder, found)
    if not videos:
        if any(_ARCHIVES.search(path.name) for path, _ in found):
            return extras, [reason("import.packed")]
        return extras, [reason("import.only-extras" if extras else "import.no-video")]
    if known.item_type is MediaType.MOVIE:
        videos, copies = _without_copies(videos)
        extras += copies
        videos, problem = _main_film(known, videos)
        if problem is not None:
            return [*videos, *extras], [problem]
    return [*(checked(outside, known, file) for file in _no_doubles(videos)), *extras], []


def _sort_out(
    known: Known, root: Path, folder: Path, found: Sequence[tuple[PurePosixPath, int]]
) -> tuple[list[ImportFile], list[ImportFile]]:
    """Return (videos to import, extras and samples with the reason why they are left out)."""
    # As a scan would see them: below the folder that is named after the release.
    places = {path: str(path) if str(path) == folder.name else f"{folder.name}/{path}" for path, _ in found}
    judged = filekinds.judge_files((places[path], size) for path, size in found)
    candidates = [(path, size) for path, size in found if path.suffix.lower() in filekinds.VIDEO_EXTENSIONS]
    videos: list[ImportFile] = []
    extras: list[ImportFile] = []
    for path, size in candidates:
        kind = judged.get(places[path], filekinds.Judged(filekinds.FileKind.OTHER))
        file = _identify(known, root, path, size, alone=len(candidates) == 1)
        if kind.kind is filekinds.FileKind.VIDEO or _is_content(known, file, kind.left_out, alone=len(candidates) == 1):
            videos.append(file)
        else:
            code = "left-out.sample" if kind.kind is filekinds.FileKind.SAMPLE else "left-out.extra"
            extras.append(replace(file, objections=(), skipped=reason(code, path=file.shown_path)))
    if len(videos) == 1 and videos[0].objections:
        videos = [_identify(known, root, *_source(videos[0], root), alone=True)]
    return videos, extras


def _source(file: ImportFile, root: Path) -> tuple[PurePosixPath, int]:
    return PurePosixPath(to_text(str(file.path.relative_to(root)))), file.size_bytes


def _is_content(known: Known, file: ImportFile, left_out: filekinds.LeftOut | None, *, alone: bool) -> bool:
    """Return whether a file that a scan would leave out is the wanted content.

    Episodes may be called “The Interview” and groups SCENE or SHORT. A file of an expected episode, or the only video of a
    film, is not an extra just because of a word in its name. Its folder still counts.
    """
    if left_out not in (filekinds.LeftOut.EXTRA_MARKER, filekinds.LeftOut.SAMPLE_NAME):
        return False
    if known.item_type is MediaType.MOVIE:
        return alone
    numbered = file.parsed is not None and bool(file.parsed.episodes or file.parsed.absolute_episodes)
    episode = numbered and bool(file.episodes) and not file.objections
    return episode and (alone or left_out is not filekinds.LeftOut.SAMPLE_NAME)


def _files_in(outside: Outside, content: Content) -> list[tuple[PurePosixPath, int]]:
    """Return the files of the download with their sizes, by path relative to the folder; for a single file by name.

    Files deselected in the client are left out, because they are incomplete.
    """
    folder = content.folder
    facts = outside.files.facts(folder)
    if facts is not None and not facts.is_folder:
        return [(PurePosixPath(folder.name), facts.size_bytes)]
    unwanted = {*content.unwanted, *(f"{name}{suffix}" for name in content.unwanted for suffix in PARTIAL_SUFFIXES)}
    return [
        (PurePosixPath(found.path), found.size_bytes)
        for found in outside.files.walk(folder)
        if (content.only is None or found.path in content.only) and found.path not in unwanted
    ]


def _identify(known: Known, root: Path, path: PurePosixPath, size: int, *, alone: bool) -> ImportFile:
    """Parse a file's name. If it is not specific enough and there is only one file, the release's name decides."""
    is_film = known.item_type is MediaType.MOVIE
    parsed = parse_path(str(path), None, "movie" if is_film else "tv")
    release = known.release
    quality = known.quality
    if parsed is not None and parsed.quality.name != "Unknown" and (not alone or quality.name == "Unknown"):
        quality = parsed.quality
    group = (release.release_group if release else None) or (parsed.release_group if parsed else None)
    file = ImportFile(
        path=root / to_os(str(path)),
        shown_path=shown(str(path)),
        size_bytes=size,
        quality=quality,
        parsed=parsed,
        release_group=group,
    )
    if is_film:
        return file
    if known.shared and parsed is not None and parsed.title and not _is_named(known, parsed):
        return replace(file, objections=(reason("import.no-episode", path=file.shown_path, title=known.item_title),))
    episodes: tuple[EpisodeRef, ...] = ()
    if parsed is not None and known.series is not None:
        episodes = media.numbering.meant_episodes(parsed, known.series).episodes
    if parsed is not None and parsed.is_season_pack and not parsed.episodes:
        episodes = ()
    if not episodes and alone:
        episodes = tuple(episode for episode in known.episodes if episode.id in known.expected)
        if len(episodes) > 1 and release is not None and release.is_season_pack:
            episodes = ()
    if not episodes:
        return replace(file, objections=(reason("import.no-episode", path=file.shown_path, title=known.item_title),))
    strange = [e.code for e in episodes if known.expected and e.id not in known.expected]
    if strange:
        because = reason("import.other-episode", path=file.shown_path, episodes=strange)
        return replace(file, episodes=episodes, objections=(because,))
    return replace(file, episodes=episodes)


def _is_named(known: Known, parsed: ParsedRelease) -> bool:
    return any(normalise_title(name) in known.titles for name in (parsed.title, *parsed.alternative_titles) if name)


def _without_copies(files: Sequence[ImportFile]) -> tuple[list[ImportFile], list[ImportFile]]:
    """Return (files, second copies with the reason why they are left out).

    A client that is started again during a download may keep the file of the first attempt and write `Film.1.mkv` beside
    `Film.mkv`, as SABnzbd does. The larger one is whole.
    """
    groups: dict[Path, list[ImportFile]] = {}
    paths = {file.path for file in files}
    for file in files:
        plain = file.path.with_name(_NUMBERED_COPY.sub("", file.path.stem) + file.path.suffix)
        groups.setdefault(plain if plain in paths else file.path, []).append(file)
    kept = {max(group, key=lambda file: (file.size_bytes, file.path == plain)).path for plain, group in groups.items()}
    return [file for file in files if file.path in kept], [
        replace(file, objections=(), skipped=reason("left-out.duplicate", path=file.shown_path))
        for file in files
        if file.path not in kept
    ]


def _main_film(known: Known, files: list[ImportFile]) -> tuple[list[ImportFile], Reason | None]:
    """Return all files; those that are not the film have the reason why they are left out.

    The film is by far the largest video. Among several of similar size it is the only one with the film's title and
    year; otherwise a user has to choose.
    """
    by_size = sorted(files, key=lambda file: file.size_bytes, reverse=True)
    alike = [file for file in by_size if file.size_bytes * 2 >= by_size[0].size_bytes]
    named = [
        file
        for file in alike
        if file.parsed is not None
        and _is_named(known, file.parsed)
        and (file.parsed.year is None or known.year is None or abs(file.parsed.year - known.year) <= 1)
    ]
    film = alike[0] if len(alike) == 1 and not (known.shared and not named) else named[0] if len(named) == 1 else None
    if film is not None:
        because = {"film": film.shown_path}
        return [
            film,
            *(
                replace(file, skipped=reason("left-out.smaller", path=file.shown_path, **because))
                for file in by_size
                if file is not film
            ),
        ], None
    names = [file.shown_path for file in alike[:3]]
    if len(alike) > 1 and all(_MULTI_PART.search(Path(file.shown_path).stem) for file in alike):
        return files, reason("import.parts", count=len(alike), names=names)
    return files, reason("import.several-films", count=len(alike), names=names)


def _no_doubles(files: list[ImportFile]) -> list[ImportFile]:
    """Keep the better and larger of two files with the same episode."""
    taken: set[str] = set()
    kept: list[ImportFile] = []
    for file in sorted(files, key=lambda file: (file.quality, file.size_bytes), reverse=True):
        ids = {episode.id for episode in file.episodes}
        if ids & taken and file.skipped is None:
            kept.append(replace(file, skipped=reason("left-out.duplicate", path=file.shown_path)))
            continue
        taken |= ids
        kept.append(file)
    return sorted(kept, key=lambda file: file.shown_path)


def as_chosen(known: Known, files: Sequence[ImportFile], chosen: Sequence[ChosenFile]) -> list[ImportFile]:
    """Return the files with a person's choices: what was chosen is imported despite objections, all others are left out.

    Raises:
        Invalid: A chosen file is not in the download, or its episodes belong to another series.
    """
    by_path = {file.shown_path: file for file in files}
    by_id: Mapping[str, EpisodeRef] = {episode.id: episode for episode in known.episodes}
    picked: list[ImportFile] = []
    for choice in chosen:
        file = by_path.get(choice.path)
        if file is None:
            raise Invalid(f"{choice.path} is not a video of this download.")
        if any(id not in by_id for id in choice.episode_ids):
            raise Invalid(f"Some of the chosen episodes do not belong to {known.item_title}.")
        episodes = tuple(by_id[id] for id in choice.episode_ids) or file.episodes
        if known.item_type is MediaType.TV_SHOW and not episodes:
            raise Invalid(f"Choose the episodes in {choice.path}.", fields={choice.path: "Choose episodes."})
        quality = Quality.from_name(choice.quality, file.quality.revision) if choice.quality else file.quality
        picked.append(replace(file, episodes=episodes, quality=quality, objections=(), skipped=None))
    names = {choice.path for choice in chosen}
    return [
        *picked,
        *(
            file
            if file.skipped is not None
            else replace(file, objections=(), skipped=reason("left-out.not-chosen", path=file.shown_path))
            for file in files
            if file.shown_path not in names
        ),
    ]
