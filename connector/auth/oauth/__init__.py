"""Signing in with OAuth 2.1: consent in a browser, tokens that are renewed, and given back."""
