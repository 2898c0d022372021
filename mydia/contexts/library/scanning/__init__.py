"""Scan library folders: walk, compare, decide whether to trust the result, store."""
