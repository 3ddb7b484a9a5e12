"""Cases with known truth: the table of them, simulated ones, and data sets for nnU-Net made of them."""
