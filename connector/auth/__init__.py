"""Signing in, and saying exactly what is wrong with a credential."""
