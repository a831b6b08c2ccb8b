"""Events found by polling, for hosts that have no public address, and to catch up on missed ones."""
