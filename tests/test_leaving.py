"""The examples of docs/leaving.md run: they need packages that not everybody has, so they are no doctests."""

import re
from pathlib import Path

import numpy as np
import pytest

import t7nn as nn
from t7nn.__main__ import main
from t7nn.export.onnx import converters

PAGE = (Path(__file__).parent.parent / 'docs' / 'leaving.md').read_text()


def fences(language):
    return re.findall(rf'^```{language}\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty directory, which the examples write into."""
    monkeypatch.chdir(tmp_path)
    known = dict(converters)
    yield tmp_path
    converters.clear()
    converters.update(known)


def test_the_page(here):
    for package in 'onnx', 'onnxruntime', 'safetensors':
        pytest.importorskip(package)
    names: dict = {}
    python = fences('python')
    assert len(python) >= 7
    for code in python:
        if 'import torch' in code:
            pytest.importorskip('torch')
        exec(compile(code, 'docs/leaving.md', 'exec'), names)
    assert names['output'].shape == (5, 10)
    image = np.zeros((1, 1, 28, 28), np.float32)
    lenet = nn.load('model.t7')
    lenet.evaluate()
    np.testing.assert_allclose(lenet.forward(image), names['session'].run(None, {'input': image})[0], atol=1e-5)
    commands = [
        line.split() for text in fences('sh') for line in text.splitlines() if line.startswith('python -m t7nn')
    ]
    assert len(commands) == 2
    for _, _, _, *arguments in commands:
        assert main(arguments) == 0
    (script,) = fences('js')  # of which nothing here can run more than its names
    assert 'run({ input: image })' in script and 'const { output }' in script and '[1, 1, 28, 28]' in script
