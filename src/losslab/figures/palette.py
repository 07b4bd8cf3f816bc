"""Colours, dashes and markers of every line in the book, in two themes."""

from contextlib import suppress
from functools import cache

from matplotlib import font_manager, rcParamsDefault
from matplotlib.colors import LinearSegmentedColormap

# plt.style.use(palette.STYLE): small pictures, quiet frames.
STYLE = {
    "figure.figsize": (7.0, 3.2),
    "figure.dpi": 84,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "font.size": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


# Hues of Okabe & Ito (2008), shaded to ≥ 3:1 on white, and the same on a dark page.
HUES = {
    "orange": ("#B3500F", "#F2A065"),
    "blue": ("#0060A0", "#6CB8F5"),
    "green": ("#00795A", "#4FD1A8"),
    "pink": ("#A3337A", "#F09BD2"),
    "red": ("#B3400F", "#FF8A66"),
    "grey": ("#5A6470", "#AAB4C0"),
}
DARK = dict(HUES.values())


def line(hue, linestyle, marker=""):
    """Return the style of a line; never colour alone: dash and marker differ too."""
    return {"color": HUES[hue][0], "linestyle": linestyle, "marker": marker}


# Every line of the book by its key.
LINES = {
    "GD": line("orange", "-", "o"),
    "Momentum": line("blue", "--", "s"),
    "RMSProp": line("green", "-.", "^"),
    "Adam": line("pink", (0, (4, 1, 1, 1, 1, 1)), "D"),
    "As printed": line("red", ":", "x"),
    "Corrected": line("blue", "-", "o"),
    "Loss": line("grey", "-"),
    "Class 1": line("blue", "-", "o"),
    "Class 2": line("orange", "--", "s"),
    "Class 3": line("green", "-.", "^"),
    "Cross-entropy": line("blue", "-", "o"),
    "Squared error": line("orange", "--", "s"),
    "0/1 loss": line("green", "-.", "^"),
    "Every slope": line("blue", "-"),
    "Central differences": line("blue", "-", "o"),
    "Forward differences": line("orange", "--", "s"),
    "This step size": line("grey", "-"),
    "ReLU": line("blue", "-", "o"),
    "tanh": line("orange", "--", "s"),
    "sigmoid": line("green", "-.", "^"),
    "Activations": line("green", "-"),
    "Measured": line("blue", "-", "o"),
    "Predicted": line("orange", "--", "s"),
    "The loss as computed": line("green", "-"),
    "Slope by autodiff": line("pink", "-", "D"),
    "This training": line("blue", "-"),
    "This setting": line("orange", "-", "s"),
    "Batch": line("grey", "-"),
    "Validation images": line("blue", "-", "o"),
    "Accuracy": line("blue", "-"),
    "Probability": line("green", "-"),
    "What it sees": line("grey", "-"),
    "Kept": line("blue", "-"),
    "Cut off": line("orange", ":"),
    "Border": line("grey", "--"),
    "Before": line("grey", ":"),
    "This lap": line("pink", "-", "D"),
    "Training images": line("orange", "--", "s"),
    "Gap": line("grey", "-"),
    "Neuron": line("blue", "-", "o"),
    "Errors": line("orange", "-"),
    "Grid": line("grey", "-"),
    "Boundary": line("pink", ":"),
    "Inside": line("blue", "-", "o"),
    "Outside": line("orange", "--", "s"),
    "Straight line": line("green", "-"),
    "This layer": line("pink", "-", "D"),
    "Parameters": line("blue", "-"),
    "This network": line("orange", "-", "s"),
    "Absolute error": line("green", "-.", "^"),
    "Huber loss": line("blue", "-", "o"),
    "Outlier": line("pink", "-", "D"),
    "Truth": line("grey", ":"),
    "Model": line("blue", "-"),
    "Entropy": line("green", "-"),
    "KL divergence": line("orange", ":"),
    "This temperature": line("orange", "-", "s"),
    "Forward": line("blue", "-"),
    "Backward": line("pink", "-"),
    "This step": line("grey", ":"),
    "Positive": line("blue", "-"),
    "Negative": line("orange", ":"),
    "Silent": line("grey", "-", "x"),
    "Change": line("grey", "-"),
    "Rises": line("blue", "-"),
    "Falls": line("orange", ":"),
    "This weight": line("pink", "-", "D"),
    "Promised": line("orange", "--", "s"),
    "Strong scaling": line("blue", "-"),
    "Weak scaling": line("green", "-.", "^"),
    "Weights": line("blue", "-"),
    "Gradients": line("orange", ":"),
    "Optimiser states": line("pink", "-"),
    "Device memory": line("grey", "--"),
    "Stage 0": line("orange", "-", "o"),
    "Stage 1": line("blue", "--", "s"),
    "Stage 2": line("green", "-.", "^"),
    "Stage 3": line("pink", (0, (4, 1, 1, 1, 1, 1)), "D"),
    "Other digits": line("orange", ":"),
    "Nines": line("blue", "-"),
    "Precision": line("blue", "-", "o"),
    "Recall": line("orange", "--", "s"),
    "Cost": line("green", "-"),
    "Cheapest": line("pink", "-", "D"),
    "Believed": line("orange", "-", "s"),
    "This threshold": line("grey", ":", "x"),
    "F1": line("green", "-.", "^"),
    "This picture": line("pink", "-"),
    "There": line("blue", "-"),
    "Not there": line("orange", ":"),
    "Eigenvalue": line("pink", "-", "D"),
    "Track": line("grey", ":"),
    "Pace": line("grey", ":"),
    "One run": line("grey", "-"),
    "Constant rate": line("orange", "-", "o"),
    "Decaying rate": line("blue", "--", "s"),
    "Floor": line("green", ":", "D"),
    "Rate of w1": line("blue", "-", "o"),
    "Rate of w2": line("orange", "--", "s"),
    "Data": line("grey", "-", "o"),
    "Best line": line("blue", "-"),
    "GD after 10 steps": line("orange", "--", "s"),
    "Level lines": line("grey", "-"),
    "Right answers": line("blue", "-"),
    "Wrong answers": line("orange", ":"),
    "Still given": line("orange", "-"),
    "Refused": line("grey", "-"),
    "The article's recipe": line("blue", "-"),
    "The better recipe": line("green", "--"),
    "Constant": line("orange", "-", "o"),
    "Linear decay": line("blue", "--", "x"),
    "Cosine decay": line("green", "-.", "^"),
    "One cycle": line("pink", (0, (4, 1, 1, 1, 1, 1)), "D"),
    "Rest": line("grey", ":"),
    "Part": line("blue", "-"),
    "Limit": line("green", ":", "D"),
    "Whole": line("blue", "-"),
    "Positives": line("blue", "-"),
    "Negatives": line("orange", ":"),
    "Share right": line("green", "-.", "^"),
    "Always no": line("grey", "--", "D"),
    "Always yes": line("grey", ":"),
    "No difference": line("grey", "--", "o"),
    "True difference": line("blue", "-"),
    "Noticed": line("blue", "-"),
    "Power": line("blue", "-", "o"),
    "Fold": line("blue", "-"),
    "Mean of the folds": line("pink", "-", "D"),
    "Chosen before": line("orange", "--", "s"),
    "Chosen inside": line("blue", "-", "o"),
    "As trained": line("grey", ":", "x"),
    "With privacy": line("blue", "-", "o"),
    "Without privacy": line("orange", "--", "^"),
    "Provable bound": line("green", ":", "D"),
    "This grid": line("blue", "-"),
    "By heart": line("pink", "--", "x"),
    "Best moment": line("green", "-.", "^"),
}

PATTERNS = {"--": "dashed", "-.": "dashdot", ":": "dotted"}  # as matplotlib calls them


def dashes(key):
    """Return how long a line is drawn, left out, drawn, …, in line widths; nothing for a solid one."""
    style = LINES[key]["linestyle"]
    known = rcParamsDefault[f"lines.{PATTERNS[style]}_pattern"] if style in PATTERNS else ()
    return list(style[1] if isinstance(style, tuple) else known)


# A surface from low loss to high, so pale (or dark) that every line keeps a contrast of 3:1 all over it.
GROUND = {
    "light": LinearSegmentedColormap.from_list("pale", ["#C3D3E2", "#FFFFFF"]),
    "dark": LinearSegmentedColormap.from_list("dim", ["#28394A", "#111111"]),
}


TEXT = {"light": "#222222", "dark": "#DDDDDD"}


def colour(key, theme):
    """Return the colour of a line in the "light" or "dark" theme."""
    light = LINES[key]["color"]
    return light if theme == "light" else DARK[light]


def tint(ax, theme):
    """Give an Axes, with everything written on it, the text colour of a theme on a transparent background."""
    ax.set_facecolor("none")
    ax.tick_params(which="both", colors=TEXT[theme])
    ax.spines[["top", "right"]].set_visible(False)
    for spine in ax.spines.values():
        spine.set_color(TEXT[theme])
    for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
        text.set_color(TEXT[theme])


# Fonts with the letters that matplotlib's own font lacks, by language; the first that is installed is taken.
LETTERS = {
    "zh": (
        "Noto Sans CJK SC",
        "Noto Sans SC",
        "Source Han Sans SC",
        "WenQuanYi Micro Hei",
        "WenQuanYi Zen Hei",
    )
    + ("Microsoft YaHei", "PingFang SC", "SimHei"),
}


def fonts(lang):
    """Return the settings with which matplotlib writes a language; none where its own font will do."""
    if lang not in LETTERS:
        return {}
    for look_again in (False, True):
        if look_again:
            find_new_fonts()
        installed = set(font_manager.get_font_names())
        if found := [name for name in LETTERS[lang] if name in installed]:
            return {"font.family": ["sans-serif", found[0]]}
    return {}


@cache
def find_new_fonts():
    """Tell matplotlib, once per process, of fonts that were installed after it made its list."""
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:
        with suppress(OSError, RuntimeError):  # a font that cannot be read
            font_manager.fontManager.addfont(path)


def legible(lang):
    """Return the language in which a figure can be written here: English if no font has the letters."""
    return lang if lang not in LETTERS or fonts(lang) else "en"
