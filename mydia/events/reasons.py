"""Why something happened: stored as a code with facts and rendered as a sentence only for display.

Code may compare codes and facts, never sentences. Rows and events from before this table hold sentences; they are shown
as they are.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from mydia import units
from mydia.languages import language_name


class Reason(msgspec.Struct, frozen=True):
    """A code of SENTENCES with the facts that its sentence names."""

    code: str
    facts: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Plain JSON values: sizes in bytes, dates in ISO form, another reason as `to_json` returns it."""

    def __post_init__(self) -> None:
        if self.code not in SENTENCES:
            msg = f"there is no sentence for the reason {self.code!r}"
            raise ValueError(msg)

    def __str__(self) -> str:
        return say(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {"code": self.code, "facts": dict(self.facts)}


def reason(code: str, **facts: object) -> Reason:
    """Return a reason.

    >>> str(reason("wrong-year", year=1984, title="Dune", expected=2021))
    'It is from 1984; Dune is from 2021.'
    """
    return Reason(code, facts)


def say(stored: Mapping[str, Any] | Reason | str) -> str:
    """Return the sentence of a stored reason.

    Args:
        stored: What `Reason.to_json` returned, possibly with more fields; or a sentence stored by an older version,
            alone or as the field `text`.
    """
    if isinstance(stored, Reason | str):
        return str(stored)
    template = SENTENCES.get(str(stored.get("code")))
    if template is None:
        return str(stored.get("text") or "")
    return _FORMAT.vformat(template, (), stored.get("facts") or {})


class _Format(string.Formatter):
    """Format specs of the sentences: `size`, `day`, `time`, `duration`, `minutes`, `reason`, `list`, `full`, `language` and `plural:word`."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        # A page must still render if an older version did not store a fact.
        return kwargs.get(key, "?")

    def format_field(self, value: Any, format_spec: str) -> str:
        name, _, word = format_spec.partition(":")
        match name:
            case "size":
                return units.size(value) if isinstance(value, int) else "unknown size"
            case "day":
                return f"{date.fromisoformat(str(value)[:10]):%-d %B %Y}"
            case "duration":
                return units.duration(value) if isinstance(value, int | float) else "?"
            case "reason":
                return say(value)
            case "list":
                return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            case "language":
                return language_name(str(value))
            case "time":
                return f"{datetime.fromisoformat(str(value)):%-d %B %Y, %H:%M} UTC"
            case "minutes":
                return units.left(60 * value) if isinstance(value, int | float) else "?"
            case "full":
                return str(value).rstrip(".")
            case "plural":
                return f"{value or 'no'} {word}{'' if value == 1 else 's'}"
            case _:
                return str(value)


_FORMAT = _Format()

SENTENCES: Mapping[str, str] = {
    # Why a file or a folder belongs to a title, or does not. These are phrases without a full stop.
    "match.id": "{source} has its id, {id}",
    "match.other-id": "{source} has another id, {id}",
    "match.folder": "This folder is the title's folder",
    "match.title": "Same title",
    "match.title-as": "Same title (as “{alias}”)",
    "match.similar": "The title is {percent} % similar",
    "match.similar-as": "The title is {percent} % similar (as “{alias}”)",
    "match.unlike": "The title is only {percent} % similar",
    "match.unlike-as": "The title is only {percent} % similar (as “{alias}”)",
    "match.no-year": "The name has no year",
    "match.no-catalogue-year": "The catalogue has no year for it",
    "match.year": "Same year, {year}",
    "match.near-year": "The years are one apart, {year} and {catalogue}",
    "match.year-in-title": "The year in the name is part of the title",
    "match.season-year": "The season aired in {year}",
    "match.other-year": "The name says {year}, the catalogue {catalogue}",
    "match.country": "Made in {country}, as the name says",
    "match.other-country": "The name says {country}; it was made in {catalogue}",
    "match.runtime": "The running time matches, {minutes} of {expected} minutes",
    "match.other-runtime": "Runs {minutes} min; expected {expected}",
    "match.episodes": "All {count} episodes exist",
    "match.missing-episodes": "{missing} of {count} episodes do not exist in it, such as {first}",
    "match.language": "The audio is in its original language, {language:language}",
    "match.chosen": "{by} chose this title",
    "match.chosen-folder": "Chosen by a user for this folder",
    "match.from-nfo": "The title comes from an NFO file",
    "match.from-names": "The title comes from the file names",
    "match.downloaded": "Downloaded for this title",
    "match.imported": "Imported manually",
    # Why an indexer's feed has a gap.
    "feed-gap.feed_short": "The feed does not go back far enough.",
    "feed-gap.limit": "More releases appeared than are read at once.",
    "feed-gap.failed": "A page of the feed failed several times and was skipped.",
    # Why a release was rejected.
    "unparsable": "The release name can't be parsed.",
    "unparsable.no-episode": "The name has no season or episode.",
    "wrong-title": "It is called “{title}”, which is not a title of {expected}.",
    "wrong-title.episode": "It is an episode of “{title}”, not the movie {expected}.",
    "wrong-title.other-film": "The indexer says it is another movie ({catalogue} {found} instead of {expected}).",
    "wrong-title.other-series": "The indexer says it is another show ({catalogue} {found} instead of {expected}).",
    "wrong-year": "It is from {year}; {title} is from {expected}.",
    "wrong-year.missing": "The name has no year, and there is also {namesake}.",
    "wrong-title.ambiguous": "The name may also mean {other}; there is no year or id that decides.",
    "wrong-episode.unknown": "{title} has no episode {episode}.",
    "wrong-episode.unknown-day": "{title} has no episode of {day:day}.",
    "wrong-episode.unknown-season": "{title} has no episode in season {season}.",
    "wrong-episode.unnamed": "{title} has no episode that matches this name.",
    "wrong-episode.part": "It is only a part of {episode}.",
    "wrong-episode.other": "It contains {episodes}, which wasn't searched for.",
    "wrong-episode.pack": "It is a whole season of {count} episodes; one episode was searched for.",
    "wrong-season": "It is season {seasons:list}; season {expected} was searched for.",
    "multi-season": "It is a pack of {count} seasons, and your settings only accept single seasons.",
    "multi-season.uncounted": "It is a pack of several seasons, and it is not known which.",
    "multi-season.few": "It is a pack of {count} seasons, but only {useful} of its {episodes} episodes would be imported.",
    "extras-only": "It contains extras of a season, not its episodes.",
    "not-monitored": "{title} is not monitored.",
    "not-monitored.episodes": "{episodes} is not monitored.",
    "quality-not-wanted": "{profile} does not allow {quality}.",
    "replaces-more": "The file it would replace also contains {episodes:list}.",
    "language-not-wanted": "It is in {languages:list}; {profile} requires {wanted:list}.",
    "score-below-minimum": "It scores {score}; {profile} requires at least {minimum}.",
    "raw-disc": "It is a whole disc, not a video file.",
    "hardcoded-subs": "Its subtitles are burned into the picture.",
    "size-min": "{size:size} is under your {limit:size} minimum for {quality} ({owner}).",
    "size-max": "{size:size} is over your {limit:size} limit for {quality} ({owner}).",
    "sample": "It is a sample ({size:size}).",
    "free-space": (
        "It needs {size:size}, but only {free:size} is free in the library folder and {kept:size} of that must stay free."
    ),
    "blocklisted": "Blocklisted on {since:day}: {because:reason}",
    "already-imported": "This release was imported on {on:day}.",
    "grabbed-recently": "“{title}” was grabbed on {on:day}, and this is no better.",
    "grabbed-recently.same": "This release was grabbed on {on:day}.",
    "not-wanted": "No title of the library that wants something has this name.",
    "not-grabbed": "It passes every rule, but was not sent to a download client; see the title's searches.",
    "in-queue": "This release is already being downloaded.",
    "in-queue.better": "{quality} is already being downloaded: “{title}”.",
    "seeders-min": "{seeders:plural:seeder}; at least {minimum} required.",
    "seeders-min.none": "No seeders; at least {minimum} required.",
    "password-protected": "The indexer says it needs a password.",
    "no-client.torrent": "No torrent client is configured. Add one in the settings.",
    "no-client.usenet": "No Usenet client is configured. Add one in the settings.",
    "availability.cinema": "It is not out yet: it comes to cinemas on {on:day}.",
    "availability.home": "It is not out yet: it is released on {on:day}.",
    "availability.expected": "It is not out yet: it is expected on {on:day}.",
    "availability.unknown": "It is not out yet, and no date is known.",
    "full-season-not-aired": "It is a whole season, but {episode} airs on {on:day}.",
    "full-season-not-aired.unknown": "It is a whole season, but the air date of {episode} is unknown.",
    "before-air-date": "{episode} airs on {on:day}; the release profile {profile} waits until {until:day}.",
    "before-air-date.unknown": "The air date of {episode} is unknown; the release profile {profile} requires one.",
    "must-contain": "It contains none of the terms that the release profile {profile} requires: {terms:list}.",
    "must-not-contain": "It contains {terms:list}, which the release profile {profile} excludes.",
    "delay": "It waits for better releases until {until:time}: the delay profile {profile} waits {minutes:minutes} for {protocol}.",
    "delay-protocol": "The delay profile {profile} does not allow {protocol}.",
    "pending-overlaps": "“{title}” waits until {until:time} for better releases of the same.",
    "indexer-disabled": "{indexer} does not answer and is skipped until {until:time}.",
    "indexer-tag": "{indexer} is only used for titles with the tag {tags:list}.",
    "required-flags": "{indexer} is only used for releases marked {flags:list}.",
    "too-new": "It was posted {age:minutes} ago; Usenet posts must be {minimum:minutes} old.",
    "too-old": "It was posted {age} days ago; your provider keeps posts for {retention} days.",
    "size-limit": "{size:size} is over your general limit of {limit:size}.",
    "not-a-season-pack": "{indexer} is only used for whole seasons once they are over for {days} days.",
    "repack.no-group": "It is a repack, and its group or that of the existing file is unknown.",
    "repack.other-group": "It is a repack by {group}; the existing file is from {held}.",
    "anime-version.no-group": "It is version {version}, and its group or that of the existing file is unknown.",
    "anime-version.other-group": "It is version {version} by {group}; the existing file is from {held}.",
    "proper-too-late": "It is a newer revision, but your file is older than {days} days; new revisions are only taken from a feed until then.",
    # How a release compares with the file in the library.
    "upgrade.better_quality": "{new} is better than the {current} you have.",
    "upgrade.present_is_better": "You already have {current}, which is better than {new}.",
    "upgrade.better_revision": "It is a newer revision ({revision}) of the {current} you have.",
    "upgrade.upgrades_off": "You have {current}, and {profile} does not allow upgrades.",
    "upgrade.present_revision_is_newer": "You already have a newer revision ({revision}) of {current}.",
    "upgrade.goal_reached": "You have {current}, which meets {profile}.",
    "upgrade.same": "You already have {current}, and this is no better.",
    "upgrade.propers_off": (
        "It is a newer revision ({revision}) of the {current} you have, and your settings do not upgrade to propers and repacks."
    ),
    "upgrade.score_goal_reached": "Your {current} scores {score}, which meets {profile}.",
    "upgrade.score_too_close": "It scores {score} against {held}; {profile} requires {step} more.",
    "upgrade.better_score": "It scores {score} against {held}.",
    # Why a release was grabbed, and what happened on the way to its client.
    "grab.best": "{quality}, {size:size}; the best result of its search, from {indexer}.",
    "grab.chosen": "{quality}, {size:size}; number {place} in its search, from {indexer}.",
    "grab.link": "Added manually, from {indexer}.",
    "grab.override": "{by} grabbed it despite: {because:reason}",
    "grab.adopted": "{by} adopted it from {client}.",
    "grab.shared": "{client} has this torrent already, for {title}. Both share it.",
    "grab.present": "{client} had this torrent already. Mydia imports it and never removes it.",
    "grab.unanswered": "{error:full}. Mydia will check whether {client} received the release.",
    "grab.interrupted": "Mydia was interrupted while handing it over; {client} had received it.",
    # What people and clients did with a download.
    "user.paused": "{by} paused it.",
    "user.resumed": "{by} resumed it.",
    "user.removed": "{by} removed it.",
    "user.forgot": "{by} removed it from the queue.",
    "user.unwanted": "{by} rejected it.",
    "user.marked-failed": "{by} marked it as failed.",
    "client.removed-complete": "{client} removed it after it was complete. The files are still there.",
    "client.removed": "{client} no longer has it: it was removed there.",
    "client.moved": "{client} now lists it under another id.",
    "client.kept": "It stays in {client}, because Mydia did not add it.",
    # Why a download makes no progress.
    "stalled": "No progress for {idle:duration}; {seeders:plural:seeder}.",
    "stalled.metadata": "Its metadata could not be fetched for {idle:duration}; {seeders:plural:seeder}.",
    "local.client-error": "{client} can't write or find its files: {message:full}. Fix the problem there, then resume.",
    "local.files-missing": "{client} can't find the files it had downloaded. Is a folder not mounted?",
    # Why a download failed.
    "failed.stalled": "No progress for {hours} hours; {seeders:plural:seeder}.",
    "failed.encrypted": "The release is encrypted and needs a password.",
    "failed.client": "{client} reports: {message:full}.",
    "failed.client-silent": "{client} reports an error.",
    # Why a request was approved, waits, or failed, and where its choices come from.
    "request.auto.manager": "{by} may approve requests.",
    "request.auto.rule": "The rule “{rule}” approves it.",
    "request.auto.person": "Requests by {asker} are approved automatically.",
    "request.auto.role": "Requests by {role}s are approved automatically.",
    "request.auto.wanted": "It is in the library already, and Mydia is looking for it.",
    "request.auto.here": "It is in the library now.",
    "request.waits": "It waits for approval.",
    "request.waits.rule": "The rule “{rule}” asks for approval.",
    "request.waits.person": "Requests by {asker} need approval.",
    "request.rule": "The rule “{rule}” applies ({conditions:list}).",
    "request.rule.general": "The rule “{rule}” applies to every request.",
    "request.defaults": "Profile and folder are the defaults for {asker}.",
    "request.failed.metadata": "The metadata source does not answer: {cause:full}.",
    "request.failed.gone": "The catalogue no longer has this title.",
    "request.failed.removed": "The title was removed from the library.",
    "request.failed.refused": "It could not be added: {cause:full}.",
    "request.left-out.available": "Season {season} is available.",
    "request.left-out.requested": "Season {season} was requested already; you follow that request.",
    "request.left-out.mine": "You have requested season {season} already.",
    "problem.reported": "{by} reported a problem with it ({kind}).",
    # Why an import waits for a person.
    "import.automatic-off": "Automatic imports are off. Import it manually.",
    "import.no-path": "{client} does not say where the files are.",
    "import.path-removed": (
        "{client} no longer has “{release}”, and {path} is gone: both were removed before the import. "
        "Remove it here too, and search again."
    ),
    "import.path-missing": (
        "{path} can't be seen from here. Mount the folder at the same place as in {client}, or add a path mapping to "
        "{client} in the settings."
    ),
    "import.no-library-folder": "{title} has no library folder. Choose one on its page.",
    "import.library-missing": "The library folder {path} does not exist. Is it mounted?",
    "import.dangerous": "It contains {names:list}, which may be harmful. Remove it and block the release.",
    "import.disc": "It is a whole disc (BDMV or VIDEO_TS), not a video file.",
    "import.packed": "It is packed (.rar or .zip). Unpack it, or let the client do so; the import then starts by itself.",
    "import.only-extras": "It contains only samples and extras.",
    "import.no-video": "It contains no video.",
    "import.parts": "It comes in {count} parts ({names:list}), which Mydia does not join.",
    "import.several-films": "It contains {count} movies ({names:list}). Choose the right one.",
    "import.no-episode": "{path} does not match any episode of {title}.",
    "import.other-episode": "{path} is {episodes:list}, which this release was not grabbed for.",
    "import.disc-image": "{path} is a disc image, not a video file.",
    "import.unplayable": "{path} can't be played: {cause:full}.",
    "import.sample": "{path} runs {length:duration}; about {expected} min expected. It looks like a sample.",
    "import.silent": "{path} has no sound.",
    "import.no-room": (
        "It needs {size:size}, but only {free:size} is free in {folder} and {kept:size} of that must stay free."
    ),
    "import.failed": "Import failed: {error}",
    "import.title-removed": "{title} is no longer in the library. Add it again, or remove this download.",
    "import.interrupted": "Mydia was interrupted while importing it and will continue.",
    "import.by-hand": "{files:plural:file} imported with manual import.",
    "import.by-hand-as": "Imported with manual import as “{title}”.",
    # What was left out of an import.
    "left-out.not-better": "{path} was left out. {because:reason}",
    "left-out.duplicate": "{path} was left out: another file has the same episode.",
    "left-out.extra": "{path} was left out: it is an extra.",
    "left-out.sample": "{path} was left out: it is a sample.",
    "left-out.smaller": "{path} was left out: {film} is the movie.",
    "left-out.not-chosen": "{path} was left out: it was not chosen.",
    "left-out.already": "{path} is already in the library.",
    "note": "{text}",
}
"""Code -> sentence. Codes are stored and never renamed; sentences may change at any time."""
