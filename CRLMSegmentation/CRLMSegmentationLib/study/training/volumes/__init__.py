"""Batches of boxes for a 3D network, with looks of other scanners drawn while it learns."""
