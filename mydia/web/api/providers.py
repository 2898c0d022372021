"""`/api/v1/sign-in-providers`: OIDC providers that people sign in with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, field

from mydia import clock
from mydia.contexts import settings
from mydia.contexts.users import Role
from mydia.secret import Secret
from mydia.web import patterns
from mydia.web.api.schemas import AtLeastOne, Struct, WebAddress, contradictions
from mydia.web.auth import oidc
from mydia.web.deps import CallerDep, DatabaseDep, DepsDep

type _Scope = Annotated[str, Meta(max_length=100, pattern=r"^[!#-+\--\[\]-~]+$")]
type _Group = Annotated[str, Meta(max_length=200, pattern=patterns.NOT_BLANK)]
type _Text = Annotated[str, Meta(max_length=200, pattern=patterns.NOT_BLANK)]
type _DefaultRole = Literal["admin", "user", "readonly", "guest"]


class RoleGroups(Struct):
    """Groups at the provider that give a role; the role with the most permissions wins."""

    admin: list[_Group] = []
    user: list[_Group] = []
    readonly: list[_Group] = []
    guest: list[_Group] = []


class ProviderShape(Struct):
    """A sign-in provider, without its secret."""

    id: str
    name: str
    enabled: bool
    issuer: str | None
    discovery_url: str | None
    client_id: str
    has_secret: bool
    scopes: list[str]
    redirect_url: str | None
    role_claim: str
    role_groups: RoleGroups
    default_role: str | None
    """null: people in none of the groups may not sign in"""
    allow_sign_up: bool
    managed: bool
    callback_path: str
    """Register this path of Mydia's address at the provider."""
    created_at: datetime


class ProviderToSave(AtLeastOne):
    """A sign-in provider; an empty `secret` keeps the stored one."""

    groups: ClassVar[tuple[tuple[str, ...], ...]] = (("issuer",), ("discovery_url",))

    name: _Text
    client_id: _Text
    issuer: WebAddress | None = None
    discovery_url: WebAddress | None = None
    secret: str = ""
    scopes: list[_Scope] = field(default_factory=settings.providers.DEFAULT_SCOPES.split)
    redirect_url: WebAddress | None = None
    role_claim: _Text = settings.providers.DEFAULT_CLAIM
    role_groups: RoleGroups = field(default_factory=RoleGroups)
    default_role: _DefaultRole | None = "guest"
    allow_sign_up: bool = True
    enabled: bool = True


class ProviderTested(Struct):
    """What the discovery document of a provider says."""

    endpoints: dict[str, str]
    keys: int
    """How many signing keys can be used; with none, nobody can sign in."""


def _shape(row: settings.providers.ProviderRow) -> ProviderShape:
    return ProviderShape(
        id=row.id,
        name=row.name,
        enabled=row.enabled,
        issuer=row.issuer,
        discovery_url=row.discovery_url,
        client_id=row.client_id,
        has_secret=row.sealed_secret is not None,
        scopes=row.scopes.split(),
        redirect_url=row.redirect_url,
        role_claim=row.role_claim,
        role_groups=RoleGroups(**{str(role): list(names) for role, names in row.role_groups.items()}),
        default_role=row.default_role,
        allow_sign_up=row.allow_sign_up,
        managed=row.managed,
        callback_path=settings.providers.callback_of(row.key),
        created_at=row.created_at,
    )


def _new(data: ProviderToSave) -> settings.providers.NewProvider:
    named = {Role(role): tuple(getattr(data.role_groups, role)) for role in RoleGroups.__struct_fields__}
    return settings.providers.NewProvider(
        name=data.name,
        issuer=data.issuer,
        discovery_url=data.discovery_url,
        client_id=data.client_id,
        secret=Secret(data.secret),
        scopes=" ".join(data.scopes),
        redirect_url=data.redirect_url,
        role_claim=data.role_claim,
        role_groups=named,
        default_role=Role(data.default_role) if data.default_role else None,
        allow_sign_up=data.allow_sign_up,
        enabled=data.enabled,
    )


@get("/sign-in-providers", sync_to_thread=True, summary="List sign-in providers")
def list_providers(database: DatabaseDep, caller: CallerDep) -> list[ProviderShape]:
    """Return the OIDC providers by name, without their secrets."""
    with database.reads() as session:
        return [_shape(row) for row in settings.providers.list_providers(session, caller)]


@get("/sign-in-providers/{provider_id:str}", sync_to_thread=True, summary="Get a sign-in provider")
def get_provider(database: DatabaseDep, caller: CallerDep, provider_id: FromPath[str]) -> ProviderShape:
    """Return one provider."""
    with database.reads() as session:
        return _shape(settings.providers.get_provider(session, caller, provider_id))


@post("/sign-in-providers", sync_to_thread=True, summary="Add a sign-in provider")
def add_provider(database: DatabaseDep, caller: CallerDep, data: JSONBody[ProviderToSave]) -> ProviderShape:
    """Add a provider. 409 if the name is taken."""
    with contradictions(), database.writes() as session:
        return _shape(settings.providers.add_provider(session, caller, clock.now(), _new(data)))


@put("/sign-in-providers/{provider_id:str}", sync_to_thread=True, summary="Change a sign-in provider")
def change_provider(
    database: DatabaseDep, caller: CallerDep, provider_id: FromPath[str], data: JSONBody[ProviderToSave]
) -> ProviderShape:
    """Replace all fields of a provider. 409 if nobody could sign in any more."""
    with contradictions(), database.writes() as session:
        return _shape(settings.providers.change_provider(session, caller, clock.now(), provider_id, _new(data)))


@delete(
    "/sign-in-providers/{provider_id:str}", sync_to_thread=True, status_code=204, summary="Remove a sign-in provider"
)
def remove_provider(database: DatabaseDep, caller: CallerDep, provider_id: FromPath[str]) -> None:
    """Remove a provider; accounts stay. 409 if nobody could sign in any more."""
    with database.writes() as session:
        settings.providers.remove_provider(session, caller, clock.now(), provider_id)


@post(
    "/sign-in-providers/{provider_id:str}/test",
    sync_to_thread=True,
    status_code=200,
    summary="Test a sign-in provider",
)
def test_provider(deps: DepsDep, caller: CallerDep, provider_id: FromPath[str]) -> ProviderTested:
    """Fetch the discovery document and the keys of a provider. 503 if it does not answer."""
    with deps.database.reads() as session:
        settings.providers.get_provider(session, caller, provider_id)
        found = settings.providers.find_provider_by_id(session, provider_id)
    assert found is not None
    with contradictions():
        described, keys = oidc.look(deps.outside.http, found)
    return ProviderTested(endpoints=dict(described.endpoints), keys=keys)


ROUTES: tuple[Any, ...] = (
    list_providers,
    get_provider,
    add_provider,
    change_provider,
    remove_provider,
    test_provider,
)
