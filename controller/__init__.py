"""Sonnerie rings before the pupils arrive: capacity in place before the bell, traffic off sick sites."""

__version__ = "0.1.0"
