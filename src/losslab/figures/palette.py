"""Colours, dashes and markers of every line in the book, in two themes."""

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


# Hues of Okabe & Ito (2008), shaded to ≥ 3:1 on white; never colour alone: dash and marker differ too.
LINES = {
    "GD": {"color": "#B3500F", "linestyle": "-", "marker": "o"},
    "Momentum": {"color": "#0060A0", "linestyle": "--", "marker": "s"},
    "RMSProp": {"color": "#00795A", "linestyle": "-.", "marker": "^"},
    "Adam": {"color": "#A3337A", "linestyle": (0, (4, 1, 1, 1, 1, 1)), "marker": "D"},
    "As printed": {"color": "#B3400F", "linestyle": ":", "marker": "x"},
    "Corrected": {"color": "#0060A0", "linestyle": "-", "marker": "o"},
    "Loss": {"color": "#5A6470", "linestyle": "-", "marker": ""},
    "Class 1": {"color": "#0060A0", "linestyle": "-", "marker": "o"},
    "Class 2": {"color": "#B3500F", "linestyle": "--", "marker": "s"},
    "Class 3": {"color": "#00795A", "linestyle": "-.", "marker": "^"},
    "Cross-entropy": {"color": "#0060A0", "linestyle": "-", "marker": "o"},
    "Squared error": {"color": "#B3500F", "linestyle": "--", "marker": "s"},
    "0/1 loss": {"color": "#00795A", "linestyle": "-.", "marker": "^"},
    "Every slope": {"color": "#0060A0", "linestyle": "-", "marker": ""},
    "Central differences": {"color": "#0060A0", "linestyle": "-", "marker": "o"},
    "Forward differences": {"color": "#B3500F", "linestyle": "--", "marker": "s"},
    "This step size": {"color": "#5A6470", "linestyle": "-", "marker": ""},
    "ReLU": {"color": "#0060A0", "linestyle": "-", "marker": "o"},
    "tanh": {"color": "#B3500F", "linestyle": "--", "marker": "s"},
    "sigmoid": {"color": "#00795A", "linestyle": "-.", "marker": "^"},
    "Activations": {"color": "#00795A", "linestyle": "-", "marker": ""},
    "Measured": {"color": "#0060A0", "linestyle": "-", "marker": "o"},
    "Predicted": {"color": "#B3500F", "linestyle": "--", "marker": "s"},
    "Large": {"color": "#B3500F", "linestyle": "-", "marker": ""},
    "Not large": {"color": "#0060A0", "linestyle": "-", "marker": ""},
    "Large starts here": {"color": "#5A6470", "linestyle": "--", "marker": ""},
    "The loss as computed": {"color": "#00795A", "linestyle": "-", "marker": ""},
    "Slope by autodiff": {"color": "#A3337A", "linestyle": "-", "marker": "D"},
    "This training": {"color": "#0060A0", "linestyle": "-", "marker": ""},
    "This setting": {"color": "#B3500F", "linestyle": "-", "marker": "s"},
    "Shards": {"color": "#5A6470", "linestyle": "-", "marker": ""},
    "Unweighted mean": {"color": "#B3400F", "linestyle": "-", "marker": "x"},
    "Weighted mean": {"color": "#0060A0", "linestyle": "-", "marker": "o"},
    "Expected": {"color": "#00795A", "linestyle": "-.", "marker": "^"},
    "Batch": {"color": "#5A6470", "linestyle": "-", "marker": ""},
    "Test images": {"color": "#0060A0", "linestyle": "-", "marker": "o"},
    "Accuracy": {"color": "#0060A0", "linestyle": "-", "marker": ""},
    "Probability": {"color": "#00795A", "linestyle": "-", "marker": ""},
    "What it sees": {"color": "#5A6470", "linestyle": "-", "marker": ""},
    "Kept": {"color": "#0060A0", "linestyle": "-", "marker": ""},
    "Cut off": {"color": "#B3500F", "linestyle": ":", "marker": ""},
}


# The same lines on a dark page.
DARK = {
    "GD": "#F2A065",
    "Momentum": "#6CB8F5",
    "RMSProp": "#4FD1A8",
    "Adam": "#F09BD2",
    "As printed": "#FF8A66",
    "Corrected": "#6CB8F5",
    "Loss": "#AAB4C0",
    "Class 1": "#6CB8F5",
    "Class 2": "#F2A065",
    "Class 3": "#4FD1A8",
    "Cross-entropy": "#6CB8F5",
    "Squared error": "#F2A065",
    "0/1 loss": "#4FD1A8",
    "Every slope": "#6CB8F5",
    "Central differences": "#6CB8F5",
    "Forward differences": "#F2A065",
    "This step size": "#AAB4C0",
    "ReLU": "#6CB8F5",
    "tanh": "#F2A065",
    "sigmoid": "#4FD1A8",
    "Activations": "#4FD1A8",
    "Measured": "#6CB8F5",
    "Predicted": "#F2A065",
    "Large": "#F2A065",
    "Not large": "#6CB8F5",
    "Large starts here": "#AAB4C0",
    "The loss as computed": "#4FD1A8",
    "Slope by autodiff": "#F09BD2",
    "This training": "#6CB8F5",
    "Batch": "#AAB4C0",
    "Test images": "#6CB8F5",
    "Accuracy": "#6CB8F5",
    "This setting": "#F2A065",
    "Shards": "#AAB4C0",
    "Unweighted mean": "#FF8A66",
    "Weighted mean": "#6CB8F5",
    "Expected": "#4FD1A8",
    "Probability": "#4FD1A8",
    "What it sees": "#AAB4C0",
    "Kept": "#6CB8F5",
    "Cut off": "#F2A065",
}


# A surface from low loss to high, so pale (so dark) that every line keeps a contrast of 3:1 on all of it.
GROUND = {
    "light": LinearSegmentedColormap.from_list("pale", ["#C3D3E2", "#FFFFFF"]),
    "dark": LinearSegmentedColormap.from_list("dim", ["#28394A", "#111111"]),
}


TEXT = {"light": "#222222", "dark": "#DDDDDD"}


def colour(name, theme):
    """Return the colour of the line called `name` in the "light" or "dark" theme."""
    return LINES[name]["color"] if theme == "light" else DARK[name]


def tint(ax, theme):
    """Give an Axes with everything written on it the text colour of a theme, on transparent ground."""
    ax.set_facecolor("none")
    ax.tick_params(which="both", colors=TEXT[theme])
    ax.spines[["top", "right"]].set_visible(False)
    for spine in ax.spines.values():
        spine.set_color(TEXT[theme])
    for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
        text.set_color(TEXT[theme])
