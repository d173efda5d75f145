"""``RebalanceExplorer``: how far a portfolio has drifted, what acting costs and brings, and the orders."""

from __future__ import annotations

import functools
import io
from typing import Any, get_args

import numpy as np
import panel as pn
import panel_material_ui as pmui

from prism_kernels import Run, find
from prism_kernels.finance.rebalance import Policy
from prism_widgets import runtime
from prism_widgets.acting_view import ActingView
from prism_widgets.explorer import Explorer
from prism_widgets.job import Job, Request, sentence
from prism_widgets.outcome import card
from prism_widgets.views import View, view_for
from prism_widgets.views.finance_orders import orders_table, shares_text
from prism_widgets.views.finance_rebalance import RebalanceView

__all__ = ["RebalanceExplorer"]

_WIDE = "stretch_width"
_FIRST = {"policy": "cost_aware", "threshold": 0.02, "transaction_costs": 0.001, "risk_aversion": 1.0, "live": True}
_SLIDERS = {"transaction_costs": ("Cost of trading, %", 1.0, 0.01), "threshold": ("Width of the band, %", 20.0, 0.25)}
_SAME = 1e-9  # percent
_SECONDS = 2.0  # for whole shares
_STEPS = 12  # turnovers for which the best trades are sought


class _OrdersView(RebalanceView):
    """The view of a rebalancing, with more below its table.

    Parameters
    ----------
    *more
        What stands there.
    """

    def __init__(self, *more: Any) -> None:
        super().__init__()
        self._more = more

    def build(self, result: Any) -> None:
        """Make the picture and the place of the table; called once.

        Parameters
        ----------
        result
            The first of them.
        """
        super().build(result)
        self._layout.extend(self._more)


class RebalanceExplorer(Explorer):
    """See how far a portfolio is from its target, where no trade is worth it, and what acting costs and brings.

    Parameters
    ----------
    portfolio, target, prices
        What to begin with: names of samples, or anything ``rebalance`` reads.
    **first
        What settings hold first.
    """

    def __init__(
        self,
        portfolio: Any = "sp500_stocks_held",
        target: Any = "sp500_stocks_equal",
        prices: Any = "sp500_stocks",
        **first: Any,
    ) -> None:
        self._round = 0
        self._curve: tuple[Any, list[float], list[float]] | None = None
        super().__init__("finance.rebalance", portfolio, target, **{**_FIRST, "prices": prices, **first})

    def _build(self) -> None:
        super()._build()
        self._beside, self._counting = Job(), Job()
        self._acting = ActingView()
        self._sliders = {name: _slider(label, end, step) for name, (label, end, step) in _SLIDERS.items()}
        chooser = pn.Row(*self._sliders.values(), sizing_mode=_WIDE, margin=0, styles={"flex-wrap": "wrap"})
        self._orders = pmui.FileDownload(
            callback=lambda: io.BytesIO(self.orders()), filename="orders.csv", label="Download orders (CSV)",
            size="small", width=220, margin=(5, 10),
        )  # fmt: skip
        self._whole = pmui.Checkbox(label="Whole shares", size="small", width=140)
        self._counted = pn.pane.HTML("", sizing_mode=_WIDE, margin=(4, 12))
        self._allocation: Any = None
        self._right.insert(0, chooser)
        self._right.append(self._acting)
        for name in self._sliders:
            self._follow(name)

    def _wire(self) -> None:
        super()._wire()
        for name, slider in self._sliders.items():
            slider.param.watch(functools.partial(self._slid, name), "value")
            self.form.controls[name].param.watch(functools.partial(self._follow, name), "value")
        self._stop.on_click(lambda _: self._leave())
        self._whole.param.watch(lambda _: runtime.spawn(self._count), "value")

    def _view_for(self, result: Any) -> View:
        if type(result).__name__ != "Rebalance":
            return view_for(result)
        return _OrdersView(pn.Row(self._orders, self._whole, margin=0), self._counted)

    # --- sliders

    def _follow(self, name: str, *_: Any) -> None:
        """Let a slider say what its setting holds, where that is a number it can say."""
        value, slider = self.form.controls[name].value, self._sliders[name]
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            return
        if abs(100 * value - slider.value) > _SAME:  # an echo would take back what the slider did meanwhile
            slider.param.update(end=max(slider.end, 100 * value), value=round(100 * float(value), 6))

    def _slid(self, name: str, *_: Any) -> None:
        control, value = self.form.controls[name], round(float(self._sliders[name].value) / 100, 8)
        if control.value != value:
            control.value = value

    # --- what stands beside the run

    def _show_done(self) -> None:
        super()._show_done()
        self._allocation, self._counted.object = None, ""
        self._whole.disabled = self.result.value is None
        runtime.when_shown(self._look_beside)

    def _show_running(self) -> None:
        super()._show_running()
        self._leave()

    def _show_error(self) -> None:
        super()._show_error()
        self._acting.grey(True)

    def _leave(self) -> None:
        self._round += 1
        self._beside.cancel()

    async def _look_beside(self) -> None:
        """Run the other policies, and then the best trades of every turnover; a newer round ends it."""
        run, self._round = self.job.outcome.run, self._round + 1
        mine, chosen = self._round, run.result.to_numpy()
        policy = _policy(run)
        found = {}
        for other in get_args(Policy):
            found[other] = chosen if other == policy else await self._other(run, policy=other)
            if self._round != mine:
                return
        results = {n: r for n, r in found.items() if r is not None}
        if self._whole.value:
            await self._count()
        runtime.on_screen(functools.partial(self._show_policies, results, policy))
        if chosen.utility_gain is not None:
            await self._trace(run, mine)

    async def _other(self, run: Run, **changed: Any) -> Any:
        """Return the result of the same run with some settings changed; None where it is refused or overtaken."""
        settings = {**run.given, **changed}
        outcome = await self._beside.start(
            Request(operation=self.operation, data=dict(run.provenance.inputs), settings=settings)
        )
        return None if outcome is None else outcome.run.result.to_numpy()

    async def _trace(self, run: Run, mine: int) -> None:
        """Find what the best trades of each turnover bring; the same for every cost, width and policy."""
        free = {k: v for k, v in run.given.items() if k in ("risk_aversion", "horizon")}
        key = (tuple(i.digest for i in run.provenance.inputs.values()), tuple(sorted(free.items())))
        if self._curve is None or self._curve[0] != key:
            apart = run.result.to_numpy()
            far = float(abs(apart.weights_before - apart.target_weights).sum()) / 2
            turnover = [far * k / _STEPS for k in range(_STEPS + 1)]
            most = []
            for limit in turnover:
                best = await self._other(
                    run, policy="cost_aware", transaction_costs=0.0, max_turnover=min(limit * (1 + 1e-9), 1e6)
                )
                if self._round != mine:
                    return
                most.append(0.0 if best is None else best.utility_gain)
            self._curve = (key, turnover, most)
        cost = float(run.provenance.settings["transaction_costs"])
        _, turnover, most = self._curve
        runtime.on_screen(functools.partial(self._acting.draw, turnover, most, cost))

    def _show_policies(self, results: dict[str, Any], policy: str) -> None:
        self._acting.grey(False)
        self._acting.show(results, policy)

    # --- whole shares

    async def _count(self) -> None:
        """Turn the weights after the trades into whole shares, where that is asked for."""
        run = self.job.outcome.run if self.job.outcome is not None else None
        if run is None or not self._whole.value or run.result.value is None:
            self._allocation, self._counted.object = None, ""
            return
        outcome = await self._counting.start(_in_whole_shares(run))
        if self.job.outcome is None or self.job.outcome.run is not run:
            return
        error = self._counting.error
        runtime.on_screen(functools.partial(self._show_counted, None if outcome is None else outcome.run.result, error))

    def _show_counted(self, allocation: Any, error: BaseException | None) -> None:
        self._allocation = None if allocation is None else allocation.to_numpy()
        if self._allocation is not None:
            rows = zip(self._allocation.assets, self._allocation.trades, self._allocation.shares, strict=True)
            told = [(n, shares_text(t, signed=True), shares_text(s)) for n, t, s in rows if t]
            left = f"Orders in whole shares; {self._allocation.leftover_cash:,.2f} stay in cash"
            self._counted.object = orders_table(left, ("asset", "order", "shares after"), told)
        elif error is not None:
            self._counted.object = card("Whole shares", sentence(error))

    # --- ways out

    def orders(self) -> bytes:
        """Return the orders on screen as CSV: the assets that are traded, by how much, and the shares."""
        if self.result is None:
            msg = "there are no orders yet; run first"
            raise RuntimeError(msg)
        frame = self.result.to_frame()
        if self._allocation is not None:
            counted = dict(zip(self._allocation.assets, self._allocation.trades, strict=True))
            frame["orders"] = [counted.get(asset, 0.0) for asset in frame["asset"]]
        kept = [n for n in ("asset", "orders", "trades", "weights_before", "weights_after") if n in frame.columns]
        frame = frame.loc[frame["orders" if "orders" in kept else "trades"] != 0, kept]
        names = {"trades": "change_of_weight", "orders": "shares"}
        return bytes(frame.rename(columns=names).to_csv(index=False).encode())


def _in_whole_shares(run: Run) -> Request:
    """Return what turns the weights after a rebalancing into whole shares, from what is held and without more cash."""
    result, held = run.result.to_numpy(), run.provenance.inputs["portfolio"]
    prices: Any = run.provenance.inputs["prices"]
    weights = dict(zip(result.assets, np.maximum(result.weights_after, 0.0).tolist(), strict=True))
    shares = held.aligned(prices.assets, "portfolio").tolist()  # type: ignore[attr-defined]
    return Request(
        operation=find("finance.allocate"),
        data={"weights": weights, "prices": prices, "holdings": dict(zip(prices.assets, shares, strict=True))},
        settings={"capital": 0.0, "fee_rate": run.provenance.settings["transaction_costs"], "time_limit": _SECONDS},
    )


def _policy(run: Run) -> str:
    return str(run.provenance.settings["policy"])


def _slider(label: str, end: float, step: float) -> Any:
    made = pmui.FloatSlider(
        label=label, start=0.0, end=end, step=step, value=0.0, size="small", min_width=160, margin=(4, 16),
        sizing_mode=_WIDE, styles={"flex": "1 1 160px"},
    )  # fmt: skip
    made._debounce = 1  # ms; a run under way gathers further changes by itself
    return made
