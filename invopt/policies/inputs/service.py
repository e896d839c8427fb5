"""From the column service_level to the share of demand, or of cycles, that may be missed."""

from __future__ import annotations

import numpy as np

from invopt.policies.inputs.messages import note


def service_shares(service: str, level: np.ndarray, message: np.ndarray) -> np.ndarray:
    """The share that may be missed, 1 - level, (n,); 1 where an item asks for nothing.

    A level that nothing can give is added to `message`. `theory/s_q/search_cycle_service.py` defines the services.

    Parameters
    ----------
    service : none, cycle or fill_rate
    level : (n,) array, fraction; NaN asks for nothing                                                     [alpha, beta]
    message : (n,) object array of str and None

    >>> message = np.array([None, None, None], dtype=object)
    >>> service_shares("cycle", np.array([0.75, np.nan, 95]), message), message[2]
    (array([0.25, 1.  , 1.  ]), 'service_level is 95.0, must be a fraction: 0.95 for 95 percent')
    """
    asked = np.zeros(len(level)) if service == "none" else np.where(np.isnan(level), 0.0, level)
    for i in np.flatnonzero((asked > 1) & (asked <= 100)):
        note(
            message,
            np.arange(len(level)) == i,
            f"service_level is {asked[i]}, must be a fraction: {asked[i] / 100:g} for {asked[i]:g} percent",
        )
    note(
        message,
        asked == 1,
        "service_level is 1, which no finite stock gives when demand has no upper limit; ask for less, such as 0.999",
    )
    note(message, (asked < 0) | (asked > 100), "service_level is {value}, must be 0 or more and below 1", asked)
    return np.where((asked >= 0) & (asked < 1), 1.0 - asked, 1.0)
