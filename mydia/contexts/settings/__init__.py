"""Everything administrators can edit: settings in layers, library folders, profiles, clients, indexers, naming.

`of` returns the current settings. The modules of this front door hold the functions for each kind of row, such as
`settings.clients.add_client`.
"""

from mydia.contexts.settings import (
    backups,
    clients,
    formats,
    guides,
    indexers,
    library_paths,
    log_files,
    managed,
    naming_rules,
    person_defaults,
    profiles,
    providers,
    qualities,
    rules,
    services,
    setup,
    tags,
    upgrades,
)
from mydia.contexts.settings.clients import ClientChoice, NewClient
from mydia.contexts.settings.current import bind, of, public_address, sealer
from mydia.contexts.settings.defaults import ensure_defaults
from mydia.contexts.settings.indexers import NewIndexer
from mydia.contexts.settings.layers import all_sourced, change_values, sourced
from mydia.contexts.settings.library_paths import FolderFinding, NewLibraryPath
from mydia.contexts.settings.models import (
    DownloadClientRow,
    IndexerRow,
    LibraryPath,
    NamingSet,
    QualityProfile,
    ServiceStatus,
)
from mydia.contexts.settings.profiles import Profile, ProfileForm
from mydia.contexts.settings.qualities import SizeLimits

__all__ = [
    "ClientChoice",
    "DownloadClientRow",
    "FolderFinding",
    "IndexerRow",
    "LibraryPath",
    "NamingSet",
    "NewClient",
    "NewIndexer",
    "NewLibraryPath",
    "Profile",
    "ProfileForm",
    "QualityProfile",
    "ServiceStatus",
    "SizeLimits",
    "all_sourced",
    "backups",
    "bind",
    "change_values",
    "clients",
    "ensure_defaults",
    "formats",
    "guides",
    "indexers",
    "library_paths",
    "log_files",
    "managed",
    "naming_rules",
    "of",
    "person_defaults",
    "profiles",
    "providers",
    "public_address",
    "qualities",
    "rules",
    "sealer",
    "services",
    "setup",
    "sourced",
    "tags",
    "upgrades",
]
