"""The simulator's clock: real time by default, moved or stopped from outside."""

import threading
import time
from collections.abc import Callable


class SimulatorClock:
    """Unix time in seconds that can be advanced, set, and frozen.

    A running clock is real time plus an offset. A frozen clock stands still until it is moved. `hold_at`
    pins it to a moment while scheduled work of that moment runs.
    """

    def __init__(self, real_time: Callable[[], float] = time.time, *, frozen_at: int | None = None) -> None:
        self._real_time = real_time
        self._offset_seconds = 0.0
        self._frozen_at: float | None = None if frozen_at is None else float(frozen_at)
        self._held_at: float | None = None
        self._guard = threading.Lock()

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    def now(self) -> int:
        """Whole seconds since the epoch, as the gateway writes them."""
        return int(self.exact())

    def exact(self) -> float:
        with self._guard:
            if self._held_at is not None:
                return self._held_at
            return self._own_time()

    def set(self, unix: float) -> None:
        """Moves the clock to `unix`; a running clock runs on from there."""
        with self._guard:
            self._held_at = None
            if self._frozen_at is not None:
                self._frozen_at = float(unix)
            else:
                self._offset_seconds = float(unix) - self._real_time()

    def freeze(self, frozen: bool) -> None:
        with self._guard:
            moment = self._own_time()
            self._frozen_at = moment if frozen else None
            if not frozen:
                self._offset_seconds = moment - self._real_time()

    def hold_at(self, unix: float) -> None:
        with self._guard:
            self._held_at = float(unix)

    def release(self) -> None:
        with self._guard:
            self._held_at = None

    def saved(self) -> dict[str, float | None]:
        with self._guard:
            return {"offset_seconds": self._offset_seconds, "frozen_at": self._frozen_at}

    def restore(self, saved: dict[str, float | None]) -> None:
        with self._guard:
            self._offset_seconds = float(saved.get("offset_seconds") or 0.0)
            frozen_at = saved.get("frozen_at")
            self._frozen_at = None if frozen_at is None else float(frozen_at)

    def _own_time(self) -> float:
        if self._frozen_at is not None:
            return self._frozen_at
        return self._real_time() + self._offset_seconds
