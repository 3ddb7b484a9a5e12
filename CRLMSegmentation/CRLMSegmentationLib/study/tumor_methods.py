"""Names of the methods that find the tumor in an ultrasound volume, as results and report have them."""

CROP, FULL, SEMI = "Model_crop", "Model_full", "Semi_automatic"
