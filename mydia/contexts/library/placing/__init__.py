"""Import files: plan where they go, write them, verify them, and only then remove what they replace."""
