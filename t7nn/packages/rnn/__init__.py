"""Element-Research/rnn: recurrent networks, one step of time at a time or a sequence at once.

Three ideas carry the package.

**A recurrent module takes one step.** `LSTM`, `FastLSTM`, `GRU`, `Recurrent` and `Recursor` remember what they gave at
the step before: a second ``forward`` goes on where the first ended, until `forget`. They keep a copy of their layers
for every step, all with the same parameters, since a layer knows its last ``forward`` only; ``backward`` then goes
through these copies from the last step to the first, and is called as often as ``forward`` was, with the inputs in
reverse order. That is back-propagation through time. (`recurrent`, `gated`)

**A sequencer takes a sequence.** `Sequencer` forgets, calls its module for every item, and on the way back for every
item in reverse. `remember` makes it go on from one sequence to the next. (`sequencer`)

**A sequence at once.** `SeqLSTM` and `SeqGRU` are one layer each for a whole sequence, `(time, batch, size)`, without
copies: they work off the time in a loop of their own. (`sequence`)

`masks` has what leaves out steps of zeros, with which sequences of different lengths are filled up.
"""

from .gated import GRU, LSTM, FastLSTM, LazyDropout, SAdd
from .masks import LookupTableMaskZero, MaskZero
from .recurrent import AbstractRecurrent, Recurrent, Recursor, forget, remember
from .sequence import SeqGRU, SeqLSTM
from .sequencer import AbstractSequencer, BiSequencer, Repeater, Sequencer, SequencerCriterion

__all__ = [
    'GRU',
    'LSTM',
    'AbstractRecurrent',
    'AbstractSequencer',
    'BiSequencer',
    'FastLSTM',
    'LazyDropout',
    'LookupTableMaskZero',
    'MaskZero',
    'Recurrent',
    'Recursor',
    'Repeater',
    'SAdd',
    'SeqGRU',
    'SeqLSTM',
    'Sequencer',
    'SequencerCriterion',
    'forget',
    'remember',
]
