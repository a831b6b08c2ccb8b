"""Calendly's actions in OpenStack Mistral: in workflows, cron triggers and `mistral run-action`."""
