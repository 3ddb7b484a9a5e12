"""From cases with known truth to a trained, calibrated and measured model: for research, beside the navigation."""
