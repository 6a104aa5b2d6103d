"""Tests of the peers: their sources' own rows, their real counterparts, and what holds for all of them."""
