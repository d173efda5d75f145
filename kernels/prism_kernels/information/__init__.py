"""Information theory: entropies, mutual information and transfer entropy, in nats."""

from prism_kernels.information.active_information_storage import InformationStorage, active_information_storage
from prism_kernels.information.entropy import entropy
from prism_kernels.information.estimate import InformationEstimate
from prism_kernels.information.mutual_information import conditional_mutual_information, mutual_information
from prism_kernels.information.surrogates import benjamini_hochberg
from prism_kernels.information.transfer_entropy import transfer_entropy
from prism_kernels.information.transfer_entropy_matrix import TransferEntropyMatrix, transfer_entropy_matrix

__all__ = [
    "InformationEstimate",
    "InformationStorage",
    "TransferEntropyMatrix",
    "active_information_storage",
    "benjamini_hochberg",
    "conditional_mutual_information",
    "entropy",
    "mutual_information",
    "transfer_entropy",
    "transfer_entropy_matrix",
]
