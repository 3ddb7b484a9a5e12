"""How it looks what a laparoscope sees: tissues around the liver, instruments, light, smoke, the camera's faults."""

from .pictures import LaparoscopePictures, draw_pictures

__all__ = ["LaparoscopePictures", "draw_pictures"]
