#include <ocellus/graph/op.h>

#include <fmt/format.h>

namespace ocellus {
namespace {

/// Writes attributes as text; tensors and opaque things by their address, so that equal texts mean equal operators.
class TextVisitor final : public AttrVisitor {
 public:
  std::string take() { return text_.empty() ? "" : "{" + text_ + "}"; }
  void opaque(std::string_view name, const void* identity) override { put(name, fmt::format("@{}", identity)); }

 protected:
  void boolean(std::string_view name, const bool& v) override { put(name, v ? "true" : "false"); }
  void integer(std::string_view name, const int64_t& v) override { put(name, std::to_string(v)); }
  void real(std::string_view name, const double& v) override { put(name, fmt::format("{}", v)); }
  void text(std::string_view name, const std::string& v) override { put(name, v); }
  void integers(std::string_view name, const std::vector<int64_t>& v) override {
    put(name, fmt::format("[{}]", fmt::join(v, ",")));
  }
  void tensor(std::string_view name, const Tensor& v) override {
    put(name, fmt::format("{}{}@{}", to_string(v.dtype()), v.shape().to_string(), v.data()));
  }

 private:
  void put(std::string_view name, const std::string& value) {
    text_ += fmt::format("{}{}={}", text_.empty() ? "" : ", ", name, value);
  }
  std::string text_;
};

}  // namespace

AttrVisitor::~AttrVisitor() = default;
ModeCtx::~ModeCtx() = default;
Op::~Op() = default;

Values Op::gradient(GradCtx&) const {
  throw Unsupported("the gradient of " + std::string(name()) + " is not defined");
}

void Op::eval(EvalCtx&) const { throw Unsupported(std::string(name()) + " has no reference evaluation"); }

std::string attributes(const Op& op) {
  TextVisitor visitor;
  op.attrs(visitor);
  return visitor.take();
}

}  // namespace ocellus
