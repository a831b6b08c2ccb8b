"""Requests to Calendly: protocol, rate limit, network."""
