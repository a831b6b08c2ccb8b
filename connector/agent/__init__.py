"""A small automation host: it runs process flows, durably. It contains no code for any application.

docs/reference/flows.md explains flows, and docs/reference/agent-destinations.md what they can write to.
"""
