"""How fast letters are printed on one core, and in how much memory: ``python -m tests.bench.letters``.

The rate is told beside the 300 pages a second that were promised, and beside what the library alone reaches on empty
pages in the same run, so that a slow machine is not mistaken for slow letters. Memory is each child process's own peak.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cairocffi

from connector import keys
from connector.letters import Letter, Printer, Template
from connector.settings import Web, config_folder
from connector.settings.theme import Theme

TARGET = 300  # pages a second
_NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
_UNTIL = _NOW + timedelta(days=21)
_WEB = Web.model_validate({"portal_url": "https://moncompte.universite.example/", "secret_key": "x" * 40})
_SPAWN = multiprocessing.get_context("spawn")  # a fork's peak would begin with its parent's


def letters(number: int) -> Iterator[Letter]:
    """People with different names, keys and addresses."""
    for place in range(number):
        address = (f"{place % 90 + 1} rue de l’Abbé-Grégoire", "Résidence Les Tilleuls", "38000 GRENOBLE")
        programme = f"Licence {place % 3 + 1} Informatique, parcours Ingénierie logicielle"
        language = "en" if place % 3 else "fr"
        name, uid = f"Nguyễn Thị Hồng Łucja {place}", f"hnguyen{place}"
        yield Letter(name, uid, keys.mint(), _UNTIL, programme, address, language)


def print_letters(number: int) -> float:
    """CPU seconds for ``number`` letters, keys and opening of the fonts included."""
    began = time.process_time()
    printer = Printer(Template.load_all(config_folder() / "letters"), _WEB, Theme.load("dordogne"), _NOW)
    with Path(os.devnull).open("wb") as out:
        printer.write(out, letters(number))
    return time.process_time() - began


def print_nothing(number: int) -> float:
    """CPU seconds of the library alone, for ``number`` pages with nothing but a line on them."""
    began = time.process_time()
    with Path(os.devnull).open("wb") as out:
        surface = cairocffi.PDFSurface(out, 595, 842)
        context = cairocffi.Context(surface)
        for _ in range(number):
            context.move_to(20, 20)
            context.show_text("x")
            surface.show_page()
        surface.finish()
    return time.process_time() - began


def measured(act: Callable[[int], float], number: int) -> tuple[float, float]:
    """Pages a second and peak memory in MB, in a process of its own."""
    with _SPAWN.Pool(1) as pool:
        return pool.apply(_measure, (act, number))


def _measure(act: Callable[[int], float], number: int) -> tuple[float, float]:
    seconds = act(number)
    return number / seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(sizes: tuple[int, int] = (1_000, 20_000)) -> bool:
    """Print the table; whether the promise is kept and memory does not grow with the cohort."""
    few, many = sizes
    empty, _ = measured(print_nothing, few)
    rates, peaks = zip(*(measured(print_letters, size) for size in sizes), strict=True)
    print(f"{'pages':>7} {'pages/s':>8} {f'x {TARGET}/s':>8} {'x empty':>8} {'peak MB':>8}")
    for size, rate, peak in zip(sizes, rates, peaks, strict=True):
        print(f"{size:>7} {rate:>8.0f} {rate / TARGET:>8.2f} {rate / empty:>8.2f} {peak:>8.0f}")
    growth = (peaks[1] - peaks[0]) * 1024 / (many - few)
    print(f"the library alone, on empty pages: {empty:.0f} pages/s; memory grows by {growth:.2f} KB a page")
    return max(rates) >= TARGET and growth < 1


if __name__ == "__main__":
    sys.exit(not main())
