"""What the page shows: its layout and its values."""
