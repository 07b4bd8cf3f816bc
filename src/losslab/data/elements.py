"""The names of the chemical elements, as training data: three characters, and the one that follows."""

import numpy as np

ELEMENTS = """
hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon sodium magnesium aluminium
silicon phosphorus sulfur chlorine argon potassium calcium scandium titanium vanadium chromium manganese
iron cobalt nickel copper zinc gallium germanium arsenic selenium bromine krypton rubidium strontium
yttrium zirconium niobium molybdenum technetium ruthenium rhodium palladium silver cadmium indium tin
antimony tellurium iodine xenon caesium barium lanthanum cerium praseodymium neodymium promethium samarium
europium gadolinium terbium dysprosium holmium erbium thulium ytterbium lutetium hafnium tantalum tungsten
rhenium osmium iridium platinum gold mercury thallium lead bismuth polonium astatine radon francium radium
actinium thorium protactinium uranium neptunium plutonium americium curium berkelium californium
einsteinium fermium mendelevium nobelium lawrencium rutherfordium dubnium seaborgium bohrium hassium
meitnerium darmstadtium roentgenium copernicium nihonium flerovium moscovium livermorium tennessine
oganesson
"""
NAMES = tuple(ELEMENTS.split())
END = 0  # the character that stands before and after every name
ALPHABET = "·abcdefghijklmnopqrstuvwxyz"
CONTEXT = 3  # characters that the network sees


def encode(text):
    """Return the indices of a text in `ALPHABET`; raise if one of its characters is not in it."""
    if strange := set(text) - set(ALPHABET):
        raise ValueError(f"only {ALPHABET[1:]} can be written, got {sorted(strange)}")
    return [ALPHABET.index(character) for character in text]


def decode(symbols):
    """Return the text of a list of indices."""
    check_symbols(symbols)
    return "".join(ALPHABET[symbol] for symbol in symbols)


def check_symbols(symbols):
    """Raise unless these are indices in `ALPHABET`: −1 would silently be taken for the last one."""
    if strange := [symbol for symbol in symbols if not 0 <= symbol < len(ALPHABET)]:
        raise ValueError(f"symbols must be in 0..{len(ALPHABET) - 1}, got {strange}")


def one_hot(symbols):
    """Return the last `CONTEXT` symbols, missing ones as END, as zeros and ones of shape (CONTEXT, K)."""
    check_symbols(symbols)
    context = ([END] * CONTEXT + list(symbols))[-CONTEXT:]
    return np.eye(len(ALPHABET), dtype=np.float32)[context]


def pairs(names=NAMES):
    """Return every context in all the names, and the character that follows it.

    Returns
    -------
    contexts : float32 array, shape (N, CONTEXT, K)
    following : int64 array, shape (N,)
    """
    if isinstance(names, str) or not len(names):
        raise ValueError(f"names must be a list of names, got {names!r}")
    found = [(one_hot(s[:i]), s[i]) for s in ([*encode(name), END] for name in names) for i in range(len(s))]
    contexts, following = zip(*found, strict=True)
    return np.stack(contexts), np.array(following)
