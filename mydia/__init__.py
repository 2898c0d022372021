"""Mydia: one container that tracks, finds, fetches, names and shows a household's films and series."""

__version__ = "0.1.0"
