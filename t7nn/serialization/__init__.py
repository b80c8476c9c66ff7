"""Torch7's .t7 files: ``nn.load`` and ``nn.save``, and what is below them.

``files`` is the face. A file is bytes (``sources``) that become values (``read``) by way of what is open (``stack``),
and the reverse (``write``). ``values`` holds what Python has no value for, ``classes`` how each class lies in a file,
``fields`` what a class declares, ``unknown`` the modules of classes that t7nn does not have, ``graph`` nngraph's
modules, ``hints`` what a file is that is no .t7 file, ``inspection`` the command line's ``inspect`` and ``convert``.
"""
