"""The optional third source: ThePornDB, a catalogue of adult titles. Used only if adult titles are requested.

A site is presented as a series, a year of its scenes as a season, and a scene as an episode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mydia.adapters.errors import Nonsense
from mydia.adapters.http import Http
from mydia.adapters.metadata_providers import read
from mydia.adapters.metadata_providers.base import (
    Artwork,
    Candidate,
    Details,
    EpisodeDetails,
    Ids,
    PersonCredit,
    SeasonDetails,
)
from mydia.errors import NotFound
from mydia.secret import Secret
from mydia.vocabulary import MediaType

_SERVICE = "ThePornDB"
_TIMEOUT_S = 30.0
_HITS = "10"
_PAGE = "100"
_MAX_PAGES = 20
_MAX_IMAGE_BYTES = 24 * 1024**2


class Tpdb:
    """Looks up titles at ThePornDB.

    Args:
        turn: Waits until the rate limit allows the next request; called before each one.
    """

    name = "ThePornDB"
    available = True
    sources = frozenset({"tpdb"})

    def __init__(self, http: Http, url: str, token: Secret, *, turn: Callable[[], None]) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._token = token
        self._turn = turn

    def check(self) -> None:
        """Check whether the source answers and accepts the token."""
        self._ask("/sites", {"per_page": "1"})

    def search(
        self,
        type: MediaType,
        text: str,
        *,
        year: int | None = None,
        language: str = "en-US",
        source: str = "tpdb",
        adult: bool = False,
    ) -> list[Candidate]:
        """Search films or sites; returns nothing unless adult titles are requested."""
        if not adult:
            return []
        params = {"q": text, "per_page": _HITS}
        if type == MediaType.MOVIE:
            rows = self._list("/movies", params | ({"year": str(year)} if year else {}))
        else:
            rows = self._list("/sites", params)
        return [found for row in rows if (found := _candidate(row, type)) is not None]

    def find(
        self, type: MediaType | None, *, imdb_id: str | None = None, tvdb_id: int | None = None
    ) -> list[Candidate]:
        """Return nothing, because it does not have the other catalogues' ids."""
        return []

    def details(
        self,
        type: MediaType,
        ids: Ids,
        *,
        language: str = "en-US",
        source: str = "tpdb",
        region: str | None = None,
        fresh: bool = False,
    ) -> Details:
        """Return all details of a film or site."""
        row = self._one("movies" if type == MediaType.MOVIE else "sites", ids)
        return _film(row) if type == MediaType.MOVIE else _site(row, self._years(ids))

    def season(
        self, ids: Ids, number: int, *, language: str = "en-US", source: str = "tpdb", fresh: bool = False
    ) -> SeasonDetails:
        """Return the scenes of a year, sorted by date."""
        scenes: list[Mapping[str, Any]] = []
        for page in range(1, _MAX_PAGES + 1):
            answer = self._ask("/scenes", self._scenes_of(ids) | {"year": str(number), "page": str(page)})
            scenes += read.rows(read.part(answer, "data"))
            if page >= (read.whole(read.part(answer, "meta", "last_page")) or 1):
                break
        if not scenes:
            raise NotFound("The third source has no scenes of this year.")
        scenes.sort(key=lambda row: (str(row.get("date") or ""), read.whole(row.get("id")) or 0))
        episodes = tuple(_episode(row, number, n) for n, row in enumerate(scenes, 1))
        return SeasonDetails(
            number=number, title=str(number), air_on=episodes[0].air_on, episode_count=len(episodes), episodes=episodes
        )

    def trending(self, type: MediaType, *, language: str = "en-US") -> list[Candidate]:
        """Return nothing, because adult titles are only shown if requested."""
        return []

    def image(self, path: str, size: str) -> tuple[bytes, str]:
        """Return (content, content type) of a picture by its URL."""
        self._turn()
        answer = self._http.get(
            _SERVICE, path, timeout_s=_TIMEOUT_S, home=self._url, expected=(404,), max_bytes=_MAX_IMAGE_BYTES
        )
        if answer.status == 404:
            raise NotFound("This picture no longer exists.")
        if not answer.content_type.startswith("image/"):
            raise Nonsense(_SERVICE, "did not return a picture")
        return answer.content, answer.content_type

    def _years(self, ids: Ids) -> list[int]:
        """Return the years from the oldest to the newest scene of a site, because the source has no list of years."""
        params = self._scenes_of(ids)
        first = self._ask("/scenes", params)
        rows = read.rows(read.part(first, "data"))
        last_page = read.whole(read.part(first, "meta", "last_page")) or 1
        if last_page > 1:
            rows += self._list("/scenes", params | {"page": str(last_page)})
        years = [found for row in rows if (found := read.year(row.get("date")))]
        return list(range(min(years), max(years) + 1)) if years else []

    def _scenes_of(self, ids: Ids) -> dict[str, str]:
        return {"site": _name(ids), "per_page": _PAGE}

    def _one(self, kind: str, ids: Ids) -> Mapping[str, Any]:
        row = read.part(self._ask(f"/{kind}/{_name(ids)}", {}), "data")
        if not isinstance(row, dict):
            raise Nonsense(_SERVICE, "returned a response without the requested title")
        if _title(row) is None:
            raise Nonsense(_SERVICE, "returned a title without a name")
        return row

    def _list(self, path: str, params: Mapping[str, str]) -> list[Mapping[str, Any]]:
        listed = read.part(self._ask(path, params), "data")
        if not isinstance(listed, list):
            raise Nonsense(_SERVICE, "returned a search response without a list")
        return read.rows(listed)

    def _ask(self, path: str, params: Mapping[str, str]) -> Any:
        self._turn()
        answer = self._http.get(
            _SERVICE,
            self._url + path,
            params=params,
            headers={"Accept": "application/json", "Authorization": f"Bearer {self._token.reveal()}"},
            timeout_s=_TIMEOUT_S,
            expected=(404,),
        )
        if answer.status == 404:
            raise NotFound("The third source does not have this title.")
        return answer.json(_SERVICE)


def _name(ids: Ids) -> str:
    if ids.third_id is None:
        raise NotFound("The third source does not have a title with these ids.")
    return ids.third_id


def _candidate(row: Mapping[str, Any], type: MediaType) -> Candidate | None:
    title = _title(row)
    name = _own_name(row, type)
    if title is None or name is None:
        return None
    return Candidate(
        type=type,
        title=title,
        original_title=None,
        year=read.year(row.get("date")),
        ids=Ids(third_id=name),
        provider="tpdb",
        overview=read.text(row.get("description")),
        poster_path=_poster(row),
        adult=True,
    )


def _own_name(row: Mapping[str, Any], type: MediaType) -> str | None:
    # Use a site's short name, because its number differs between the two interfaces. Numbers are int or text.
    short = read.text(row.get("slug")) or read.text(row.get("short_name"))
    number = read.positive(row.get("id"))
    return short if type != MediaType.MOVIE and short else str(number) if number else short


def _film(row: Mapping[str, Any]) -> Details:
    released = read.day(row.get("date"))
    seconds = read.positive(row.get("duration"))
    return Details(
        type=MediaType.MOVIE,
        title=_title(row) or "",
        original_title=None,
        ids=Ids(third_id=_own_name(row, MediaType.MOVIE)),
        provider="tpdb",
        year=released.year if released else None,
        overview=read.text(row.get("description")),
        status="released",
        runtime_min=round(seconds / 60) if seconds else None,
        genres=_tags(row),
        networks=tuple(filter(None, (_title(read.part(row, "site") or {}),))),
        digital_on=released,
        poster_path=_poster(row),
        backdrop_path=_background(row),
        trailer_url=read.text(row.get("trailer")),
        credits=_people(row),
        adult=True,
        posters=_artworks(row, "posters"),
        backdrops=_artworks(row, "backgrounds"),
    )


def _site(row: Mapping[str, Any], years: list[int]) -> Details:
    network = _title(read.part(row, "network") or read.part(row, "parent") or {})
    return Details(
        type=MediaType.TV_SHOW,
        title=_title(row) or "",
        original_title=None,
        ids=Ids(third_id=_own_name(row, MediaType.TV_SHOW)),
        provider="tpdb",
        year=years[0] if years else None,
        overview=read.text(row.get("description")),
        status="continuing",
        networks=(network,) if network else (),
        poster_path=_poster(row),
        homepage=read.text(row.get("url")),
        adult=True,
        seasons=tuple(SeasonDetails(number=year, title=str(year)) for year in years),
    )


def _episode(row: Mapping[str, Any], year: int, number: int) -> EpisodeDetails:
    seconds = read.positive(row.get("duration"))
    return EpisodeDetails(
        season_number=year,
        episode_number=number,
        title=_title(row),
        overview=read.text(row.get("description")),
        air_on=read.day(row.get("date")),
        runtime_min=round(seconds / 60) if seconds else None,
        still_path=_background(row) or read.text(row.get("image")),
        provider_id=read.positive(row.get("id")),
    )


def _title(row: Mapping[str, Any]) -> str | None:
    return read.name(row.get("title")) or read.name(row.get("name"))


def _tags(row: Mapping[str, Any]) -> tuple[str, ...]:
    # Tags are objects, or strings in older responses.
    listed = row.get("tags")
    names = (
        (tag.get("name") if isinstance(tag, dict) else tag) for tag in (listed if isinstance(listed, list) else [])
    )
    return tuple(name for value in names if (name := read.text(value)))


def _people(row: Mapping[str, Any]) -> tuple[PersonCredit, ...]:
    cast = [
        PersonCredit(
            name=name,
            role="",
            department="cast",
            profile_path=read.text(person.get("image")),
            person_id=read.positive(person.get("id")),
        )
        for person in read.rows(row.get("performers"))
        if (name := read.text(person.get("name")))
    ]
    crew = [
        PersonCredit(name=name, role="Director", department="Directing")
        for person in read.rows(row.get("directors"))
        if (name := read.text(person.get("name")))
    ]
    return (*cast, *crew)


def _poster(row: Mapping[str, Any]) -> str | None:
    return _address(row, "poster", "poster_image", "logo", "image")


def _background(row: Mapping[str, Any]) -> str | None:
    found = read.part(row, "background", "full") or read.part(row, "background", "large")
    return read.text(found) or _address(row, "back_image")


def _address(row: Mapping[str, Any], *names: str) -> str | None:
    found = (read.text(row.get(name)) for name in names)
    return next((address for address in found if address and address.startswith("http")), None)


def _artworks(row: Mapping[str, Any], kind: str) -> tuple[Artwork, ...]:
    addresses = (read.text(one.get("url")) or read.text(one.get("full")) for one in read.rows(row.get(kind)))
    return tuple(Artwork(address) for address in addresses if address)
