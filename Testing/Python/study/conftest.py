from small_model import exported_model  # noqa: F401
