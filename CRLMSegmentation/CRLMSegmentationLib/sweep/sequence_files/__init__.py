"""Sequence files (MetaImage and NRRD) as PLUS, SlicerIGSIO and this project read and write them."""
