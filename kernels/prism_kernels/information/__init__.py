"""Information theory: entropies, mutual information and transfer entropy, in nats."""

from prism_kernels.information.estimate import InformationEstimate
from prism_kernels.information.mutual_information import conditional_mutual_information, mutual_information
from prism_kernels.information.surrogates import benjamini_hochberg

__all__ = [
    "InformationEstimate",
    "benjamini_hochberg",
    "conditional_mutual_information",
    "mutual_information",
]
