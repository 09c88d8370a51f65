#include <ocellus/ops/attributes.h>

#include <cmath>
#include <limits>
#include <set>

#include <nlohmann/json.hpp>

#include <ocellus/ops/registry.h>

namespace ocellus {
namespace {

using Json = nlohmann::ordered_json;

class JsonWriter final : public AttrVisitor {
 public:
  explicit JsonWriter(std::string op) : op_(std::move(op)) {}
  std::string take() const { return json_.dump(); }
  void opaque(std::string_view name, const void*) override { refuse(name); }

 protected:
  void boolean(std::string_view name, const bool& v) override { put(name, v); }
  void integer(std::string_view name, const int64_t& v) override { put(name, v); }
  void real(std::string_view name, const double& v) override {
    if (std::isfinite(v))
      put(name, v);
    else
      put(name, std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");  // numbers that JSON does not have
  }
  void text(std::string_view name, const std::string& v) override { put(name, v); }
  void integers(std::string_view name, const std::vector<int64_t>& v) override { put(name, v); }
  void tensor(std::string_view name, const Tensor&) override { refuse(name); }

 private:
  void put(std::string_view name, const Json& value) { json_[std::string(name)] = value; }
  void refuse(std::string_view name) const {
    throw Unsupported("operator " + op_ + ": its attribute \"" + std::string(name) + "\" can't be written as text");
  }

  std::string op_;
  Json json_ = Json::object();
};

class JsonReader final : public AttrVisitor {
 public:
  JsonReader(std::string op, std::string_view text) : op_(std::move(op)) {
    json_ = Json::parse(text, nullptr, false);
    if (!json_.is_object()) throw FormatError(where(), "the attributes are no JSON object");
  }
  bool loading() const override { return true; }
  void opaque(std::string_view name, const void*) override { refuse(name); }

  /// After the walk: an attribute that the operator did not ask for is an error.
  void expect_all_read() const {
    for (const auto& [name, value] : json_.items())
      if (!read_.contains(name)) throw FormatError(where(), "unknown attribute \"" + name + "\"");
  }

 protected:
  void boolean(std::string_view name, const bool& v) override { get(name, v, &Json::is_boolean, "true or false"); }
  void integer(std::string_view name, const int64_t& v) override {
    get(name, v, &Json::is_number_integer, "an integer");
  }
  void text(std::string_view name, const std::string& v) override { get(name, v, &Json::is_string, "a text"); }
  void real(std::string_view name, const double& v) override {
    const Json* json = find(name);
    if (json == nullptr) return;
    if (*json == "nan" || *json == "inf" || *json == "-inf")
      set(v, *json == "nan" ? std::numeric_limits<double>::quiet_NaN()
                            : (*json == "inf" ? 1 : -1) * std::numeric_limits<double>::infinity());
    else
      get(name, v, &Json::is_number, "a number");
  }
  void integers(std::string_view name, const std::vector<int64_t>& v) override {
    const Json* json = find(name);
    if (json == nullptr) return;
    bool fits = json->is_array();
    for (const Json& element : *json) fits = fits && element.is_number_integer();
    if (!fits) throw FormatError(where(), "attribute \"" + std::string(name) + "\" must be a list of integers");
    set(v, json->get<std::vector<int64_t>>());
  }
  void tensor(std::string_view name, const Tensor&) override { refuse(name); }

 private:
  std::string where() const { return "operator " + op_; }

  const Json* find(std::string_view name) {
    const auto it = json_.find(std::string(name));
    if (it == json_.end()) return nullptr;
    read_.emplace(name);
    return &*it;
  }

  template <class T>
  void get(std::string_view name, const T& v, bool (Json::*right)() const noexcept, std::string_view kind) {
    const Json* json = find(name);
    if (json == nullptr) return;
    if (!(json->*right)())
      throw FormatError(where(), "attribute \"" + std::string(name) + "\" must be " + std::string(kind));
    set(v, json->get<T>());
  }

  /// The one place that writes: the operator is ours alone as long as it is being loaded (see AttrVisitor::loading).
  template <class T>
  static void set(const T& v, T value) {
    const_cast<T&>(v) = std::move(value);
  }

  void refuse(std::string_view name) const {
    throw Unsupported("operator " + op_ + ": its attribute \"" + std::string(name) + "\" can't be read from text");
  }

  std::string op_;
  Json json_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace

std::string attributes_to_json(const Op& op) {
  JsonWriter writer{std::string(op.name())};
  op.attrs(writer);
  return writer.take();
}

OpPtr op_from_json(std::string_view name, std::string_view json) {
  const std::shared_ptr<Op> op = make_op(name);
  JsonReader reader(std::string(name), json);
  try {
    op->attrs(reader);
  } catch (const TypeError& e) {  // an enumeration's unknown name
    throw FormatError("operator " + std::string(name), e.message());
  }
  reader.expect_all_read();
  return op;
}

}  // namespace ocellus
