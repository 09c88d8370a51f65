// Chains of element-wise operators: what the pass makes of graphs, and that one loop computes the same.
#include <ocellus/backend/backends.h>
#include <ocellus/engine/program.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/chain.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/unary.h>

#include "engine/op_check.h"

namespace ocellus {
namespace {

using namespace op_check;

std::vector<OpCase> cases() {
  const OpInput x = batch_of({2, 3, 4, 5}), channel = fixed({1, 3, 1, 1});
  return {
      {"arithmetic",
       [](const Values& in) { return Values{ops::affine(ops::mul(ops::add(in[0], in[1]), in[0]), 0.5, 1)}; },
       {x, x}},
      {"per_channel",
       [](const Values& in) { return Values{ops::mish(ops::add(ops::mul(in[0], in[1]), in[2]))}; },
       {x, channel, fixed({3, 1, 1})},
       {0},
       1e-5,
       1e-6,
       4},
      {"per_sample_and_channel",
       [](const Values& in) { return Values{ops::activation(ops::mul(ops::silu(in[0]), in[1]), tanh_)}; },
       {x, batch_of({2, 3, 1, 1})}},
      {"one_number",
       [](const Values& in) { return Values{ops::activation(ops::sub(ops::silu(in[0]), in[1]), sigmoid)}; },
       {x, fixed({})}},
      {"matrix_and_row",
       [](const Values& in) { return Values{ops::activation(ops::mul(ops::gelu(in[0]), in[1]), leaky_relu(0.2))}; },
       {batch_of({4, 37}), fixed({37})}},
      {"two_sides",
       [](const Values& in) { return Values{ops::max(ops::affine(in[0], 2), ops::softplus(in[1]))}; },
       {x, x}},
      {"more_than_a_block",
       [](const Values& in) { return Values{ops::elu(ops::add(ops::mul(in[0], in[1]), in[0]))}; },
       {batch_of({3, 5, 31, 33}), fixed({5, 1, 1})}},
  };
}

OP_CHECK(Chain, cases(), std::vector<Refused>());

Tensor random_tensor(const Shape& shape, uint64_t seed) {
  Tensor t(DType::f32, shape);
  Rng rng(seed);
  for (float& v : t.as<float>()) v = rng.uniform(-1, 1);
  return t;
}

/// Compares a program of the graph with the interpreter, and counts its steps of an operator.
int64_t steps(const Graph& graph, std::string_view op, const std::string& backend_name = "onednn") {
  const BackendPtr backend = make_backend(backend_name, {.algorithms = Algorithms::exact});
  ProgramSpec spec{.graph = graph};
  std::vector<Tensor> inputs;
  for (const Value& in : graph.inputs) {
    spec.inputs.push_back(in.type());
    inputs.push_back(random_tensor(in.shape(), inputs.size() + 1));
  }
  Program program = compile(spec, *backend, {.poison = true});
  for (size_t i = 0; i < inputs.size(); ++i) program.input(i).copy_from(inputs[i]);
  program.run();
  const auto expected = evaluate(graph, inputs, DType::f64);
  for (size_t i = 0; i < expected.size(); ++i)
    expect_close(program.output(i), expected[i].to(DType::f32), 1e-5, "output");
  const auto report = program.report();
  return std::ranges::count_if(report, [&](const StepReport& s) { return op.empty() || s.op == op; });
}

Value real(const Shape& shape) { return input("x", {DType::f32, shape}); }

TEST(Chains, FourOperatorsAreOneKernel) {
  const Value x = real({2, 16, 9, 9}), y = real({2, 16, 9, 9}), c = real({16, 1, 1});
  const Value z = ops::affine(ops::mish(ops::add(ops::mul(x, c), y)), 0.5, 1);
  for (const std::string backend : {"onednn", "reference"}) {
    EXPECT_EQ(steps({.inputs = {x, y, c}, .outputs = {z}}, "chain", backend), 1);
    EXPECT_EQ(steps({.inputs = {x, y, c}, .outputs = {z}}, "", backend), 1);
  }
}

TEST(Chains, StopAtValuesThatOthersRead) {
  const Value x = real({2, 16, 9, 9}), y = ops::silu(x), z = ops::gelu(y), w = ops::mish(ops::affine(z, 2));
  EXPECT_EQ(steps({.inputs = {x}, .outputs = {w}}, "chain"), 1);
  EXPECT_EQ(steps({.inputs = {x}, .outputs = {w, z}}, ""), 2);
  EXPECT_EQ(steps({.inputs = {x}, .outputs = {w, ops::add(y, z)}}, "unary"), 2);
}

TEST(Chains, LeaveWhatIsComputedOnceOutside) {
  const Value x = real({4, 8}), c = constant(random_tensor({4, 8}, 9));
  EXPECT_EQ(steps({.inputs = {x}, .outputs = {ops::add(x, ops::silu(c))}}, "chain"), 0);
}

/// Blocks of channels, full and not, and channels last, with numbers for channels.
TEST(Chains, KeepTheOrderThatArrives) {
  for (const int64_t channels : {16, 32, 21}) {
    const Value x = real({2, channels, 6, 5}), c = real({channels, 1, 1}), g = real({2, channels, 1, 1});
    const Value ones = constant(Tensor::of<float>({channels}, std::vector<float>(static_cast<size_t>(channels), 1)));
    const Value blocks = emit(std::make_shared<const BatchNormTrain>(), {x, ones, ones})[0];
    const Value product = ops::gelu(ops::mul(ops::mul(blocks, c), g)), sum = ops::gelu(ops::add(ops::silu(blocks), c));
    EXPECT_EQ(steps({.inputs = {x, c, g}, .outputs = {product}}, "chain"), 1);
    EXPECT_EQ(steps({.inputs = {x, c}, .outputs = {sum}}, "chain"), 1);
    EXPECT_EQ(steps({.inputs = {x, c, g}, .outputs = {product}}, "reorder"),
              steps({.inputs = {x, c, g}, .outputs = {blocks}}, "reorder"));
    const Value w = real({channels, channels, 3, 3});
    const Value y = ops::conv(x, w, {});
    EXPECT_EQ(steps({.inputs = {x, w, c, g}, .outputs = {ops::silu(ops::mul(ops::mul(y, c), g))}}, "chain"), 1);
  }
}

}  // namespace
}  // namespace ocellus
