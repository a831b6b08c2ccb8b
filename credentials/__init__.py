"""Credential kinds: one YAML file for each."""
