#include "io/keras/weights.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus::io::keras {
namespace {

using File = std::shared_ptr<const Hdf5Reader>;

std::string joined(const std::string& a, const std::string& b) { return a.empty() ? b : a + "/" + b; }

bool has_component(std::string_view path, std::string_view name) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == name) return true;
    begin = end + 1;
  }
  return false;
}

/// "conv_1" of "conv_1_2": sessions of TensorFlow 1 counted names that came again.
std::string without_count(const std::string& name) {
  const size_t at = name.find_last_not_of("0123456789");
  return at != std::string::npos && at + 1 < name.size() && name[at] == '_' ? name.substr(0, at) : name;
}

/// True when `name` lies in something called `owner`: "trunk/conv/kernel" for "conv" and "trunk".
bool lies_in(std::string_view path, std::string_view owner, std::string_view name) {
  const std::string both = fmt::format("{}/{}/", owner, name);
  return path.starts_with(both) || path.find("/" + both) != std::string_view::npos;
}

/// A nested network's arrays lie in one list; what they are called tells whose they are.
class Listed final : public WeightScope {
 public:
  Listed(File file, std::string group, std::vector<std::string> names, std::string owner, Writer writer)
      : file_(std::move(file)),
        group_(std::move(group)),
        names_(std::move(names)),
        owner_(std::move(owner)),
        writer_(std::move(writer)) {}

  std::vector<Tensor> of(const LayerSpec& layer) const override {
    std::vector<std::string> mine = those([&](const std::string& n) { return lies_in(n, owner_, layer.name); });
    if (mine.empty()) mine = those([&](const std::string& n) { return has_component(n, layer.name); });
    if (mine.empty())
      mine = those([&](const std::string& n) { return without_count(n.substr(0, n.find('/'))) == layer.name; });
    std::vector<Tensor> arrays;
    for (const std::string& name : mine) arrays.push_back(file_->tensor(joined(group_, name)));
    return modern_arrays(layer, std::move(arrays), writer_);
  }
  std::shared_ptr<const WeightScope> inside(const LayerSpec& layer, const Network&) const override {
    const auto mine = those([&](const std::string& n) { return has_component(n, layer.name); });
    return std::make_shared<Listed>(file_, group_, mine.empty() ? names_ : mine, layer.name, writer_);
  }

 private:
  template <class F>
  std::vector<std::string> those(const F& wanted) const {
    std::vector<std::string> found;
    std::ranges::copy_if(names_, std::back_inserter(found), wanted);
    return found;
  }

  File file_;
  std::string group_;
  std::vector<std::string> names_;
  std::string owner_;  ///< the network's name
  Writer writer_;
};

class ByName final : public WeightScope {
 public:
  ByName(File file, std::string root, Writer writer)
      : file_(std::move(file)), root_(std::move(root)), writer_(std::move(writer)) {}

  std::vector<Tensor> of(const LayerSpec& layer) const override {
    std::vector<Tensor> arrays;
    for (const std::string& name : names(layer)) arrays.push_back(file_->tensor(joined(group(layer), name)));
    return modern_arrays(layer, std::move(arrays), writer_);
  }
  std::shared_ptr<const WeightScope> inside(const LayerSpec& layer, const Network&) const override {
    return std::make_shared<Listed>(file_, group(layer), names(layer), layer.name, writer_);
  }

 private:
  std::string group(const LayerSpec& layer) const { return joined(root_, layer.name); }
  std::vector<std::string> names(const LayerSpec& layer) const {
    if (!file_->has(group(layer))) return {};
    return file_->texts(group(layer), "weight_names").value_or(std::vector<std::string>{});
  }

  File file_;
  std::string root_;
  Writer writer_;
};

class ByClass final : public WeightScope {
 public:
  ByClass(File file, std::string root, const Network& network) : file_(std::move(file)), root_(std::move(root)) {
    if (file_->is_group(joined(root_, "layers")))
      count(joined(root_, "layers"), network);
    else if (file_->is_group(joined(root_, "_layer_checkpoint_dependencies")))
      match(joined(root_, "_layer_checkpoint_dependencies"), network);
  }

  std::vector<Tensor> of(const LayerSpec& layer) const override {
    std::vector<Tensor> arrays;
    const auto group = groups_.find(layer.name);
    if (group != groups_.end()) collect(group->second, 0, arrays);
    return arrays;
  }
  std::shared_ptr<const WeightScope> inside(const LayerSpec& layer, const Network& network) const override {
    const auto group = groups_.find(layer.name);
    const std::string path = group == groups_.end() ? std::string("missing") : group->second;
    return std::make_shared<ByClass>(file_, layer.network ? path : joined(path, "layer"), network);
  }

 private:
  /// The n-th layer of a class is called by the class and n.
  void count(const std::string& folder, const Network& network) {
    std::map<std::string, int> seen;
    for (const LayerSpec& layer : network.layers) {
      const std::string base = group_name(layer.class_name);
      const int n = seen[base]++;
      groups_[layer.name] = joined(folder, n == 0 ? base : fmt::format("{}_{}", base, n));
    }
  }

  /// Files of TensorFlow 2.12 to 2.15 count layers with arrays twice, so that the order alone tells.
  void match(const std::string& folder, const Network& network) {
    std::map<std::string, std::vector<std::pair<int64_t, std::string>>> found;
    for (const std::string& name : file_->children(folder)) {
      if (!holds_arrays(joined(folder, name), 0)) continue;
      const std::string base = without_count(name);
      int64_t number = 0;
      if (base != name) std::from_chars(name.data() + base.size() + 1, name.data() + name.size(), number);
      found[base].emplace_back(number, name);
    }
    for (auto& [base, names] : found) std::ranges::sort(names);
    std::map<std::string, size_t> next;
    for (const LayerSpec& layer : network.layers) {
      const std::string base = group_name(layer.class_name);
      const auto names = found.find(base);
      if (names == found.end() || next[base] >= names->second.size()) continue;
      groups_[layer.name] = joined(folder, names->second[next[base]++].second);
    }
  }

  bool holds_arrays(const std::string& group, int depth) const {
    if (depth > 4 || !file_->is_group(group)) return false;
    const auto children = file_->children(group);
    return std::ranges::any_of(children, [&](const std::string& name) {
      const std::string path = joined(group, name);
      return file_->is_group(path) ? holds_arrays(path, depth + 1) : true;
    });
  }

  /// A layer's own arrays, then those of the layers that it is made of.
  void collect(const std::string& group, int depth, std::vector<Tensor>& arrays) const {
    if (depth > 4 || !file_->is_group(group)) return;
    const std::string own = joined(group, "vars");
    if (file_->is_group(own)) {
      const size_t count = file_->children(own).size();
      for (size_t i = 0; i < count; ++i) arrays.push_back(file_->tensor(fmt::format("{}/{}", own, i)));
    }
    for (const char* part : {"cell", "forward_layer", "backward_layer", "layer"})
      if (file_->has(joined(group, part))) collect(joined(group, part), depth + 1, arrays);
  }

  File file_;
  std::string root_;
  std::map<std::string, std::string> groups_;
};

}  // namespace

std::shared_ptr<const WeightScope> weights_by_name(File file, const std::string& root, const Writer& writer) {
  return std::make_shared<ByName>(std::move(file), root, writer);
}

std::shared_ptr<const WeightScope> weights_by_class(File file, const std::string& root, const Network& network) {
  return std::make_shared<ByClass>(std::move(file), root, network);
}

std::string group_name(std::string_view class_name) {
  const auto upper = [&](size_t i) { return std::isupper(static_cast<unsigned char>(class_name[i])) != 0; };
  const auto lower = [&](size_t i) {
    return i < class_name.size() && std::islower(static_cast<unsigned char>(class_name[i]));
  };
  std::string name;
  for (size_t i = 0; i < class_name.size(); ++i) {
    // A word begins with a capital that has small letters behind it, or that comes after a small letter.
    if (i > 0 && upper(i) && (lower(i + 1) || lower(i - 1))) name += '_';
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(class_name[i])));
  }
  return name;
}

}  // namespace ocellus::io::keras
