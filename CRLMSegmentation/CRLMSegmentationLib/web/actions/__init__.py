"""What the buttons of the page do."""
