"""The stories of the main job, told end to end with real services."""
