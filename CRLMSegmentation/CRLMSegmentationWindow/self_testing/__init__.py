"""The module's self test, as a technician would go through it."""
