"""The pure core: `plan(world, now)` and its stages.

What lives here: functions from values to values. What may not: input or output, clocks, logging, randomness.
numpy and highspy are allowed for arithmetic, nothing else from outside the standard library. Read `planner.py` first:
it is the table of contents.
"""
