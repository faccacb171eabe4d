"""Scenarios that once broke a promise, shrunk; a change of the generator does not change them."""

from __future__ import annotations

from tests.simulation.scenario import (  # noqa: F401 - what representations of scenarios name
    Answer,
    ClockMove,
    Command,
    Fault,
    FileMove,
    Full,
    Kill,
    Move,
    ObjectMove,
    Scenario,
    Signal,
)

FAILED: dict[str, Scenario] = {
    "stale-sidecar-1": Scenario(
        documents=(("users/u4", {"note": 0}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(
                verb="apply",
                file="x.plan",
                options=(),
                faults=(Fault(point="write", nth=0, action=Kill()),),
            ),
            FileMove(kind="move without wal", source="x.plan", target="y.plan"),
            Command(verb="plan", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "old-url-unlisted-1": Scenario(
        documents=(("users/u2", {"meta": {"thumb": 7}}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(
                verb="apply",
                file="x.plan",
                options=(),
                faults=(Fault(point="got", nth=0, action=Move(kind="retype", a=2, b=1, c=1)),),
            ),
        ),
        missing=(),
        batch=400,
        parts=1,
    ),
    "journal-replaced-1": Scenario(
        documents=(("users/u5", {"files": [10]}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(
                verb="plan",
                file="x.plan",
                options=(),
                faults=(
                    Fault(
                        point="sql",
                        nth=9,
                        action=Command(verb="apply", file="x.plan", options=(), faults=()),
                    ),
                ),
            ),
        ),
        missing=(),
        batch=1,
        parts=1,
    ),
    "journal-replaced-2": Scenario(
        documents=(("users/u1", {"files": [3]}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(
                verb="plan",
                file="x.plan",
                options=(),
                faults=(
                    Fault(
                        point="rename",
                        nth=0,
                        action=Command(verb="apply", file="x.plan", options=(), faults=()),
                    ),
                ),
            ),
        ),
        missing=(),
        batch=4,
        parts=1,
    ),
    "accepted-wal-1": Scenario(
        documents=(("users/u3", {"note": 4}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(
                verb="apply",
                file="x.plan",
                options=(),
                faults=(Fault(point="wrote", nth=0, action=Kill()),),
            ),
            FileMove(kind="move without wal", source="x.plan", target="y.plan"),
            Command(verb="apply", file="y.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "old-url-unlisted-2": Scenario(
        documents=(("users/u1", {"meta": {"thumb": 7}}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Move(kind="replace", a=2, b=3, c=20),
            Command(verb="apply", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "restored-remade-1": Scenario(
        documents=(("users/u5", {"meta": {"thumb": 10}}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Command(verb="plan", file="y.plan", options=(), faults=()),
            Command(
                verb="rollback",
                file="y.plan",
                options=(),
                faults=(Fault(point="sql", nth=12, action=Move(kind="recreate", a=2, b=5, c=21)),),
            ),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "write-forgotten-1": Scenario(
        documents=(("users/u5", {"note": 2, "meta": {"thumb": 8}}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Move(kind="swap", a=0, b=11, c=6),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "old-url-unlisted-3": Scenario(
        documents=(
            ("users/u1", {}),
            ("users/u2", {}),
            ("users/u3", {}),
            ("users/u5", {"files": [4]}),
        ),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Move(kind="replace", a=3, b=0, c=18),
            Command(verb="apply", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=4,
        parts=1,
    ),
    "second-rollback-1": Scenario(
        documents=(("users/u3", {"meta": {"thumb": 11}}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "moved-unlisted-1": Scenario(
        documents=(("users/u5", {"note": 2}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Move(kind="retype", a=2, b=5, c=26),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=1,
        parts=1,
    ),
    "second-rollback-2": Scenario(
        documents=(("users/u5", {"image": 9}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "used-trigger-1": Scenario(
        documents=(("users/u3", {"files": [2]}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            FileMove(kind="trigger", source="x.plan", target="y.plan"),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=400,
        parts=1,
    ),
    "status-6-1": Scenario(
        documents=(),
        steps=(
            Command(
                verb="plan",
                file="x.plan",
                options=(),
                faults=(Fault(point="rename", nth=0, action=Kill()),),
            ),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "used-trigger-2": Scenario(
        documents=(("users/u0", {"meta": {"thumb": 5}}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            FileMove(kind="trigger", source="x.plan", target="y.plan"),
            Command(verb="apply", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=400,
        parts=1,
    ),
    "accepted-trigger-1": Scenario(
        documents=(),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            FileMove(kind="trigger", source="x.plan", target="y.plan"),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=4,
        parts=1,
    ),
    "copy-unlisted-1": Scenario(
        documents=(("users/u0", {"note": 2, "files": [{"url": 12}]}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Move(kind="restore", a=0, b=1, c=10),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "journal-replaced-3": Scenario(
        documents=(("users/u5", {"files": [5]}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(
                verb="plan",
                file="x.plan",
                options=(),
                faults=(
                    Fault(
                        point="prove",
                        nth=0,
                        action=Command(verb="apply", file="x.plan", options=(), faults=()),
                    ),
                ),
            ),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "accepted-trigger-2": Scenario(
        documents=(),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            FileMove(kind="trigger", source="x.plan", target="y.plan"),
            Command(verb="apply", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "status-6-2": Scenario(
        documents=(),
        steps=(
            Command(
                verb="plan",
                file="x.plan",
                options=(),
                faults=(Fault(point="rename", nth=0, action=Kill()),),
            ),
        ),
        missing=(),
        batch=400,
        parts=1,
    ),
    "write-forgotten-2": Scenario(
        documents=(("users/u5", {"note": 2, "meta": {"thumb": 5}, "image": 7}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Move(kind="swap", a=0, b=9, c=49),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=1,
        parts=1,
    ),
    "not-proven-1": Scenario(
        documents=(("users/u1", {"files": [0]}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            ClockMove(kind="passes", hours=25),
            ObjectMove(kind="vanishes", key="moved/a.png"),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "copy-unlisted-2": Scenario(
        documents=(("users/u3", {"note": 9}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Move(kind="replace", a=0, b=3, c=12),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "accepted-flip-1": Scenario(
        documents=(("users/u5", {"meta": {"thumb": 4}}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
            FileMove(kind="flip", source="x.plan", target="y.plan"),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "moved-unlisted-2": Scenario(
        documents=(("users/u0", {"note": 6}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Command(
                verb="rollback",
                file="x.plan",
                options=(),
                faults=(Fault(point="write", nth=0, action=Move(kind="retype", a=4, b=2, c=43)),),
            ),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "bug-1": Scenario(
        documents=(),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(
                verb="plan",
                file="x.plan",
                options=(),
                faults=(Fault(point="sql", nth=27, action=Full(how="undone")),),
            ),
            Command(verb="plan", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=1,
        parts=1,
    ),
    "restored-remade-2": Scenario(
        documents=(("users/u5", {"note": 12}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Move(kind="recreate", a=4, b=4, c=43),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "copy-unlisted-3": Scenario(
        documents=(("users/u1", {"meta": {"thumb": 13}, "note": 0}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Move(kind="edit", a=4, b=2, c=1),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=4,
        parts=1,
    ),
    "not-proven-2": Scenario(
        documents=(("users/u3", {"image": 2}), ("users/u4", {"image": 8})),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            ClockMove(kind="passes", hours=25),
            ObjectMove(kind="vanishes", key="moved/b.png"),
            Command(verb="apply", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=1,
        parts=1,
    ),
    "used-trigger-3": Scenario(
        documents=(("users/u5", {"files": [9]}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            FileMove(kind="trigger", source="x.plan", target="y.plan"),
            Command(verb="apply", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=1,
        parts=1,
    ),
    "stale-sidecar-2": Scenario(
        documents=(("users/u5", {"image": 12}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(
                verb="apply",
                file="x.plan",
                options=(),
                faults=(
                    Fault(
                        point="get",
                        nth=0,
                        action=Command(verb="plan", file="x.plan", options=(), faults=()),
                    ),
                ),
            ),
        ),
        missing=(),
        batch=4,
        parts=1,
    ),
    "second-rollback-3": Scenario(
        documents=(("users/u5", {"files": [{"url": 1}]}),),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            Command(verb="apply", file="x.plan", options=(), faults=()),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "accepted-trigger-3": Scenario(
        documents=(),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            FileMove(kind="trigger", source="x.plan", target="y.plan"),
            Command(verb="rollback", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
    "not-proven-3": Scenario(
        documents=(
            ("users/u1", {"image": 7}),
            ("users/u2", {"image": 6}),
            ("users/u3", {"image": 7}),
        ),
        steps=(
            Command(verb="plan", file="x.plan", options=(), faults=()),
            ClockMove(kind="passes", hours=25),
            ObjectMove(kind="vanishes", key="moved/a.png"),
            Command(verb="apply", file="x.plan", options=(), faults=()),
        ),
        missing=(),
        batch=2,
        parts=1,
    ),
}
