"""A window without Slicer: widgets that keep what they are given, and a session that says what a test wants."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from unittest.mock import MagicMock

from CRLMSegmentationLib.navigation.margin import MarginState
from CRLMSegmentationLib.session.calibration.guidance import Guidance
from CRLMSegmentationLib.session.hands_free.hands_free_part import HandsFreePart
from CRLMSegmentationLib.session.laparoscope.shown_frame import SWITCHES
from CRLMSegmentationLib.session.screen import ScreenPart
from CRLMSegmentationLib.session.state import SessionState, Step, StepStatus
from CRLMSegmentationLib.session.tool_setup.tool_looks import ToolLooks
from CRLMSegmentationLib.session.tumors.case_tumor import CaseTumor
from CRLMSegmentationLib.session.workflow import Workflow
from CRLMSegmentationLib.tracking.age import Age

# What a method of Qt gives back that nothing here depends on: one for all, since each takes milliseconds to make.
_ANYTHING = MagicMock()
_SIGNALS = {"collapsed": "contentsCollapsed(bool)", "checked": "toggled(bool)"}


class FakeWidget:
    """Any Qt widget: properties are attributes, signals are sent by click() and by what changes a property."""

    def __init__(self, **properties):
        usual = dict(
            text="", styleSheet="", visible=True, enabled=True, collapsed=False, checked=False, toolTip="", width=1280
        )
        self.__dict__.update({**usual, "slots": {}, "count": 0, "currentIndex": 0, **properties})

    def __setattr__(self, name, value):
        changed = self.__dict__.get(name) != value
        self.__dict__[name] = value
        if changed and name in _SIGNALS:
            self._send(_SIGNALS[name], value)

    def __getattr__(self, name):
        # A method of Qt that nothing here depends on.
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments: _ANYTHING

    def parentWidget(self):
        """In no panel of Slicer's."""
        return

    def connect(self, signal, slot):
        self.slots.setdefault(signal, []).append(slot)

    def click(self):
        assert self.enabled and self.visible, "it cannot be pressed"
        self._send("clicked()")

    def _send(self, signal, *values):
        for slot in self.slots.get(signal, []):
            slot(*values)


class FakeUi:
    """Every widget that is asked for, by its name."""

    def __getattr__(self, name):
        widget = FakeWidget(text=name) if not name.endswith(("Section", "Frame")) else FakeWidget(collapsed=True)
        self.__dict__[name] = widget
        return widget


def make_parameters(**values):
    """As parameters.Parameters, without a node."""
    usual = dict(
        publishPort=18945, publishOpenly=False,
        useSlicerIgt=False, sound=False, marginMm=10.0, threshold=0.5, plusConfiguration="", boxSizeMm=40.0,
        boxIsTight=False, liveReconstruction=True, spacingMm=0.5, recordFolder="recordings", smoothing=0.5,
        device=SimpleNamespace(value="auto"), showUncertainty=False, replayPath="", replaySpeed=1.0, host="localhost",
        port=18944, caseFolder="cases", useSlicerConnector=False, scopeImage="Laparoscope", scopeDevice=0,
        scopeBoard="", scopeSquareMm=10.0,
    )  # fmt: skip
    parameters = SimpleNamespace(**{**usual, **values})
    parameters.parameterNode = MagicMock()
    parameters.connectGui = parameters.disconnectGui = lambda *_: 1
    return parameters


def make_reading(distance_mm=None, margin="UNKNOWN", status="LIVE", name="Stylus", other=None):
    """As scene.tools.ToolReading."""
    return SimpleNamespace(
        name=name, status=SimpleNamespace(name=status), signed_distance_mm=distance_mm,
        error_text="" if distance_mm is None else "± 1.8 mm", error_explanation="",
        margin=MarginState[margin], other=other, remark="", budget=None, age_text="0.1 s ago", tip_to_reference=None,
    )  # fmt: skip


@dataclass(frozen=True)
class _Settings:
    spacing_mm: float = 0.5


def make_status(**values):
    """As openigtlink.StreamStatus."""
    usual = dict(connected=True, frames=10, age=Age(0.1), frames_per_second=20.0)
    return SimpleNamespace(**{**usual, **values})


class FakePart:
    """A part of a session: what it is asked to do is written down as 'part.command'."""

    def __init__(self, name, calls, **values):
        self._name, self._calls = name, calls
        vars(self).update(values)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **options: self._calls.append(f"{self._name}.{name}")


class FakeView(dict):
    """Nodes by name, as a SceneView gives them: what is in it as 'volume' comes from volume_node()."""

    def __init__(self, session):
        super().__init__()
        self.session, self.application = session, None

    def hide_live(self):
        self.session.calls.append("view.hide_live")

    def __getattr__(self, name):
        if not name.endswith("_node"):
            raise AttributeError(name)
        return lambda *_: self.get(name.removesuffix("_node"))


class FakeSession:
    """What the window asks of a Session; a test sets the state and calls the listeners."""

    def __init__(self):
        self.state = SessionState()
        self.state.steps[Step.CONNECT].status = StepStatus.READY
        self.fault, self.is_busy = None, False
        self.given_readings = []
        self.calls = calls = []
        image = SimpleNamespace(plane=None, is_live=lambda: False)
        self.stream = FakePart("stream", calls, status=None, source=None, is_live=False, image=image, other_tools=[])
        self.recording = FakePart("recording", calls, state=None, sweep=None)
        self.live = FakePart(
            "live", calls, is_on=False, why_not="", text="", moved_warning="", proposal=None, proposal_text=""
        )  # fmt: skip
        self.volume = FakePart(
            "volume", calls, value=None, engine="crlm", settings=_Settings(), engines=lambda: ["crlm"]
        )  # fmt: skip
        self.box = FakePart("box", calls, value=None, is_tight=False, warnings=())
        self.engine = FakePart(
            "engine", calls, status=SimpleNamespace(state="ready", device="cpu", message=""), model_choices=list
        )  # fmt: skip
        self.tumor = FakePart(
            "tumor", calls, result=None, threshold=None, doubts=(),
            has_hand_corrections=False, smoothing=0.5, acknowledge_doubts=self._acknowledge_doubts,
        )  # fmt: skip
        first = CaseTumor(1, "T1", (1.0, 0.8, 0.2))
        self.tumors = FakePart(
            "tumors", calls, all=(first,), chosen=first, is_any=False, scan=None, can_show_newest=False
        )
        self.accuracy = FakePart("accuracy", calls)
        self.calibration = FakePart(
            "calibration", calls, is_running=False, is_ending=False, result=None, problem="", instruction="",
            guidance=Guidance(), calibrates=True, tools=["Stylus"], accepted=[], known_errors=[], file=None,
        )  # fmt: skip
        self.preoperative = FakePart(
            "preoperative", calls, is_there=False, is_busy=False, problem="", ct=None, series=(), followed=None,
            is_choosing=False,
            registration=None, structures=[], shown=[], at={}, progress=(0.0, ""), has_result=False, has_model=True,
            folder=None, without_places=lambda sentence: sentence, touched=(),
            remnant=FakePart(
                "remnant", calls, is_draggable=False, found=None, plane=None, turn_deg=0.0, tilt_deg=0.0, offset_mm=0.0
            ),
            corrections=FakePart("corrections", calls, made=0),
        )  # fmt: skip
        self.laparoscope = FakePart(
            "laparoscope", calls, is_open=False, is_playing=False, is_busy=False, is_old=False, problem="", newest=None,
            registered=None, registration_text=lambda: "", landmarks_text="", doubts=(), shown=frozenset(SWITCHES),
            model=None, camera=None, deform=False,
            recording=FakePart("video", calls, is_on=False, text="", problem="", why_not=""),
            alignment=FakePart("alignment", calls, is_on=False, why_not=""),
            calibration=FakePart("scope calibration", calls, is_running=False, result=None, text="", problem=""),
        )  # fmt: skip
        self.structures = FakePart(
            "structures", calls, margin_mm=10.0, shows_uncertainty=False, set_margin_mm=self._set_margin_mm
        )  # fmt: skip
        self.tools = FakePart(
            "tools", calls, readings=lambda: list(self.given_readings), to_others=lambda reading: {},
            names=["Stylus"], looks=ToolLooks(), has_target=False,
        )  # fmt: skip
        self.case = FakePart(
            "case", calls, question=None, origin=None, clock_s=None, has_unsaved_data=False, is_empty=False,
            is_saving=False, saved=None, save_problem="",
        )  # fmt: skip
        self.publishing = FakePart("publishing", calls, port=None, text="")
        self.screen, self.hands_free = ScreenPart(Workflow()), HandsFreePart(self, Workflow())
        self.jobs = FakePart("jobs", calls, running=None, steps=())
        self.view = FakeView(self)
        self.report = lambda sentence: calls.append(f"report {sentence}")
        self._listeners = []

    def add_listener(self, listener):
        self._listeners.append(listener)

    def set(self, **statuses):
        """Status of steps by name; `message` apart."""
        for name, status in statuses.items():
            self.state.steps[Step[name]].status = StepStatus[status]
        self.tools.has_target = self.state.steps[Step.NAVIGATE].status is StepStatus.READY

    def process(self):
        self.calls.append("process")

    def close(self):
        self.calls.append("close")

    def _acknowledge_doubts(self):
        self.state.doubts_acknowledged = True

    def _set_margin_mm(self, margin_mm):
        self.structures.margin_mm = margin_mm
