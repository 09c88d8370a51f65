// The one header that a program includes: every public header, in the order that data flows through the folders.
#pragma once

#include <ocellus/base/error.h>
#include <ocellus/base/export.h>
#include <ocellus/base/file.h>
#include <ocellus/base/rng.h>
#include <ocellus/base/settings.h>
#include <ocellus/base/threads.h>
#include <ocellus/base/version.h>

#include <ocellus/tensor/dtype.h>
#include <ocellus/tensor/layout.h>
#include <ocellus/tensor/npy.h>
#include <ocellus/tensor/safetensors.h>
#include <ocellus/tensor/shape.h>
#include <ocellus/tensor/tensor.h>

#include <ocellus/graph/graph.h>
#include <ocellus/graph/op.h>
#include <ocellus/graph/parameter.h>
#include <ocellus/graph/value.h>

#include <ocellus/ops/activation.h>
#include <ocellus/ops/attributes.h>
#include <ocellus/ops/cast.h>
#include <ocellus/ops/chain.h>
#include <ocellus/ops/channel_norm.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/conv_pool.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/fold.h>
#include <ocellus/ops/host.h>
#include <ocellus/ops/indexing.h>
#include <ocellus/ops/losses.h>
#include <ocellus/ops/matmul.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/prelu.h>
#include <ocellus/ops/quantize.h>
#include <ocellus/ops/rearrange.h>
#include <ocellus/ops/recurrent.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/registry.h>
#include <ocellus/ops/resize.h>
#include <ocellus/ops/sample_norm.h>
#include <ocellus/ops/roi.h>
#include <ocellus/ops/select.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/softmax.h>
#include <ocellus/ops/unary.h>
#include <ocellus/ops/window.h>

#include <ocellus/engine/backend.h>
#include <ocellus/engine/calibration.h>
#include <ocellus/engine/program.h>
#include <ocellus/engine/reference.h>

#include <ocellus/backend/backends.h>
#include <ocellus/backend/peak.h>

#include <ocellus/nn/extent.h>
#include <ocellus/nn/initialiser.h>
#include <ocellus/nn/layer.h>
#include <ocellus/nn/layers/activation.h>
#include <ocellus/nn/layers/adaptive_pool.h>
#include <ocellus/nn/layers/add.h>
#include <ocellus/nn/layers/average_pool.h>
#include <ocellus/nn/layers/batch_norm.h>
#include <ocellus/nn/layers/concat.h>
#include <ocellus/nn/layers/conv.h>
#include <ocellus/nn/layers/conv_transpose.h>
#include <ocellus/nn/layers/dense.h>
#include <ocellus/nn/layers/depth_to_space.h>
#include <ocellus/nn/layers/distance.h>
#include <ocellus/nn/layers/dropout.h>
#include <ocellus/nn/layers/flatten.h>
#include <ocellus/nn/layers/global_pool.h>
#include <ocellus/nn/layers/gram.h>
#include <ocellus/nn/layers/group_norm.h>
#include <ocellus/nn/layers/instance_norm.h>
#include <ocellus/nn/layers/l2_normalize.h>
#include <ocellus/nn/layers/layer_norm.h>
#include <ocellus/nn/layers/local_response_norm.h>
#include <ocellus/nn/layers/max_pool.h>
#include <ocellus/nn/layers/pad.h>
#include <ocellus/nn/layers/prelu.h>
#include <ocellus/nn/layers/radial_basis.h>
#include <ocellus/nn/layers/recurrent.h>
#include <ocellus/nn/layers/reshape.h>
#include <ocellus/nn/layers/resize2d.h>
#include <ocellus/nn/layers/roi.h>
#include <ocellus/nn/layers/separable_conv.h>
#include <ocellus/nn/layers/softmax.h>
#include <ocellus/nn/layers/space_pad.h>
#include <ocellus/nn/layers/space_to_depth.h>
#include <ocellus/nn/layers/subsample2d.h>
#include <ocellus/nn/layers/table_conv2d.h>
#include <ocellus/nn/layers/time_distributed.h>
#include <ocellus/nn/loss.h>

#include <ocellus/data/augment.h>
#include <ocellus/data/dataset.h>
#include <ocellus/data/decorators.h>
#include <ocellus/data/draw.h>
#include <ocellus/data/image.h>
#include <ocellus/data/loader.h>
#include <ocellus/data/open.h>
#include <ocellus/data/preprocess.h>
#include <ocellus/data/sets/cifar.h>
#include <ocellus/data/sets/digits.h>
#include <ocellus/data/sets/idx.h>
#include <ocellus/data/sets/image_folder.h>
#include <ocellus/data/sets/yolo_folder.h>

#include <ocellus/train/callback.h>
#include <ocellus/train/handle.h>
#include <ocellus/train/history.h>
#include <ocellus/train/interrupt.h>
#include <ocellus/train/metric.h>
#include <ocellus/train/optimizer.h>
#include <ocellus/train/plot.h>
#include <ocellus/train/progress.h>
#include <ocellus/train/schedule.h>

#include <ocellus/model/config.h>
#include <ocellus/model/model.h>
#include <ocellus/model/session.h>

#include <ocellus/zoo/zoo.h>

#include <ocellus/io/conformance.h>
#include <ocellus/io/diff.h>
#include <ocellus/io/format.h>
#include <ocellus/io/weights.h>

#include <ocellus/vision/average_precision.h>
#include <ocellus/vision/box.h>
#include <ocellus/vision/decode.h>
#include <ocellus/vision/detector.h>
#include <ocellus/vision/nms.h>
