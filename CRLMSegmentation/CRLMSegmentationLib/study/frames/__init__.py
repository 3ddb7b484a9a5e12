"""The tumor in single planes: how they are cut from cases, and what is measured in each of them."""
