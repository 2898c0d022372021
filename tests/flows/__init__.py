"""End-to-end tests of the main workflow with real services."""
