"""The views of the page and what is drawn in them."""
