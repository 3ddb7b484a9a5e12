from scene_case import session  # noqa: F401
from small_case import box, mask, surface, sweep, volume  # noqa: F401
