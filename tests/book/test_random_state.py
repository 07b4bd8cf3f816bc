"""No function of the package moves the reader's random numbers, least of all at its first call.

A tour opens every explorer, answers every exercise and calls by hand what neither reaches. No stop may move a
global generator.

Three move one by design. `models.Net()` draws its weights from torch's own, as every network of torch does.
`training.fit` without a generator shuffles with torch's own, and says so.
`checkpoints` restores its state, because a network with dropout draws from it and has to go on as it would
have; here nothing is drawn from it in between, so that the state is the same before and after.
"""

import importlib
import inspect
import json
import pkgutil
import random
import runpy
import sys
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from site_demo import openers
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, TensorDataset

import losslab
from losslab import exercises
from losslab.article import misprints
from losslab.book import chapters, environment, lookup, records, reports
from losslab.data import augment, handwriting, mnist, pixels, shelf
from losslab.figures import artists
from losslab.formulas import (
    activations,
    attribution,
    backprop,
    compression,
    costs,
    decisions,
    intervals,
    labels,
    losses,
    optim,
    privacy,
    regression,
    surfaces,
    trajectories,
)
from losslab.learning import (
    autodiff,
    checkpoints,
    contrastive,
    cuda_graph,
    history,
    measure,
    models,
    private,
    profiling,
    saving,
    timing,
    trained,
    training,
)
from losslab.parallel import torchrun, worker

HERE = Path(losslab.__file__).parent
MODULES = [importlib.import_module(m.name) for m in pkgutil.walk_packages([str(HERE)], "losslab.")]
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.trains

W, G = np.array([1.0, 2.0]), np.array([0.5, -1.0])
Z, LABELS = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.array([1, 2])
P = activations.softmax(Z)


def net():
    """The network, and torch's generator where it was."""
    with torch.random.fork_rng():
        return models.Net()


class Stops:
    """What is called by hand, module by module, with numbers as small as they can be."""

    def __init__(self, folder):
        self.folder = folder

    def formulas(self):
        for rule in (optim.ema_momentum, optim.velocity_momentum, optim.amsgrad):
            rule(W, G, lr=0.1)
        losses.mse(W, G), losses.binary_cross_entropy(W, np.array([0, 1]))
        backprop.check(lambda w: (w**2).sum(), W, 2 * W), backprop.softmax_jacobian(P)
        bowl = surfaces.quadratic((1.0, 2.0))
        path = trajectories.run(lambda w, g: (optim.gd(w, g, lr=0.1),), bowl.gradient, W, 3)
        trajectories.below_for_good(trajectories.loss_along(bowl.value, path), 1.0)
        x, y = regression.design(np.array([1.0, 2.0, 3.0])), np.array([2.0, 3.0, 5.0])
        for f in (regression.residual, regression.loss, regression.gradient):
            f(regression.solve(x, y), x, y)
        regression.curvature(x), regression.lr_limit(x)
        f = lambda a: a.sum(-1)  # noqa: E731
        attribution.shapley(f, W, G), attribution.occlusion(f, W, G), attribution.rank_correlation(W, G)
        attribution.sampled_shapley(f, W, G, np.array([[0, 1], [1, 0]]))
        costs.average_gradient([W, G], [1, 2]), costs.train_memory(1e9), costs.ring_bytes(8, 2)
        costs.ring_all_reduce(np.eye(2)), costs.train_flop(1.0, 2.0)

    def others(self):
        rng, own = np.random.default_rng(0), torch.Generator().manual_seed(0)
        compression.prune([compression.quantise(np.eye(2), 4)], 0.5), compression.lora_share(4, 4, 1)
        privacy.noisy_mean(np.eye(2), 1.0, 1.0, 2, rng), privacy.membership_auc(W, G)
        labels.suspicious(P, labels.flipped(LABELS, 0.5, rng, 3)), labels.folds(2, 2, rng)
        images, y = shelf.pictures(["flag", "vase"], 2, own)
        x, noise = images.mean((2, 3)), private.noise_for(3.0, 1e-2, rate=0.5, steps=2)
        joint = contrastive.fit(x, torch.ones(2, 1, 3), y, epochs=1, generator=own)
        contrastive.named(joint, x, torch.ones(2, 1, 3)), private.spent(noise, 1e-2, rate=0.5, steps=2)
        knobs = {"steps": 2, "batch": 2, "lr": 0.1, "clip": 1.0, "noise": noise, "generator": own}
        private.fit(models.initialised(lambda: torch.nn.Linear(3, 2), own), x, y, **knobs)

    def intervals(self):
        intervals.wilson(3, 5), intervals.mcnemar(1, 2), intervals.paired_difference([1, 0], [1, 1])

    def decisions(self):
        right, yes = np.array([True, False]), np.array([0.9, 0.2])
        activations.sigmoid(Z), decisions.decide(P, 0.5), decisions.precision_recall(yes, right, 0.5)
        losses.fit_temperature(np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]]), [0, 1, 1])
        decisions.generate(lambda symbols: Z[0], np.argmax, 0, 2)
        page = np.zeros((56, 56), np.uint8)
        page[10:40, 20:30] = 255
        handwriting.centred(page)

    def mistakes(self):
        lookup.errata_table(lookup.search("loss"))
        for f in (
            misprints.momentum_as_printed,
            misprints.momentum_without_rate,
            misprints.momentum_as_drawn,
        ):
            f(W, G)
        misprints.adam_uncorrected(W, G), misprints.cross_entropy_as_printed(P, P)
        misprints.cross_entropy_after_softmax(Z, LABELS), misprints.mean_of_shards([W, G], [1, 2])
        (
            misprints.worked_gradient_without_x(1.0, 2.0, 3.0),
            misprints.worked_gradient_without_sign(1.0, 2.0, 3.0),
        )
        (
            misprints.neuron_as_printed(W, G, np.tanh),
            misprints.is_large_as_printed(1e7),
            misprints.answers_as_printed(Z),
        )
        (
            misprints.prepare_as_drawn([1.0, None], np.asarray, list),
            misprints.read_as_printed([0], lambda s: Z[0]),
        )

    def book(self):
        chapters.banner("05_optimizers"), chapters.table("notebooks"), lookup.coverage_table()
        environment.details(environment.report()), environment.summary(environment.report())
        environment.links(), environment.best_device(torch)
        for file in (ROOT / "benchmarks" / "results").glob("mnist-*.json"):
            found = records.read(file.stem[6:], file.parent)
            records.shown(file.stem[6:], file.parent), records.floor_table(found)

    def figures(self):
        axes = iter(Figure().subplots(3, 3).flat)
        artists.paths(next(axes), {"GD": np.eye(2)}), artists.loss_curves(next(axes), {"GD": W})
        artists.curves(next(axes), {"a": (W, G)}), artists.digits(next(axes), np.zeros((1, 28, 28)))
        artists.confusion(next(axes), np.array([[5, 1], [0, 4]])), artists.class_bars(next(axes), W, 0)
        artists.bars(next(axes), {"a": 1.0}), artists.estimates(next(axes), {"a": (W, 1.0, 1.0)})
        artists.computation(next(axes), [(0, 0), (-1, 0)], [{1: "+1"}, {}], ["Mul", "leaf"])

    def autograd(self):
        w = torch.ones(2, requires_grad=True)
        autodiff.places([step.reads for step in autodiff.operations((w * w).sum())])
        autodiff.trace(lambda w: w * w, w=torch.tensor(2.0, requires_grad=True))
        autodiff.saved_bytes(lambda: (w * w).sum()), autodiff.flop(lambda: torch.eye(2) @ torch.eye(2))
        timing.take_turns({"a": int}, rounds=1, progress=False)

    def speed(self):
        model, batch = net(), (torch.zeros(4, 1, 28, 28), torch.arange(4))
        adam = torch.optim.Adam(model.parameters())
        spans = profiling.spans(lambda: profiling.step(model, adam, *batch))
        artists.timeline(Figure().subplots(), spans, {"part": "part"}), profiling.totals(spans)
        loader = DataLoader(TensorDataset(*batch), batch_size=2, shuffle=True)
        reports.loop(measure.loop(model, adam, loader, steps=5))
        reports.race(timing.race({"a": int}, 2, progress=False))

    def training_(self):
        data = pixels.standardise(mnist.load().train_images[:40], 0.1, 0.3), torch.arange(40) % 10
        own = torch.Generator().manual_seed(0)
        model = net()
        knobs = {"epochs": 1, "batch_size": 20, "progress": False, "generator": own, "watch": {"a": data}}
        knobs |= {"keep": ("a", "loss"), "average": AveragedModel(model), "transform": augment.affine}
        for _ in range(2):  # the second goes on where the first ended
            past = training.fit(model, *data, checkpoint=checkpoints.Folder(self.folder / "run"), **knobs)
        training.fit(net(), *data, epochs=1, generator=own, progress=False, loop=cuda_graph.Graph())
        past.best("a", "loss"), training.evaluate(model, *data).interval, history.cause(2, [0.1, 0.1])
        saving.save(self.folder / "net", model, pixels.Transform(0.1, 0.3, (28, 28), trained.NAMES))
        saving.load(self.folder / "net", model)

    def networks(self):
        trained.pair_reader(steps=1)
        trained.overlaid(*trained.split()["test"], 2, torch.Generator().manual_seed(0))

    def processes(self):
        threads = str(torch.get_num_threads())
        worker.main(["--steps", "1", "--threads", threads, "--out", str(self.folder / "out")])
        worker.batch_losses(json.loads((self.folder / "out").read_text())["runs"]["all-reduce"])
        torchrun.command(self.folder, 1), torchrun.ended([sys.executable, "-c", ""], 20)
        with mock.patch.object(torchrun, "ended", return_value=""), pytest.raises(torchrun.LaunchError):
            torchrun.launch()


def open_and_close(opener):
    """Show an explorer as a notebook does."""
    explorer = opener()
    explorer._repr_mimebundle_()
    explorer.close()


def answer_all():
    """Give every exercise the typical wrong answers of its tests."""
    for path in sorted((ROOT / "tests" / "chapters").glob("*/test_exercises.py")):
        for number, wrong, _ in runpy.run_path(str(path)).get("SLIPS", []):
            exercises.check(number, wrong)


def stops(folder):
    """The tour: {name of a stop: what it does}."""
    hand = {f"by_hand.{n}": f for n, f in inspect.getmembers(Stops(folder), inspect.ismethod) if n[0] != "_"}
    shown = {f"explorers.{n}": partial(open_and_close, o) for n, o in openers().items()}
    return shown | {"exercises": answer_all} | hand


def states():
    """The three global generators, as something that can be compared."""
    kind, keys, *place = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().tolist(), (kind, keys.tolist(), place), random.getstate()


@pytest.mark.parametrize("stop", stops(Path()))
def test_no_function_moves_a_global_generator(stop, tmp_path):
    for thing in [thing for module in MODULES for thing in vars(module).values()]:
        getattr(thing, "cache_clear", int)()
    before = states()
    stops(tmp_path)[stop]()
    assert states() == before
