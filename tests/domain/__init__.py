"""Tests of the vocabulary and of school time."""
