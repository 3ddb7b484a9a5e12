"""Where the image lies on its probe, from an N-wire phantom."""
