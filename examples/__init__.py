"""Runnable examples: a tiny automation host and a flow for it."""
