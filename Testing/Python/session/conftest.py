from scene_case import view  # noqa: F401
from small_case import box, mask, session, surface, sweep, volume  # noqa: F401
