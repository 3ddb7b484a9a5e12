"""Where the tip of a tracked tool is, and in which direction its shaft points."""
