"""`mydia parse NAME…`: show the fields the parser reads from names, with positions and confidence."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from mydia.parsing.dictionary import as_dict
from mydia.parsing.folders import read_path
from mydia.parsing.paths import is_path
from mydia.parsing.reading import read
from mydia.parsing.release import ParsedRelease

_HINTS = ("tv", "movie", "subtitle")


def main(argv: Sequence[str]) -> int:
    """Print the fields of each name.

    Args:
        argv: The arguments behind `mydia parse`; the name `-` reads names from standard input, one per line.

    Returns:
        0 if every name was accepted, 1 if at least one was refused.
    """
    options = _parser().parse_args(argv)
    names = [line.rstrip("\n") for name in options.names for line in (sys.stdin if name == "-" else (name,))]
    answers = [_answer(name, options.hint) for name in names]
    if options.json:
        print(json.dumps([_as_json(*answer) for answer in answers], ensure_ascii=False, indent=2))
    else:
        print("\n\n".join(_as_text(*answer) for answer in answers))
    return 1 if any(refusal for _, refusal in answers) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mydia parse", description=(__doc__ or "").partition(":")[2].strip().capitalize()
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="a release or file name or a path; - reads lines")
    parser.add_argument("--hint", choices=_HINTS, help="what is known already: tv, movie or subtitle")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def _answer(name: str, hint: str | None) -> tuple[ParsedRelease, str | None]:
    return read_path(name, None, hint) if is_path(name) else read(name, hint)


def _as_json(release: ParsedRelease, refusal: str | None) -> dict[str, Any]:
    return {
        "name": release.name,
        "refused": refusal,
        "fields": as_dict(release, refused=refusal is not None),
        "quality": release.quality.to_json(),
        "confidence": asdict(release.confidence),
        "spans": {field: [list(span) for span in spans] for field, spans in release.spans.items()},
    }


def _as_text(release: ParsedRelease, refusal: str | None) -> str:
    lines = [release.name]
    if refusal is not None:
        lines.append(f"  refused: {refusal}")
    sure = asdict(release.confidence)
    fields = {
        "quality": release.quality.name,
        "marked_season": release.marked_season,
        **as_dict(release, refused=refusal is not None),
    }
    for field, value in fields.items():
        if value in (None, "", [], False, 0) or field == "parsed":
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        places = release.spans.get(_SPAN_OF.get(field, field), ())
        read_from = " ".join(f"{start}-{end}" for start, end in places)
        confidence = sure.get(field)
        remarks = [f"at {read_from}" if read_from else "", f"{confidence:.0%} sure" if confidence else ""]
        remark = ", ".join(filter(None, remarks))
        lines.append(f"  {field:<20} {shown}" + (f"   ({remark})" if remark else ""))
    return "\n".join(lines)


_SPAN_OF = {"audio_codec": "audio_codecs", "air_date": "air_on", "resolution": "quality", "quality_source": "quality"}
