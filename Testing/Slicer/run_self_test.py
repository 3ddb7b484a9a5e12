"""Runs the module's self test in a real Slicer, which then ends with status 0 when it passed and 1 when it did not:

    Slicer --testing --no-splash --ignore-slicerrc --additional-module-paths "$PWD/CRLMSegmentation" \
      --python-script Testing/Slicer/run_self_test.py

Pictures of the five steps go to the folder of the environment variable CRLM_SCREENSHOTS.
"""

import traceback

import slicer


def run() -> int:
    """0 when the self test passed."""
    try:
        from CRLMSegmentation import CRLMSegmentationTest

        CRLMSegmentationTest().runTest()
    except BaseException:
        traceback.print_exc()
        print("CRLMSegmentationTest: FAILED", flush=True)
        return 1
    print(f"CRLMSegmentationTest: passed in Slicer {slicer.app.applicationVersion}", flush=True)
    return 0


if __name__ == "__main__":
    slicer.util.exit(run())
