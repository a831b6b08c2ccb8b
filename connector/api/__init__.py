"""The Calendly API as HTTP: what to send, what came back, when to try again."""
