"""The shape of one input of each network, for programs that should not load PyTorch to know it."""

PHOTO = (3, 224, 224)
SHAPES = {"lenet5": (1, 28, 28), "resnet20": (3, 32, 32), "resnet50": PHOTO, "resnet50-2": PHOTO, "vgg16": PHOTO,
          "googlenet": PHOTO, "mobilenet": PHOTO, "yolov2": (3, 608, 608),
          "vgg19-conv4_2": (3, 512, 512)}
