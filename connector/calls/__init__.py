"""One action call: from what a caller passes to a request."""
