"""karpathy/char-rnn: `OneHot`, the input layer of its character-level language models.

A checkpoint of char-rnn is a table; its ``protos.rnn`` is a network made with nngraph that maps {character, state ...}
to {state ..., log-probabilities}, one step of time at a time.
"""

import t7nn

from .base import named

__all__ = ['OneHot']


@named('OneHot')
class OneHot(t7nn.OneHot):
    """``nn.OneHot`` under the name that files of char-rnn have for it: row x of the identity matrix for every number x.

    Parameters
    ----------
    outputSize
        how many classes there are; the input is a tensor of numbers from 1 to `outputSize`, of any numeric type and
        any shape, and the output has one dimension more

    gradInput is 0.

    Source: github.com/karpathy/char-rnn, util/OneHot.lua
    """
