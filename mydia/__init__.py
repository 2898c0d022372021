"""Mydia: a self-hosted media manager for a household's movies and shows."""

__version__ = "0.1.0"
