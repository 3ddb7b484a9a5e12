"""Which tools are looked for, and how they are drawn."""
