"""HTTP requests to Calendly: protocol, retries, rate limits, errors, network."""
