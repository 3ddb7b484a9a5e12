"""What python_process.start_python() runs in a new Python: `python python_child.py MODULE ARGUMENTS...`.

This library is found by where this file lies, and what the parent finds beyond this Python's own packages is looked for
last: a search path in front of Python's own (PYTHONPATH) would let an old copy of a standard module that lies beside
the library, such as the `argparse` that unittest2 brings, take the place of Python's.
"""

import sys

PATHS_VARIABLE = "CRLM_CHILD_PATH"


def main() -> None:
    """Run the module as `python -m` would. The first entry of the path, a script's own folder, has gone by then."""
    import importlib.util
    import os
    import runpy

    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
    own = {os.path.abspath(path) for path in sys.path}
    # Only for this process: its own children find their paths themselves.
    paths = os.environ.pop(PATHS_VARIABLE, "").split(os.pathsep)
    sys.path += [path for path in paths if path and os.path.abspath(path) not in own]
    name = os.path.basename(folder)
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None and spec.loader is not None, "a file of Python always has a loader"
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    module, sys.argv[1:] = sys.argv[1], sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
