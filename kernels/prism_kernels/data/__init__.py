"""Datasets: data under a name that every surface takes, with a digest that tells when it changed.

``save`` keeps a frame of the notebook, ``add`` catalogues a file, a folder of files, an address or a SQL query, and
``load`` gives the numbers again, or refuses when they are no longer those that were catalogued. Readers' pages know of
those that were shared.
"""

from prism_kernels.data.actions import add, datasets, load, remove, save, share, show, unshare
from prism_kernels.data.catalogue import Dataset, data_folder

__all__ = ["Dataset", "add", "data_folder", "datasets", "load", "remove", "save", "share", "show", "unshare"]
