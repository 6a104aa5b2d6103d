"""The flight recorder: worlds and plans as they were, and the same decisions made again from them.

May know the wire, policies and the core; knows no cluster, no clock of its own and nothing of the process it runs in.
"""
