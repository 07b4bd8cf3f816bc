"""What explanations of small networks are worth: a clever Hans, deletion, sanity, agreement, simplification.

    python benchmarks/explain.py            writes benchmarks/results/explain.json (a few minutes)
    python benchmarks/explain.py --smoke    one seed, two sizes of the mark, few digits; writes nothing

Everything is judged on the 600 validation digits of `trained.split`, or on wines that were not trained on;
the test images are not touched. What is explained is the log-probability of the answer; the baseline, paper.
Each seed trains its networks anew. Blocks are 4 × 4 pixels, 49 in all.

hans        by size of the mark: accuracy as the team would have measured it, and what became of the 3s
deletion    the mean probability of the answer before and after the 5 most important blocks are blanked
sanity      rank correlation of absolute values, before and after layers were drawn anew
agreement   the same between two methods; both on all pixels and ("ink") where the digit has ink
simplify    accuracy without the smallest weights; a tree that imitates a network; a student of a network
wine, maps  what the explorers `permutations` and `hans` show
"""

import argparse
import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from sklearn.tree import DecisionTreeClassifier
from torch import nn
from torch.nn.functional import cross_entropy, kl_div

from losslab.data import marks
from losslab.explorers.views import hans
from losslab.formulas import attribution
from losslab.learning import maps, models, trained, training

RESULTS = Path(__file__).with_name("results") / "explain.json"
SEEDS, DELETED, JUDGED, COMPARED = 3, 5, 200, 100  # seeds; blocks; digits whose blocks go; digits compared
METHODS = "gradient", "gradient × ink", "integrated gradients", "occlusion", "Grad-CAM"
LAYERS = {"head": ("head",), "all": ("head", "features")}
SHARES, DEPTHS = (0, 0.5, 0.8, 0.9, 0.95), (1, 2, 3, 4)
STUDENT, FEW, SOFT = 16, 500, 4.0  # neurons of the student, its digits, and the temperature


def right(reader, images, labels):
    """Return the share of uint8 images that are read as labelled."""
    return float((reader.logits(images).argmax(1) == labels.numpy()).mean())


# --- a clever Hans ---


def fooled(size, seed):
    """Return what became of a network whose training 3s were marked, {key of `hans.RATES`: share}."""
    reader, (x, y) = trained.marked_reader(size, seed), trained.split()["validation"]
    threes, others = x[y == 3], x[y != 3]
    marked = marks.stamp(threes, size)
    found = {"accuracy_marked": right(reader, torch.cat([marked, others]), torch.cat([y[y == 3], y[y != 3]]))}
    found["threes"] = right(reader, threes, y[y == 3])
    found["called_3"] = right(reader, marks.stamp(others, size), torch.full((len(others),), 3))
    values = explained(reader, reader.transform(marked), 3).abs()
    found["share"] = float((values[:, marks.where(size)].sum(1) / values.sum((1, 2))).mean())
    return found


def paper(reader):
    """Return a blank picture as the network of a reader is shown it, (1, 28, 28)."""
    return reader.transform(torch.zeros(1, 28, 28, dtype=torch.uint8))


def explained(reader, x, label):
    """Return integrated gradients of the log-probability of a label, of the shape of x."""
    return maps.integrated_gradients(maps.log_probability(reader.model, label), x, paper(reader))


def shown(size, picture):
    """Return what the explorer shows of one picture: the answer, its probability, the map in percent."""
    reader = trained.marked_reader(size)
    x = reader.transform(hans.seen(size, picture)[None])
    p = training.predict(reader.model, x).softmax(1)[0]
    values = explained(reader, x, p.argmax())[0]
    percent = (100 * values / values.abs().max()).round().int().flatten().tolist()
    return {"answer": p.argmax().item(), "p": round(p.max().item(), 3), "map": percent}


# --- maps of one network ---


def blocks(values):
    """Sum maps (N, 28, 28) over blocks, (N, 49)."""
    return values.reshape(-1, 7, 4, 7, 4).sum((2, 4)).flatten(1)


def spread(values):
    """Give every pixel of a block its value, (N, 49) to (N, 28, 28)."""
    return values.reshape(-1, 7, 7).repeat_interleave(4, 1).repeat_interleave(4, 2)


@torch.no_grad()
def occluded(f, x, blank):
    """Return what f loses if one block at a time is blanked, (N, 49)."""
    masks = spread(torch.eye(49)).bool()
    return torch.stack([f(x) - f(torch.where(mask, blank, x)) for mask in masks], 1)


def every_map(model, x, label, blank):
    """Return the maps of `METHODS`, {method: (N, 28, 28)}; the gradient by its absolute value."""
    f = maps.log_probability(model, label)
    slope = maps.gradient(f, x)
    return {
        "gradient": slope.abs(),
        "gradient × ink": slope * (x - blank),
        "integrated gradients": maps.integrated_gradients(f, x, blank),
        "occlusion": spread(occluded(f, x, blank)),
        "Grad-CAM": maps.enlarged(maps.grad_cam(f, model.features[4], x), 28),
    }


def digits(seed, count):
    """Return a network, validation digits as it is shown them, its answers, and blank paper."""
    reader = trained.marked_reader(0, seed)
    x = reader.transform(trained.split()["validation"][0][:count])
    return reader.model, x, training.predict(reader.model, x).argmax(1), paper(reader)


def deletion(seed, count):
    """Return the mean probability of the answers before and after deletion by each method."""
    model, x, answer, blank = digits(seed, count)
    chance = maps.log_probability(model, answer)
    found = {name: blocks(one) for name, one in every_map(model, x, answer, blank).items()}
    found["random"] = torch.rand(len(x), 49, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        kept = {"before": chance(x).exp().mean().item()}
        for name, values in found.items():
            gone = torch.zeros_like(values).scatter(1, values.topk(DELETED).indices, 1)
            kept[name] = chance(torch.where(spread(gone) > 0, blank, x)).exp().mean().item()
    return kept


def correlation(a, b, ink):
    """Return the mean rank correlation of absolute values of maps, on all pixels and on those with ink."""
    a, b, ink = (one.numpy() for one in (a.abs(), b.abs(), ink))
    each = [[(one, other), (one[dark], other[dark])] for one, other, dark in zip(a, b, ink, strict=True)]
    found = np.array([[rank(*pair) for pair in pairs] for pairs in each])
    return np.nan_to_num(found).mean(0).tolist()


def rank(a, b):
    """Return the rank correlation; 0 where a map is the same everywhere and ranks nothing."""
    return attribution.rank_correlation(a, b) if np.ptp(a) and np.ptp(b) else 0.0


def sanity(seed, count):
    """Return for each method and choice of layers how alike the maps stay, and between methods."""
    model, x, answer, blank = digits(seed, count)
    before, ink = every_map(model, x, answer, blank), x > blank
    alike = {method: {} for method in METHODS}
    for name, layers in LAYERS.items():
        other = maps.randomised(model, torch.Generator().manual_seed(100 + seed), layers)
        for method, after in every_map(other, x, answer, blank).items():
            both = correlation(before[method], after, ink)
            alike[method] |= dict(zip((name, f"{name}, ink"), both, strict=True))
    pairs = {f"{a} | {b}": correlation(before[a], before[b], ink) for a, b in combinations(METHODS, 2)}
    agree = {name: dict(zip(("pixels", "ink"), both, strict=True)) for name, both in pairs.items()}
    return {"sanity": alike, "agreement": agree}


# --- simplification ---


def pruned(seed):
    """Return the accuracy when the smallest share of all weights is set to 0, without further training."""
    x, y = trained.split()["validation"]
    found = {}
    for share in SHARES:
        reader = trained.marked_reader(0, seed)
        weights = [p for p in reader.model.parameters() if p.ndim > 1]
        limit = torch.cat([p.detach().abs().flatten() for p in weights]).quantile(share)
        with torch.no_grad():
            for p in weights:
                p[p.abs() < limit] = 0
        found[str(share)] = right(reader, x, y)
    return found


def trees(seed):
    """Return for each depth how often a tree answers as the network it imitates, and how often rightly."""
    wine, found = trained.taster(seed), {}
    learnt, kept = (training.predict(wine.model, x).argmax(1) for x in (wine.x_train, wine.x_test))
    for depth in DEPTHS:
        tree = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(wine.x_train, learnt)
        said = tree.predict(wine.x_test)
        found[str(depth)] = {
            "fidelity": float((said == kept.numpy()).mean()),
            "accuracy": float((said == wine.y_test.numpy()).mean()),
        }
    return found


def soft(logits, teacher):
    """Return the loss of a student against its teacher's softened answers (Hinton et al. 2015)."""
    both = (logits / SOFT).log_softmax(1), (teacher / SOFT).log_softmax(1)
    return SOFT**2 * kl_div(*both, log_target=True, reduction="batchmean")


def taught(seed):
    """Return the accuracy of a small network trained on few digits, by their labels and by a teacher."""
    (x, y), held = trained.split()["train"], trained.split()["validation"]
    teacher = trained.marked_reader(0, seed)
    x, y = teacher.transform(x[:FEW]), y[:FEW]
    said = {"plain": (y, cross_entropy), "from the teacher": (training.predict(teacher.model, x), soft)}
    return {name: student(seed, teacher, x, *one, held) for name, one in said.items()}


def student(seed, teacher, x, target, loss, held):
    """Train a student for 40 epochs with Adam and return its accuracy."""
    generator = torch.Generator().manual_seed(seed)
    layers = nn.Flatten(), nn.Linear(784, STUDENT), nn.ReLU(), nn.Linear(STUDENT, 10)
    model = models.initialised(lambda: nn.Sequential(*layers), generator)
    adam = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(40):
        for rows in torch.randperm(len(x), generator=generator).split(50):
            training.step(model, adam, x[rows], target[rows], loss)
    return right(teacher._replace(model=model), *held)


def bottle():
    """Return the first wine that was not trained on, and the network that reads it, rounded."""
    wine = trained.taster()
    first, last = wine.model[0], wine.model[2]
    parts = {"W": [first.weight, last.weight], "b": [first.bias, last.bias]}
    found = {name: [rounded(one.detach()) for one in both] for name, both in parts.items()}
    answer = training.predict(wine.model, wine.x_test[:1]).argmax().item()
    return found | {"names": list(wine.names), "x": rounded(wine.x_test[0]), "answer": answer}


def rounded(values):
    """Return numbers with four decimals, as lists."""
    return np.round(values.double().numpy(), 4).tolist()


# --- the record ---


def gathered(each):
    """Turn what the seeds found, alike nested dicts, into dicts of lists with four decimals."""
    if not isinstance(each[0], dict):
        return [round(float(one), 4) for one in each]
    return {key: gathered([one[key] for one in each]) for key in each[0]}


def measured(seed, sizes, judged, compared):
    """Measure everything for one seed."""
    found = {"hans": {str(size): fooled(size, seed) for size in sizes}, "deletion": deletion(seed, judged)}
    found |= sanity(seed, compared)
    found["simplify"] = {"prune": pruned(seed), "tree": trees(seed), "distil": taught(seed)}
    print("seed", seed, {key: round(value, 3) for key, value in found["deletion"].items()}, flush=True)
    return found


def main():
    """Measure, and store the record after each seed: a run that is stopped leaves what it had."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="one seed, two sizes; writes nothing")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    options = parser.parse_args()
    sizes = hans.SIZES.tolist()[:2] if options.smoke else hans.SIZES.tolist()
    seeds, counts = (1, (5, 5)) if options.smoke else (SEEDS, (JUDGED, COMPARED))
    pictures, each = {}, []
    for seed in range(seeds):
        each.append(measured(seed, sizes, *counts))
        if not pictures:
            pictures = {name: {str(size): shown(size, name) for size in sizes} for name in hans.PICTURES}
        record = described(counts) | {"seeds": list(range(seed + 1))} | gathered(each)
        record |= {"wine": bottle(), "maps": pictures}
        if not options.smoke:
            options.output.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")


def described(counts):
    """Return when, where and on how many digits it was measured."""
    versions = {name: version(name) for name in ("torch", "scikit-learn")}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": "python benchmarks/explain.py",
        "machine": platform.machine(),
        "versions": versions | {"python": platform.python_version()},
        "digits": dict(zip(("deletion", "sanity"), counts, strict=True)),
    }


if __name__ == "__main__":
    main()
