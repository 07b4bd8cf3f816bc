"""Arrays to artists on the Axes they are given. Nothing here computes a number or uses pyplot."""

import numpy as np
from matplotlib.colors import LogNorm

from losslab.figures.palette import GROUND, HUES, LINES, TEXT


def contours(ax, surface, *, theme="light", resolution=160, levels=18):
    """Draw a surface's loss as filled contours at logarithmic levels, its window, and its minimum as a star.

    Where the loss is not finite, nothing is drawn; a loss that is the same everywhere has no contours.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    surface : losslab.formulas.surfaces.Surface
    theme : "light" or "dark"
    """
    x, y = np.linspace(*surface.xlim, resolution), np.linspace(*surface.ylim, resolution)
    loss = np.ma.masked_invalid(surface.value(np.stack(np.meshgrid(x, y), -1)))
    loss = loss - min(loss.min(), 0) + 1e-12  # levels above the lowest, if that is negative
    low = max(loss.max() * 1e-4, loss.min())
    if low < loss.max():
        rings = {"levels": np.geomspace(low, loss.max(), levels), "norm": LogNorm()}
        ax.contourf(x, y, loss, cmap=GROUND[theme], extend="both", **rings)
        ax.contour(x, y, loss, colors="#8A9BAB", linewidths=0.4, **rings)
    if surface.minimum is not None:
        ax.plot(*surface.minimum, "*", color="white", markeredgecolor="black", markersize=11)
    ax.set(xlim=surface.xlim, ylim=surface.ylim, xlabel="$w_1$", ylabel="$w_2$")
    ax.grid(visible=False)


def paths(ax, named, *, every=10):
    """Draw paths over the plane with a marker at every tenth step; what has overflowed is left out.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    named : dict of name -> array, shape (steps + 1, 2)
        Names with a style in `LINES` get it.
    """
    for name, path in named.items():
        if np.ndim(path) != 2 or np.shape(path)[1] != 2:
            raise ValueError(f"a path must be (steps + 1, 2), got {np.shape(path)} of {name!r}")
        path = np.where(np.abs(path) < 1e6, path, np.nan)
        ax.plot(*path.T, label=name, markevery=every, markersize=4, **LINES.get(name, {}))


def loss_curves(ax, curves, *, every=10, floor=1e-16):
    """Draw losses against the step on a logarithmic axis.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    curves : dict of name -> array, shape (steps + 1,)
    """
    for name, loss in curves.items():
        loss = np.where(loss < 1e30, np.maximum(loss, floor), np.nan)
        ax.plot(loss, label=name, markevery=every, markersize=4, **LINES.get(name, {}))
    ax.set(yscale="log", xlabel="step", ylabel="loss")


def curves(ax, lines, *, every=None):
    """Draw named lines, the i-th in the i-th style of `LINES` (here the styles have no meaning of their own).

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    lines : dict of name -> (x, y), each array-like of shape (n,)
    every : int or float, optional
        Which points carry a marker, as matplotlib's `markevery`; default all.
    """
    for (name, (x, y)), style in zip(lines.items(), LINES.values(), strict=False):
        ax.plot(x, y, label=name, markersize=4, markevery=every, **style)
    ax.legend()


def digits(ax, images, captions=(), *, columns=10):
    """Lay out images as ink on paper, row by row, each with its caption above.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    images : array-like, shape (N, 28, 28), 0 (paper) to 255 (ink)
    captions : sequence of N str, or nothing
    """
    if np.ndim(images) != 3 or not len(images):
        raise ValueError(f"images must be (N, height, width), got {np.shape(images)}")
    if len(captions) not in (0, len(images)):
        raise ValueError(f"captions must be one per image, got {len(captions)} for {len(images)}")
    pitch = 1.3 if len(captions) else 1.0
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        top, left = row * pitch, column + 0.04
        place = {"extent": (left, left + 0.92, top + 0.92, top), "interpolation": "nearest"}
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=255, **place)
        if len(captions):
            ax.text(left + 0.46, top - 0.04, captions[i], ha="center", va="bottom", fontsize=8)
    ax.set(xlim=(0, min(columns, len(images))), ylim=((row + 1) * pitch - pitch + 1, 0.96 - pitch))
    ax.axis("off")


def confusion(ax, counts):
    """Draw a confusion matrix: right answers as grey numbers on the diagonal, frequent mistakes darker.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    counts : array, shape (K, K)
        `counts[i, j]` is the number of images of class i that were taken for class j.
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"counts must be (K, K), got {counts.shape}")
    wrong = counts - np.diag(np.diag(counts))
    ax.imshow(np.sqrt(wrong), cmap="Oranges")
    for (i, j), n in np.ndenumerate(counts):
        if n:
            colour = "0.35" if i == j else "white" if wrong[i, j] > wrong.max() / 2 else "black"
            ax.text(j, i, n, ha="center", va="center", fontsize=7, color=colour)
    ax.set(
        xlabel="predicted digit", ylabel="true digit", xticks=range(len(counts)), yticks=range(len(counts))
    )
    ax.grid(visible=False)


def class_bars(ax, values, truth):
    """Draw one bar per class with its value; the true class is coloured and hatched.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : array-like, shape (K,)
    truth : int
    """
    if not 0 <= truth < len(values):
        raise ValueError(f"truth must be a class in 0..{len(values) - 1}, got {truth}")
    bars = ax.bar(range(len(values)), values, color="0.75")
    bars[truth].set(facecolor=LINES["Corrected"]["color"], hatch="//", edgecolor="white")
    ax.axhline(0, color="0.3", linewidth=0.8)
    ax.set(xlabel="digit", xticks=range(len(values)))
    ax.grid(axis="x", visible=False)


def bars(ax, values, *, words="{:.2f}"):
    """Draw one horizontal bar per name, the first on top, with its value written at its end.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : dict of name -> number
    words : str
        How a value is written.
    """
    found = ax.barh(list(values), list(values.values()), color=LINES["Corrected"]["color"], height=0.7)
    ax.bar_label(found, [words.format(value) for value in values.values()], padding=3, fontsize=8)
    ax.invert_yaxis()
    ax.margins(x=0.15)
    ax.grid(axis="y", visible=False)


def estimates(ax, values):
    """Draw for each name the mean of its numbers, their standard deviation as a bar, and the numbers as dots.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : dict of name -> (numbers, mean, deviation)
        The first name is on top.
    """
    for row, (numbers, mean, deviation) in enumerate(values.values()):
        ax.plot(numbers, np.full(len(numbers), row + 0.22), ".", color="0.5", markersize=4)
        ax.errorbar(mean, row, xerr=deviation, marker="o", color=LINES["Corrected"]["color"], capsize=3)
    ax.set(yticks=range(len(values)), yticklabels=list(values), ylim=(len(values) - 0.5, -0.5))


def network(ax, layers, labels, *, theme="light", fontsize=8):
    """Draw the neurons of a network as boxes with words in them; what connects them is up to the caller.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    layers : sequence of array, shape (n, 2)
        Where the neurons are.
    labels : sequence of n str for every layer
    """
    box = {"boxstyle": "round,pad=0.35", "facecolor": "none", "edgecolor": TEXT[theme], "linewidth": 0.8}
    for places, words in zip(layers, labels, strict=True):
        for (x, y), word in zip(places, words, strict=True):
            ax.text(x, y, word, ha="center", va="center", fontsize=fontsize, color=TEXT[theme], bbox=box)
    (left, low), (right, high) = np.concatenate(layers).min(0), np.concatenate(layers).max(0)
    ax.set(xlim=(left - 0.7, right + 0.7), ylim=(low - 0.7, high + 0.7))
    ax.axis("off")


def computation(ax, places, arrows, labels, *, fontsize=8):
    """Draw what was computed as boxes, and an arrow to each from all that it was made of.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    places : sequence of n (x, y)
    arrows : sequence of n dicts {int: str}
        Which boxes lead to this one, and what is written at each arrow.
    labels : sequence of n str
    """
    box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "#5A6470", "linewidth": 0.8}
    arrow = {"arrowstyle": "->", "color": "#5A6470", "shrinkA": 2.4 * fontsize, "shrinkB": 2.4 * fontsize}
    on, edge = {"boxstyle": "round,pad=0.1", "facecolor": "white", "linewidth": 0}, LINES["GD"]["color"]
    for place, label, before in zip(places, labels, arrows, strict=True):
        ax.text(*place, label, ha="center", va="center", fontsize=fontsize, bbox=box, zorder=3)
        for i, words in before.items():
            ax.annotate("", place, places[i], arrowprops=arrow)
            middle = np.mean([place, places[i]], axis=0)
            ax.text(*middle, words, ha="center", va="center", fontsize=fontsize, bbox=on, color=edge)
    x, y = zip(*places, strict=True)
    ax.set(xlim=(min(x) - 0.5, max(x) + 0.5), ylim=(min(y) - 0.5, max(y) + 0.5))
    ax.axis("off")


def weights(ax, layers, tables, *, gaps, widest=3.0):
    """Draw one line per number between two layers of a network: thicker for larger, dashed for negative.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    layers : sequence of array, shape (n, 2)
        Where the neurons are, as for `network`.
    tables : sequence of array, shape (n_out, n_in), one for each pair of layers
    gaps : sequence of float, one for each layer
        How far from the middle of its neurons lines begin and end.
    widest : float
        Line width of the largest number, in points; a 0 has no line.
    """
    largest = max(np.abs(table).max() for table in tables) or 1.0
    for k, table in enumerate(tables):
        starts, ends = layers[k] + (gaps[k], 0), layers[k + 1] - (gaps[k + 1], 0)
        for i, j in np.argwhere(table):
            style = ("blue", "-") if table[i, j] > 0 else ("orange", "--")
            width = 0.4 + (widest - 0.4) * abs(table[i, j]) / largest
            line = np.stack([starts[j], ends[i]])
            ax.plot(*line.T, color=HUES[style[0]][0], linestyle=style[1], linewidth=width)


def timeline(ax, spans, lanes, *, fontsize=8):
    """Draw what ran as bars over time, one lane below the other; a name stands where its bar has room for it.

    Within a lane each name has a colour of its own, as long as there are colours.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    spans : sequence of losslab.learning.profiling.Span
        With name, lane, start and length in µs.
    lanes : dict of lane -> str
        The lanes to be drawn, the first on top, and what is written beside each.
    """
    rows = [[one for one in spans if one.lane == lane] for lane in lanes]
    if not any(rows):
        raise ValueError(f"there must be spans in the lanes {', '.join(lanes)}, got {len(spans)} elsewhere")
    end = max(one.start + one.length for row in rows for one in row)
    width = ax.figure.get_figwidth() * ax.get_position().width * 72  # points, before names are beside it
    for height, row in enumerate(rows):
        lengths = {}
        for one in row:
            lengths[one.name] = lengths.get(one.name, 0) + one.length
        ranked = sorted(lengths, key=lengths.get, reverse=True)
        colours = dict(zip(ranked, (light for light, _ in HUES.values()), strict=False))
        for one in row:
            place = {"left": one.start, "height": 0.8, "edgecolor": "white", "linewidth": 0.4}
            ax.barh(height, one.length, color=colours.get(one.name, HUES["grey"][0]), **place)
            if 0.75 * fontsize * len(one.name) < one.length / end * width:
                middle = one.start + one.length / 2
                ax.text(middle, height, one.name, ha="center", va="center", fontsize=fontsize, color="white")
    ax.set(xlim=(0, end), ylim=(len(rows) - 0.5, -0.5), yticks=range(len(rows)), yticklabels=lanes.values())
    ax.grid(axis="y", visible=False)
