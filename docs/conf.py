"""How the documentation site is built: `make docs`.

Sphinx with MyST and furo: the pages are the Markdown files that GitHub shows as well, the reference is made of the
docstrings and of `crlm --help` at build time, and every link that leads nowhere fails the build.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent / "CRLMSegmentation")]

from CRLMSegmentationLib import __version__

project = "CRLM Navigation"
author = "the authors of CRLM Navigation"
copyright = "the authors of CRLM Navigation, BSD 3-Clause"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "plain_docstrings",
    "reference_pages",
]
exclude_patterns = ["_build", "extension-index"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

# A docstring writes `name` for code; plain_docstrings makes reStructuredText of it.
default_role = "code"
autodoc_mock_imports = ["qt", "ctk"]
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}
add_module_names = False
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 100
toc_object_entries = False
# The same dataclass is exported by its room and documented where it is written.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = "CRLM Navigation"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "announcement": "For research. Not a medical device; the shipped models have seen simulated ultrasound only.",
    "navigation_with_keys": True,
}
html_show_sourcelink = False
