"""Small utilities that don't depend on Calendly."""
