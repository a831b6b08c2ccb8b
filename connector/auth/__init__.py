"""Signing in: authenticators, the credential check, OAuth and the vault."""
