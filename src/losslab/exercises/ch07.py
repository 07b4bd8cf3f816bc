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


def check_7_5(answer):
    """Take a function (p, k) -> Amdahl's speed-up of the whole."""
    for p, k in ((0.75, 2), (0.9, 10), (0.5, math.inf), (0.25, 1)):
        got, want = answer(p, k), 1 / (1 - p + p / k)
        if not math.isclose(got, want, rel_tol=1e-9):
            return f"speed_up({p}, {k}) should be {want:.4g}, got {got:.4g}. {_slip_7_5(got, p, k)}".rstrip()
    return None


def _slip_7_5(got, p, k):
    """Name what would have given this wrong speed-up."""
    slips = [
        (1 / (p + (1 - p) / k), "You have made the other part faster."),
        (1 - p + p / k, "That is the time that is left; the speed-up is its inverse."),
        (k, "Only a share p of the time gets k times as fast."),
        (1 + p * (k - 1), "Times add up, speeds do not: start with the time that is left."),
    ]
    return next((hint for value, hint in slips if math.isclose(got, value, rel_tol=1e-9)), "")


def check_7_6(answer):
    """Take a function (N, B1, T1, B2, T2) -> the price of a step and the price of an image."""
    for N, B1, B2, c, s in (
        (1000, 50, 200, 3e-3, 1e-5),
        (5400, 100, 1000, 4e-4, 2e-6),
        (95, 10, 40, 1.0, 2.0),
    ):
        n1, n2 = math.ceil(N / B1), math.ceil(N / B2)
        got = tuple(float(part) for part in answer(N, B1, n1 * c + N * s, B2, n2 * c + N * s))
        for name, value, want in zip(("step", "image"), got, (c, s), strict=True):
            if not math.isclose(value, want, rel_tol=1e-6):
                return f"The price of one {name} should be {want:.4g}, got {value:.4g}. " + _slip_7_6(
                    got, (c, s), N, B1, B2
                )
    return None


def _slip_7_6(got, right, N, B1, B2):
    """Name what would have given these wrong prices."""
    if math.isclose(got[0], right[1], rel_tol=1e-6) and math.isclose(got[1], right[0], rel_tol=1e-6):
        return "These are the two prices, but the other way round."
    if math.isclose(got[0], right[0], rel_tol=1e-6):
        return "The price of a step is right; take the steps away from one of the times, and divide by N."
    steps = math.ceil(N / B1) - math.ceil(N / B2)
    if math.isclose(got[0], right[0] * steps, rel_tol=1e-6):
        return "That is the difference of the times: divide it by the difference of the numbers of steps."
    if math.isclose(got[0], right[0] * steps / (N / B1 - N / B2), rel_tol=1e-6):
        return "The last, smaller batch is a step, too: round the number of steps up."
    return "Subtract the two times: the images' part is in both."


def check_7_7(answer):
    """Take a function (w, beta) -> exponential average of the rows of w, started at the first."""
    random = torch.Generator().manual_seed(0)
    for steps, beta in ((2, 0.9), (5, 0.5), (40, 0.98)):
        w = torch.randn(steps, 3, generator=random, dtype=torch.float64)
        got = torch.as_tensor(answer(w.clone(), beta), dtype=torch.float64)
        want = _averages(w, beta)
        if got.shape != want["right"].shape:
            return f"The average has the shape of one row, {tuple(w[0].shape)}, got {tuple(got.shape)}."
        if not torch.allclose(got, want["right"], rtol=1e-6):
            near = (hint for hint, value in want.items() if torch.allclose(got, value, rtol=1e-6))
            return next(near, f"With {steps} rows and beta {beta} it should be {want['right'].tolist()}.")
    return None


def _averages(w, beta):
    """Return the average of the rows, and under its hint what each slip makes of them."""
    from_zero, swapped, right = torch.zeros_like(w[0]), w[0], w[0]
    for w_t in w:
        from_zero = beta * from_zero + (1 - beta) * w_t
    for w_t in w[1:]:
        right, swapped = beta * right + (1 - beta) * w_t, (1 - beta) * swapped + beta * w_t
    return {
        "right": right,
        "Start with the first row, not with zeros: nothing corrects the bias here.": from_zero,
        "Beta is what is kept of the average; you give it to the new weights.": swapped,
        "That is the plain mean: all rows count the same.": w.mean(0),
        "That is the last row: the average forgets, but not all at once.": w[-1],
    }
