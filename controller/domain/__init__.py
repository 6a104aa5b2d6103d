"""The vocabulary of Sonnerie: frozen values, enums and school time.

What lives here: plain data that every other part speaks, and `schooltime`, the only place with time zones.
What may not: input or output, clocks, logging, randomness, anything outside the standard library.
"""
