"""Torch7's .t7 files: ``nn.load`` and ``nn.save``, and what is below them.

``files`` is the face. A file is bytes (``sources``) that become values (``read``) and the reverse (``write``);
``values`` holds what Python has no value for, ``classes`` how each class lies in a file, ``graph`` nngraph's modules,
``inspection`` the command line's ``inspect`` and ``convert``.
"""
