"""Find a setting on any page by its label, its purpose or its name in files."""

from __future__ import annotations

import msgspec
from litestar import Response, get

from mydia.config import KEYS
from mydia.contexts.users import Caller, Permission
from mydia.web.deps import CallerDep, WebRequest
from mydia.web.pages.settings.frame import SECTIONS, SettingsFrame, frame, show
from mydia.web.pages.settings.labels import ELSEWHERE, LABELS
from mydia.web.pages.settings.naming import GROUPS
from mydia.web.render import fragment, is_htmx, redirect

_MOST = 12


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that was found."""

    label: str
    place: str
    """The page it is on."""
    hint: str
    href: str
    words: str = ""
    """Further words to find it by."""
    permission: Permission = Permission.MANAGE_SETTINGS


class FoundView(msgspec.Struct, frozen=True):
    """The results of a search in the settings; `found` is None without a search text."""

    frame: SettingsFrame
    q: str
    found: tuple[Found, ...] | None


_FIELDS: tuple[tuple[str, str, str, str], ...] = (
    ("folders", "How downloads get into a folder", "hard link reflink copy move import mode seeding", ""),
    ("folders", "Schedule of one folder", "scan cron when", ""),
    ("folders", "Language and catalogue of one folder", "provider tmdb tvdb", ""),
    ("naming", "Give files these names", "rename on import off", "#f-rename"),
    ("naming", "Replace characters that Windows refuses", "illegal", "#f-replace_illegal"),
    ("naming", "Several episodes in one file", "multi episode style range", "#f-multi_episode_style"),
    ("naming", "A colon in a title", "replacement dash", "#f-colon_replacement"),
    ("naming", "Tokens", "placeholders variables braces", ""),
    ("profiles", "Upgrades and their goal", "cutoff better stop upgrading", ""),
    ("profiles", "Size of a whole release", "minimum maximum limit mb", ""),
    ("profiles", "Try a release name", "test verdict score", ""),
    ("sizes", "Megabytes per minute", "least most preferred limit", ""),
    ("metadata", "TMDB key", "the movie database token api", "#f-tmdb_api_key"),
    ("metadata", "TheTVDB key", "tvdb api", "#f-tvdb_api_key"),
    ("metadata", "Address of another relay", "url", "#f-relay_url"),
    ("indexers", "Prowlarr and Jackett", "torznab newznab rss search", ""),
    ("clients", "Path mappings", "remote local docker volume", ""),
    ("clients", "Category of downloads", "label qbittorrent transmission sabnzbd nzbget deluge", ""),
    ("requests", "Movies and seasons per person", "quota limit requests period days", "#f-requests-movie_limit"),
    ("requests", "Approve requests by guests", "automatic approval auto", "#f-requests-auto_approve_guests"),
    ("requests", "Rules for requests", "genre language keyword profile folder tags", ""),
    ("requests", "Specials", "season 0 requests", "#f-requests-specials"),
    ("users", "Roles and invitations", "admin user readonly guest password account", ""),
    ("mail", "Mail server", "smtp e-mail email host port starttls tls password", "#f-host"),
    ("mail", "Send a test message", "smtp e-mail email", "#f-to"),
    ("sign-in", "OIDC providers", "oidc sso single sign-on authentik keycloak authelia pocket id openid", ""),
    ("sign-in", "Sign in with a password", "local auth login", "#f-local_enabled"),
    ("sign-in", "Go straight to the only provider", "auto redirect login", "#f-auto_redirect"),
)
"""(page, label, further words, anchor) of settings that are not keys of the configuration."""
_OWN = (
    Found(
        label="API keys",
        place="Your account",
        hint="For other software",
        href="/account#api-keys",
        words="token secret rest graphql",
    ),
    Found(
        label="Password",
        place="Your account",
        hint="And where you are signed in",
        href="/account#password",
        words="sign in session",
    ),
    Found(
        label="Theme",
        place="Your account",
        hint="Dark, light or the system's",
        href="/account#appearance",
        words="appearance look",
    ),
)


def _everything() -> tuple[Found, ...]:
    pages = {entry.id: entry for _, entries in SECTIONS for entry in entries}
    general = pages["general"]
    return (
        *(
            Found(label=entry.label, place="", hint=entry.hint, href=entry.href, words="", permission=entry.permission)
            for entry in pages.values()
        ),
        *(
            Found(
                label=LABELS.get(key.name, key.name),
                place=general.label,
                hint=key.doc,
                href=f"{general.href}#{'f' if key.editable else 'k'}-{key.name.replace('.', '-')}",
                words=f"{key.name} {key.env}",
            )
            for key in KEYS
            if key.name not in ELSEWHERE
        ),
        *(
            Found(
                label=label,
                place=pages[page].label,
                hint=pages[page].hint,
                href=pages[page].href + anchor,
                words=words,
                permission=pages[page].permission,
            )
            for page, label, words, anchor in _FIELDS
        ),
        *(
            Found(
                label=f"{title}: {label}",
                place=pages["naming"].label,
                hint=pages["naming"].hint,
                href=f"/settings/naming#f-{name}",
                words=name,
            )
            for title, fields in GROUPS
            for name, label in fields
        ),
        *_OWN,
    )


def find(caller: Caller, q: str) -> tuple[Found, ...]:
    """Return the settings that contain every word of a search text, matches in the name first."""
    words = q.casefold().split()
    matching = []
    for place, one in enumerate(_everything()):
        name = one.label.casefold()
        rest = f"{name} {one.place} {one.hint} {one.words}".casefold()
        if caller.can(one.permission) and all(word in rest for word in words):
            named = sum(word in name for word in words)
            begins = any(part.startswith(words[0]) for part in name.split())
            matching.append((-named, not begins, place, one))
    return tuple(one for *_, one in sorted(matching, key=lambda told: told[:3])[:_MOST])


@get(["/settings", "/settings/find"], sync_to_thread=True, include_in_schema=False)
def index(request: WebRequest, caller: CallerDep) -> Response[str]:
    """List the settings pages, and the results of a search in the settings."""
    q = request.query_params.get("q", "").strip()
    view = FoundView(frame(caller, ""), q, find(caller, q) if q else None)
    if request.url.path == "/settings":
        return show(request, "index.html", view)
    if not is_htmx(request):
        return redirect(request, f"/settings?{request.url.query}")
    return fragment(request, "settings/_found.html", view)


ROUTES = (index,)
