"""Workbooks for OpenStack Mistral: docs/hosts/mistral.md."""
