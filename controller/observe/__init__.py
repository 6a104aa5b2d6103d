"""The world in: clusters, Prometheus, probes, assembled into one `World`.

What lives here: reading and classifying. An error of a source becomes the quality of a reading, never a zero and never
the end of a cycle. What may not: decisions, writes.
"""
