"""Pages about getting releases: queue, history, search, imports, wanted."""
