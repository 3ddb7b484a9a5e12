"""A tracked probe over a liver: scatterers, beam, picture, motion, and what the tracker says."""
