"""From the figures of the cases to the report of a study."""
