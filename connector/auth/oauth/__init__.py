"""OAuth 2.1: consent in a browser, tokens that are refreshed, and their revocation."""
