"""What we depend on: pinned, hashed, licensed, and not known to be bad."""
