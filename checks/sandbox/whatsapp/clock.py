"""The simulator's clock: real time by default, moved or stopped from outside."""

import threading
import time


class SimulatorClock:
    """Unix time in seconds. A running clock is real time plus an offset; a frozen one stands until moved."""

    def __init__(self, *, frozen_at: float | None = None) -> None:
        self._offset_s = 0.0
        self._frozen_at = frozen_at
        self._guard = threading.Lock()

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    def now(self) -> float:
        with self._guard:
            return time.time() + self._offset_s if self._frozen_at is None else self._frozen_at

    def set(self, unix: float) -> None:
        """Move to `unix`; a running clock runs on from there."""
        with self._guard:
            if self._frozen_at is None:
                self._offset_s = unix - time.time()
            else:
                self._frozen_at = unix

    def freeze(self, frozen: bool) -> None:
        moment = self.now()
        with self._guard:
            self._frozen_at = moment if frozen else None
            self._offset_s = 0.0 if frozen else moment - time.time()
