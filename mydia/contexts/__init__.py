"""The contexts, lowest first: users, settings, metadata, media, library, downloads."""
