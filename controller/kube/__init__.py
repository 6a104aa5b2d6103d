"""Thin access to Kubernetes API servers: connect, list and watch, apply, scale, elect a leader.

What lives here: transport, deadlines, the mapping of HTTP answers to errors. What may not: domain values and decisions.
One `Cluster` per API server; every call has a deadline; answers stay bytes until the caller decodes them.
"""
