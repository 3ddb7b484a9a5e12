"""An MR or CT laid over an ultrasound volume by what both show: LC2, with a second opinion."""
