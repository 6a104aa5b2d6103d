"""One school morning in about four minutes, on real parts: `python -m tests.demo`.

What lives here: the story and its numbers, the portals and users it needs, the recording of what happened, and what is
measured on it. What may not: decisions. Those are the controller's, which runs as a process as in production; this
package imports nothing of it.
"""
