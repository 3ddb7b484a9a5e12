"""A recording that is sent as PLUS would send it."""
