"""The sandbox's authorization server: where people allow apps, and apps get tokens."""
