"""Checkers of chapter 7: each tries the reader's function and names the slip it sees."""

import math

import torch


def check_7_1(answer):
    """Take a function (widths) -> number of weights and biases of fully connected layers."""
    for widths in ([784, 256, 128, 64, 10], [3, 2], [5, 4, 7]):
        pairs = list(zip(widths, widths[1:], strict=False))
        got, right = answer(widths), sum((inputs + 1) * neurons for inputs, neurons in pairs)
        slips = {
            sum(a * b for a, b in pairs): "Each neuron also has a bias.",
            sum(a * (b + 1) for a, b in pairs): "A layer has one bias per neuron, not one per input.",
            sum(a * b for a, b in pairs) + sum(widths): "The input pixels are no neurons: they have no bias.",
            242762: "That is the article's network; count the one you are given.",
        }
        if got != right:
            return f"parameters({widths}) should be {right:,}, got {got:,}. {slips.get(got, '')}".rstrip()
    return None


def check_7_2(answer):
    """Take a function (K) -> lowest and highest cross-entropy of probabilities taken for logits."""
    for K in (10, 2, 1000):
        ends = torch.tensor([[1.0, *[0.0] * (K - 1)], [0.0] * (K - 1) + [1.0]], dtype=torch.float64)
        right = torch.nn.functional.cross_entropy(ends, torch.tensor([0, 0]), reduction="none").tolist()
        for end, got, want in zip(("lowest", "highest"), answer(K), right, strict=True):
            if not math.isclose(got, want, rel_tol=1e-9):
                hint = _slip_7_2(got, right, K)
                return f"With K = {K} the {end} loss is not {got:.4f}. {hint}".rstrip()
    return None


def _slip_7_2(got, right, K):
    """Name what would have given this wrong bound."""
    ten = math.log(math.e + 9)
    slips = [
        ([0], "Zero needs an infinite logit; these logits are probabilities and end at 1."),
        ([math.inf], "Infinity needs an infinite logit; these logits are probabilities and end at 0."),
        ([math.log(K)], "log K is the loss of equal probabilities, which is neither the best nor the worst."),
        (right, "That is the other end."),
        ([ten - 1, ten], "That is for the article's ten classes; use K."),
    ]
    return next(
        (hint for ends, hint in slips if any(math.isclose(got, end, abs_tol=1e-9) for end in ends)), ""
    )


def check_7_3(answer):
    """Take a function (train, test) -> both sets, scaled by the training pixels' mean and deviation."""
    random = torch.Generator().manual_seed(0)
    train = torch.randint(0, 200, (40, 28, 28), generator=random, dtype=torch.uint8)
    test = torch.randint(50, 256, (10, 28, 28), generator=random, dtype=torch.uint8)
    got = answer(train.clone(), test.clone())
    for name, scaled, raw in zip(("training", "test"), got, (train, test), strict=True):
        if scaled.shape != raw.shape:
            return f"The {name} images came back with shape {tuple(scaled.shape)}, not {tuple(raw.shape)}."
        want = (raw.double() - train.double().mean()) / train.double().std()
        if not torch.allclose(scaled.double(), want, atol=1e-3):
            return _slip_7_3(name, scaled.double(), raw.double(), torch.cat([train, test]).double())
    return None


def _slip_7_3(name, scaled, raw, both):
    """Name what would have given these wrongly scaled images."""
    if torch.allclose(scaled, (raw - both.mean()) / both.std(), atol=1e-3):
        return "Your constants come from both sets together: the test images have leaked into the training."
    if name == "test" and abs(scaled.mean()) < 1e-3:
        return "Each set has its own constants, so the same grey means two things. Which set decides?"
    if name == "test" and torch.allclose(scaled, raw / 255, atol=1e-3):
        return "The test images must be scaled as well: the network has only seen scaled ones."
    if torch.allclose(scaled, (raw / 255 - 0.5) / 0.5, atol=1e-3):
        return "These are the article's 0.5 and 0.5; measure the constants."
    return f"Your {name} images have mean {scaled.mean():.3f} and deviation {scaled.std():.3f}."


def check_7_4(answer):
    """Take a function (logits, labels) -> accuracy from 0 to 1, and half the width of its 95 % interval."""
    random = torch.Generator().manual_seed(0)
    for n, K in ((50, 10), (10, 10), (200, 3)):
        logits = torch.randn(n, K, generator=random)
        labels = torch.where(torch.rand(n, generator=random) < 0.7, logits.argmax(1), logits.argmin(1))
        right = (logits.argmax(1) == labels).sum().item()
        accuracy, margin = (float(part) for part in answer(logits, labels))
        if not math.isclose(accuracy, right / n, rel_tol=1e-5):
            return f"{right} of {n} are right, you return {accuracy:.4g}. {_slip_7_4(accuracy, right, n)}"
        want = 1.96 * math.sqrt(right / n * (1 - right / n) / n)
        if not math.isclose(margin, want, rel_tol=1e-3):
            return f"± should be {want:.4f}, got {margin:.4g}. {_slip_margin(margin, want, n)}"
    return None


def _slip_7_4(accuracy, right, n):
    """Name what would have given this wrong accuracy."""
    slips = {
        right: "That is the number of right answers.",
        100 * right / n: "That is a percentage; the interval needs a share.",
        (n - right) / n: "That is the share of mistakes.",
        right / 10_000: "Divide by the number of images you got, not by 10000.",
    }
    near = [hint for value, hint in slips.items() if math.isclose(accuracy, value, rel_tol=1e-5)]
    return near[0] if near else "The prediction is the class with the largest logit: argmax along axis 1."


def _slip_margin(margin, want, n):
    """Name what would have given this wrong half width."""
    if math.isclose(margin, 2 * want, rel_tol=1e-3):
        return "That is the whole width."
    if math.isclose(margin, want * math.sqrt(n), rel_tol=1e-3):
        return "That does not shrink with the number of images."
    if math.isclose(margin, want / 1.96, rel_tol=1e-3):
        return "That is one standard error; 95 % take 1.96 of them."
    return "Put numbers into (7.7) by hand."
