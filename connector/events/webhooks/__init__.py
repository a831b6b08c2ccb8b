"""Webhooks: the signature is verified before the body is read."""
