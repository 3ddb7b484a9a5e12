"""A laparoscope's video as it is recorded: every frame that comes, in its colors, with its time and poses."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ...errors import ConfigurationError, CRLMError, RecordingError
from ...sweep.recorder import Recorder
from ...sweep.recovery import recover_unfinished
from ...words import tr
from ..event import Event
from ..jobs.task import Task
from ..state import NO_FOLDER, NO_LIVE_VIDEO, NOT_RECORDED
from .live_feeds import LiveFeed
from .video_sources import FrameFeed

# Not among the sweeps: it is no ultrasound.
FOLDER = "laparoscope"


class VideoRecording:
    """At most one at a time; its file is made in the background when it ends.

    feed      gives the video that is open; None without
    file      the last that was made; None before
    problem   what went wrong at last, or which frames were lost; ''
    changed   event: it has begun or ended, or its file is made
    """

    def __init__(self, feed: Callable[[], FrameFeed | None], on_error: Callable[[Exception], None]) -> None:
        self.file: Path | None = None
        self.problem = ""
        self.changed: Event[[]] = Event(on_error)
        self._feed = feed
        self._recorder: Recorder | None = None
        self._recorded: LiveFeed | None = None
        self._lost_before = 0
        self._finishing: list[tuple[Recorder, Task]] = []

    @property
    def is_on(self) -> bool:
        return self._recorder is not None

    @property
    def is_busy(self) -> bool:
        """True while a file is being made."""
        return bool(self._finishing)

    @property
    def why_not(self) -> str:
        """Why none can be begun now; ''."""
        if self.is_on:
            return tr("The video is being recorded already; stop that first.")
        return "" if isinstance(self._feed(), LiveFeed) else NO_LIVE_VIDEO

    @property
    def text(self) -> str:
        """For people; ''."""
        if self._recorder is not None:
            warning = f"; {self._recorder.warning}" if self._recorder.warning else ""
            assert self._recorded is not None
            lost = self._recorded.dropped - self._lost_before
            lost_text = tr(", {lost} came too fast and are lost", lost=lost) if lost else ""
            return tr(
                "Recording: {frames} frames{lost_text}{warning}",
                frames=self._recorder.frames,
                lost_text=lost_text,
                warning=warning,
            )
        if self.is_busy:
            return tr("The recording is being written.")
        return tr("Recorded in {name}", name=self.file.name) if self.file is not None else ""

    def start(self, folder: str | Path | None) -> None:
        """Keep every frame from now on, in a new file below `folder`. Raises ConfigurationError when no live video is
        open or there is no folder, and RecordingError when it cannot be written.
        """
        if self.why_not:
            raise ConfigurationError(self.why_not)
        if folder is None:
            raise ConfigurationError(NO_FOLDER)
        feed = self._feed()
        assert isinstance(feed, LiveFeed), "why_not has said so"
        name = time.strftime("laparoscope-%Y%m%d-%H%M%S")
        self._recorder = Recorder(_free(Path(folder) / FOLDER, name), keep_color=True)
        self._recorded, self._lost_before, self.problem = feed, feed.dropped, ""
        feed.record(self._recorder)
        self.changed()

    def stop(self) -> None:
        """End it; its file is made in the background. Raises ConfigurationError when none is going on."""
        if self._recorder is None or self._recorded is None:
            raise ConfigurationError(NOT_RECORDED)
        recorder, feed = self._recorder, self._recorded
        self._recorder = self._recorded = None
        feed.record(None)
        self._finishing.append((recorder, Task(lambda: _finished(recorder), "recording of the laparoscope")))
        self.changed()

    def process(self) -> None:
        """Take in what is done; called by the session's timer. Raises what is a fault of this program."""
        if self._recorder is not None and self._recorder.problem:
            self.problem = self._recorder.problem
        ended = [one for one in self._finishing if one[1].has_ended]
        self._finishing = [one for one in self._finishing if one not in ended]
        for recorder, task in ended:
            self.problem = recorder.problem
            if task.error is None:
                self.file = task.result
            elif isinstance(task.error, CRLMError):
                self.problem = str(task.error)
            self.changed()
        faults = [task.error for _, task in ended if task.error and not isinstance(task.error, CRLMError)]
        if faults:
            raise faults[0]

    def close(self) -> None:
        """End it, and wait until its file is there."""
        if self.is_on:
            self.stop()
        for _, task in self._finishing:
            task.join()
        self.process()


def _finished(recorder: Recorder) -> Path:
    """The file of a recording; those beside it that were cut off are finished, too."""
    recorder.discard()
    if recorder.frames == 0 and not recorder.problem:
        raise RecordingError(tr("No frame came while the video was recorded: there is no file of it."))
    file = recorder.stop()[0]
    recover_unfinished(file.parent)
    return file


def _free(folder: Path, name: str) -> Path:
    """A name that no recording of the same second has."""
    number = 1
    while True:
        path = folder / (f"{name}.igs.mha" if number == 1 else f"{name}-{number}.igs.mha")
        if not path.exists() and not path.with_name(f"{path.name}.journal").exists():
            return path
        number += 1
