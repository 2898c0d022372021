"""A measured figure, and the machine it was taken on."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mydia.db import sqlite_version


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number and its budget."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    more_is_better: bool = False

    @property
    def kept(self) -> bool | None:
        """Whether it is within budget; None without a budget."""
        if self.budget is None:
            return None
        return self.value >= self.budget if self.more_is_better else self.value <= self.budget

    def row(self) -> tuple[str, str, str, str]:
        """Return the figure as a row of the table."""
        sign = "at least" if self.more_is_better else "at most"
        budget = "" if self.budget is None else f"{sign} {self.budget:,.6g} {self.unit}"
        verdict = {None: "", True: "kept", False: "MISSED"}[self.kept]
        value = f"{self.value:,.0f}" if self.value >= 100 else f"{self.value:,.2f}"
        return self.name, f"{value} {self.unit}", budget, verdict


def machine() -> str:
    """Describe the machine and its load."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    began, total = time.process_time(), 0
    for number in range(5_000_000):
        total += number
    loop_s = time.process_time() - began
    return (
        f"{os.cpu_count()} × {model[1] if model else platform.machine()}, "
        f"{int(memory[1]) / 2**20 if memory else 0:.0f} GiB, {system}, Python {platform.python_version()}, "
        f"SQLite {'.'.join(map(str, sqlite_version()))}; load {os.getloadavg()[0]:.1f} before, "
        f"five million additions in {loop_s:.2f} s"
    )


def print_table(rows: Sequence[Sequence[str]], *, markdown: bool) -> None:
    """Print rows with aligned columns; the first is the head."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print(f"| {' | '.join(cells)} |" if markdown else "  ".join(cells).rstrip())
        if number == 0 and markdown:
            print(f"|{'|'.join('-' * (width + 2) for width in widths)}|")
