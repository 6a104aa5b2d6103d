"""The figures of the summary, each a pure function of a recording, each with its definition in its docstring.

A figure that could not be measured is `NotMeasured` with the reason, never 0: a check that cannot fail is a defect.
"""
