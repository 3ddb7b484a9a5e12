"""Labels that were drawn on another modality, carried over to ultrasound by registration."""
