"""The ways in by HTTP: pages, live updates, health, metrics; `routes` lists every handler."""
