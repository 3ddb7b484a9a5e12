"""What a first load leaves on disk: the oldest of it goes, and nothing that others put into the same folder."""

import os

import numpy as np
from CRLMSegmentationLib.inference.runtimes.runtime_cache import FILES_KEPT, keep_answer, kept_answer, key_of


def test_only_what_the_cache_made_is_removed_however_old_other_files_are(tmp_path):
    """As when CRLM_CACHE names a folder in which the user keeps other things."""
    users = [tmp_path / f"thesis-{number}.docx" for number in range(60)]
    users += [tmp_path / name for name in ("volume.npy", "network.xml", f"{'0' * 31}.npy", f"{'A' * 32}.npy")]
    for file in users:
        file.write_text("the user's")
        os.utime(file, (1e9, 1e9))
    folder = tmp_path / f"{'b' * 32}.npy"
    folder.mkdir()
    own = [tmp_path / f"{key_of(str(number))}.npy" for number in range(FILES_KEPT + 5)]
    for number, file in enumerate(own):
        keep_answer(file, np.zeros((2, 2)))
        os.utime(file, (1.5e9 + number, 1.5e9 + number))
    keep_answer(tmp_path / f"{key_of('last')}.npy", np.ones(3))
    assert all(file.exists() for file in users) and folder.is_dir()
    left = [file for file in own if file.exists()]
    assert left == own[-len(left) :] and FILES_KEPT - 1 <= len(left) < len(own)
    assert all(kept_answer(file, (2, 2)) is not None for file in left)


def test_an_unfinished_file_of_a_killed_process_goes_with_the_others(tmp_path):
    draft = tmp_path / f"draft-123-456-{key_of('cut off')}.npy"
    draft.write_text("half")
    os.utime(draft, (1e9, 1e9))
    for number in range(FILES_KEPT):
        keep_answer(tmp_path / f"{key_of(str(number))}.npy", np.zeros(1))
    assert not draft.exists()
