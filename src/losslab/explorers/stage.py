"""The stage of an explorer: how it is laid out, how lines are packed for it, and its still picture."""

import io
import zlib
from dataclasses import dataclass

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation, Transform

from losslab.book import words
from losslab.explorers.contract import lean, vocabulary
from losslab.figures import palette

WIDTH, HEIGHT, DPI = 800, 400, 100  # the stage in CSS pixels
UNIT = 8  # lines are stored in eighths of a CSS pixel …
FAR = 2_000  # … and cut off here, far outside every window
THIN, WIDER, EVERY, DOT = 1.8, 0.5, 10, 3  # of lines, CSS pixels; a marker every tenth point; its radius
FOOT = 22  # CSS pixels below a still picture, for what is to be done with it
SHEET = 220  # CSS pixels beside a still picture for each image, such as what is on a drawing pad


def house_style(lang="en"):
    """Context in which figures look the same, whatever style the notebook has chosen."""
    return style.context(["default", palette.STYLE, palette.fonts(lang)])


@dataclass(frozen=True)
class Panel:
    """Where an Axes of a stage is, and how data become pixels there; keeping its figure would cost megabytes.

    Attributes
    ----------
    box : [left, top, width, height]
        CSS pixels.
    transform : matplotlib.transforms.Transform
        Data coordinates to pixels, y upwards from the bottom of the stage.
    height : float
        Of the stage.
    """

    box: list[float]
    transform: Transform
    height: float


def panel(ax):
    """Return the Panel of an Axes that has been laid out."""
    height, box = float(ax.figure.bbox.height), ax.bbox
    return Panel([box.x0, height - box.y1, box.width, box.height], ax.transData.frozen(), height)


def places(figure):
    """Return the positions of the Axes of a figure that has been laid out."""
    return [ax.get_position(original=True).frozen() for ax in figure.axes]


def draw_stage(stage, theme, topic, lang="en", size=(WIDTH, HEIGHT), at=None):
    """Return a stage as a laid-out figure on a transparent background, and its Axes.

    Its words are those of a topic, in English where no font has the letters of the language. Laying out takes
    as long as drawing, so `at` may give the `places` of a stage that has already been laid out.
    """
    lang = palette.legible(lang)
    with house_style(lang):
        figure = Figure(figsize=np.divide(size, DPI), dpi=DPI, facecolor="none", layout="constrained")
        axes = stage(figure, theme, vocabulary(topic, lang))
        if at is None:
            figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for ax, there in zip(figure.axes, at or (), strict=bool(at)):
        ax.set_position(there)
    return figure, axes


def pieces(axes):
    """Cut a stage between Axes that stand side by side, so that a narrow page can stack them.

    Returns
    -------
    list of [x, width]
        CSS pixels, from left to right; the whole width if nothing stands side by side, or if a title or an
        axis belongs to several of them.
    """
    figure, spans = axes[0].figure, []
    for box in sorted((ax.get_tightbbox() for ax in figure.axes), key=lambda box: box.x0):
        if spans and box.x0 < spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], box.x1)
        else:
            spans.append([box.x0, box.x1])
    shared = [ax for ax in figure.axes if len(ax.get_shared_y_axes().get_siblings(ax)) > 1]
    whole = shared or figure.texts or figure.legends or figure.get_suptitle()
    cuts = [] if whole else [(a[1] + b[0]) / 2 for a, b in zip(spans, spans[1:], strict=False)]
    edges = [0.0, *(round(float(x), 2) for x in cuts), float(figure.bbox.width)]
    return [[a, b - a] for a, b in zip(edges, edges[1:], strict=False)]


def png(figure, scale, lang="en"):
    """Return a figure as PNG bytes at `scale` image pixels per CSS pixel."""
    buffer = io.BytesIO()
    with house_style(lang):
        figure.savefig(buffer, format="png", dpi=DPI * scale)
    return buffer.getvalue()


def pixels(panel, points):
    """Turn data coordinates (..., 2) into CSS pixels, y downwards, whatever the scales of the axes."""
    with np.errstate(all="ignore"):
        xy = panel.transform.transform(points.reshape(-1, 2)).reshape(points.shape)
    xy = np.nan_to_num(xy * (1, -1) + (0, panel.height), nan=FAR, posinf=FAR, neginf=-FAR)
    return np.clip(xy, -FAR, FAR)


HEAD = 2  # numbers before the coordinates of a packed line


def pack(series, panel, steps=None):
    """Encode a series: per slider position the number of points to draw, the end, then x₀, Δx…, y₀, Δy….

    Parameters
    ----------
    series : Series
    panel : Panel
    steps : int array, optional
        As `View.stored` returns them.

    Returns
    -------
    int16 array, shape (A, B, HEAD + 2 n)
        In units of 1/8 CSS pixel; the end is the step of `ends`. Differences, and points held after the end,
        compress well. A or B is 1 where the slider changes nothing that can be seen.
    """
    count = series.points.shape[-2]
    steps = steps if series.scrub and steps is not None else np.arange(count)
    ends = np.full(series.points.shape[:2], -1) if series.ends is None else series.ends
    drawn = np.where(ends < 0, count, np.searchsorted(steps, ends))
    rows = [_moves(panel, *row) for row in zip(series.points, drawn, strict=True)]  # one by one: less memory
    return lean(np.concatenate([np.stack([drawn, ends], -1, dtype="<i2"), rows], -1))


def _moves(panel, points, drawn):
    """Return lines (B, n, 2), held after `drawn` points, as x₀, Δx…, y₀, Δy…, (B, 2 n)."""
    held = np.minimum(np.arange(points.shape[-2]), np.maximum(drawn, 1)[..., None] - 1)
    points = np.take_along_axis(points, held[..., None], -2)
    xy = np.round(UNIT * pixels(panel, points)).astype("<i2").swapaxes(-1, -2)
    return np.diff(xy, axis=-1, prepend=np.int16(0)).reshape(len(points), -1)


def pack_words(told):
    """Encode what `View.told` returns.

    Returns
    -------
    bytes
        Per sentence, which text is said where, as differences of uint16: they compress well.
    list of [A, B, S, number of texts]
    str
        All texts, one a line.
    """
    if any(len(texts) > 1 << 16 for texts, _ in told):
        raise ValueError(
            f"a sentence must have at most {1 << 16} texts, got {max(len(one) for one, _ in told)}"
        )
    steps = [np.diff(where.ravel(), prepend=0).astype("<u2") for _, where in told]
    shapes = [[*where.shape, len(texts)] for texts, where in told]
    return (
        b"".join(one.tobytes() for one in steps),
        shapes,
        "\n".join(text for texts, _ in told for text in texts),
    )


def deflate(numbers, texts):
    """Compress int16 numbers, first their low bytes, then the high ones, which are alike; then texts."""
    low_high = np.frombuffer(numbers, np.uint8).reshape(-1, 2).T
    return zlib.compress(low_high.tobytes() + texts.encode())


def inflate(data, count):
    """Return the first `count` numbers of what `deflate` has compressed, and the texts."""
    raw = zlib.decompress(data)
    low_high = np.frombuffer(raw, np.uint8, 2 * count).reshape(2, -1)
    return low_high.T.copy().view("<i2").ravel(), raw[2 * count :].decode()


def strokes(series):
    """Return how each series is drawn, so that none hides another where they coincide.

    Returns
    -------
    list of dict
        `dash`, as `palette.dashes` gives it; `width`, CSS pixels, more for a solid line below others;
        `phase`, the first point with a marker; `radius` of the marker where it ends, smaller for what is
        drawn later; `rank`: solid lines and areas are drawn first, then what has gaps.
    """
    return [_areas() if one.fill else _line(one, series) for one in series]


def _areas():
    return {"dash": [], "width": THIN, "phase": 0, "radius": 0, "rank": 0}


def _line(one, series):
    keys = list(dict.fromkeys(s.key for s in series if s.panel == one.panel and not s.fill))
    k, dash = keys.index(one.key), palette.dashes(one.key)
    return {
        "dash": dash,
        "width": THIN if dash else THIN + WIDER * min(len(keys) - 1 - k, 2),
        "phase": 3 * k % EVERY if one.points.shape[-2] > EVERY else 0,
        "radius": max(2 * DOT - k, DOT + 0.5),
        "rank": int(bool(dash)),
    }


LINE, FILLED, HOLLOW, SOLID = range(4)


def kind(series):
    """Return how a series is drawn; an area with a dotted line is hollow, to be told apart without colour."""
    if series.fill == "solid":
        return SOLID
    dotted = palette.LINES[series.key]["linestyle"] == ":"
    return (HOLLOW if dotted else FILLED) if series.fill else LINE


def unpack(data, shapes, index):
    """Yield for each series what `pack` has encoded at a position: points in CSS pixels, how many, end.

    Parameters
    ----------
    data : int16 array
        The packed series, one after the other.
    shapes : sequence of (A, B, size)
    index : (int, int)
    """
    for *grid, size in shapes:
        packed, data = data[: np.prod([*grid, size])].reshape(-1, size), data[np.prod([*grid, size]) :]
        i, j = (min(k, n - 1) for k, n in zip(index, grid, strict=True))
        drawn, end, *moves = packed[i * grid[1] + j]
        yield np.cumsum(np.reshape(moves, (2, -1)), axis=-1, dtype=np.int16).T / UNIT, int(drawn), int(end)


def still(stage, topic, lines, step, lang="en", size=(WIDTH, HEIGHT), at=None):
    """Draw one slider position with matplotlib alone.

    Parameters
    ----------
    stage : callable
    topic : str
    lines : iterable of (key, {"panel", "scrub", "fill", …}, (points, drawn, end))
        What is shown, with what `strokes` says of it and what `unpack` yields.
    step : int
        Its position among those that are stored.
    """
    lang = palette.legible(lang)
    figure, axes = draw_stage(stage, "light", topic, lang, size, at)
    figure.set_facecolor("white")
    names, known, labels = vocabulary(topic, lang), words.of("still", lang), {}
    for key, series, (points, stop, end) in lines:
        label = names[key] if stop == len(points) else known["diverged"].format(name=names[key], step=end)
        label = None if label in labels.setdefault(series["panel"], set()) else label
        labels[series["panel"]].add(label)
        points = points[: min(stop, step + 1) if series["scrub"] else stop]
        _stroke(axes[series["panel"]], key, points, series, label)
    if labels.get(0):
        with house_style(lang):
            axes[0].legend(fontsize=8)
    return figure


def invite(figure, lang="en"):
    """Say below a still picture that its cell has to be run, for a page without a kernel; return it."""
    wide, high = figure.get_size_inches()
    taller = high + FOOT / DPI
    for ax in figure.axes:
        x, y, w, h = ax.get_position(original=True).bounds
        ax.set_position([x, (y * high + FOOT / DPI) / taller, w, h * high / taller])
    figure.set_size_inches(wide, taller)
    lang = palette.legible(lang)
    with house_style(lang):
        said = words.of("still", lang)["run"]
        figure.text(8 / DPI / wide, 6 / DPI / taller, said, fontsize=8, color=palette.TEXT["light"])
    return figure


def beside(figure, images, lang="en"):
    """Put images, {title: uint8 array} from 0 (paper) to 255 (ink), to the left of a still picture."""
    wide, high = figure.get_size_inches()
    left = len(images) * SHEET / DPI
    for ax in figure.axes:
        x, y, w, h = ax.get_position(original=True).bounds
        ax.set_position([(x * wide + left) / (wide + left), y, w * wide / (wide + left), h])
    figure.set_size_inches(wide + left, high)
    lang = palette.legible(lang)
    with house_style(lang):
        for k, (title, image) in enumerate(images.items()):
            box = [(k + 0.05) * SHEET / DPI, 0.6, 0.85 * SHEET / DPI, 0.85 * SHEET / DPI]
            ax = figure.add_axes(np.divide(box, (wide + left, high) * 2))
            ax.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
            ax.set(xticks=(), yticks=())
            ax.set_title(title, fontsize=9)
            ax.spines[:].set_visible(True)
            ax.grid(visible=False)
    return figure


def _stroke(ax, name, points, how, label):
    """Draw points in CSS pixels, y downwards, and leave the limits of the Axes alone.

    They hang from the upper right corner of the figure, which may grow to the left and at its foot.
    """
    ax.autoscale(False)
    xy = ((points - (ax.figure.bbox.width, 0)) * (1, -1)).T / DPI
    corner = ScaledTranslation(1, 1, ax.figure.transFigure)
    where = {"transform": ax.figure.dpi_scale_trans + corner, "label": label}
    if not how["fill"]:
        px = 72 / DPI  # in points
        style = palette.LINES[name] | {"linewidth": how["width"] * px, "zorder": 2 + how["rank"] / 2}
        style["markeredgewidth"] = style["linewidth"] if style["marker"] == "x" else 0
        ax.plot(*xy, markersize=2 * DOT * px, markevery=(how["phase"], EVERY), **style, **where)
        ax.plot(*xy[:, -1:], **style | {"markersize": 2 * how["radius"] * px}, **where | {"label": None})
        return
    colour = palette.colour(name, "light")
    face = {FILLED: (colour, 0.35), HOLLOW: "none", SOLID: colour}[how["fill"]]
    ax.fill(*xy, facecolor=face, edgecolor="none" if how["fill"] == SOLID else colour, **where)
