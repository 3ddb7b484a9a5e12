"""The navigation session on a web page: bindings and layout on trame-slicer's views, no medical logic."""
