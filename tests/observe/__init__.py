"""The world in: classification, rounds, last good versions."""
