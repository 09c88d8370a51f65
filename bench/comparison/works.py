"""What is compared: networks, contenders, pieces of work and the bars that they are held to."""

from dataclasses import dataclass

OURS = "ocellus"


@dataclass(frozen=True)
class Network:
    title: str
    macs: int  # multiply-adds of one prediction of one image
    first: int  # of these, the first layer's: training needs no gradient of the input


@dataclass(frozen=True)
class Bar:
    """The most that a ratio, or with `share` the least that a share of the machine's peak, may be."""

    limit: float
    avx2: float = 0  # where it is another one for processors without AVX-512
    needs: str = ""  # a flag of /proc/cpuinfo without which there is no bar
    share: bool = False

    def on(self, flags):
        """The bar for a processor with these flags, or None."""
        if self.needs and self.needs not in flags:
            return None
        return self.avx2 if self.avx2 and "avx512f" not in flags else self.limit


@dataclass(frozen=True)
class Contender:
    label: str
    program: str  # a program of the build directory, or a file of bench/peers
    options: tuple = ()
    single: bool = False  # one thread, however many the others have
    slow: bool = False  # takes a minute to prepare: only with --all
    beside: bool = False  # not one of the peers of which the fastest counts, but in a column of its own
    bar: Bar = None  # against the fastest peer, or in a work among ourselves against the first contender


@dataclass(frozen=True)
class Work:
    network: str
    # train, predict, gradients (a training step without the update), style (a gradient with respect to the image, through
    # frozen layers) or start (a fresh process each time)
    mode: str
    batch: int
    steps: int  # timed in one turn
    contenders: tuple
    memory: Bar = None  # of a start: peak memory against ONNX Runtime's

    def operations(self):
        """Floating point operations of one step, a multiply-add counted as two."""
        net = NETWORKS[self.network]
        training = self.mode in ("train", "gradients")
        passes = 3 if training else 2 if self.mode == "style" else 1
        return 2 * self.batch * (passes * net.macs - (net.first if training else 0))


NETWORKS = {
    "lenet5": Network("LeNet-5, 1x28x28", 416_520, 117_600),
    "resnet20": Network("ResNet-20 (option A), 3x32x32", 40_551_040, 442_368),
    "resnet50": Network("ResNet-50, 3x224x224", 4_089_184_256, 118_013_952),
    "resnet50-2": Network("ResNet-50 with two classes, 3x224x224", 4_087_140_352, 118_013_952),
    "vgg16": Network("VGG-16, 3x224x224", 15_470_264_320, 86_704_128),
    "vgg19-conv4_2": Network("VGG-19 to conv4_2, 3x512x512", 72_930_557_952, 452_984_832),
    "googlenet": Network("GoogLeNet, 3x224x224", 1_582_671_872, 118_013_952),
    "mobilenet": Network("MobileNet v1, 3x224x224", 568_740_352, 10_838_016),
    "yolov2": Network("YOLOv2, 3x608x608", 31_469_126_656, 319_389_696),
}

TORCH = (
    Contender("PyTorch", "torch_peer.py"),
    Contender("PyTorch channels_last", "torch_peer.py", ("channels_last",)),
    Contender("PyTorch compile", "torch_peer.py", ("compile",), slow=True),
    Contender("PyTorch compile, channels_last", "torch_peer.py", ("compile", "channels_last"), slow=True),
)
SMALL_PREDICTORS = (
    Contender("ONNX Runtime", "onnx_peer.py"),
    Contender("ONNX Runtime, 1 thread", "onnx_peer.py", single=True),
    Contender("ONNX Runtime, bound buffers", "onnx_peer.py", ("bound",)),
    Contender("ONNX Runtime, bound, 1 thread", "onnx_peer.py", ("bound",), single=True),
    Contender("PyTorch", "torch_peer.py"),
)
PREDICTORS = (
    Contender("ONNX Runtime", "onnx_peer.py"),
    Contender("OpenVINO", "openvino_peer.py"),
    *TORCH,
    Contender("ncnn", "ncnn_peer.py", beside=True),
)
STARTERS = (
    Contender("ONNX Runtime", "start.py", ("onnxruntime",)),
    Contender("OpenVINO", "start.py", ("openvino",)),
    Contender("ncnn", "start.py", ("ncnn",), beside=True),
)


def by_runner(limit):
    return Contender(OURS, "bench/bench_runner", bar=Bar(limit) if limit else None)


def by_program(label, *options, bar=None):
    return Contender(label, "ocellus_bench.py", options, bar=bar)


def prediction(network, steps, bar):
    return Work(network, "predict", 1, steps, (by_program(OURS, bar=bar), *PREDICTORS))


def lower_precision(network, steps):
    return Work(network, "predict", 1, steps, (
        by_program("f32, direct", "--algorithms", "exact"),
        by_program("bf16", "--dtype", "bf16", bar=Bar(0.55, needs="avx512_bf16")),
        by_program("int8", "--dtype", "int8", bar=Bar(0.35, needs="avx512_vnni"))))


def share_of_peak(network, steps, bar):
    return Work(network, "predict", 16, steps, (
        by_program("f32, direct", "--algorithms", "exact", bar=Bar(bar, share=True)),))


WORKS = {
    "resnet50-predict": prediction("resnet50", 10, Bar(0.88)),
    "vgg16-predict": prediction("vgg16", 5, Bar(0.50, avx2=0.58)),
    "yolov2-predict": prediction("yolov2", 3, Bar(0.55, avx2=0.65)),
    "googlenet-predict": prediction("googlenet", 20, Bar(0.9)),
    "mobilenet-predict": prediction("mobilenet", 40, Bar(0.9)),
    "lenet5-predict": Work("lenet5", "predict", 1, 2000, (by_runner(0), *SMALL_PREDICTORS)),
    "resnet50-precision": lower_precision("resnet50", 10),
    "vgg16-precision": lower_precision("vgg16", 5),
    "yolov2-precision": lower_precision("yolov2", 3),
    "resnet20-train": Work("resnet20", "train", 128, 2, (by_runner(0.72), *TORCH)),
    "resnet50-train": Work("resnet50", "train", 8, 1, (by_runner(0.65), *TORCH)),
    "lenet5-train": Work("lenet5", "train", 64, 40, (by_runner(0.15), *TORCH)),
    "vgg19-style": Work("vgg19-conv4_2", "style", 1, 1, (by_runner(0.5), *TORCH)),
    "resnet20-train-precision": Work("resnet20", "gradients", 128, 2, (
        by_program("f32"), by_program("bf16", "--dtype", "bf16", bar=Bar(0.75, needs="avx512_bf16")))),
    "resnet50-peak": share_of_peak("resnet50", 2, 0.85),
    "vgg16-peak": share_of_peak("vgg16", 2, 0.90),
    "resnet50-start": Work("resnet50-2", "start", 1, 1, (
        Contender(OURS, "start.py", ("ocellus",), bar=Bar(1.0)), *STARTERS), memory=Bar(0.8)),
}
