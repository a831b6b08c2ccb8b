"""Adapters for third-party hosts, a package each. Only that package imports its host."""
