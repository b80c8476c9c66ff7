"""Torch7's gradient checks: ``nn.Jacobian``, ``nn.SparseJacobian`` and ``nn.hessian``."""
