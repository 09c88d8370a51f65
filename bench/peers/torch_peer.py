"""PyTorch on the CPU. Options of `prepare`: channels_last, compile."""

import torch
from torch.nn import functional

from serve import serve, warm_up
from torch_networks import NETWORKS, WITH_SOFTMAX

BATCHES = 8  # different batches that training goes round, so that none is learnt by heart and gradients stay ordinary
CLASSES = 10


def prepare(network, mode, batch, threads, options):
    unknown = set(options) - {"channels_last", "compile"}
    if network not in NETWORKS or mode not in ("train", "predict", "style") or unknown:
        raise ValueError(f"no {network} {mode} {' '.join(options)}")
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    build, shape = NETWORKS[network]
    model = build().train(mode == "train")
    data = [torch.randn(batch, *shape) for _ in range(BATCHES)]
    if "channels_last" in options:
        model = model.to(memory_format=torch.channels_last)
        data = [x.to(memory_format=torch.channels_last) for x in data]
    callee = torch.compile(model) if "compile" in options else model
    if mode == "train":
        step = training_step(model, callee, data)
    elif mode == "style":
        step = style_step(model, callee, data[0])
    else:
        step = prediction_step(callee, data[0], network in WITH_SOFTMAX)
    warm_up(step)
    return step, {"parameters": sum(p.numel() for p in model.parameters())}


def training_step(model, callee, data):
    labels = [torch.randint(CLASSES, (len(x),)) for x in data]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    turn = 0

    def step():
        nonlocal turn
        turn = (turn + 1) % BATCHES
        loss = functional.cross_entropy(callee(data[turn]), labels[turn])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def gram(features):
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat[0].numel()


def style_step(model, callee, image):
    """The gradient of a loss of content and style with respect to the image (Gatys et al. 2016)."""
    model.requires_grad_(False)
    image.requires_grad_(True)
    with torch.no_grad():
        *style, content = model(image)
        targets = [*(torch.randn_like(gram(y)) for y in style), torch.randn_like(content)]

    def step():
        *style, content = callee(image)
        values = [*map(gram, style), content]
        parts = [functional.mse_loss(y, target) for y, target in zip(values, targets)]
        loss = parts[-1] + 1000 * sum(parts[:-1])
        torch.autograd.grad(loss, image)

    return step


def prediction_step(callee, image, with_softmax):
    def step():
        with torch.inference_mode():
            output = callee(image)
            if with_softmax:
                functional.softmax(output, 1)

    return step


if __name__ == "__main__":
    serve({"name": "PyTorch", "version": torch.__version__, "instructions": torch.backends.cpu.get_cpu_capability(),
           "onednn": torch.backends.mkldnn.is_available()}, prepare)
