"""torch/optim: functions that minimise over a flat vector."""
