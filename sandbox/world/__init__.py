"""The made-up world: people, events and all that stands around them, and what happens to them. Pure."""
