"""Pages of the signed-in person."""
