"""Tests of Sonnerie, and the real servers they run against."""
