"""What outside programs rely on, compared with the code."""
