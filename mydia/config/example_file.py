"""The text of `config.yml.example`, made from the keys."""

from __future__ import annotations

import re

from mydia.config.keys import KEYS, Value

_HEAD = """\
# Mydia's configuration. Copy this file to config.yml in the data folder (or set MYDIA_CONFIG to its path) and uncomment
# the lines you change. The values shown are the defaults.
#
# Order: environment variable > value saved on a settings page > this file > default.
# ${NAME} and ${NAME:-default} are filled in from the environment.
# `mydia config` shows every value with its source; `mydia config check` lists mistakes and unknown keys.
"""
_LISTS = """
# Download clients, indexers, library folders and sign-in providers defined here (or by DOWNLOAD_CLIENT_1_NAME and so on)
# are read-only on the settings pages.

# download_clients:
#   - name: qBittorrent
#     type: qbittorrent
#     host: qbittorrent          # or a full address: https://box.example.org/qbittorrent
#     port: 8080
#     use_ssl: false
#     username: admin
#     password: ${QBITTORRENT_PASSWORD}
#     category: mydia            # movies_category and series_category set one per media type
#     remove_completed: false    # remove downloads once they have seeded; see "Getting releases" in the guide
#     verify_certificate: true
#     remote_path: /downloads    # where the client saves, as the client sees it ...
#     local_path: /data/downloads # ... and as Mydia sees it; leave both out when they are the same

# indexers:
#   - name: Prowlarr
#     type: prowlarr             # torznab, newznab; prowlarr and jackett with indexer_ids
#     base_url: http://prowlarr:9696
#     api_key: ${PROWLARR_API_KEY}
#     indexer_ids: [1, 2]

# library_paths:
#   - path: /media/movies
#     name: Movies
#     type: movies               # movies, series or mixed
#     quality_profile: HD-1080p
#     import_mode: hardlink      # hardlink, reflink, copy or move

# Sign-in providers besides the one under auth.oidc. The address to register at each provider is on the page
# Settings, Sign-in.

# oidc_providers:
#   - name: Work
#     issuer: https://login.example.org
#     client_id: mydia
#     client_secret: ${WORK_CLIENT_SECRET}
#     scopes: [openid, profile, email, groups]
#     role_claim: groups
#     admin_groups: [mydia-admins]
#     user_groups: [family]
#     default_role: none         # admin, user, readonly, guest; none refuses people in none of the groups
#     allow_sign_up: true
"""


def example() -> str:
    """Return `config.yml.example`: every key with its description, variable and default, as comments."""
    lines = [_HEAD]
    section = ""
    for key in KEYS:
        part, _, name = key.name.partition(".")
        if part != section:
            lines.append(f"\n# {part}:")
            section = part
        allowed = f" One of {', '.join(key.allowed)}." if key.allowed else ""
        if key.low is not None and key.high is not None:
            allowed = f" From {key.low:g} to {key.high:g}."
        lines += [f"#   # {key.doc}{allowed}", f"#   # Variable: {', '.join((key.env, *key.also_env))}"]
        lines.append(f"#   {name}: {_yaml(key.default)}".rstrip())
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n" + _LISTS


def _yaml(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{part}"' for part in value) + "]"
    return f'"{value}"' if isinstance(value, str) and re.search(r"[*#:{\[ ]|^$", value) else str(value)
