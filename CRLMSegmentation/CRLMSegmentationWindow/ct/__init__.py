"""The section of the CT before the operation, and its picture."""
