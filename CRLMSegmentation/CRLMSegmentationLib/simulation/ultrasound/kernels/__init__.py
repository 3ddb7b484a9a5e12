"""The inner loops, compiled by numba: painting the liver, echoes of scatterers, and the picture.

No fast-math and no threads: the order of every sum is fixed, so that the result is the same on any machine.
"""
