"""The sample world: organizations, people, events and related records, and changes to them. Pure."""
