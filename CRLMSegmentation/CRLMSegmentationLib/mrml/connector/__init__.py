"""SlicerOpenIGTLink's connector as a source of frames, by the nodes that it fills."""
