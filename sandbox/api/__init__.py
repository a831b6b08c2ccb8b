"""Shared by all operations: tokens, rate limits, scopes, parameters, bodies, pages."""
