"""A Calendly connector that any Python automation host loads through an entry point.

Hosts load `plugin.connector` by stevedore (group `integration_platform.connectors`, name `calendly`);
what it promises them is on one screen in `contract`. Nothing heavy is imported here.
"""

__version__ = "0.1.0"
