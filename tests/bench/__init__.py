"""Benchmarks: figures for docs/benchmarks.md, not tests."""
