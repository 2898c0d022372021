"""Recognise new files: group them, find the title, and link them or put them into the review."""
