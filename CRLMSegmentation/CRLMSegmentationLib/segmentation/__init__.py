"""From a volume and a box around the tumor to a mask, a surface and sentences of doubt. Import the parts by name."""
