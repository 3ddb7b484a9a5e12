"""What a laparoscope sees of a simulated patient: camera, poses, depth and masks of landmarks; pictures in looks/."""

from .views import LANDMARKS, LaparoscopeViews, draw_views
from .views_file import views_files, write_views

__all__ = ["LANDMARKS", "LaparoscopeViews", "draw_views", "views_files", "write_views"]
