"""What large trainings cost: operations, days, energy, money, messages and memory (article ch. 8, 9, Q1, Q3).

Symbols: P parameters, D tokens, G devices. Prices and watts are the reader's assumptions, not constants here.
"""

from typing import NamedTuple

import numpy as np

DAY = 86_400.0  # seconds
IMAGENET = 1_281_167  # training images of ILSVRC 2012


# --- one table of models ---


def train_flop(parameters, tokens):
    """Operations of a training, 6 P D (Kaplan et al. 2020): 2 P per token forward, 4 P backward."""
    return 6.0 * parameters * tokens


def fitted_loss(parameters, tokens):
    """Nats per token, as fitted to trainings of 70 M to 16 B parameters (Hoffmann et al. 2022, eq. 10).

    What no model could avoid, what a larger one could, and what more data could.
    """
    return 1.69 + 406.4 / parameters**0.34 + 410.7 / tokens**0.28


class Size(NamedTuple):
    """A model's parameters and training operations; `flop` is None where no number is published.

    One multiplication and one addition are two floating-point operations (FLOP).
    """

    name: str
    parameters: float
    flop: float | None
    source: str


# N and D for texts as Brown et al. (2020) print them in Table D.1, rounded. Devlin et al. (2019) round the
# 335 million of BERT large to 340.
TABLE_D1 = {"BERT base": (109e6, 250e9), "BERT large": (355e6, 250e9), "GPT-3": (174.6e9, 300e9)}
# Images: operations counted for one image forward and backward, times images, times epochs of the recipe.
# Texts: from Table D.1, which gives N and D with their product.
MODELS = (
    Size("the article's Net", 242_762, 1_052_416 * 60_000 * 10, "counted; 10 epochs of MNIST"),
    Size("ResNet-18", 11_689_512, 10_648_412_160 * IMAGENET * 90, "counted; torchvision's recipe"),
    Size("ResNet-50", 25_557_032, 24_299_077_632 * IMAGENET * 90, "counted; torchvision's recipe"),
    Size("ViT-B/16", 86_567_656, 105_151_758_336 * IMAGENET * 300, "counted; torchvision's recipe"),
    Size(
        "BERT base", 109_482_240, train_flop(*TABLE_D1["BERT base"]), "counted; Brown et al. 2020, Table D.1"
    ),
    Size(
        "BERT large",
        335_141_888,
        train_flop(*TABLE_D1["BERT large"]),
        "counted; Brown et al. 2020, Table D.1",
    ),
    Size("Turing-NLG", 17e9, None, "Rosset 2020"),
    Size("GPT-3", 174_604_259_328, train_flop(*TABLE_D1["GPT-3"]), "counted; Brown et al. 2020, Table D.1"),
    Size("GShard", 600e9, None, "Lepikhin et al. 2021"),
)


class Published(NamedTuple):
    """A training as its authors report it; `hours` summed over all devices, None where they do not say."""

    parameters: float
    tokens: float
    flop: float | None
    device: str
    peak: float | None  # FLOP/s of one device
    utilisation: float | None  # model FLOP utilisation
    hours: float | None
    source: str


PUBLISHED = {
    "GPT-3": Published(
        *TABLE_D1["GPT-3"],
        3.14e23,
        "V100",
        125e12,
        0.213,
        None,
        "Brown et al. 2020; MFU: Chowdhery et al.",
    ),
    "Chinchilla": Published(70e9, 1.4e12, 5.76e23, "TPU v3 and v4", None, None, None, "Hoffmann et al. 2022"),
    "PaLM": Published(
        540.35e9, 780e9, 2.56e24, "TPU v4", 275e12, 0.457, 6144 * 1200 + 3072 * 336, "Chowdhery et al. 2022"
    ),
    "LLaMA": Published(65.2e9, 1.4e12, None, "A100", 312e12, None, 1_022_362, "Touvron et al. 2023"),
}
COUNTED = {model.name: model.parameters for model in MODELS}
# Parameters: counted for the article's network and for BERT large, as published for the others.
PARAMETERS = {"Net": COUNTED["the article's Net"], "BERT": COUNTED["BERT large"]} | {
    name: run.parameters for name, run in PUBLISHED.items()
}


# --- days, energy, money ---


def check_devices(devices):
    """Raise unless there is one device or more."""
    if not (np.asarray(devices) >= 1).all():
        raise ValueError(f"devices must be 1 or more, got {devices}")


def train_days(flop, devices, rate):
    """Days that G devices need for `flop` operations, each at `rate` FLOP/s *achieved*, not its peak."""
    check_devices(devices)
    if not (np.asarray(rate) > 0).all():
        raise ValueError(f"rate must be positive, got {rate}")
    return flop / (devices * rate) / DAY


def train_energy(days, devices, *, watts, overhead=1.0):
    """Energy in kWh of G devices of `watts` each; `overhead` is the data centre's, 1 for none (PUE)."""
    return energy(days * 24 * devices, watts, overhead)


def energy(hours, watts, overhead=1.0):
    """Energy in kWh of `hours` device-hours at `watts`; `overhead` is the data centre's, 1 for none (PUE)."""
    if not (np.asarray(overhead) >= 1).all():
        raise ValueError(f"overhead must be 1 or more, got {overhead}")
    return hours * watts / 1000 * overhead


def emissions(kwh, grid):
    """Kilograms of CO₂e of an energy in kWh, on a grid that emits `grid` grams of CO₂e per kWh."""
    if not (np.asarray(grid) >= 0).all():
        raise ValueError(f"grid must be 0 g/kWh or more, got {grid}")
    return kwh * grid / 1000


# Grams of CO2e per kWh generated, whole life cycle, mean of 2024: Ember, yearly electricity data (CC BY 4.0),
# as repeated in data/output/average-intensities.json of
# thegreenwebfoundation/co2.js; looked up on 2026-11-29.
GRIDS = {
    "Norway": 30.75,
    "France": 44.18,
    "Brazil": 103.21,
    "EU": 213.31,
    "Germany": 344.14,
    "United States": 383.55,
    "World": 473.05,
    "China": 559.55,
    "Poland": 614.98,
    "India": 708.32,
}
GRIDS_AS_OF = 2024


class Footprint(NamedTuple):
    """Energy and emissions of a training as they were reported; None where they were not.

    Attributes
    ----------
    hours, watts : float
        Device-hours, summed over all devices, and what is counted for each device.
    kwh, tonnes : float
        Of running the devices, not of making them; tonnes of CO2e.
    source : str
    """

    hours: float | None
    watts: float | None
    kwh: float | None
    tonnes: float
    source: str


# What is counted differs. BLOOM: the devices alone; 50.5 t with idle machines, network and the making of the
# hardware. GPT-3: not by its authors, with the data centre's overhead. Llama 3.1: by the grid where it stood,
# with an overhead that is not printed; 0 t after certificates for renewable energy.
FOOTPRINTS = {
    "BLOOM": Footprint(1_082_990, 400, 433_196, 24.69, "Luccioni, Viguier and Ligozat 2023"),
    "GPT-3": Footprint(None, None, 1_287_000, 552, "Patterson et al. 2021"),
    "Llama 3.1 405B": Footprint(30.84e6, 700, None, 8930, "Meta's model card, July 2024"),
}


def train_cost(days, devices, *, price):
    """Cost of G devices at `price` per device and hour, in the currency of the price."""
    return days * 24 * devices * price


def check_share(name, value):
    """Raise unless every value is a share."""
    if not ((np.asarray(value) >= 0) & (np.asarray(value) <= 1)).all():
        raise ValueError(f"{name} must be a share from 0 to 1, got {value}")


def amdahl(devices, share):
    """How many times sooner G devices finish one fixed batch (strong scaling; Amdahl 1967).

    Parameters
    ----------
    devices, share : float or array
        The share q of one device's time is split among them, 1 − q is not: 1 / (1 − q + q / G).
    """
    check_devices(devices)
    check_share("share", share)
    return 1 / (1 - share + share / devices)


def gustafson(devices, share):
    """How much more work G devices do in the time of one, each with a whole batch (weak scaling).

    Parameters
    ----------
    devices, share : float or array
        The share q of each device's time goes into its own batch, 1 − q into what is done once for all:
        1 − q + q G (Gustafson 1988).
    """
    check_devices(devices)
    check_share("share", share)
    return 1 - share + share * devices


def speedup(devices, serial):
    """How many times faster G devices are if the share `serial` of the work cannot be split (Amdahl 1967)."""
    check_share("serial", serial)
    return amdahl(devices, 1 - serial)


def efficiency(devices, serial):
    """Speed-up per device: the share of G devices' time that is not spent waiting."""
    return speedup(devices, serial) / devices


def average_gradient(gradients, sizes):
    """Mean gradient over all samples, from the mean gradient of each shard and its number of samples.

    Parameters
    ----------
    gradients : array, shape (n, P)
    sizes : sequence of n int

    Returns
    -------
    array, shape (P,)
    """
    gradients, sizes = np.asarray(gradients, float), np.asarray(sizes, float)
    if sizes.shape != gradients.shape[:1]:
        raise ValueError(f"sizes must hold one number per gradient, got {sizes.shape} and {gradients.shape}")
    if not ((sizes >= 0).all() and sizes.sum() > 0):
        raise ValueError(f"sizes must be numbers of samples, got {sizes}")
    return sizes @ gradients / sizes.sum()


def dealt_error(sizes, noise):
    """Root mean square error, relative to ‖g‖, of the unweighted mean over shards dealt at random.

    Parameters
    ----------
    sizes : sequence of n int, or array, shape (n, ...)
    noise : float
        s/‖g‖: standard deviation of one sample's gradient (‖·‖, N − 1 in the denominator) over the size of
        the mean gradient.
    """
    sizes = np.asarray(sizes, float)
    if not (sizes > 0).all():
        raise ValueError(f"sizes must be positive numbers of samples, got {sizes}")
    return noise * np.sqrt((1 / sizes).sum(0) / len(sizes) ** 2 - 1 / sizes.sum(0))


def ring_bytes(size, devices):
    """Bytes each of G devices sends in a ring all-reduce of `size` bytes: 2 (G − 1)/G times `size`."""
    check_devices(devices)
    return 2 * (devices - 1) / devices * size


def ring_all_reduce(arrays):
    """Sum n arrays so that each device ends up with the sum, every device sending only to its neighbour.

    Parameters
    ----------
    arrays : array, shape (n, P)
        What each device holds; P a multiple of n.

    Returns
    -------
    sums : array, shape (n, P)
        What each device holds afterwards.
    sent : int
        Numbers that each device has sent.
    """
    if np.ndim(arrays) != 2 or np.shape(arrays)[1] % np.shape(arrays)[0]:
        raise ValueError(f"arrays must be (n, P), P a multiple of n, got {np.shape(arrays)}")
    n, P = np.shape(arrays)
    chunks = np.array(arrays, float).reshape(n, n, P // n)
    device = np.arange(n)
    for t in range(2 * (n - 1)):
        chunk = (device - t) % n  # what each device passes on to the next one
        passed, to = chunks[device, chunk].copy(), (device + 1) % n
        chunks[to, chunk] = passed + (chunks[to, chunk] if t < n - 1 else 0)  # add, then replace
    return chunks.reshape(n, P), 2 * (n - 1) * P // n


# Bytes per parameter while training with Adam, activations not counted.
STATES = {
    "fp32": {"weights": 4, "gradients": 4, "Adam": 8},
    "mixed": {"weights": 2, "gradients": 2, "Adam": 12},  # m, v, and the weights once more in fp32
}
STAGES = ((), ("Adam",), ("Adam", "gradients"), ("Adam", "gradients", "weights"))


def train_memory(parameters, devices=1, stage=0, precision="mixed"):
    """Bytes on each of G devices while training with Adam (Rajbhandari et al. 2020), without activations.

    Parameters
    ----------
    parameters, devices : float or array
    stage : int
        ZeRO stage: 0 replicates everything (data parallelism), 1 splits Adam's states, 2 the gradients too,
        3 the weights too (FSDP).
    precision : "fp32" or "mixed"
        16 bytes per parameter in both.
    """
    if stage not in range(len(STAGES)):
        raise ValueError(f"stage must be 0, 1, 2 or 3, got {stage!r}")
    if precision not in STATES:
        raise ValueError(f"precision must be one of {list(STATES)}, got {precision!r}")
    check_devices(devices)
    split = STAGES[stage]
    states = STATES[precision].items()
    return sum(bytes_ * parameters / (devices if name in split else 1) for name, bytes_ in states)


class Advice(NamedTuple):
    """What `should_distribute` weighs, and its verdict.

    `need` and `memory` are bytes; `compute` and `traffic` are seconds a step, the first on one device;
    `verdict` is a key of the words "should_distribute".
    """

    need: float
    memory: float
    compute: float
    traffic: float
    speedup: float
    verdict: str


def should_distribute(parameters, batch, *, devices, memory, bandwidth, rate):
    """Whether to train on more than one device, and what to split first.

    A step takes 6 P operations per sample, split among G devices, and then a ring all-reduce of 2-byte
    gradients, none of it hidden behind the computing. Activations are not counted.

    Parameters
    ----------
    parameters, batch : float
        Parameters of the model, and samples (of a text: tokens) of one step, over all devices.
    devices : int
        2 or more: how many there could be.
    memory, bandwidth, rate : float
        Of one device: bytes, bytes/s to its neighbour, FLOP/s *achieved*.

    Returns
    -------
    Advice
        "model" if the states do not fit on one device; "one" if splitting the batch would save less than a
        tenth of the time; else "batch".
    """
    given = {"parameters": parameters, "batch": batch, "memory": memory, "bandwidth": bandwidth, "rate": rate}
    for name, value in given.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
    if not devices >= 2:
        raise ValueError(f"devices must be 2 or more, got {devices}")
    need = train_memory(parameters)
    compute = train_flop(parameters, batch) / rate
    traffic = ring_bytes(STATES["mixed"]["gradients"] * parameters, devices) / bandwidth
    faster = compute / (compute / devices + traffic)
    verdict = "model" if need > memory else "batch" if faster > 1 / 0.9 else "one"
    return Advice(need, memory, compute, traffic, faster, verdict)
