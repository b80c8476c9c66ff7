"""Nothing that is put into a field or handed to a method ends in a signal or in an error that is not t7nn's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_fields import gradient, nodes  # noqa: F401

HERE = Path(__file__).parent

#: the part of the wrong values that is tried: 1 takes some minutes
SHARE = os.environ.get('T7NN_FUZZ', '0.1')

#: the modules whose classes are held to it
MODULES = [
    'criterions',
    'layers.arithmetic',
    'layers.clustering',
    'layers.containers',
    'layers.convolution',
    'layers.decorators',
    'layers.distances',
    'layers.identity',
    'layers.linear',
    'layers.noise',
    'layers.normalization',
    'layers.padding',
    'layers.pointwise',
    'layers.pooling',
    'layers.rectifiers',
    'layers.selection',
    'layers.shapes',
    'layers.sparse',
    'layers.table',
    'layers.transfer',
    'layers.upsampling',
    *(f'packages.{name}' for name in ('char_rnn', 'cudnn', 'dpnn', 'inn', 'neural_style', 'nnx', 'stn')),
    *(f'packages.rnn.{name}' for name in ('gated', 'masks', 'sequence', 'sequencer')),
]


#: networks have hundreds of fields, so a smaller part of the wrong values is tried
LESS = {'packages.dpnn': 0.3, 'packages.nnx': 0.3, 'packages.rnn.sequencer': 0.01}


@pytest.mark.parametrize('module', MODULES)
def test_wrong_fields_inputs_and_files(module):
    """Each wrong value is computed with or refused clearly; the C library checks its memory."""
    share = str(float(SHARE) * LESS.get(module, 1))
    environment = os.environ | {'MALLOC_CHECK_': '3', 'PYTHONPATH': os.pathsep.join([str(HERE), *sys.path])}
    run = subprocess.run(
        [sys.executable, str(HERE / 'fuzz_fields.py'), share, module, 'layers,criterions,packages'],
        capture_output=True,
        text=True,
        env=environment,
    )
    last = run.stderr.splitlines()[-3:]
    assert run.returncode == 0, f'ended with {run.returncode} in {last}'
    assert run.stdout == ''
    assert last, 'no row was tried'
