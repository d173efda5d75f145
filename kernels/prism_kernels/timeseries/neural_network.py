"""The forecasting network: a recurrent layer over a window, a linear head for the quantiles of each period ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from prism_kernels import progress
from prism_kernels.errors import require
from prism_kernels.timeseries.model import Floats
from prism_kernels.timeseries.neural_windows import STEPS, Integers, Windows

__all__ = ["MEDIAN", "QUANTILES", "Network", "Weights", "quantiles", "train"]

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
MEDIAN = 3

_CHANNELS = 3
_BATCH, _SMALLEST_BATCH = 256, 32
_USUAL_HIDDEN = 48  # larger networks get smaller batches, so that a step stays short
_RATE, _DECAY, _CLIP = 2e-3, 1e-4, 1.0
_EPOCHS, _FEWEST, _MOST = 30, 300, 1600  # passes over the windows; gradient steps
_REACH = 8.0  # scaled values beyond it tell the network no more
_MEMORY = 0.995  # of the averaged weights

Weights = Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]


@dataclass(frozen=True)
class Network:
    """Sizes of a network.

    Attributes
    ----------
    cell
        ``gru`` or ``lstm``.
    hidden, layers
        Units a layer, and layers.
    h
        Periods ahead.
    """

    cell: str
    hidden: int
    layers: int
    h: int

    @property
    def outputs(self) -> int:
        """Number of quantiles over all periods ahead."""
        return self.h * len(QUANTILES)

    @property
    def batch(self) -> int:
        """Windows in a gradient step, between two looks at the stop switch."""
        return int(np.clip(_BATCH * _USUAL_HIDDEN**2 // (self.hidden**2 * self.layers), _SMALLEST_BATCH, _BATCH))

    def build(self, weights: Weights) -> Any:
        """Return the torch module with these weights; nothing random is drawn."""
        torch = require("torch", extra="torch", purpose=f"model {self.cell!r}")
        kind = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[self.cell]
        parts = {
            "cell": kind(_CHANNELS, self.hidden, num_layers=self.layers, batch_first=True, device="meta"),
            "head": torch.nn.Linear(self.hidden, self.outputs, device="meta"),
            "line": torch.nn.Linear(2 * STEPS, self.h, bias=False, device="meta"),
            "gate": torch.nn.Linear(1, self.h, bias=False, device="meta"),
        }
        module = torch.nn.ModuleDict(parts).to_empty(device="cpu")
        module.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in weights.items()})
        return module

    def initial(self, generator: np.random.Generator) -> Weights:
        """Return weights to start from: the recurrence uniform within 1/√hidden, the answer midway between seasons."""
        gates = {"gru": 3, "lstm": 4}[self.cell]
        reach = 1 / np.sqrt(self.hidden)
        weights: dict[str, Any] = {
            "head.weight": generator.uniform(-0.1 * reach, 0.1 * reach, (self.outputs, self.hidden)),
            "head.bias": np.zeros(self.outputs),
            "line.weight": np.zeros((self.h, 2 * STEPS)),
            "gate.weight": np.full((self.h, 1), 0.5),
        }
        for layer in range(self.layers):
            inputs = self.hidden if layer else _CHANNELS
            sizes = {"weight_ih": (inputs,), "weight_hh": (self.hidden,), "bias_ih": (), "bias_hh": ()}
            for name, columns in sizes.items():
                shape = (gates * self.hidden, *columns)
                weights[f"cell.{name}_l{layer}"] = generator.uniform(-reach, reach, shape)
        return {k: v.astype(np.float32) for k, v in weights.items()}


def _outputs(module: Any, network: Network, given: tuple[Any, ...]) -> Any:
    """Return quantiles, window × horizon × quantile, in ascending order by construction."""
    import torch

    seen, adjusted, last, usual = given
    change = torch.diff(adjusted, dim=1, prepend=adjusted[:, :1])
    states, _ = module["cell"](torch.stack([adjusted, change, seen - adjusted], dim=2))
    raw = module["head"](states[:, -1]).view(-1, network.h, len(QUANTILES))
    skip = last + module["gate"].weight[:, 0] * (usual - last)
    middle = skip + module["line"](torch.cat([seen, adjusted], dim=1)) + raw[:, :, MEDIAN]
    gaps = torch.nn.functional.softplus(raw)
    above = middle[:, :, None] + torch.cumsum(gaps[:, :, MEDIAN + 1 :], dim=2)
    below = middle[:, :, None] - torch.cumsum(gaps[:, :, :MEDIAN].flip(2), dim=2).flip(2)
    return torch.cat([below, middle[:, :, None], above], dim=2)


def _loss(out: Any, target: Any) -> Any:
    """Return the mean pinball loss over the targets that exist."""
    import torch

    there = ~torch.isnan(target)
    error = torch.nan_to_num(target)[:, :, None] - out
    share = torch.tensor(QUANTILES)
    loss = torch.maximum(share * error, (share - 1) * error).mean(dim=2)
    return (loss * there).sum() / there.sum().clamp(min=1)


def _tensor(values: Floats) -> Any:
    import torch

    return torch.from_numpy(values.astype(np.float32))


def _read(windows: Windows, series: Integers, origin: Integers) -> tuple[tuple[Any, ...], Any]:
    past = windows.past(series, origin)
    clipped = (np.clip(past.seen, -_REACH, _REACH), np.clip(past.adjusted, -_REACH, _REACH))
    return tuple(map(_tensor, (*clipped, past.last, past.usual))), past


def train(network: Network, windows: Windows, series: Integers, origin: Integers, seed: int) -> Weights:
    """Return weights that make the pinball loss small: Adam with one cycle of its rate, averaged over the last steps.

    Parameters
    ----------
    network
        What to train.
    windows, series, origin
        The data, and the series and origin of each window to learn from.
    seed
        Of the initial weights and of the order of the windows.
    """
    import torch

    generator = np.random.default_rng(seed)
    module = network.build(network.initial(generator))
    mean = {k: v.detach().clone() for k, v in module.state_dict().items()}
    count = int(np.clip(_EPOCHS * len(series) // network.batch, _FEWEST, _MOST))
    optimiser = torch.optim.AdamW(module.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=count, pct_start=0.1)
    picks = _picks(len(series), network.batch, generator)
    for step in progress.track(range(count), f"train {network.cell}"):
        pick = next(picks)
        given, past = _read(windows, series[pick], origin[pick])
        target = _tensor(windows.future(series[pick], origin[pick], past))
        loss = _loss(_outputs(module, network, given), target)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), _CLIP)
        optimiser.step()
        schedule.step()
        kept = min(_MEMORY, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            mean[name].lerp_(value, 1 - kept)
    return {k: v.numpy() for k, v in mean.items()}


def _picks(count: int, size: int, generator: np.random.Generator) -> Iterator[Integers]:
    """Yield batches of a pass over all windows in random order, pass after pass."""
    while True:
        order = generator.permutation(count)
        for start in range(0, max(1, count - size + 1), size):
            yield order[start : start + size]


def quantiles(
    network: Network, weights: Weights, windows: Windows, series: Integers, origin: Integers, *, ahead: int
) -> Floats:
    """Return quantiles in the units of the series, window × horizon × quantile.

    Parameters
    ----------
    network, weights
        What was trained.
    windows, series, origin
        The data, and the series and origin of each window to look ahead from.
    ahead
        Periods to return, at most those the network was trained for.
    """
    import torch

    module = network.build(weights)
    found = np.empty((len(series), ahead, len(QUANTILES)))
    size = 8 * network.batch
    with torch.inference_mode():
        for start in range(0, len(series), size):
            progress.checkpoint()
            part = slice(start, start + size)
            given, past = _read(windows, series[part], origin[part])
            out = _outputs(module, network, given)[:, :ahead].numpy().astype(np.float64)
            found[part] = windows.restore(series[part], out, past)
    return found
