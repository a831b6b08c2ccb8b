"""Webhooks: verify first, then read."""
