"""Events by webhook and by polling: subscriptions, receiver, inbox, triggers and dispatcher."""
