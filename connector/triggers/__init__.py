"""Triggers: what happened in Calendly, told by webhooks or found by looking, as the same events."""
