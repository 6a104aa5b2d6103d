"""Tests of the resource models, their CRDs, files and conversion."""
