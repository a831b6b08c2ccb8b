"""What the databases have in common."""
