"""Where a tracked tool is, how old that knowledge is, and how far its tip is from the tumor. Import parts by name."""
