"""The imperative shell: clocks, settings, the loop, leadership, what is told to people and machines.

What lives here: wiring. What may not: decisions, which are `planning`'s, and knowledge of any one API.
"""
