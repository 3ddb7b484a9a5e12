"""The whole chain on a simulated phantom: how far a distance from tip to tumor is off, and what each source adds."""
