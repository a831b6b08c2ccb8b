"""What goes into each action and what comes out: one JSON file per action."""
