"""What policies will want, before they are applied: how many replicas when, for whom, and what a change of them costs.

Pure, as the core is: no clock, no files, no network. The numbers are the planner's own, asked about a quiet fleet in
which every site is well and nobody has come yet. Pages and calendar files are made here as text; who writes them, and
where, is the command line's.
"""
