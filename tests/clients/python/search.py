"""Submits a small sweep by the generated client, follows it to its end and reads the best b."""

import json
import os
import sys

from floodgauge_client import AuthenticatedClient
from floodgauge_client.api.sweeps import get_best, plan_sweep, submit_sweep
from floodgauge_client.models import (
    Dataset,
    DecisionComplete,
    EventReported,
    EventSubmitted,
    LogEntry,
    ModelMlp,
    ModelMlpKind,
    OptimizerSgd,
    OptimizerSgdKind,
    Recipe,
    SchedulerKind,
    SchedulerSpec,
    Search,
    SweepBest,
    SweepDetail,
    SweepPlan,
    SweepSpec,
    SweepStatus,
)


def follow(client, sweep):
    """The entries of a sweep's log, as they come. Streams of events are beyond the generator."""
    path = f"/v1/sweeps/{sweep}/events"
    with client.get_httpx_client().stream("GET", path, timeout=120) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))


def main():
    client = AuthenticatedClient(base_url=sys.argv[1], token=os.environ["FLOODGAUGE_TOKEN"])
    levels = [0.5, 0.7, 0.9]
    spec = SweepSpec(
        name="by a generated client, in Python",
        recipe=Recipe(
            dataset=Dataset(name="digits", label_noise=0.2, n_train=200, n_val=200),
            model=ModelMlp(kind=ModelMlpKind.MLP, hidden=[64, 64]),
            optimizer=OptimizerSgd(kind=OptimizerSgdKind.SGD, lr=0.1),
            batch_size=10,
            epochs=30,
        ),
        search=Search(levels=levels),
        scheduler=SchedulerSpec(kind=SchedulerKind.GRID),
    )

    plan = plan_sweep.sync(client=client, body=spec)
    assert isinstance(plan, SweepPlan), plan
    assert plan.arms == 4 and plan.run_equivalents.full_grid == 4, plan

    sweep = submit_sweep.sync(client=client, body=spec, idempotency_key="python")
    assert isinstance(sweep, SweepDetail), sweep
    again = submit_sweep.sync(client=client, body=spec, idempotency_key="python")
    assert isinstance(again, SweepDetail) and again.id == sweep.id, again
    assert isinstance(sweep.spec.recipe.optimizer, OptimizerSgd), sweep.spec

    entries = []
    for told in follow(client, sweep.id):
        entry = LogEntry.from_dict(told)
        # What the client knows of is all that there is.
        assert not entry.additional_properties, entry
        assert not entry.event.additional_properties, entry
        assert entry.event.to_dict() == told["event"], told
        entries.append(entry)
    assert isinstance(entries[0].event, EventSubmitted), entries[0]
    assert any(isinstance(entry.event, EventReported) for entry in entries)
    ending = entries[-1].decisions[-1]
    assert isinstance(ending, DecisionComplete), ending

    best = get_best.sync(sweep.id, client=client)
    assert isinstance(best, SweepBest), best
    assert best.status == SweepStatus.COMPLETED, best
    assert best.best is not None and best.best == ending.best.best, best
    assert best.best.b in levels, best.best
    described = next(arm for arm in sweep.arms_list if arm.arm == best.best.arm)
    assert described.name == best.best.name and described.parameter == best.best.b, described
    print(f"Python: {len(entries)} entries, best b {best.best.b}")


main()
