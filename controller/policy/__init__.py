"""Untrusted text in: the custom resources as pydantic models, their CRDs, policy files and the way into the domain.

What lives here: one model per resource, the single source of its CRD, its validation and its JSON Schema; the
loading of policy files; the conversion to domain values. What may not: access to a cluster, decisions, clocks.
"""
