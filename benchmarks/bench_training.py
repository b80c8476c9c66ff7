"""Training beside its floor, the same work inline with bare NumPy and BLAS calls, and beside PyTorch if installed.

OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_training.py
"""

import math

import numpy as np
from scipy.linalg.blas import daxpy, dgemm, dger
from timing import medians, report

import t7nn as nn

EXAMPLES = 200
RATE = 1e-4


def network(sizes, classes):
    nn.manualSeed(1)
    net = nn.Sequential()
    for i, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        if i:
            net.add(nn.Tanh())
        net.add(nn.Linear(inputs, outputs))
    return net.add(nn.LogSoftMax()) if classes else net


def examples(sizes, classes, rng):
    targets = (int(label) for label in rng.randint(1, sizes[-1] + 1, EXAMPLES))
    return [(rng.randn(sizes[0]), next(targets) if classes else rng.randn(sizes[-1])) for _ in range(EXAMPLES)]


def epoch_of_t7nn(net, classes, dataset):
    trainer = nn.StochasticGradient(net, nn.ClassNLLCriterion() if classes else nn.MSECriterion())
    trainer.learningRate, trainer.maxIteration, trainer.log = RATE, 1, None
    return lambda: trainer.train(dataset)


def epoch_inline(net, classes, dataset):
    """One epoch with nothing but the calls that the work needs: no modules, no checks, one buffer a result."""
    linears = [module for module in net if isinstance(module, nn.Linear)]
    weights, biases = [layer.weight.copy() for layer in linears], [layer.bias.copy() for layer in linears]
    transposed = [weight.T for weight in weights]
    outputs = [np.empty(len(bias)) for bias in biases]
    hidden = [np.empty(len(bias)) for bias in biases[:-1]]
    gradients = [np.empty(weight.shape[1]) for weight in weights]
    slopes = [np.empty(len(bias)) for bias in biases[:-1]]
    last, one, ones = len(weights) - 1, np.array(1.0), np.ones(len(biases[-1]))
    gradient, scratch = np.empty(len(biases[-1])), np.empty(len(biases[-1]))
    tanh, multiply, subtract, exp, log = np.tanh, np.multiply, np.subtract, np.exp, math.log

    def epoch():
        total = 0.0
        for i in np.random.permutation(len(dataset)).tolist():
            x, target = dataset[i]
            input = x
            for k in range(last + 1):
                output = weights[k].dot(input, outputs[k])
                daxpy(biases[k], output)
                if k < last:
                    input = tanh(output, hidden[k])
            if classes:
                largest = output.item(output.argmax())
                subtract(output, largest, scratch)
                exp(scratch, scratch)
                subtract(output, largest + log(scratch.dot(ones)), scratch)
                total -= scratch.item(target - 1)
                exp(scratch, gradient)
                gradient[target - 1] -= 1
            else:
                subtract(output, target, gradient)
                total += gradient.dot(gradient) / gradient.size
                multiply(gradient, 2 / gradient.size, gradient)
            arriving, g = [gradient], gradient
            for k in range(last, -1, -1):
                g = g.dot(weights[k], gradients[k])
                if k:
                    slope = multiply(hidden[k - 1], hidden[k - 1], slopes[k - 1])
                    subtract(one, slope, slope)
                    g = multiply(slope, g, slope)
                    arriving.append(g)
            for k in range(last, -1, -1):
                g = arriving[last - k]
                dger(-RATE, hidden[k - 1] if k else x, g, 1, 1, transposed[k], 1, 1, 1)
                daxpy(g, biases[k], len(g), -RATE)
        return total / len(dataset)

    return epoch


def torch_network(net):
    import torch

    torch.set_num_threads(1)
    layers = []
    for module in net:
        if isinstance(module, nn.Linear):
            layers.append(torch.nn.Linear(module.weight.shape[1], len(module.weight), dtype=torch.float64))
        else:
            layers.append(torch.nn.Tanh() if isinstance(module, nn.Tanh) else torch.nn.LogSoftmax(-1))
    return torch.nn.Sequential(*layers)


def epoch_of_torch(net, classes, dataset):
    import torch

    model = torch_network(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    loss_of = torch.nn.NLLLoss() if classes else torch.nn.MSELoss()
    pairs = [(torch.from_numpy(x), torch.tensor(t - 1) if classes else torch.from_numpy(t)) for x, t in dataset]

    def epoch():
        for i in np.random.permutation(len(pairs)).tolist():
            x, target = pairs[i]
            optimizer.zero_grad()
            loss_of(model(x), target).backward()
            optimizer.step()

    return epoch


def step_of_t7nn(net, x, labels):
    criterion = nn.ClassNLLCriterion()

    def step():
        criterion.forward(net.forward(x), labels)
        net.zeroGradParameters()
        net.backward(x, criterion.backward(net.output, labels))
        net.updateParameters(RATE)

    return step


def step_inline(net, x, labels):
    """The same step on two layers: every product one GEMM into a buffer, no temporaries."""
    (w1, b1), (w2, b2) = ((layer.weight.copy(), layer.bias.copy()) for layer in (net[0], net[2]))
    rows, ones, classes = np.arange(len(x)), np.ones(len(x)), np.ones(len(b2))
    g1, g2 = np.zeros_like(w1), np.zeros_like(w2)
    h, y, gy, gh, gx = (np.empty((len(x), n)) for n in (len(b1), len(b2), len(b2), len(b1), x.shape[1]))
    slope = np.empty_like(h)

    def step():
        x.dot(w1.T, h)
        np.add(h, b1, h)
        np.tanh(h, h)
        h.dot(w2.T, y)
        np.add(y, b2, y)
        largest = y[rows, y.argmax(1)][:, None]
        np.subtract(y, largest, gy)
        np.exp(gy, gy)
        np.subtract(y, largest + np.log(gy.dot(classes))[:, None], y)
        loss = -y[rows, labels - 1].mean()
        np.exp(y, gy)
        gy[rows, labels - 1] -= 1
        np.divide(gy, len(x), gy)
        gy.dot(w2, gh)
        np.multiply(h, h, slope)
        np.subtract(1, slope, slope)
        np.multiply(gh, slope, gh)
        gh.dot(w1, gx)
        g1.fill(0)
        g2.fill(0)
        dgemm(1, h.T, gy.T, 1, g2.T, 0, 1, 1)
        dgemm(1, x.T, gh.T, 1, g1.T, 0, 1, 1)
        for parameter, gradient in ((w1, g1), (w2, g2)):
            daxpy(gradient.reshape(-1), parameter.reshape(-1), gradient.size, -RATE)
        daxpy(ones.dot(gh), b1, len(b1), -RATE)
        daxpy(ones.dot(gy), b2, len(b2), -RATE)
        return loss

    return step


def step_of_torch(net, x, labels):
    import torch

    model = torch_network(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    loss_of = torch.nn.NLLLoss()
    # Torch7's backward computes the gradient of the input as well
    inputs, targets = torch.from_numpy(x).requires_grad_(), torch.from_numpy(labels - 1)

    def step():
        optimizer.zero_grad()
        inputs.grad = None
        loss_of(model(inputs), targets).backward()
        optimizer.step()

    return step


def peers(makers, *arguments):
    """The callables of all peers that are installed."""
    made = {}
    for name, make in makers.items():
        try:
            made[name] = make(*arguments)
        except ModuleNotFoundError:
            print(f'{name} is not installed')
    return made


def main():
    rng = np.random.RandomState(0)
    for sizes, classes in (((2, 20, 1), False), ((10, 50, 50, 2), True), ((784, 300, 10), True)):
        net, dataset = network(sizes, classes), examples(sizes, classes, rng)
        makers = {'t7nn': epoch_of_t7nn, 'inline': epoch_inline, 'torch': epoch_of_torch}
        report(f'SGD per example {"-".join(map(str, sizes))}', medians(peers(makers, net, classes, dataset)), EXAMPLES)
    for batch in (16, 64, 256):
        net, x = network((784, 300, 10), True), rng.randn(batch, 784)
        labels = rng.randint(1, 11, batch)
        makers = {'t7nn': step_of_t7nn, 'inline': step_inline, 'torch': step_of_torch}
        report(f'mini-batch of {batch} on 784-300-10', medians(peers(makers, net, x, labels)))


if __name__ == '__main__':
    main()
