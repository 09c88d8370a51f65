// A graph becomes sections in its order of computation. What darknet has as options of a convolution (batch normalisation, an
// activation) joins the section before when nothing else reads the value between. A section takes the one before as its input,
// so where an operator reads another one, a [route] to that comes first.
//
// Darknet knows one epsilon, 1e-5, no bias before a batch normalisation, and inputs of RGB / 255 only. None of that is lost:
// another epsilon goes into the variance, a bias into the mean, and another preprocessing into a first convolution of 1x1.
#include "io/darknet/generate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <ocellus/base/error.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/rearrange.h>
#include <ocellus/ops/resize.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/softmax.h>
#include <ocellus/ops/unary.h>

namespace ocellus::io::darknet {
namespace {

constexpr double epsilon = 1e-5;

/// One section while it may still take a normalisation or an activation.
struct Draft {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options = {};
  std::string activation = "";  ///< empty: the section has none
  Tensor kernel = {}, bias = {};
  std::array<Tensor, 3> norm = {};  ///< scale, mean, variance

  void set(const std::string& key, auto value) { options.emplace_back(key, fmt::format("{}", value)); }
};

std::string name_of(const Activation& a) {
  switch (a.kind) {
    case ActivationKind::none: return "linear";
    case ActivationKind::relu: return "relu";
    case ActivationKind::sigmoid: return "logistic";
    case ActivationKind::leaky_relu: return a.alpha == 0.1 ? "leaky" : a.alpha == 0.01 ? "relie" : "";
    case ActivationKind::tanh: return a.alpha == 1 && a.beta == 1 ? "tanh" : "";
    default: return "";
  }
}

std::string name_of(const Function& f) {
  if (f == silu) return "swish";
  if (f == mish) return "mish";
  if (f == relu6) return "relu6";
  if (f == elu()) return "elu";
  if (f == gelu_tanh) return "gelu";
  if (f == clip(-1, 1)) return "hardtan";
  return "";
}

/// The number that both lists agree on, if all their elements are that number.
std::optional<int64_t> common(const std::vector<int64_t>& a, const std::vector<int64_t>& b) {
  for (const auto* list : {&a, &b})
    for (const int64_t n : *list)
      if (n != a.front()) return std::nullopt;
  return a.front();
}
std::optional<int64_t> common(const std::vector<int64_t>& a) { return common(a, a); }

/// A fixed tensor, or an empty one.
Tensor fixed(const Value& v) {
  if (const auto* p = v.node().as<ParameterOp>()) return p->parameter->value();
  if (const auto* c = v.node().as<ConstantOp>()) return c->tensor;
  return {};
}

Tensor mapped(const Tensor& a, auto f) {
  Tensor out(DType::f32, a.shape());
  for (int64_t i = 0; i < a.numel(); ++i) out.as<float>()[static_cast<size_t>(i)] = static_cast<float>(f(i, a.at(i)));
  return out;
}

class Generator {
 public:
  explicit Generator(const Model& model) : model_(model), uses_(count_uses(model.graph())) {}

  Generated generate() {
    const Graph& graph = model_.graph();
    if (graph.inputs.size() != 1 || graph.inputs[0].shape().rank() != 4)
      throw Unsupported("darknet's networks have one input, a picture");
    at_[graph.inputs[0]] = -1;
    preprocess();
    for (const auto& node : graph.order()) {
      if (node->as<InputOp>() || node->as<ParameterOp>() || node->as<ConstantOp>()) continue;
      if (!node->inputs().empty() && !at_.contains(node->inputs()[0])) continue;  // behind one that is refused already
      if (!emit(*node, Value(node, 0))) refused_.insert(fmt::format("{} {}", node->op().name(), node->layer()));
    }
    if (!refused_.empty()) throw Unsupported(fmt::format("darknet has no section for {}", fmt::join(refused_, ", ")));
    finish();
    return written();
  }

 private:
  using Emitter = bool (Generator::*)(const Node&, const Value&);

  bool emit(const Node& node, const Value& out) {
    static const std::map<std::string_view, Emitter> emitters = {
        {"conv", &Generator::conv},
        {"dense", &Generator::dense},
        {"batch_norm", &Generator::batch_norm},
        {"activation", &Generator::activation},
        {"unary", &Generator::activation},
        {"max_pool", &Generator::max_pool},
        {"average_pool", &Generator::average_pool},
        {"global_average_pool", &Generator::global_average_pool},
        {"reshape", &Generator::reshape},
        {"binary", &Generator::binary},
        {"concat", &Generator::concat},
        {"slice", &Generator::slice},
        {"resize", &Generator::resize},
        {"space_to_depth", &Generator::space_to_depth},
        {"depth_to_space", &Generator::depth_to_space},
        {"softmax", &Generator::softmax},
        {"dropout", &Generator::dropout},
    };
    const auto it = emitters.find(node.op().name());
    return it != emitters.end() && (this->*it->second)(node, out);
  }

  int64_t last() const { return static_cast<int64_t>(drafts_.size()) - 1; }

  /// Makes `v` the section before the next one.
  void lead(const Value& v) {
    if (at_.at(v) == last()) return;
    Draft& route = drafts_.emplace_back(Draft{"route"});
    route.set("layers", at_.at(v));
  }

  void add(Draft draft, const Value& out) {
    drafts_.push_back(std::move(draft));
    at_[out] = last();
  }

  /// The section that made a value, if nothing else reads the value, so that it may be changed.
  Draft* open(const Value& v) {
    if (uses_.at(v) != 1 || at_.at(v) < 0 || v == model_.graph().inputs[0] || read_elsewhere_.contains(at_.at(v)))
      return nullptr;
    return &drafts_[static_cast<size_t>(at_.at(v))];
  }

  bool conv(const Node& node, const Value& out) {
    const Conv& op = *node.as<Conv>();
    const Value& x = node.inputs()[0];
    const Tensor kernel = fixed(node.inputs()[1]), bias = op.bias ? fixed(node.inputs()[2]) : Tensor();
    if (x.shape().rank() != 4 || !kernel || (op.bias && !bias) || op.residual) return false;
    const PlacedWindow w = place(op.window, spatial(x.shape()), spatial(kernel.shape()));
    const auto size = common(w.kernel), stride = common(w.stride), dilation = common(w.dilation);
    const auto padding = common(w.pad_begin, w.pad_end);
    const std::string name = name_of(op.activation);
    if (!size || !stride || !dilation || !padding || *padding % *dilation != 0 || name.empty()) return false;
    lead(x);
    Draft d{"convolutional"};
    d.set("filters", kernel.shape()[0]);
    d.set("size", *size);
    d.set("stride", *stride);
    d.set("padding", *padding / *dilation);
    if (*dilation != 1) d.set("dilation", *dilation);
    if (op.groups != 1) d.set("groups", op.groups);
    d.activation = name;
    d.kernel = kernel;
    d.bias = bias ? bias : Tensor(DType::f32, {kernel.shape()[0]});
    add(std::move(d), out);
    return true;
  }

  bool dense(const Node& node, const Value& out) {
    const Dense& op = *node.as<Dense>();
    const Tensor kernel = fixed(node.inputs()[1]), bias = op.bias ? fixed(node.inputs()[2]) : Tensor();
    const std::string name = name_of(op.activation);
    if (!kernel || (op.bias && !bias) || name.empty()) return false;
    lead(node.inputs()[0]);
    Draft d{"connected"};
    d.set("output", kernel.shape()[0]);
    d.activation = name;
    d.kernel = kernel;
    d.bias = bias ? bias : Tensor(DType::f32, {kernel.shape()[0]});
    add(std::move(d), out);
    return true;
  }

  bool batch_norm(const Node& node, const Value& out) {
    const BatchNorm& op = *node.as<BatchNorm>();
    std::array<Tensor, 4> p;  // scale, offset, mean, variance
    for (size_t i = 0; i < p.size(); ++i)
      if (p[i] = fixed(node.inputs()[i + 1]); !p[i]) return false;
    const std::string name = name_of(op.activation);
    if (name.empty()) return false;
    const auto spread = [&](double variance) {
      const double outside = std::sqrt(variance) + op.epsilon;
      return op.epsilon_outside ? outside * outside : variance + op.epsilon;
    };
    const Value& x = node.inputs()[0];
    Draft* before = open(x);
    if (before && before->kernel && !before->norm[0] && before->activation == "linear") {
      before->norm = {p[0], mapped(p[2], [&](int64_t i, double mean) { return mean - before->bias.at(i); }),
                      mapped(p[3], [&](int64_t, double variance) { return spread(variance) - epsilon; })};
      before->bias = p[1];
      before->activation = name;
      at_[out] = at_.at(x);
      return true;
    }
    if (x.shape().rank() != 4) return false;
    const auto slope = [&](int64_t i) { return p[0].at(i) / std::sqrt(spread(p[3].at(i))); };
    lead(x);
    const int64_t channels = x.shape()[1];
    Draft d = pointwise(channels, channels);
    d.kernel = mapped(p[0], [&](int64_t i, double) { return slope(i); });
    d.bias = mapped(p[1], [&](int64_t i, double offset) { return offset - p[2].at(i) * slope(i); });
    d.activation = name;
    add(std::move(d), out);
    return true;
  }

  static Draft pointwise(int64_t filters, int64_t groups) {
    Draft d{"convolutional"};
    d.set("filters", filters);
    d.set("size", 1);
    d.set("stride", 1);
    if (groups != 1) d.set("groups", groups);
    d.activation = "linear";
    return d;
  }

  bool activation(const Node& node, const Value& out) {
    const auto* plain = node.as<ActivationOp>();
    const std::string name = plain ? name_of(plain->activation) : name_of(node.as<Unary>()->function);
    if (name.empty()) return false;
    const Value& x = node.inputs()[0];
    if (Draft* before = open(x); before && before->activation == "linear") {
      before->activation = name;
      at_[out] = at_.at(x);
      return true;
    }
    lead(x);
    add({.name = "activation", .activation = name}, out);
    return true;
  }

  /// A [maxpool] or [local_avgpool]: darknet's padding is one number, its smaller half in front.
  bool windows(const char* name, const PlacedWindow& w, const Value& x, const Value& out) {
    const auto size = w.kernel.size() == 2 ? common(w.kernel) : std::nullopt;
    const auto stride = common(w.stride), begin = common(w.pad_begin), dilation = common(w.dilation);
    if (!size || !stride || !begin || *dilation != 1) return false;
    for (const int64_t padding : {2 * *begin, 2 * *begin + 1}) {
      const auto fits = [&](size_t i) { return (w.input[i] + padding - *size) / *stride + 1 == w.output[i]; };
      if (!fits(0) || !fits(1) || padding > 2 * (*size - 1)) continue;
      lead(x);
      Draft d{name};
      d.set("size", *size);
      d.set("stride", *stride);
      d.set("padding", padding);
      add(std::move(d), out);
      return true;
    }
    return false;
  }

  bool max_pool(const Node& node, const Value& out) {
    const MaxPool& op = *node.as<MaxPool>();
    const Value& x = node.inputs()[0];
    return windows("maxpool", place(op.window, spatial(x.shape()), op.kernel, op.ceil_mode), x, out);
  }

  bool average_pool(const Node& node, const Value& out) {
    const AveragePool& op = *node.as<AveragePool>();
    const Value& x = node.inputs()[0];
    const PlacedWindow w = place(op.window, spatial(x.shape()), op.kernel, op.ceil_mode);
    if (op.count_include_pad && common(w.pad_begin, w.pad_end) != 0) return false;
    return windows("local_avgpool", w, x, out);
  }

  bool global_average_pool(const Node& node, const Value& out) {
    if (out.shape().rank() != 4) return false;
    lead(node.inputs()[0]);
    add({.name = "avgpool"}, out);
    return true;
  }

  /// Darknet's sections read what they need as one row of numbers.
  bool reshape(const Node& node, const Value& out) {
    const Value& x = node.inputs()[0];
    const auto ones = [](const Shape& s) { return s.rank() == 4 && s[2] == 1 && s[3] == 1; };
    if (out.shape().rank() != 2 && !(ones(out.shape()) && (x.shape().rank() == 2 || ones(x.shape())))) return false;
    if (uses_.at(x) != 1) read_elsewhere_.insert(at_.at(x));
    at_[out] = at_.at(x);
    return true;
  }

  bool binary(const Node& node, const Value& out) {
    const Binary& op = *node.as<Binary>();
    Value a = node.inputs()[0], b = node.inputs()[1];
    const std::string name = name_of(op.activation);
    if (!at_.contains(a) || !at_.contains(b) || name.empty()) return false;
    if (at_.at(b) == last()) std::swap(a, b);
    const bool same = a.shape() == b.shape() && a.shape().rank() == 4;
    const auto factors = [](const Value& f, const Value& x) { return f.shape() == x.shape().with(2, 1).with(3, 1); };
    const bool ranks = a.shape().rank() == 4 && b.shape().rank() == 4;
    std::string section;
    if (same && op.kind == BinaryKind::add) section = "shortcut";
    if (same && op.kind == BinaryKind::mul) section = "sam";
    if (!same && ranks && op.kind == BinaryKind::mul) {
      if (factors(b, a)) std::swap(a, b);
      if (factors(a, b)) section = "scale_channels";
    }
    if (section.empty() || at_.at(b) < 0) return false;
    lead(a);
    Draft d{section};
    d.set("from", at_.at(b) - last() - 1);
    d.activation = name;
    add(std::move(d), out);
    return true;
  }

  bool concat(const Node& node, const Value& out) {
    if (node.as<Concat>()->axis != 1 || out.shape().rank() != 4) return false;
    std::vector<int64_t> layers;
    for (const Value& v : node.inputs()) {
      if (!at_.contains(v) || at_.at(v) < 0) return false;
      layers.push_back(at_.at(v));
    }
    Draft d{"route"};
    d.set("layers", fmt::format("{}", fmt::join(layers, ",")));
    add(std::move(d), out);
    return true;
  }

  /// One of several equal groups of channels.
  bool slice(const Node& node, const Value& out) {
    const Slice& op = *node.as<Slice>();
    const Shape &x = node.inputs()[0].shape(), &y = out.shape();
    if (x.rank() != 4 || !(y == x.with(1, y[1])) || x[1] % y[1] != 0 || op.step[1] != 1 || op.begin[1] % y[1] != 0 ||
        at_.at(node.inputs()[0]) < 0)
      return false;
    Draft d{"route"};
    d.set("layers", at_.at(node.inputs()[0]));
    d.set("groups", x[1] / y[1]);
    d.set("group_id", op.begin[1] / y[1]);
    add(std::move(d), out);
    return true;
  }

  /// By whole factors, where all of the roundings to the nearest agree.
  bool resize(const Node& node, const Value& out) {
    const Resize& op = *node.as<Resize>();
    const Shape &x = node.inputs()[0].shape(), &y = out.shape();
    if (op.mode != ResizeMode::nearest || x.rank() != 4 || y[2] % x[2] != 0 || y[2] / x[2] * x[3] != y[3]) return false;
    const bool rounds = op.rounding == ResizeRounding::round_half_down || op.rounding == ResizeRounding::round_half_up;
    if (op.coordinates == ResizeCoordinates::half_pixel
            ? !rounds
            : op.coordinates != ResizeCoordinates::asymmetric || op.rounding != ResizeRounding::floor)
      return false;
    lead(node.inputs()[0]);
    Draft d{"upsample"};
    d.set("stride", y[2] / x[2]);
    add(std::move(d), out);
    return true;
  }

  bool space_to_depth(const Node& node, const Value& out) {
    const SpaceToDepth& op = *node.as<SpaceToDepth>();
    if (op.order == BlockOrder::crd || out.shape().rank() != 4) return false;
    lead(node.inputs()[0]);
    Draft d{op.order == BlockOrder::darknet ? "reorg" : "reorg3d"};
    d.set("stride", op.block);
    add(std::move(d), out);
    return true;
  }

  bool depth_to_space(const Node& node, const Value& out) {
    const DepthToSpace& op = *node.as<DepthToSpace>();
    if (op.order != BlockOrder::dcr || out.shape().rank() != 4) return false;
    lead(node.inputs()[0]);
    Draft d{"reorg"};
    d.set("stride", op.block);
    d.set("reverse", 1);
    add(std::move(d), out);
    return true;
  }

  bool softmax(const Node& node, const Value& out) {
    if (node.as<Softmax>()->log || (out.shape().rank() != 2 && out.shape().rank() != 4)) return false;
    lead(node.inputs()[0]);
    Draft d{"softmax"};
    d.set("groups", 1);
    if (out.shape().rank() == 4) d.set("spatial", 1);
    add(std::move(d), out);
    return true;
  }

  bool dropout(const Node& node, const Value& out) {
    lead(node.inputs()[0]);
    Draft d{"dropout"};
    d.set("probability", node.as<Dropout>()->rate);
    add(std::move(d), out);
    return true;
  }

  /// Darknet feeds RGB / 255; where the model wants something else, a first section makes that of it. No section can name
  /// the input, so where several operators read it, it needs a section too.
  void preprocess() {
    const data::Preprocess& p = model_.preprocess();
    const Value& x = model_.graph().inputs[0];
    const int64_t channels = x.shape()[1];
    const bool swapped = p.colour == data::ColourOrder::bgr && channels == 3;
    if (p.channels == 0 || (std::abs(p.scale * 255 - 1) < 1e-6f && p.mean.empty() && p.std.empty() && !swapped)) {
      if (uses_.at(x) > 1) add({.name = "activation", .activation = "linear"}, x);
      return;
    }
    const auto of = [](const std::vector<float>& list, int64_t c, double otherwise) {
      return list.empty() ? otherwise : static_cast<double>(list[list.size() == 1 ? 0 : static_cast<size_t>(c)]);
    };
    Draft d = pointwise(channels, 1);
    d.kernel = Tensor(DType::f32, {channels, channels, 1, 1});
    d.bias = Tensor(DType::f32, {channels});
    for (int64_t c = 0; c < channels; ++c) {
      const double deviation = of(p.std, c, 1);
      const int64_t from = swapped ? channels - 1 - c : c;
      d.kernel.as<float>()[static_cast<size_t>(c * channels + from)] =
          static_cast<float>(255 * static_cast<double>(p.scale) / deviation);
      d.bias.as<float>()[static_cast<size_t>(c)] = static_cast<float>(-of(p.mean, c, 0) / deviation);
    }
    add(std::move(d), x);
  }

  /// The outputs: with a detector each is followed by its section, otherwise there is one, and it is the last section.
  void finish() {
    const Values& outputs = model_.graph().outputs;
    const auto it = model_.metadata().find("detector");
    const auto heads = it == model_.metadata().end() ? nlohmann::json::array()
                                                     : nlohmann::json::parse(it->second, nullptr, false)["heads"];
    if (heads.size() != outputs.size() && outputs.size() != 1)
      throw Unsupported(
          fmt::format("darknet's networks have one output, or boxes; this model has {} outputs", outputs.size()));
    for (size_t i = 0; i < outputs.size(); ++i) {
      lead(outputs[i]);
      if (heads.size() == outputs.size()) drafts_.push_back(head(heads[i], outputs[i].shape()));
    }
  }

  Draft head(const nlohmann::json& h, const Shape& x) const {
    const bool grid = h.at("kind") == "grid", region = h.at("softmax").get<bool>();
    Draft d{grid ? "detection" : region ? "region" : "yolo"};
    d.set("classes", h.at("classes").get<int64_t>());
    if (grid) {
      d.set("side", h.at("side").get<int64_t>());
      d.set("num", h.at("boxes").get<int64_t>());
      d.set("sqrt", h.at("sqrt").get<bool>() ? 1 : 0);
      d.set("softmax", region ? 1 : 0);
      return d;
    }
    const Shape& in = model_.graph().inputs[0].shape();
    std::vector<double> anchors;
    for (const auto& prior : h.at("priors")) {
      anchors.push_back(prior.at(0).get<double>() * static_cast<double>(region ? x[3] : in[3]));
      anchors.push_back(prior.at(1).get<double>() * static_cast<double>(region ? x[2] : in[2]));
    }
    d.set("num", anchors.size() / 2);
    d.set("anchors", fmt::format("{}", fmt::join(anchors, ",")));
    if (region) {
      d.set("coords", 4);
      d.set("softmax", 1);
      return d;
    }
    std::vector<size_t> mask;
    for (size_t i = 0; i < anchors.size() / 2; ++i) mask.push_back(i);
    d.set("mask", fmt::format("{}", fmt::join(mask, ",")));
    d.set("scale_x_y", h.at("scale_xy").get<double>());
    if (h.at("squared").get<bool>()) d.set("new_coords", 1);
    return d;
  }

  Generated written() const {
    const Shape& x = model_.graph().inputs[0].shape();
    Generated g;
    g.cfg = fmt::format(
        "[net]\nbatch=1\nsubdivisions=1\nwidth={}\nheight={}\nchannels={}\nmomentum=0.9\ndecay=0.0005\n"
        "learning_rate=0.001\npolicy=constant\nmax_batches=1000\n",
        x[3], x[2], x[1]);
    for (const Draft& d : drafts_) {
      g.cfg += fmt::format("\n[{}]\n", d.name);
      if (d.norm[0]) g.cfg += "batch_normalize=1\n";
      for (const auto& [key, value] : d.options) g.cfg += fmt::format("{}={}\n", key, value);
      if (!d.activation.empty()) g.cfg += fmt::format("activation={}\n", d.activation);
      if (!d.kernel) continue;
      g.weights.push_back(d.bias);
      if (d.name == "connected") g.weights.push_back(d.kernel);
      if (d.norm[0]) g.weights.insert(g.weights.end(), d.norm.begin(), d.norm.end());
      if (d.name != "connected") g.weights.push_back(d.kernel);
    }
    return g;
  }

  const Model& model_;
  std::unordered_map<Value, int, ValueHash> uses_;
  std::unordered_map<Value, int64_t, ValueHash> at_;
  std::vector<Draft> drafts_;
  std::set<int64_t> read_elsewhere_;  ///< sections whose numbers are also read under another shape
  std::set<std::string> refused_;
};

}  // namespace

Generated generate(const Model& model) { return Generator(model).generate(); }

}  // namespace ocellus::io::darknet
