"""Tests against real servers: API servers, Prometheus, HAProxy."""
