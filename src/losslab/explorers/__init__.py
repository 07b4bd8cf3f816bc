"""The explorers of the chapters, one function each: it opens the widget around a view of `losslab.views`."""

from losslab.explorers.arguments import pair, positive
from losslab.explorers.live import LiveExplorer
from losslab.explorers.views import (
    checking,
    concepts,
    drawing,
    gradients,
    inference,
    losses,
    optimizers,
    scaling,
    sharding,
    training_live,
    training_steps,
    vanishing,
)
from losslab.explorers.views import worked_example as example
from losslab.explorers.views import writing as text_views
from losslab.explorers.widget import GridExplorer
from losslab.formulas import surfaces


def explore(surface="ravine", lr=0.03, beta=0.9, start=None, shown=None, step=None):
    """Open the trajectory explorer.

    Parameters
    ----------
    surface : str
        "ravine", "saddle", "rosenbrock" or "beale".
    lr : float
        Learning rate of all four, between 0.001 and 1.
    beta : float
        β of Momentum and β₁ of Adam, between 0 and 0.99. RMSProp keeps ρ = 0.99, Adam β₂ = 0.999.
    start : (float, float), optional
        Where the runs begin; each surface has its own default.
    shown : sequence of str, optional
        Which of "GD", "Momentum", "RMSProp", "Adam" are drawn; default all.
    step : int, optional
        How many of the 100 steps are drawn at first; default all.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    settings = {"surface": surface} | ({} if start is None else {"start": pair("start", start)})
    choices = {
        "surface": {name: {"surface": name, "start": s.start} for name, s in surfaces.SURFACES.items()}
    }
    return GridExplorer(
        "explorers.explore",
        optimizers.view,
        optimizers.SLIDERS,
        (lr, beta),
        settings,
        choices,
        "start",
        shown,
        step,
    )


def worked_example(lr=0.01, x=2.0, shown=None, step=None):
    """Open the explorer of the worked example: α from 0 to 0.3, x from −10 to 10, target y = 3.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(
        "explorers.worked_example", example.view, example.SLIDERS, (lr, x), {}, shown=shown, step=step
    )


def softmax(z1=2.0, z2=0.0, label=1, shown=None):
    """Open the explorer of softmax and cross-entropy: logits (z₁, z₂, 0), z₁ and z₂ from −6 to 6.

    `label` is the right class, 1 to 3.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(
        "explorers.softmax",
        losses.softmax,
        losses.SOFTMAX_SLIDERS,
        (z1, z2),
        {"label": label},
        {"label": {str(k): {"label": k} for k in (1, 2, 3)}},
        shown=shown,
    )


def price_list(p=0.05, shown=None):
    """Open the explorer of three losses and their tangents: p, given to what happened, from 0.001 to 0.999.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer("explorers.price_list", losses.price_list, losses.PROBABILITY, (p,), {}, shown=shown)


def backprop(length=4.7, width=1.4, truth="versicolor", shown=None):
    """Open the explorer of a 4-5-3 network's slopes, as printed and corrected, for a flower's petals in cm.

    `truth` is the flower's label: "setosa", "versicolor" or "virginica".

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    options = {name: {"truth": name} for name in gradients.SPECIES}
    settings, sliders = {"truth": truth}, gradients.SLIDERS
    return GridExplorer(
        "explorers.backprop",
        gradients.view,
        sliders,
        (length, width),
        settings,
        {"truth": options},
        shown=shown,
    )


def gradient_check(h=1e-5, size=1.0, mistake="none", shown=None):
    """Open the gradient check: step sizes from 1e-15 to 1, and a planted mistake of size 1e-12 to 1.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    options = {name: {"mistake": name} for name in checking.MISTAKES}
    settings, sliders = {"mistake": mistake}, checking.SLIDERS
    return GridExplorer(
        "explorers.gradient_check",
        checking.view,
        sliders,
        (h, size),
        settings,
        {"mistake": options},
        shown=shown,
    )


def depth(depth=20, scale=1.0, shown=None):
    """Open the explorer of gradients through 2 to 40 hidden layers, weights of deviation scale/√n.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer("explorers.depth", vanishing.view, vanishing.SLIDERS, (depth, scale), {}, shown=shown)


def initialisation(sigma=0.125, width=128, activation="ReLU", shown=None):
    """Open the explorer of ten layers at their start: weights of deviation 0.01 to 1, 16 to 256 neurons.

    `activation` is "ReLU" or "tanh".

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    options = {name: {"activation": name} for name in training_steps.ACTIVATIONS}
    settings, sliders = {"activation": activation}, training_steps.SLIDERS
    return GridExplorer(
        "explorers.initialisation",
        training_steps.view,
        sliders,
        (sigma, width),
        settings,
        {"activation": options},
        shown=shown,
    )


def how_large(parameters=1e9, flop=1e25, shown=None):
    """Open the explorer of nine models: drag the two lines from which on a model is called large.

    `parameters` from 1e5 to 1e12, `flop` of the training from 1e11 to 1e26.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    sliders = concepts.LARGE_SLIDERS
    return GridExplorer(
        "explorers.how_large", concepts.how_large, sliders, (parameters, flop), {}, shown=shown
    )


def microscope(h=1e-5, w=0.0, shown=None):
    """Open the microscope on L(w) = (3 − 2w)²: step sizes from 1e-16 to 1, w from −1 to 2.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    sliders = concepts.MICROSCOPE_SLIDERS
    return GridExplorer("explorers.microscope", concepts.microscope, sliders, (h, w), {}, shown=shown)


def training_time(model="GPT-3", devices=1024, tokens=3e11, tflops=140.0, watts=400.0, price=2.0, shown=None):
    """Open the calculator of training times: 1 to 100,000 devices, 10⁵ to 10¹⁴ tokens.

    Parameters
    ----------
    model : str
        "Net", "BERT", "GPT-3", "Chinchilla", "PaLM" or "LLaMA".
    devices, tokens : float
    tflops, watts, price : float
        What you assume one device to achieve (10¹² FLOP/s), to draw, and to cost per hour.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    options = {name: {"model": name} for name in scaling.MODELS}
    given = {"tflops": tflops, "watts": watts, "price": price}
    settings = {name: positive(name, value) for name, value in given.items()}
    return GridExplorer(
        "explorers.training_time",
        scaling.training_time,
        scaling.TIME_SLIDERS,
        (devices, tokens),
        {"model": model} | settings,
        {"model": options},
        shown=shown,
    )


def amdahl(devices=64, serial=0.05, shown=None):
    """Open the explorer of Amdahl's law: 1 to 4,096 devices, of the work 0.1 % to 50 % not to be split.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    sliders = scaling.AMDAHL_SLIDERS
    return GridExplorer("explorers.amdahl", scaling.amdahl, sliders, (devices, serial), {}, shown=shown)


def shards(first=300, second=0.6, rest="3 : 1", state="at the start", shown=None):
    """Open the explorer of four workers' gradients: `first` of 400 images for the first, and so on.

    Parameters
    ----------
    first : float
        Images of worker 1, 10 to 340.
    second : float
        Share of worker 2 in the rest, 0.1 to 0.8.
    rest : "3 : 1" or "even"
        How workers 3 and 4 share what is left.
    state : "at the start" or "after 50 steps"
        Of the network whose gradients they are.
    shown : sequence of str, optional

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    choices = {
        "rest": {name: {"rest": name} for name in sharding.REST},
        "state": {name: {"state": name} for name in sharding.STATES},
    }
    settings = {"rest": rest, "state": state}
    return GridExplorer(
        "explorers.shards", sharding.view, sharding.SLIDERS, (first, second), settings, choices, shown=shown
    )


def skew(contrast=1.0, shift=0, preparation="as trained", digit=7, shown=None):
    """Open the explorer of digits prepared unlike the training's: contrast from −1 to 1, shift from 0 to 8.

    `preparation` is a key of `views.inference.PREPARATIONS`, `digit` whose picture is shown.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    options = {name: {"preparation": name} for name in inference.PREPARATIONS}
    return GridExplorer(
        "explorers.skew",
        inference.skew,
        inference.SKEW,
        (contrast, shift),
        {"preparation": preparation, "digit": digit},
        {"preparation": options, "digit": {str(k): {"digit": k} for k in range(10)}},
        shown=shown,
    )


def answers(threshold=0.9, temperature=1.0, shown=None):
    """Open the explorer of answers: threshold from 0.1 to 0.999, temperature from 0.25 to 4.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    return GridExplorer(
        "explorers.answers", inference.answers, inference.ANSWERS, (threshold, temperature), {}, shown=shown
    )


def writing(temperature=1.0, top=0.9, prompt="th", shown=None):
    """Open the explorer of the next character: temperature from 0.1 to 3, top-p from 0.05 to 1.

    `prompt` is one of `losslab.explorers.views.writing.PROMPTS`.

    Returns
    -------
    losslab.explorers.widget.GridExplorer
    """
    options = {text: {"prompt": text} for text in text_views.PROMPTS}
    return GridExplorer(
        "explorers.writing",
        text_views.view,
        text_views.SLIDERS,
        (temperature, top),
        {"prompt": prompt},
        {"prompt": options},
        shown=shown,
    )


def draw(example="none", preparation="centred", shown=None):
    """Open a pad to draw a digit on, read by the network while it is drawn.

    `example` is "none" or a digit to begin with, "a 0" to "a 9"; `preparation` is a key of
    `losslab.explorers.views.drawing.PREPARATIONS`.

    Returns
    -------
    losslab.explorers.live.LiveExplorer
    """
    examples = {
        name: {"example": name, "ink": drawing.example(digit)} for name, digit in drawing.EXAMPLES.items()
    }
    preparations = {name: {"preparation": name} for name in drawing.PREPARATIONS}
    return LiveExplorer(
        "explorers.draw",
        drawing.view,
        settings={"example": example, "preparation": preparation},
        choices={"example": examples, "preparation": preparations},
        pad=drawing.PAD,
        pen=drawing.PEN,
        shown=shown,
    )


def train(lr=0.1, batch=50, optimizer="SGD", shown=None):
    """Open a training on MNIST that the reader starts and stops: learning rate, images per step, optimiser.

    `lr` lies between 0.0001 and 10, `batch` between 1 and 500; `optimizer` is "SGD" or "Adam".

    Returns
    -------
    losslab.explorers.live.LiveExplorer
    """
    options = {name: {"optimizer": name} for name in training_live.OPTIMIZERS}
    return LiveExplorer(
        "explorers.train",
        training_live.view,
        training_live.SLIDERS,
        (lr, batch),
        {"optimizer": optimizer},
        {"optimizer": options},
        shown=shown,
    )
