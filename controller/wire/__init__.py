"""Domain values as JSON and back, versioned.

What lives here: codecs. What may not: files, network, decisions.
"""
