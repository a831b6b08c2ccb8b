"""Small tools that know nothing of Calendly."""
