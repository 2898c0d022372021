"""Imports finished downloads: decides which of their files are wanted, and why others are left out.

Each download is imported exactly once: only the process that moves it to `importing` imports it, its files have its id, and a
file that is already in the library is not placed again. Everything that may be temporary is checked before that move, so a
client that does not answer only delays the import.
"""

from mydia.contexts.downloads.importing.by_hand import end_imported_by_hand
from mydia.contexts.downloads.importing.due import due_imports, recover_imports, request_import
from mydia.contexts.downloads.importing.locating import complete_size
from mydia.contexts.downloads.importing.run import import_download, manual_import, preview_import
from mydia.contexts.downloads.importing.values import ChosenFile, ImportFile, ImportPreview, NotReady

__all__ = [
    "ChosenFile",
    "ImportFile",
    "ImportPreview",
    "NotReady",
    "complete_size",
    "due_imports",
    "end_imported_by_hand",
    "import_download",
    "manual_import",
    "preview_import",
    "recover_imports",
    "request_import",
]
