"""The CT before the operation: liver, vessels and tumors, their measures, over time, and in the operation's frame."""
