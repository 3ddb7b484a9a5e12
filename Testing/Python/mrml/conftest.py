from small_case import box, mask, session, surface, sweep, volume  # noqa: F401
