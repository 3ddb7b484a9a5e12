"""The CT before the operation in a session: opened, segmented, measured, followed over time, registered."""
