"""What the views of the window show, and what is done in them."""
