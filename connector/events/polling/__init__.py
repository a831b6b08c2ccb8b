"""Finding events by polling."""
