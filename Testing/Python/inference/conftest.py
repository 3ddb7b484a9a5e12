from fake_worker import fake_workers  # noqa: F401
from small_model import (  # noqa: F401
    averaging_model,
    exported_model,
    model_copy,
    nnunet_result,
    speckled_volume,
    stand_in,
)
