"""Everything that a page can do, the API can do."""

from __future__ import annotations

from tests.web.pages.conftest import Server

_API = "/api/v1"
_ROUTES = {
    "/account/keys": "POST /api-keys",
    "/account/keys/{}/revoke": "DELETE /api-keys/{}",
    "/activity/blocklist/clear": "DELETE /blocklist",
    "/activity/blocklist/new": "POST /blocklist",
    "/activity/blocklist/remove": "DELETE /blocklist/{}",
    "/activity/bulk/{}": "POST /downloads/{}/pause",
    "/activity/downloads/{}/failed": "POST /downloads/{}/failed",
    "/activity/pause-all": "POST /downloads/{}/pause",
    "/activity/queue/{}/files": "POST /downloads/{}/import",
    "/activity/queue/{}/import": "POST /downloads/{}/import",
    "/activity/queue/{}/pause": "POST /downloads/{}/pause",
    "/activity/queue/{}/remove": "DELETE /downloads/{}",
    "/activity/queue/{}/resume": "POST /downloads/{}/resume",
    "/activity/queue/{}/undo": "DELETE /downloads/{}",
    "/activity/resume-all": "POST /downloads/{}/resume",
    "/activity/unknown/{}/adopt": "POST /unknown-downloads/{}/adopt",
    "/activity/unknown/{}/ignore": "DELETE /unknown-downloads/{}",
    "/add": "POST /media",
    "/imports/folders/{}/stop": "DELETE /ignored-folders/{}",
    "/imports/ignore": "POST /inbox/{}/ignore",
    "/imports/match/confirm": "POST /inbox/match",
    "/imports/ready": "POST /inbox/import-ready",
    "/imports/reopen": "POST /inbox/{}/reopen",
    "/imports/{}/decide": "POST /inbox/{}/decide",
    "/imports/{}/ignore-folder": "POST /ignored-folders",
    "/imports/{}/search": "POST /inbox/{}/candidates",
    "/items/{}/artwork": "PUT /media/{}/artwork",
    "/items/{}/edit": "PUT /media/{}",
    "/items/{}/files/{}/analyse": "POST /files/{}/analyse",
    "/items/{}/files/analyse": "POST /files/{}/analyse",
    "/items/{}/files/edit": "PUT /files/{}",
    "/items/{}/files/remove": "DELETE /files/{}",
    "/items/{}/match": "PUT /media/{}/match",
    "/items/{}/monitored": "PUT /media/{}/monitoring",
    "/items/{}/refresh": "POST /media/{}/refresh",
    "/items/{}/releases": "POST /media/{}/searches",
    "/items/{}/remove": "DELETE /media/{}",
    "/items/{}/rename": "POST /media/{}/rename",
    "/items/{}/search": "POST /media/{}/search",
    "/items/{}/undo": "POST /undo/{}",
    "/library/scan": "POST /library/scan",
    "/metadata/retry": "POST /metadata/retry",
    "/movies/bulk/remove": "DELETE /media/{}",
    "/movies/bulk/{}": "PUT /media/{}",
    "/recycle-bin/empty": "DELETE /recycle-bin/{}",
    "/recycle-bin/restore": "POST /recycle-bin/{}/restore",
    "/releases/{}/grab": "POST /downloads",
    "/removals/{}/undo": "POST /removed-titles/{}/restore",
    "/removed/{}/restore": "POST /removed-titles/{}/restore",
    "/searches/{}/indexers/{}": "POST /searches/{}/indexers/{}",
    "/settings/clients/new": "POST /download-clients",
    "/settings/clients/{}": "PUT /download-clients/{}",
    "/settings/clients/{}/enabled": "PUT /download-clients/{}",
    "/settings/clients/{}/remove": "DELETE /download-clients/{}",
    "/settings/clients/{}/test": "POST /download-clients/{}/test",
    "/settings/folders/new": "POST /library/paths",
    "/settings/folders/{}": "PUT /library/paths/{}",
    "/settings/folders/{}/remove": "DELETE /library/paths/{}",
    "/settings/folders/{}/scan": "POST /library/scan",
    "/settings/general": "PUT /config",
    "/settings/indexers/new": "POST /indexers",
    "/settings/indexers/{}": "PUT /indexers/{}",
    "/settings/indexers/{}/enabled": "PUT /indexers/{}",
    "/settings/indexers/{}/remove": "DELETE /indexers/{}",
    "/settings/indexers/{}/test": "POST /indexers/{}/test",
    "/settings/metadata": "PUT /config",
    "/settings/naming": "PUT /naming",
    "/settings/naming/preview": "POST /naming/preview",
    "/settings/profiles/new": "POST /quality-profiles",
    "/settings/profiles/{}": "PUT /quality-profiles/{}",
    "/settings/profiles/{}/duplicate": "POST /quality-profiles/{}/duplicate",
    "/settings/profiles/{}/remove": "DELETE /quality-profiles/{}",
    "/settings/sizes": "PUT /quality-sizes",
    "/settings/users/new": "POST /users",
    "/settings/users/{}": "PUT /users/{}",
    "/settings/users/{}/keys/{}/revoke": "DELETE /api-keys/{}",
    "/settings/users/{}/remove": "DELETE /users/{}",
    "/shows/bulk/remove": "DELETE /media/{}",
    "/shows/bulk/{}": "PUT /media/{}",
    "/system/backups": "POST /backups",
    "/system/pause": "PUT /tasks/paused",
    "/system/resume": "PUT /tasks/paused",
    "/system/runs/{}/cancel": "POST /tasks/runs/{}/cancel",
    "/system/runs/{}/retry": "POST /tasks/runs/{}/retry",
    "/system/tasks/{}/run": "POST /tasks/{}/run",
    "/wanted/bulk/{}": "POST /media/{}/search",
    "/wanted/search": "POST /tasks/{}/run",
    "/wanted/{}/search": "POST /media/{}/search",
    "/wanted/{}/unmonitor": "PUT /media/{}/monitoring",
}
"""Route of a page's action -> API route that does the same."""

_PAGES_ONLY = {
    "/account/password": "a key cannot change its owner's account",
    "/account/profile": "a key cannot change its owner's account",
    "/account/sessions/{}/revoke": "a key cannot change its owner's account",
    "/account/theme": "a look of pages",
    "/imports/match": "shows a dialog",
    "/items/{}/files/ask-edit": "asks before a change",
    "/items/{}/files/ask-remove": "asks before a removal",
    "/login": "the API is used with keys",
    "/logout": "the API is used with keys",
    "/movies/bulk/ask-remove": "asks before a removal",
    "/shows/bulk/ask-remove": "asks before a removal",
    "/settings/browse": "fills a field of a form",
    "/settings/clients/test": "tries a form before it is stored",
    "/settings/folders/check": "checks a field of a form",
    "/settings/indexers/test": "tries a form before it is stored",
    "/settings/metadata/test": "tries a form before it is stored",
    "/settings/profiles/step": "changes a form",
    "/settings/profiles/try": "tries a form before it is stored",
    "/setup/account": "happens before there are keys",
    "/setup/client": "the wizard; as /settings/clients/new",
    "/setup/folders": "the wizard; as /settings/folders/new",
    "/setup/indexer": "the wizard; as /settings/indexers/new",
    "/setup/metadata": "the wizard; as /settings/metadata",
    "/setup/scan": "the wizard; as /library/scan",
    "/theme": "a look of pages",
}


def _plain(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_every_page_action_has_an_api_route(still: Server) -> None:
    actions, routes = set(), set()
    for route in still.app.routes:
        for method in getattr(route, "route_handler_map", {}):
            if route.path.startswith(_API):
                routes.add(f"{method} {_plain(route.path.removeprefix(_API))}")
            elif method == "POST" and not route.path.startswith(("/plex", "/relay", "/api")):
                actions.add(_plain(route.path))
    assert sorted(actions - _ROUTES.keys() - _PAGES_ONLY.keys()) == []
    assert sorted((_ROUTES.keys() | _PAGES_ONLY.keys()) - actions) == []
    assert sorted(set(_ROUTES.values()) - routes) == []
