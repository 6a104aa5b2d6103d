"""Alerts, runbooks and the dashboard, each held against the code."""
