"""The fault harness: `make faults`. Four sites with real parts, real traffic, and what goes wrong there, measured.

docs/faults.md tells what stands where, how users behave, what each figure means and which times are shortened.
"""
