"""Recognise new files: group them, look for the title, link them or leave them to a person."""
