"""A small automation host: it runs process flows, durably. It contains no code for any application.

docs/agent.md explains flows; see docs/decisions/agent-on-dbos.md for the engine.
"""
