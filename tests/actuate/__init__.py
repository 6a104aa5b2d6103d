"""The plan out: order, outcomes, what is told."""
