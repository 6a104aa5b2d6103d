"""The fast simulator: worlds that are honest, and every controller in the same one."""
