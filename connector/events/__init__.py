"""Events, whichever way they arrive: webhooks and polling."""
