// Layers are called in the order of the text; a name stands for whatever was last written under it, as layers may work in place.
#include "io/caffe/net.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <ocellus/base/error.h>
#include <ocellus/base/file.h>

#include "io/caffe/layer.h"
#include "io/caffe/weights.h"
#include "io/tensors.h"

namespace ocellus::io::caffe {
namespace {

constexpr uint64_t largest_text = 64 << 20;
constexpr int64_t most_elements = int64_t{1} << 31;

bool is_one_of(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::ranges::count(types, type) > 0;
}

bool gives_data(std::string_view type) {
  return is_one_of(type, {"Input", "Data", "ImageData", "MemoryData", "HDF5Data", "DummyData", "WindowData", "DATA",
                          "IMAGE_DATA", "MEMORY_DATA", "HDF5_DATA", "DUMMY_DATA"});
}

/// What judges a network and gives no answer.
bool judges(std::string_view type) {
  return type.ends_with("Loss") || type.ends_with("_LOSS") ||
         is_one_of(type, {"Accuracy", "ACCURACY", "Silence", "SILENCE"});
}

/// Some layers are for training alone.
bool in_use(const Message& layer) {
  for (const Message* rule : layer.messages("include"))
    if (rule->text("phase", "TEST") == "TRAIN") return false;
  for (const Message* rule : layer.messages("exclude"))
    if (rule->text("phase", "TRAIN") == "TEST") return false;
  return true;
}

struct Files {
  std::filesystem::path text, arrays;
};

std::filesystem::path beside(const std::filesystem::path& path, const char* ending) {
  std::filesystem::path same = path;
  same.replace_extension(ending);
  if (std::filesystem::is_regular_file(same)) return same;
  std::vector<std::filesystem::path> found;
  const auto folder = path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ending && entry.is_regular_file()) found.push_back(entry.path());
  if (found.size() == 1) return found.front();
  throw IoError(path.string(), fmt::format("needs the {} file that belongs to it: there is no {}, and {} others",
                                           ending, same.filename().string(), found.size()));
}

Files files_of(const std::filesystem::path& path) {
  if (path.extension() == ".caffemodel") return {beside(path, ".prototxt"), path};
  return {path, beside(path, ".caffemodel")};
}

std::vector<const Message*> layers_of(const Message& net) {
  auto layers = net.messages("layer");
  return layers.empty() ? net.messages("layers") : layers;
}

class Builder {
 public:
  Builder(const Message& net, std::map<std::string, Blobs> blobs, std::string source)
      : net_(net), blobs_(std::move(blobs)), source_(std::move(source)) {}

  Model build() {
    refuse_unknown();
    declared_inputs();
    const auto layers = layers_of(net_);
    for (size_t i = 0; i < layers.size(); ++i) {
      if (!in_use(*layers[i])) continue;
      const std::string type = layers[i]->text("type", "");
      if (gives_data(type)) {
        data_layer(*layers[i]);
      } else if (!judges(type)) {
        const Message* scale = i + 1 < layers.size() && scales(*layers[i], *layers[i + 1]) ? layers[i + 1] : nullptr;
        call(*layers[i], scale);
        if (scale) ++i;
      }
    }
    return finished();
  }

 private:
  struct Blob {
    Value value;
    bool read = false;
    size_t order = 0;
  };

  void refuse_unknown() const {
    std::map<std::string, std::vector<std::string>> unknown;
    size_t count = 0;
    for (const Message* layer : layers_of(net_)) {
      const std::string type = layer->text("type", "");
      if (!in_use(*layer) || gives_data(type) || judges(type) || find_layer(type)) continue;
      unknown[type].push_back(layer->text("name", ""));
      ++count;
    }
    if (unknown.empty()) return;
    std::string text;
    for (const auto& [type, names] : unknown)
      text += fmt::format("{}{} ({}: {})", text.empty() ? "" : "; ", type, names.size(), fmt::join(names, ", "));
    throw Unsupported(fmt::format("{}: {} layers have no counterpart here: {}", source_, count, text));
  }

  /// "input: "data" input_dim: 1 ..." at the top of older texts.
  void declared_inputs() {
    const auto inputs = net_.texts("input");
    const auto shapes = net_.messages("input_shape");
    const auto dims = net_.integers("input_dim");
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (i < shapes.size())
        add_input(inputs[i], shapes[i]->integers("dim"));
      else if (dims.size() >= 4 * (i + 1))
        add_input(inputs[i], std::vector<int64_t>(dims.begin() + static_cast<std::ptrdiff_t>(4 * i),
                                                  dims.begin() + static_cast<std::ptrdiff_t>(4 * i + 4)));
      else
        throw FormatError(source_, "input " + inputs[i], "has no shape");
    }
  }

  /// Its first top is the data; a second one would be what training compares with.
  void data_layer(const Message& layer) {
    const auto tops = layer.texts("top");
    const std::string name = layer.text("name", "");
    if (tops.empty()) return;
    const Message& transform = layer.message("transform_param");
    const auto shapes = layer.message("input_param").messages("shape");
    if (!shapes.empty()) {
      for (size_t i = 0; i < tops.size(); ++i)
        add_input(tops[i], shapes[std::min(i, shapes.size() - 1)]->integers("dim"));
    } else if (const int64_t size = transform.integer("crop_size", 0); size > 0) {
      add_input(tops[0], {1, transform.flag("force_gray", false) ? 1 : 3, size, size});
    } else {
      throw Unsupported(source_ + ": data layer " + name +
                        " does not say what shape its data have; a text for use (\"deploy\") does");
    }
    preprocess_by(transform);
  }

  /// Caffe's own rule: (x - mean) * scale of images 0 to 255, blue first.
  void preprocess_by(const Message& transform) {
    if (!transform.has("mean_value") && !transform.has("scale")) return;
    data::Preprocess p;
    p.colour = data::ColourOrder::bgr;
    const double scale = transform.real("scale", 1);
    p.scale = static_cast<float>(scale);
    for (const double mean : transform.reals("mean_value")) p.mean.push_back(static_cast<float>(mean * scale));
    preprocess_ = p;
  }

  void add_input(const std::string& name, std::vector<int64_t> dims) {
    if (dims.size() < 2 || dims.size() > Shape::max_rank)
      throw FormatError(source_, "input " + name, "has no usual number of dimensions");
    for (const int64_t d : dims)
      if (d < 1) throw FormatError(source_, "input " + name, fmt::format("has the size {}", d));
    batch_ = dims.front();
    dims.erase(dims.begin());
    inputs_.push_back(nn::input(shape_of(dims), unused(name)));
    put(name, inputs_.back());
  }

  /// The layer that gives data has no layer here, so its name is the input's; other layers keep theirs.
  std::string unused(const std::string& name) const {
    for (const Message* layer : layers_of(net_))
      if (layer->text("name", "") == name && !gives_data(layer->text("type", ""))) return name + "_input";
    return name;
  }

  void put(const std::string& name, const Value& value) {
    const size_t order = order_++;
    values_[name] = {value, false, order};
  }

  /// A Scale that does nothing but follow a BatchNorm.
  bool scales(const Message& norm, const Message& scale) const {
    if (norm.text("type", "") != "BatchNorm" || scale.text("type", "") != "Scale") return false;
    const auto bottoms = scale.texts("bottom");
    if (bottoms.size() != 1 || bottoms.front() != norm.text("top", "")) return false;
    if (scale.message("scale_param").integer("axis", 1) != 1) return false;
    if (scale.text("top", "") == bottoms.front()) return true;
    // What it read must not be wanted by anyone else.
    size_t readers = 0;
    for (const Message* layer : layers_of(net_))
      for (const std::string& bottom : layer->texts("bottom")) readers += bottom == bottoms.front();
    return readers == 1;
  }

  void call(const Message& layer, const Message* scale) {
    LayerCall call;
    call.type = layer.text("type", "");
    call.source = source_;
    call.settings = &layer;
    call.batch = batch_;
    const std::string name = layer.text("name", "");
    call.name = made_.insert(name).second && !name.empty() ? name : "";
    for (const std::string& bottom : layer.texts("bottom")) {
      const auto found = values_.find(bottom);
      if (found == values_.end()) call.fail("reads \"" + bottom + "\", which no layer before it gives");
      found->second.read = true;
      call.inputs.push_back(found->second.value);
    }
    if (call.inputs.empty()) call.fail("has no inputs");
    if (const auto blobs = blobs_.find(name); blobs != blobs_.end()) call.arrays = blobs->second.arrays;
    if (scale) {
      const auto blobs = blobs_.find(scale->text("name", ""));
      if (blobs == blobs_.end()) call.fail("is followed by a Scale that has no arrays");
      call.scale_arrays = blobs->second.arrays;
    }
    const Values outputs = find_layer(call.type)->emit(call);
    const auto tops = (scale ? *scale : layer).texts("top");
    if (tops.size() != outputs.size())
      call.fail(fmt::format("gives {} values, {} are named", outputs.size(), tops.size()));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i].shape().rank() == 0 || outputs[i].shape().with(0, 1).numel() > most_elements)
        call.fail("gives a value of " + outputs[i].shape().to_string() + ", which is too large");
      put(tops[i], outputs[i]);
    }
  }

  Model finished() {
    std::vector<const Blob*> unread;
    for (const auto& [name, blob] : values_)
      if (!blob.read && !blob.value.node().as<InputOp>()) unread.push_back(&blob);
    std::ranges::sort(unread, {}, &Blob::order);
    Values outputs;
    for (const Blob* blob : unread) outputs.push_back(blob->value);
    if (inputs_.empty() || outputs.empty())
      throw FormatError(source_, "has no input, or no layer whose output nobody reads");
    Model model(inputs_, outputs, {.name = net_.text("name", "caffe")});
    if (preprocess_) {
      const Shape& shape = inputs_.front().shape();
      if (shape.rank() == 4 && (shape[1] == 1 || shape[1] == 3)) {
        preprocess_->channels = static_cast<int>(shape[1]);
        preprocess_->height = static_cast<int>(shape[2]);
        preprocess_->width = static_cast<int>(shape[3]);
        model.set_preprocess(*preprocess_);
      }
    }
    return model;
  }

  const Message& net_;
  std::map<std::string, Blobs> blobs_;
  std::string source_;
  std::map<std::string, Blob> values_;
  std::set<std::string> made_;
  Values inputs_;
  std::optional<data::Preprocess> preprocess_;
  int64_t batch_ = 1;
  size_t order_ = 0;
};

}  // namespace

Model read(const std::filesystem::path& path) {
  const Files files = files_of(path);
  const std::string source = files.text.string();
  const Message net = Message::parse(read_file(files.text, largest_text), source);
  const MappedFile mapped(files.arrays);
  try {
    return Builder(net, read_blobs(mapped.bytes(), files.arrays.string()), source).build();
  } catch (const OpError& e) {
    throw FormatError(source, e.what());
  } catch (const UsageError& e) {
    throw FormatError(source, e.what());
  }
}

FileContent inspect(const std::filesystem::path& path) {
  const Files files = files_of(path);
  const Message net = Message::parse(read_file(files.text, largest_text), files.text.string());
  FileContent content;
  content.metadata.emplace_back("name", net.text("name", ""));
  for (const Message* layer : layers_of(net))
    content.layers.push_back({.name = layer->text("name", ""),
                              .kind = layer->text("type", ""),
                              .detail = fmt::format("{}", fmt::join(layer->texts("bottom"), ", "))});
  const MappedFile mapped(files.arrays);
  for (const auto& [name, blobs] : read_blobs(mapped.bytes(), files.arrays.string()))
    for (size_t i = 0; i < blobs.arrays.size(); ++i) {
      const Tensor& t = blobs.arrays[i];
      content.tensors.push_back({.name = fmt::format("{}/{}", name, i),
                                 .dtype = "F32",
                                 .shape = {t.shape().begin(), t.shape().end()},
                                 .bytes = t.bytes()});
    }
  return content;
}

}  // namespace ocellus::io::caffe
