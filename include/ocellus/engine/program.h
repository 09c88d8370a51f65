// Program: a graph compiled for one mode and one set of shapes. A flat list of prepared kernels over one arena.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/engine/backend.h>
#include <ocellus/graph/graph.h>

namespace ocellus {

class Program;

/// What is to be compiled.
struct ProgramSpec {
  Graph graph;          ///< symbolic: dimension 0 of its values may be any_dim
  Types inputs;         ///< what each of graph.inputs is fed with; all dimensions known
  Mode mode = Mode::inference;
  Values wrt;           ///< values of the graph (parameters, inputs) whose gradients of outputs[0] are wanted
};

/// Passes that only make a program better: without them it computes the same.
enum class Pass : uint8_t { simplify, share, decompose, chain, schedule };
OCELLUS_API std::span<const std::string_view> enum_names(Pass);

struct Calibration;

struct CompileOptions {
  bool poison = false;  ///< fills the arena with NaN before every run: for tests
  bool fuse = true;
  /// f32; bf16: products and what follows them in bf16, with f32 masters, statistics, softmax and losses; or i8, for
  /// inference: convolutions and dense layers with bytes, in the ranges that `calibration` has. Scales of weights are those of
  /// the parameters' values when the program is compiled.
  DType compute = DType::f32;
  std::shared_ptr<const Calibration> calibration = nullptr;
  /// A program of the same spec on the same backend: what that one computes from parameters alone (packed weights) is shared
  /// instead of made again. It must have run before the new program does.
  const Program* packed = nullptr;
  /// Bytes that the arena may have; 0: as many as it takes. Where it would be larger, cheap values are computed again in the
  /// backward pass instead of being kept: the results keep their bits. `compile` throws UsageError for less than is possible.
  size_t memory_limit = 0;
  std::vector<Pass> skip = {};  ///< passes to do without: for tests
};

/// One kernel of a program, for `Program::report`.
struct StepReport {
  std::string op, layer, kernel;
  std::string layouts;       ///< "x aBcd16b, w ABcd16b16a -> aBcd16b"
  std::string shapes;
  int64_t macs = 0;
  size_t bytes = 0;          ///< read and written
  double milliseconds = 0;   ///< mean over profiled runs; 0 before any
  std::vector<std::string> refusals;  ///< "onednn conv: reason"
};

/// Memory of a program.
struct MemoryReport {
  size_t arena_bytes = 0;
  size_t live_bytes = 0;      ///< the most bytes that are live at one time: no plan needs less
  size_t parameter_bytes = 0; ///< storage of parameters, shared with other programs
  size_t packed_bytes = 0;    ///< parameters in further layouts, and values computed from parameters alone
};

/// A compiled graph. Not thread-safe; several programs may share parameters.
class OCELLUS_API Program {
 public:
  struct Impl;
  explicit Program(std::unique_ptr<Impl> impl);
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

  /// Buffers to write before and read after a run. They stay where they are as long as the program lives.
  Tensor& input(size_t i);
  const Tensor& output(size_t i) const;
  /// Gradient with respect to spec.wrt[i]. For a parameter it lies in the parameter's layout, as its `flat()` does.
  std::span<float> gradient(size_t i) const;

  /// Computes outputs, gradients and parameter updates; allocates nothing.
  void run();
  /// Runs `times` times and keeps each kernel's mean time for `report`.
  void profile(int times);

  /// The counter behind dropout's masks; each run advances it by one.
  int64_t step() const;
  void set_step(int64_t step);

  std::vector<StepReport> report() const;
  MemoryReport memory() const;
  /// The graph as it was after all passes.
  const Graph& graph() const;
  /// After a run: the first node whose output holds a NaN or infinity, as "conv block1/conv2", or "".
  /// Evaluates kernel by kernel again, with the current inputs and parameters.
  std::string first_non_finite();

 private:
  friend Program compile(const ProgramSpec& spec, Backend& backend, const CompileOptions& options);
  std::unique_ptr<Impl> impl_;
};

/// Rewrites and lowers a graph. Throws ShapeError for inputs that do not fit.
/// Parameters that no program has claimed yet are put into the layout that this program wants.
OCELLUS_API Program compile(const ProgramSpec& spec, Backend& backend, const CompileOptions& options = {});

/// A report as an aligned text table.
OCELLUS_API std::string to_text(std::span<const StepReport> steps);

}  // namespace ocellus
