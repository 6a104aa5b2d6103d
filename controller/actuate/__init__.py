"""The plan out: scale, weights for edges that ask, status, Events.

What lives here: doing one thing once and telling how it went. What may not: decisions, retries, reading of clocks.
"""
