"""Phrases that make a reader stop: old-fashioned words, personified files and services, inverted order.

Each pattern comes from a sentence that a reviewer had to read twice. Docstrings, comments, messages, templates and
documents are checked, identifiers are not.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ALLOWED = 0
"""How many phrases the tree may hold."""

INSTEAD: tuple[tuple[str, str], ...] = (
    (r"anew", "again, or name what is new"),
    (r"whoever|whosoever", "name who"),
    (r"nobody's", "no user's, unowned, private"),
    (r"no ?body (?:shall|sends|waits|hears|else's|asks for|stands|has to)", "say what happens"),
    (r"sureness", "confidence, threshold"),
    (r"shall", "must, will, or the plain present"),
    (r"tells? (?:no|it|of|that|nothing|what|how|whether|when)", "reports, shows, says whether, returns"),
    (r"told (?:no|it|of|that|nothing|what|how|whether|when|to wait)", "reported, shown"),
    (r"(?:is|are|was|were|be|been) told", "is reported, is notified, learns"),
    (r"means? nothing to Mydia", "unknown key"),
    (r"it never was|never was or", "no such …"),
    (r"numbers? that (?:are|is) none|that are none|that is none", "a value that isn't a number"),
    (r"let (?:it|them|him|\{\{[^}]*\}\}|X) go on", "resume"),
    (r"(?:Let|let) \S+ go on", "resume"),
    (r"(?:counts|takes effect) from the next question", "takes effect with the next lookup"),
    (r"turn(?:s|ed)? the calendar", "update release states"),
    (r"stands? still", "no progress"),
    (r"(?:was|is|were|are|be) (?:not )?believed", "accepted, rejected, trusted"),
    (r"wait(?:s)? for a press|only wait for|a press\b(?! on)|one press", "click, ready to …"),
    (r"on the blocklist since", "blocklisted on"),
    (r"look(?:s|ed|ing)? into (?:it |them |the file )?again", "re-analyse"),
    (r"brought to an end|bring(?:s)? \S+ (?:\S+ )*to an end|to their end|to its end", "finish"),
    (r"(?:a )?crash(?:es)? (?:has |had )?cut off|were cut off|was cut off", "interrupted"),
    (r"let(?:s|ting)? go of", "release, delete, close"),
    (r"fits? together", "match"),
    (r"hears? why|hear of it|hears of", "sees the reason"),
    (r"upsets? nothing", "is ignored"),
    (r"in vain", "without success"),
    (
        r"lest|hence|thereof|whilst|amidst|wherein|whereof|heretofore|henceforth|thence|whence|ere|nought|naught",
        "plain words",
    ),
    (r"(?:it|they) bears? (?:a|an|the)|which bear", "tolerates"),
    (r"bears? a wait|bears? being", "can wait"),
    (r"household bears?|bear a wait", "tolerates"),
    (r"(?:is|be) kind to|gently|manners", "rate-limited"),
    (r"has nobody to ask|nobody to ask", "has no source configured"),
    (r"stands? (?:in|for|beside|before|behind|at|where|on|left|above|below|right|under|alone|ready|open) ", "is"),
    (r"comes? to rest|came to be|come to be", "settles, was created"),
    (r"takes? over what", "records what"),
    (r"go(?:es)? on where it was|goes on where", "resumes"),
    (r"by its own words|in its own words|of its own words", "as it reports"),
    (r"makes? up for", "runs a missed …"),
    (r"are? (?:not )?to be (?:found|had|seen|asked)", "can (not) be …"),
    (r"may not be asked", "is not asked"),
    (r"wants? to be left alone", "asked for a pause (rate limit)"),
    (r"failed inside", "server error"),
    (r"\(any more\)", "does not exist or was removed"),
    (r"is not here(?: any more)?", "does not exist"),
    (r"not at hand|at hand", "available"),
    (r"so that nobody", "so that no …"),
    (r"(?:the )?world'?s? (?:certificates)|certificates of the world", "CA bundle"),
    (r"of long ago", "old"),
    (r"(?:no|a|any) way out", "connection"),
    (r"is at work", "is running"),
    (r"for its (?:owner's )?eyes|owner's eyes", "readable by the owner only"),
    (r"the one who|the ones who|he who", "name who"),
    (r"sure(?:r|st) first", "most reliable first"),
    (r"Decide anew", "Review again"),
    (r"good enough for", "meets"),
    (r"say(?:s|ing)? yes|said yes|has said no|says no", "agreed, enabled, refused"),
    (r"Against these reasons", "despite these problems"),
    (r"vanish(?:es)? with it", "is dropped"),
    (r"does not fit together|do not fit together", "wrong user name or password"),
    (r"nothing to gain", "nothing to do"),
    (r"waits? for (?:its|their|your) turn", "is queued"),
    (r"wish(?:es)? of people|a person's wish", "request"),
    (r"be it|be they", "whether"),
    (r"(?:ours|theirs|yours) is", "name it"),
    (r"upon", "on"),
    (r"for ever", "forever, endlessly"),
    (r"in spite of", "despite"),
    (r"dawdl\w+", "slow"),
    (r"rests? (?:for|until|longer)", "is paused"),
    (r"(?:goes|go|going) on by (?:itself|themselves)", "resumes automatically"),
    (r"(?:goes|go|going) on (?:with|seeding|without)", "continues, keeps …ing"),
    (r"is no (?:error|news|answer|end|fault)", "is not an error"),
    (r"what is no \w+", "an invalid …, a file that is not …"),
    (r"something else than", "other than"),
    (r"for good", "permanently"),
    (r"by hand", "manually"),
    (r"mend(?:s|ed|ing)?", "repair, correct"),
    (r"throw(?:s|n)? away", "delete, discard"),
    (r"put(?:s)? aside", "dead-lettered, kept"),
    (r"give(?:s|n)? way to", "yields to"),
    (r"hand(?:s|ed)? over", "send, pass"),
    (r"the law", "rules"),
    (r"t(?:old|ells?) (?:\w+ )?apart", "distinguished"),
    (r"switch(?:es|ed)? (?:it |them )?(?:off|on)", "disable, enable, turn off"),
    (r"l(?:ies|ay) (?:in|inside|under|below|beside|where|on)", "is in, is stored in"),
    (r"who is asking|who asks|the asker", "the caller"),
    (r"(?:is|are) there already", "already exists"),
    (r"made (?:once|if needed)", "created"),
    (r"(?:is|are|was|were|be) looked (?:at|through)", "is checked, is scanned"),
    (r"needs? nobody", "needs no …"),
    (r"of one name", "with the same name"),
    (r"has fared|it fares|they fare", "its state"),
    (r"a stranger's|a stranger", "unknown, of another program"),
    (r"says? to wait|asks? to wait", "asks for a pause"),
    (r"(?:his|her|their|its) keeper", "administrator"),
    (r"speaks? (?:proper|to|no)", "supports, uses"),
)
_PATTERNS = [
    *((re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.IGNORECASE), instead) for pattern, instead in INSTEAD),
    # “for” that means “because”: a subject and a verb follow.
    (
        re.compile(
            r"[,;] for (?:(?:it|they|he|she|we|there|that|this|these|nothing|nobody|everybody|people|htmx|SQLite|Redis) (?!with|and|or|who|of|in|to|but|on|as|at)\w+"
            r"|(?:a|an|the|its|their|some|most|all|what|each|every|many|no|\w+s) (?:(?!that|whose|who|which|with|without|and|as|long)\w+ ){0,3}"
            r"(?:is|are|was|were|has|have|had|may|might|can|cannot|could|would|will|do|does|did|must|takes?|costs?|needs?|knows?|gives?|holds?|forgets?)\b)"
        ),
        "because",
    ),
    (
        re.compile(
            r"(?:^|[.;:] )For (?:it|they|there|nobody|nothing|this|these) (?:is|are|was|has|have|may|can|would|does)\b"
        ),
        "because",
    ),
]


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of what people read in a file."""
    text = path.read_text()
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), start=1)
        return
    prose = {tokenize.STRING, tokenize.COMMENT, tokenize.FSTRING_MIDDLE}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in prose:
            for offset, line in enumerate(token.string.splitlines()):
                yield token.start[0] + offset, line


def files() -> list[Path]:
    """Return the files with prose of ours. Release names in data and the titles of the stand-in catalogue are excluded."""
    package = [path for suffix in ("py", "html") for path in (ROOT / "mydia").rglob(f"*.{suffix}")]
    documents = [ROOT / "README.md", ROOT / "mydia" / "web" / "README.md", *(ROOT / "docs").rglob("*.md")]
    deploy = [
        path for path in (ROOT / "deploy").rglob("*") if path.suffix in {".md", ".yml", ".yaml", ".service", ".example"}
    ]
    at_the_root = [ROOT / name for name in ("config.yml.example", "Dockerfile", "Makefile", "docker-compose.yml")]
    scripts = [*(ROOT / "frontend" / "scripts").rglob("*.js"), *(ROOT / "scripts").glob("*.py")]
    tests = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    everything = {*package, *documents, *deploy, *at_the_root, *scripts, *tests}
    return sorted(everything - {Path(__file__), ROOT / "tests" / "fakes" / "catalogue.py"})


def found() -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line}: “{match[0]}” → {instead}"
        for path in files()
        for line, text in prose_of(path)
        for pattern, instead in _PATTERNS
        if (match := pattern.search(text))
    ]


def test_no_listed_phrase_is_used():
    odd = found()
    assert len(odd) <= ALLOWED, "\n".join(odd)
