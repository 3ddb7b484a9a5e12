"""From a volume and a box around the tumor to a mask, a surface and words of doubt. Import the parts by name."""
