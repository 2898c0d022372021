"""Judge a chosen file: what it contains, whether it is better than what is held, and whether there is room for it."""

from __future__ import annotations

from copy import replace

from mydia.adapters.errors import AdapterError, Nonsense
from mydia.adapters.outside import Outside
from mydia.contexts import settings
from mydia.contexts.downloads.importing.values import ImportFile, Known, NotReady
from mydia.events import Reason, reason
from mydia.parsing import Modifier
from mydia.vocabulary import MediaType

# (expected minutes up to, shortest seconds that are no sample). Source: arr-stack §3.3.
_SAMPLE_RULE = ((3, 15), (10, 90), (30, 300), (100_000, 600))
_ASSUMED_EPISODE_MIN = 45
_ASSUMED_FILM_MIN = 110


def checked(outside: Outside, known: Known, file: ImportFile) -> ImportFile:
    """Check a file against what is already placed, its content, and the existing files."""
    if file.objections or file.skipped is not None:
        return file
    ids = frozenset(episode.id for episode in file.episodes)
    if known.placed_film or (ids and ids <= known.placed_episodes):
        return replace(file, already=True, skipped=reason("left-out.already", path=file.shown_path))
    file, objections = _probed(outside, known, file)
    if objections:
        return replace(file, objections=tuple(objections))
    for held in known.held:
        if known.item_type is MediaType.MOVIE or held.episode_ids & ids:
            verdict = settings.upgrades.compare(
                known.profile,
                held.quality,
                file.quality,
                current_score=held.format_score,
                new_score=file.format_score,
                propers=known.propers,
            )
            if not verdict.upgrade:
                because = reason("left-out.not-better", path=file.shown_path, because=verdict.because.to_json())
                return replace(file, skipped=because)
            if lost := held.episode_ids - ids:
                codes = sorted(episode.code for episode in known.episodes if episode.id in lost)
                return replace(file, objections=(reason("replaces-more", episodes=codes),))
    return replace(file, objections=tuple(_room(outside, known, file)))


def _probed(outside: Outside, known: Known, file: ImportFile) -> tuple[ImportFile, list[Reason]]:
    """Probe a file: can it be played, is it long enough, does it have sound? The probed resolution overrides the name's."""
    if file.path.suffix.lower() in (".iso", ".img"):
        return file, [reason("import.disc-image", path=file.shown_path)]
    try:
        facts = outside.probe.probe(file.path)
    except Nonsense as error:
        return file, [reason("import.unplayable", path=file.shown_path, cause=error.cause)]
    except AdapterError as error:
        raise NotReady(f"{file.shown_path} can't be read: {error.cause}.") from error
    quality = file.quality
    if facts.resolution is not None and quality.modifier in (Modifier.NONE, Modifier.REMUX):
        quality = replace(quality, resolution=facts.resolution)
    file = _scored(known, replace(file, quality=quality, facts=facts))
    objections: list[Reason] = []
    special = bool(file.episodes) and all(episode.season_number == 0 for episode in file.episodes)
    expected = _expected_min(known, file)
    shortest = next(seconds for minutes, seconds in _SAMPLE_RULE if expected <= minutes)
    if not special and facts.duration_s is not None and facts.duration_s < shortest:
        objections.append(reason("import.sample", path=file.shown_path, length=facts.duration_s, expected=expected))
    if not facts.audio and facts.duration_s is not None:
        objections.append(reason("import.silent", path=file.shown_path))
    return file, objections


def _scored(known: Known, file: ImportFile) -> ImportFile:
    """Return a file with its custom formats: what its streams contain counts, not only the name of the release."""
    if known.formats is None or not known.formats.formats:
        return file
    subjects = settings.formats.subjects
    # The names of a pack's files say more than the name of the pack; they are also what the library stores.
    is_pack = known.release is not None and known.release.is_season_pack
    name = file.path.stem if is_pack else known.row.release_title
    release = file.parsed if is_pack else known.release
    matched = known.formats.matching(
        subjects.of_file(
            (name,),
            release,
            known.item_type,
            quality=file.quality,
            streams=None
            if file.facts is None
            else subjects.Streams(
                subjects.heard_languages(track.language for track in file.facts.audio),
                subjects.hdr_words(file.facts.hdr_format),
            ),
            group=file.release_group,
            original_language=known.original_language,
            year=known.year,
            size_bytes=file.size_bytes,
            flags=map(str, known.row.flags),
            episodes=len(file.episodes),
        )
    )
    score = settings.formats.score_of(matched, known.profile.scores)
    return replace(file, formats=matched, format_score=score)


def _expected_min(known: Known, file: ImportFile) -> int:
    if known.item_type is MediaType.MOVIE:
        return known.runtime_min or _ASSUMED_FILM_MIN
    each = known.runtime_min or _ASSUMED_EPISODE_MIN
    return sum(episode.runtime_min or each for episode in file.episodes) or each


def _room(outside: Outside, known: Known, file: ImportFile) -> list[Reason]:
    """Return an objection if there is not enough space for a copy; a hard link needs none."""
    folder = known.library_folder
    if folder is None or outside.files.same_filesystem(file.path, folder):
        return []
    free = outside.files.space(folder).free_bytes
    if free - file.size_bytes >= known.minimum_free_bytes:
        return []
    facts = {"size": file.size_bytes, "free": free, "kept": known.minimum_free_bytes}
    return [reason("import.no-room", **facts, folder=str(folder))]
