"""The formats that the tests use: the sample in the tree, and the whole guide data if it is present."""

import json
import os
from pathlib import Path

from mydia.contexts.settings import formats
from mydia.parsing import parse_release
from mydia.vocabulary import MediaType

SAMPLE = Path(__file__).parent / "sample"
_BESIDE = Path(__file__).parents[5] / "shared" / "corpora"
CORPORA = Path(os.environ.get("MYDIA_CORPORA", _BESIDE))
WHOLE = CORPORA / "trash-guides"


def files(root, app, folder="cf"):
    return [json.loads(path.read_text()) for path in sorted((root / "docs" / "json" / app / folder).glob("*.json"))]


def read(found, app):
    return formats.Format(
        id=found["trash_id"],
        name=found["name"],
        conditions=formats.read_conditions(formats.App(app), found["specifications"]),
    )


def subject(app, name, **known):
    media_type = formats.App(app).media_type
    parsed = parse_release(name, "movie" if media_type == MediaType.MOVIE else "tv")
    return formats.subjects.of_release(name, parsed, media_type, **known)
