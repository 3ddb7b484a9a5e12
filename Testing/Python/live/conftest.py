from dark_model import dark_model  # noqa: F401
from fake_worker import fake_workers  # noqa: F401
from small_model import exported_model  # noqa: F401
