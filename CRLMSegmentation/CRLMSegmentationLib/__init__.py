"""Ultrasound navigation of colorectal liver metastases: everything that is not Qt.

The rooms, in the order of the data: `sweep` and `openigtlink` receive and record tracked frames,
`reconstruction` makes a volume of them, `segmentation` finds the tumor in a box, `navigation` measures
from tools to its surface, `scene` carries the whole workflow on MRML nodes. `study` and `simulation`
stand beside them for research. See docs/architecture.md.
"""

__version__ = "0.1.0"

from .thread_variables import correct_thread_variables

# Before any library is imported that reads them.
correct_thread_variables()
