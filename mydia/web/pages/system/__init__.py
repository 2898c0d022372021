"""System pages."""
