from fake_worker import fake_workers  # noqa: F401
from small_model import averaging_model, exported_model, model_copy, speckled_volume, stand_in  # noqa: F401
