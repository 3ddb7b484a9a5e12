"""The tools on the page: which are looked for, and how each is drawn."""
