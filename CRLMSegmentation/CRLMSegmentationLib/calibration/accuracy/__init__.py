"""How far off a distance may be: what each source of error adds to it, and what is not known."""
