"""The symbols of the book: each has one meaning, and one cell that says so."""

from typing import NamedTuple

from losslab.book import chapters, folded, words


class Symbol(NamedTuple):
    """A symbol as TeX, the key of its meaning among the words, and the cell that defines it."""

    tex: str
    key: str
    chapter: str
    cell: str


SYMBOLS = (
    Symbol(r"x", "input", "01", "neuron"),
    Symbol(r"w", "weight", "01", "neuron"),
    Symbol(r"b", "bias", "01", "neuron"),
    Symbol(r"z", "preactivation", "01", "neuron"),
    Symbol(r"\varphi", "activation_function", "01", "neuron"),
    Symbol(r"P", "parameters", "01", "large"),
    Symbol(r"D", "tokens", "01", "flop-text"),
    Symbol(r"h", "step_size", "01", "differences"),
    Symbol(r"N", "samples", "02", "scale"),
    Symbol(r"B", "batch", "02", "loop-text"),
    Symbol(r"\mu", "mean", "02", "scale"),
    Symbol(r"\sigma", "deviation", "02", "scale"),
    Symbol(r"s", "scale", "02", "variance"),
    Symbol(r"n", "inputs", "02", "variance"),
    Symbol(r"\theta", "all_parameters", "02", "loop-text"),
    Symbol(r"\alpha", "learning_rate", "02", "loop-text"),
    Symbol(r"p", "model", "03", "surprise"),
    Symbol(r"p^*", "truth", "03", "entropy"),
    Symbol(r"\mathcal{L}", "loss", "03", "surprise"),
    Symbol(r"\ell", "price", "03", "surprise"),
    Symbol(r"y", "target", "03", "mse"),
    Symbol(r"\hat y", "prediction", "03", "mse"),
    Symbol(r"K", "classes", "03", "categorical"),
    Symbol(r"T", "temperature", "03", "temperature"),
    Symbol(r"H", "entropy", "03", "entropy-formula"),
    Symbol(r"L", "depth", "04", "forward"),
    Symbol(r"l", "layer", "04", "forward"),
    Symbol(r"a", "activation", "04", "forward"),
    Symbol(r"J", "jacobian", "04", "chain"),
    Symbol(r"\delta_l", "delta", "04", "delta-name"),
    Symbol(r"g", "gradient", "05", "gd"),
    Symbol(r"t", "step", "05", "gd"),
    Symbol(r"\lambda", "curvature", "05", "limit"),
    Symbol(r"u", "velocity", "05", "momentum"),
    Symbol(r"\beta", "memory", "05", "momentum"),
    Symbol(r"m", "first_moment", "05", "adam-averages"),
    Symbol(r"v", "second_moment", "05", "rmsprop"),
    Symbol(r"\varepsilon", "epsilon", "05", "rmsprop"),
    Symbol(r"\kappa", "condition", "05", "kappa"),
    Symbol(r"\rho", "factor", "05", "kappa"),
    Symbol(r"M", "step_matrix", "05", "momentum-limit"),
    Symbol(r"r", "eigenvalue", "05", "momentum-limit"),
    Symbol(r"\gamma", "decay", "05", "task-5-4"),
    Symbol(r"e_t", "error", "06", "whole-run"),
    Symbol(r"\nabla^2\mathcal{L}", "second_derivatives", "06", "limit-text"),
    Symbol(r"\tau", "threshold", "08", "reject-text"),
    Symbol(r"q", "split", "09", "amdahl"),
    Symbol(r"S", "speed_up", "09", "amdahl"),
    Symbol(r"c_{\text{step}}", "price_of_step", "09", "prices"),
    Symbol(r"c_{\text{image}}", "price_of_image", "09", "prices"),
    Symbol(r"G", "devices", "10", "rate"),
    Symbol(r"R", "rate", "10", "rate"),
    Symbol(r"\psi", "shapley", "10", "attribution"),
    Symbol(r"\Delta", "rounding_step", "17", "quantise"),
    Symbol(r"b_{\text{bits}}", "bits", "17", "quantise"),
    Symbol(r"C_{\text{clip}}", "clipping_norm", "17", "dp-text"),
    Symbol(r"\sigma_{\text{dp}}", "noise_multiplier", "17", "dp-text"),
    Symbol(r"\varepsilon_{\text{dp}}", "privacy_budget", "17", "promise"),
    Symbol(r"\delta_{\text{dp}}", "privacy_slack", "17", "promise"),
    Symbol(r"\pi", "prevalence", "11", "bayes"),
    Symbol(r"n_{\text{arm}}", "users", "11", "users"),
    Symbol(r"z_{0.975}", "quantile", "11", "users"),
)


def table():
    """Return the symbols as a Markdown table whose last column links to the cell that defines each."""
    meaning = words.of("notation")
    rows = [meaning["head"], "|:--|:--|:--|"]
    for symbol in SYMBOLS:
        page = f"{chapters.find(symbol.chapter).stem}.ipynb#cell-id={symbol.cell}"
        rows.append(f"| ${symbol.tex}$ | {meaning[symbol.key]} | [{symbol.chapter}]({page}) |")
    return "\n".join(rows)


def unfolding():
    """Return the table as a page shows it where it is only looked up."""
    return folded.below(words.of("notation")["title"], table())
