"""The parts of the module's window. Qt and bindings only: what they show and start is in CRLMSegmentationLib."""
