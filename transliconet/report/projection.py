"""Vectors in two dimensions: principal components, t-SNE or UMAP."""

import warnings
from collections.abc import Callable

import numpy as np

from transliconet.errors import ConfigError, DataError, Option, require_choice
from transliconet.model.vectors import normalize

PERPLEXITY = 30
"""Of t-SNE; less for few vectors."""
NEIGHBOURS = 15
"""Of UMAP; fewer for few vectors."""
SEED = 0


def project(vectors: np.ndarray, projection: str = "pca") -> np.ndarray:
    """Project vectors of length 1 onto a plane.

    - ``pca``: the first two principal components. Linear, without parameters; distances can
      become smaller, but never larger.
    - ``tsne``: t-SNE (van der Maaten and Hinton 2008) of cosines, extra ``transfer``. It keeps
      neighbours together; distances between groups mean little.
    - ``umap``: UMAP (McInnes et al. 2018) of cosines, extra ``umap``. As t-SNE.

    Args:
        vectors: (N, D); scaled to length 1 here.
        projection: ``pca``, ``tsne`` or ``umap``.

    Returns:
        (N, 2).

    Raises:
        DataError: fewer than three vectors, or NaN values.
        ConfigError: another projection, or its package is not installed.
    """
    require_choice("projection", projection, PROJECTIONS)
    if len(vectors) < 3:
        raise DataError(
            f"{len(vectors)} vector(s)",
            "too few for a map",
            "Give three or more",
            code="TLN-DATA-902",
        )
    return PROJECTIONS[projection](normalize(vectors))


def principal_components(vectors: np.ndarray) -> np.ndarray:
    """(N, D) vectors on the plane in which they vary most, (N, 2)."""
    centered = vectors - vectors.mean(0)
    directions = np.linalg.svd(centered, full_matrices=False)[2][:2]  # (2, D)
    points = centered @ directions.T
    if points.shape[1] < 2:  # D = 1
        points = np.pad(points, ((0, 0), (0, 1)))
    return np.asarray(points)


def _tsne(vectors: np.ndarray) -> np.ndarray:
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise _missing("tsne", "scikit-learn", "transfer") from error
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    method = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=SEED)
    return np.asarray(method.fit_transform(vectors))


def _umap(vectors: np.ndarray) -> np.ndarray:
    try:
        from umap import UMAP
    except ImportError as error:
        raise _missing("umap", "umap-learn", "umap") from error
    neighbours = min(NEIGHBOURS, len(vectors) - 1)
    # spectral initialization needs more vectors than it makes dimensions
    init = "spectral" if len(vectors) > 4 else "random"
    method = UMAP(n_neighbors=neighbours, metric="cosine", init=init, random_state=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed leaves it one thread
        return np.asarray(method.fit_transform(vectors))


def _missing(projection: str, package: str, extra: str) -> ConfigError:
    return ConfigError(
        Option("projection", projection),
        f"the package {package} is not installed",
        f"pip install -e '.[{extra}]' in a checkout, or projection=pca",
        code="TLN-CONFIG-923",
    )


PROJECTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "pca": principal_components,
    "tsne": _tsne,
    "umap": _umap,
}
