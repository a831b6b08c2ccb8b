"""The sandbox's OAuth server: users grant access to apps, and apps get tokens."""
