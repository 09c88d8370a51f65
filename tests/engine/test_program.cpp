// Programs: what the passes make of whole graphs, on every backend.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include <ocellus/backend/backends.h>
#include <ocellus/engine/program.h>
#include <ocellus/engine/reference.h>
#include <ocellus/ops/conv.h>
#include <ocellus/ops/dense.h>
#include <ocellus/ops/elementwise.h>
#include <ocellus/ops/norm.h>
#include <ocellus/ops/pool.h>
#include <ocellus/ops/reduce.h>
#include <ocellus/ops/shape.h>
#include <ocellus/ops/softmax.h>
#include <ocellus/ops/unary.h>

namespace ocellus {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Tensor random_tensor(const Shape& shape, uint64_t seed) {
  Tensor t(DType::f32, shape);
  Rng rng(seed);
  for (float& v : t.as<float>()) v = rng.uniform(-1, 1);
  return t;
}

std::shared_ptr<LayerInfo> layer(std::string name) {
  auto info = std::make_shared<LayerInfo>();
  info->kind = "Test";
  info->name = std::move(name);
  return info;
}

Value make_parameter(const std::shared_ptr<LayerInfo>& info, const std::string& name, const Shape& shape,
                     ParamRole role, uint64_t seed, float shift = 0) {
  auto p = std::make_shared<Parameter>(name, shape, role, nullptr, info);
  Tensor value = random_tensor(shape, seed);
  for (float& v : value.as<float>()) v = v * 0.3f + shift;
  p->set_value(value);
  return parameter(p);
}

/// A residual block with batch normalisation, pooling and a dense head: everything that the passes treat specially.
struct Net {
  std::vector<std::shared_ptr<LayerInfo>> layers;
  Graph graph;  // outputs: loss, logits
  Values learnt;

  explicit Net(int64_t channels = 16) {
    const Value x = input("x", {DType::f32, {any_dim, 3, 12, 12}});
    const Value labels = input("labels", {DType::i32, {any_dim}});
    const Value stem = block(x, "stem", channels, 1);
    const Value body = block(stem, "body", channels, 1, false);
    const Value sum = ops::activation(ops::add(body, stem), relu);
    const Value down = ops::max_pool(sum, {.kernel = {2, 2}, .window = {.stride = {}}});
    const Value last = block(down, "last", channels * 2, 2);
    const Value pooled = ops::flatten(ops::global_average_pool(last));
    const auto info = add_layer("head");
    const Value w = learn(make_parameter(info, "kernel", {10, channels * 2}, ParamRole::kernel, 50));
    const Value b = learn(make_parameter(info, "bias", {10}, ParamRole::bias, 51));
    const Value logits = scoped(info, pooled, ops::dense(pooled, w, b));
    const Values loss = ops::softmax_cross_entropy(logits, labels);
    graph.inputs = {x, labels};
    graph.outputs = {loss[0], logits};
  }

  std::shared_ptr<LayerInfo> add_layer(const std::string& name) { return layers.emplace_back(layer(name)); }
  Value learn(const Value& v) { return learnt.emplace_back(v); }
  static Value scoped(const std::shared_ptr<LayerInfo>& info, const Value& in, const Value& out) {
    assign_scope(std::span(&out, 1), std::make_shared<const Scope>(Scope{info, {in}}));
    return out;
  }

  Value block(const Value& x, const std::string& name, int64_t filters, int64_t stride, bool activate = true) {
    const auto seed = static_cast<uint64_t>(layers.size() * 10);
    const auto conv = add_layer(name + "/conv"), norm = add_layer(name + "/norm");
    const Value w = learn(make_parameter(conv, "kernel", {filters, x.shape()[1], 3, 3}, ParamRole::kernel, seed));
    const Value y = scoped(conv, x, ops::conv(x, w, {}, {.window = {.stride = {stride}, .padding = same}}));
    const Value scale = learn(make_parameter(norm, "scale", {filters}, ParamRole::norm_scale, seed + 1, 1));
    const Value offset = learn(make_parameter(norm, "offset", {filters}, ParamRole::norm_offset, seed + 2));
    const Value mean = make_parameter(norm, "mean", {filters}, ParamRole::statistic, seed + 3);
    const Value variance = make_parameter(norm, "variance", {filters}, ParamRole::statistic, seed + 4, 1);
    const Value z = scoped(norm, y, ops::batch_norm(y, {scale, offset, mean, variance}));
    return activate ? ops::activation(z, relu) : z;
  }

  ProgramSpec spec(int64_t batch, Mode mode) const {
    ProgramSpec s{graph, {{DType::f32, {batch, 3, 12, 12}}, {DType::i32, {batch}}}, mode, {}};
    if (mode == Mode::train) s.wrt = learnt;
    return s;
  }
};

void feed(Program& program, int64_t batch, uint64_t seed) {
  program.input(0).copy_from(random_tensor({batch, 3, 12, 12}, seed));
  for (int64_t i = 0; i < batch; ++i)
    program.input(1).as<int32_t>()[static_cast<size_t>(i)] = static_cast<int32_t>(i % 10);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double worst = 0;
  for (int64_t i = 0; i < a.numel(); ++i) worst = std::max(worst, std::abs(a.at(i) - b.at(i)));
  return worst;
}

Tensor plain_gradient(const Program& program, size_t i, const Value& wrt) {
  const ParameterPtr& p = wrt.node().as<ParameterOp>()->parameter;
  Tensor plain(DType::f32, p->shape());
  const auto g = program.gradient(i);
  if (p->layout())
    p->layout()->unpack(g.data(), plain);
  else
    std::memcpy(plain.data(), g.data(), plain.bytes());
  return plain;
}

class OnBackend : public ::testing::TestWithParam<std::string> {
 protected:
  BackendPtr backend = make_backend(GetParam(), {.algorithms = Algorithms::exact});
};

TEST_P(OnBackend, InferenceEqualsTheInterpreter) {
  const Net net;
  Program program = compile(net.spec(4, Mode::inference), *backend, {.poison = true});
  for (uint64_t seed : {1u, 2u}) {
    feed(program, 4, seed);
    program.run();
    const std::vector<Tensor> inputs = {program.input(0), program.input(1)};
    const auto expected = evaluate(net.graph, inputs, DType::f64);
    EXPECT_LT(largest_difference(program.output(1), expected[1]), 1e-4);
    EXPECT_NEAR(program.output(0).at(0), expected[0].at(0), 1e-4);
  }
}

TEST_P(OnBackend, FusionChangesNothingButTheSpeed) {
  const Net net;
  Program fused = compile(net.spec(2, Mode::inference), *backend, {.poison = true});
  Program plain = compile(net.spec(2, Mode::inference), *backend, {.poison = true, .fuse = false});
  EXPECT_LT(fused.report().size(), plain.report().size());
  EXPECT_THAT(to_text(fused.graph()), Not(HasSubstr("batch_norm_inference")));
  feed(fused, 2, 3);
  feed(plain, 2, 3);
  fused.run();
  plain.run();
  EXPECT_LT(largest_difference(fused.output(1), plain.output(1)), 1e-4);
}

TEST_P(OnBackend, TrainingGradientsEqualTheReferenceBackends) {
  const Net ours, theirs;
  Program program = compile(ours.spec(6, Mode::train), *backend, {.poison = true});
  const auto reference = make_backend("reference");
  Program oracle = compile(theirs.spec(6, Mode::train), *reference, {.fuse = false});
  for (uint64_t seed : {5u, 6u}) {
    feed(program, 6, seed);
    feed(oracle, 6, seed);
    program.run();
    oracle.run();
    EXPECT_NEAR(program.output(0).at(0), oracle.output(0).at(0), 1e-4);
    for (size_t i = 0; i < ours.learnt.size(); ++i)
      EXPECT_LT(
          largest_difference(plain_gradient(program, i, ours.learnt[i]), plain_gradient(oracle, i, theirs.learnt[i])),
          2e-4)
          << ours.learnt[i].node().as<ParameterOp>()->parameter->path();
  }
  // The running statistics moved alike.
  const auto p = ours.graph.parameters(), q = theirs.graph.parameters();
  ASSERT_EQ(p.size(), q.size());
  for (size_t i = 0; i < p.size(); ++i)
    EXPECT_LT(largest_difference(p[i]->value(), q[i]->value()), 1e-4) << p[i]->path();
}

TEST_P(OnBackend, ProgramsShareParametersAndSeeTheirChanges) {
  const Net net;
  Program train = compile(net.spec(4, Mode::train), *backend);
  Program test = compile(net.spec(3, Mode::inference), *backend);
  feed(test, 3, 1);
  test.run();
  const Tensor before = test.output(1).clone();
  feed(train, 4, 2);
  train.run();
  for (size_t i = 0; i < net.learnt.size(); ++i) {
    const ParameterPtr& p = net.learnt[i].node().as<ParameterOp>()->parameter;
    const auto g = train.gradient(i);
    ASSERT_EQ(g.size(), p->flat().size());
    for (size_t k = 0; k < g.size(); ++k) p->flat()[k] -= 0.1f * g[k];
    p->touch();
  }
  test.run();
  EXPECT_GT(largest_difference(test.output(1), before), 1e-4);
  const std::vector<Tensor> inputs = {test.input(0), test.input(1)};
  EXPECT_LT(largest_difference(test.output(1), evaluate(net.graph, inputs, DType::f64)[1]), 1e-4);
}

TEST_P(OnBackend, FrozenLayersHaveNoBackwardPass) {
  Net net;
  for (const auto& info : net.layers) info->trainable = info->name == "head";
  ProgramSpec spec = net.spec(4, Mode::train);
  spec.wrt = {net.learnt[net.learnt.size() - 2], net.learnt.back()};
  Program program = compile(spec, *backend);
  const std::string text = to_text(program.graph());
  EXPECT_THAT(text, Not(HasSubstr("conv_backward")));
  EXPECT_THAT(text, Not(HasSubstr("batch_norm_")));  // running statistics, folded into the convolutions
  EXPECT_THAT(text, HasSubstr("dense_backward_weights"));
}

// In inference convolutions and dense layers apply any function; in training those whose slope the output tells.
TEST_P(OnBackend, FunctionsAreTakenOverByProducts) {
  for (const Function& f : {relu6, elu(), silu, hard_swish, hard_sigmoid(), mish, gelu, gelu_tanh}) {
    const Value x = input("x", {DType::f32, {2, 3, 6, 6}}), w = input("w", {DType::f32, {16, 3, 3, 3}});
    const Value v = input("v", {DType::f32, {5, 16 * 16}});
    const Value y = ops::unary(ops::conv(x, w, {}), f);
    const Value z = ops::unary(ops::dense(ops::flatten(y), v, {}), f);
    const Graph graph{.inputs = {x, w, v}, .outputs = {ops::reduce_sum(z), z}, .updates = {}};
    std::vector<Tensor> inputs;
    for (const Value& in : graph.inputs) inputs.push_back(random_tensor(in.shape(), inputs.size() + 1));
    for (const Values& wrt : {Values{}, Values{w}}) {
      Program program = compile({.graph = graph, .inputs = {x.type(), w.type(), v.type()}, .wrt = wrt}, *backend);
      for (size_t i = 0; i < inputs.size(); ++i) program.input(i).copy_from(inputs[i]);
      program.run();
      const auto steps = program.report();
      const bool fused = std::ranges::none_of(steps, [](const StepReport& s) { return s.op.starts_with("unary"); });
      EXPECT_EQ(fused, wrt.empty() || from_output(*activation_of(f)));
      EXPECT_LT(largest_difference(program.output(1), evaluate(graph, inputs, DType::f64)[1]), 1e-4);
    }
  }
}

/// Runs a graph on random inputs, compares its outputs with the interpreter's, and gives the kernels of its concatenations.
std::string kernels_of_concat(Backend& backend, const Graph& graph) {
  ProgramSpec spec{.graph = graph};
  std::vector<Tensor> inputs;
  for (const Value& in : graph.inputs) {
    spec.inputs.push_back(in.type());
    inputs.push_back(random_tensor(in.shape(), inputs.size() + 1));
  }
  Program program = compile(spec, backend, {.poison = true});
  for (size_t i = 0; i < inputs.size(); ++i) program.input(i).copy_from(inputs[i]);
  program.run();
  const auto expected = evaluate(graph, inputs, DType::f64);
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_LT(largest_difference(program.output(i), expected[i]), 1e-4) << "output " << i;
  std::string kernels;
  for (const StepReport& s : program.report()) {
    if (s.op != "concat") continue;
    kernels += s.kernel + ";";
    EXPECT_EQ(s.refusals.empty(), s.kernel == "in place");
  }
  return kernels;
}

// Blocks that are not full have zeros where there is no channel, also after a normalisation without epsilon.
TEST_P(OnBackend, NormalisationWithoutEpsilonKeepsPaddingZero) {
  const Value x = input("x", {DType::f32, {2, 17, 3, 4}}), w = input("w", {DType::f32, {17, 17, 3, 3}});
  const Value ones = constant(Tensor::of<float>({17}, std::vector<float>(17, 1)));
  BatchNormInference norm;
  norm.epsilon = 0;
  const Value blocks = emit(std::make_shared<const BatchNormTrain>(), {x, ones, ones})[0];
  const Value y = apply(norm, {blocks, ones, ones, ones, ones});
  const Graph graph{.inputs = {x, w}, .outputs = {ops::conv(y, w, {})}, .updates = {}};
  Program program = compile({.graph = graph, .inputs = {x.type(), w.type()}}, *backend, {.poison = true});
  const std::vector<Tensor> inputs = {random_tensor(x.shape(), 1), random_tensor(w.shape(), 2)};
  for (size_t i = 0; i < 2; ++i) program.input(i).copy_from(inputs[i]);
  program.run();
  EXPECT_LT(largest_difference(program.output(0), evaluate(graph, inputs, DType::f64)[0]), 1e-4);
}

// Values that are joined are computed where they belong, if that is one piece of memory.
TEST_P(OnBackend, PartsAreComputedInPlace) {
  enum Order { plain, blocks };
  const auto run = [&](Order order, const Shape& each, std::vector<int64_t> channels, bool nested = false) {
    Graph graph;
    Values parts;
    for (const int64_t count : channels) {
      const Value x = graph.inputs.emplace_back(input("x", {DType::f32, each.with(1, count)}));
      const Value ones = constant(Tensor::of<float>({count}, std::vector<float>(static_cast<size_t>(count), 1)));
      parts.push_back(order == plain ? ops::activation(x, tanh_)
                                     : emit(std::make_shared<const BatchNormTrain>(), {x, ones, ones})[0]);
    }
    Value y = ops::concat(parts, 1);
    const Value pooled = ops::max_pool(y, {.kernel = {3, 3}, .window = {.padding = same}});
    if (nested) y = ops::concat({graph.inputs[0], y, pooled, y}, 1);
    graph.outputs = {ops::activation(y, relu), parts[0]};
    return kernels_of_concat(*backend, graph);
  };
  const bool fast = GetParam() == "onednn";
  const auto expected = [&](std::string kernels) { return fast ? kernels : "reference;"; };
  EXPECT_EQ(run(plain, {1, 0, 8, 8}, {16, 7, 48}), expected("in place;"));
  EXPECT_EQ(run(blocks, {1, 0, 5, 7}, {16, 32, 16}), expected("in place;"));
  EXPECT_EQ(run(blocks, {1, 0, 8, 8}, {16, 21}), expected("in place;"));  // the last block need not be full
  EXPECT_EQ(run(plain, {1, 0, 3, 3}, {7, 8}), expected("copy, 1 in place;"));
  EXPECT_THAT(run(blocks, {1, 0, 8, 8}, {21, 16}), HasSubstr(fast ? "" : "reference"));
  EXPECT_THAT(run(plain, {3, 0, 8, 8}, {16, 32}), Not(HasSubstr("in place")));
  EXPECT_EQ(run(plain, {1, 0, 8, 8}, {16, 7}, true), fast ? "in place;copy, 1 in place;" : "reference;reference;");
}

// Zeros that a convolution, an average or (in inference, after relu) a maximum can put there itself are no step of their own.
TEST_P(OnBackend, PaddingIsFoldedIntoWhatFollows) {
  const Value x = input("x", {DType::f32, {2, 3, 9, 8}}), w = input("w", {DType::f32, {4, 3, 3, 3}});
  const auto zeros = [](const Value& v, int64_t before, int64_t after) {
    return ops::pad(v, {.before = {0, 0, before, before}, .after = {0, 0, after, after}});
  };
  const Value y = ops::conv(zeros(x, 1, 2), w, {}, {.window = {.stride = {2, 2}, .padding = same}});
  const Value mean = ops::average_pool(zeros(y, 1, 1), {.kernel = {3, 3}, .window = {.stride = {2}}});
  const Value most =
      ops::max_pool(zeros(ops::activation(y, relu), 1, 0), {.kernel = {2, 2}, .window = {.stride = {2}}});
  const Value kept = ops::max_pool(zeros(y, 1, 0), {.kernel = {2, 2}, .window = {.stride = {2}}});  // may be below zero
  Graph graph{.inputs = {x, w}, .outputs = {mean, most, kept}, .updates = {}};
  const std::vector<Tensor> inputs = {random_tensor(x.shape(), 1), random_tensor(w.shape(), 2)};
  const auto pads = [](const Program& p) {
    const auto steps = p.report();
    return std::ranges::count_if(steps, [](const StepReport& s) { return s.op == "pad"; });
  };
  const auto run = [&](const Graph& g, const Values& wrt, int64_t pads_left) {
    ProgramSpec spec{.graph = g, .inputs = {x.type(), w.type()}, .wrt = wrt};
    Program program = compile(spec, *backend, {.poison = true});
    for (size_t i = 0; i < 2; ++i) program.input(i).copy_from(inputs[i]);
    program.run();
    EXPECT_EQ(pads(program), pads_left);
    Graph oracle = g;
    if (!wrt.empty()) oracle.outputs.push_back(gradients(g.outputs[0], wrt)[0]);
    const auto expected = evaluate(oracle, inputs, DType::f64);
    for (size_t i = 0; i < expected.size(); ++i) {
      Tensor got = i < g.outputs.size() ? program.output(i) : Tensor(DType::f32, wrt[0].shape());
      if (i >= g.outputs.size()) std::ranges::copy(program.gradient(0), got.as<float>().begin());
      EXPECT_LT(largest_difference(got, expected[i]), 1e-4) << "output " << i;
    }
  };
  run(graph, {}, 1);
  const Value padded = zeros(x, 1, 2);
  const Value loss = ops::reduce_sum(ops::conv(padded, w, {}), {});
  run({.inputs = {x, w}, .outputs = {loss}, .updates = {}}, {x}, 0);
  run({.inputs = {x, w}, .outputs = {loss}, .updates = {}}, {padded}, 1);
}

// What weights go through on their way to a kernel's order shares memory; what is packed at last is kept.
TEST_P(OnBackend, PackingKeepsOnlyWhatIsUsedLater) {
  const Net net(32);
  Program program = compile(net.spec(4, Mode::inference), *backend);
  feed(program, 4, 1);
  program.run();
  size_t made = 0;  // by all steps that run once
  for (const StepReport& s : program.report())
    if (s.kernel.ends_with("(once)")) made += s.bytes;
  EXPECT_LT(program.memory().packed_bytes, made / 2 + 4096);
  // Packed again when a parameter changes.
  const std::vector<Tensor> inputs = {program.input(0), program.input(1)};
  for (const Value& v : net.learnt) {
    const ParameterPtr& p = v.node().as<ParameterOp>()->parameter;
    for (float& w : p->flat()) w *= 0.9f;
    p->touch();
  }
  program.run();
  EXPECT_LT(largest_difference(program.output(1), evaluate(net.graph, inputs, DType::f64)[1]), 1e-4);
}

TEST_P(OnBackend, TheArenaIsNearTheLowerBound) {
  const Net net(32);
  for (const Mode mode : {Mode::inference, Mode::train}) {
    const MemoryReport m = compile(net.spec(8, mode), *backend).memory();
    EXPECT_LE(static_cast<double>(m.arena_bytes), 1.10 * static_cast<double>(m.live_bytes));
  }
}

// Computing cheap values again instead of keeping them makes the arena smaller, and changes no bit.
TEST_P(OnBackend, AMemoryLimitChangesNoBit) {
  const Net free, bound;
  Program kept = compile(free.spec(16, Mode::train), *backend, {.poison = true});
  const size_t all = kept.memory().arena_bytes;
  const auto program_within = [&](size_t limit) {
    return compile(bound.spec(16, Mode::train), *backend, {.poison = true, .memory_limit = limit});
  };
  EXPECT_EQ(program_within(all).report().size(), kept.report().size());
  size_t least = 0;
  try {
    program_within(1);
    FAIL() << "values need no memory";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("a memory limit of 1 bytes can't be kept: values need at least "));
    const std::string text = e.what();
    least = std::stoull(text.substr(text.rfind(' ')));
  }
  EXPECT_LT(least, all * 9 / 10);
  Program again = program_within(least);
  EXPECT_LE(again.memory().arena_bytes, least);
  const auto steps = again.report();
  EXPECT_TRUE(std::ranges::any_of(steps, [](const StepReport& s) { return s.kernel.ends_with("(again)"); }));
  for (const uint64_t seed : {5u, 6u}) {  // running statistics have moved before the second
    for (Program* p : {&kept, &again}) {
      feed(*p, 16, seed);
      p->run();
    }
    EXPECT_EQ(kept.output(0).at(0), again.output(0).at(0));
    for (size_t i = 0; i < free.learnt.size(); ++i)
      EXPECT_TRUE(std::ranges::equal(kept.gradient(i), again.gradient(i)))
          << free.learnt[i].node().as<ParameterOp>()->parameter->path();
  }
  const auto p = free.graph.parameters(), q = bound.graph.parameters();
  for (size_t i = 0; i < p.size(); ++i) EXPECT_TRUE(std::ranges::equal(p[i]->flat(), q[i]->flat())) << p[i]->path();
}

TEST_P(OnBackend, AnImageMayBeDifferentiated) {
  const Net net;
  ProgramSpec spec = net.spec(2, Mode::inference);
  spec.wrt = {net.graph.inputs[0]};
  Program program = compile(spec, *backend, {.poison = true});
  feed(program, 2, 4);
  program.run();
  EXPECT_EQ(program.gradient(0).size(), 2u * 3 * 12 * 12);
  double sum = 0;
  for (float g : program.gradient(0)) sum += std::abs(g);
  EXPECT_GT(sum, 1e-3);
  EXPECT_TRUE(std::isfinite(sum));
}

TEST_P(OnBackend, NamesTheFirstNonFiniteLayer) {
  const Net net;
  Program program = compile(net.spec(2, Mode::inference), *backend);
  feed(program, 2, 4);
  program.run();
  EXPECT_EQ(program.first_non_finite(), "");
  const ParameterPtr& p = net.learnt[3].node().as<ParameterOp>()->parameter;
  Tensor bad = p->value();
  bad.as<float>()[0] = std::nanf("");
  p->set_value(bad);
  EXPECT_EQ(program.first_non_finite(), "parameter body/conv/kernel");
}

TEST_P(OnBackend, PadsChannelsBetweenConvolutions) {
  for (const auto& [before, after] : {std::pair<int64_t, int64_t>{0, 16}, {8, 8}, {3, 1}}) {
    const auto info = layer("pad");
    const Value x = input("x", {DType::f32, {2, 3, 6, 6}});
    const Value first = make_parameter(info, "first", {16, 3, 3, 3}, ParamRole::kernel, 1);
    const Value second = make_parameter(info, "second", {16, 16 + before + after, 3, 3}, ParamRole::kernel, 2);
    const ops::ConvConfig config{.window = {.padding = same}};
    const Value wide =
        ops::pad(ops::conv(x, first, {}, config), {.before = {0, before, 0, 0}, .after = {0, after, 0, 0}});
    const Value y = ops::conv(wide, second, {}, config);
    ProgramSpec spec;
    spec.graph.inputs = {x};
    spec.graph.outputs = {ops::reduce_sum(ops::mul(y, y)), y};
    spec.inputs = {x.type()};
    spec.wrt = {x};
    Program program = compile(spec, *backend, {.poison = true});
    Program oracle = compile(spec, *make_backend("reference"));
    for (Program* p : {&program, &oracle}) {
      p->input(0).copy_from(random_tensor({2, 3, 6, 6}, 3));
      p->run();
    }
    EXPECT_LT(largest_difference(program.output(1), oracle.output(1)), 1e-4);
    const auto ours = program.gradient(0), theirs = oracle.gradient(0);
    for (size_t i = 0; i < theirs.size(); ++i) ASSERT_NEAR(ours[i], theirs[i], 1e-3) << before << " " << i;
  }
}

// Groups of four channels lie in blocks of four, in which a sum with its activation must stay within its memory.
TEST_P(OnBackend, SumsInSmallBlocksOfChannelsAreActivated) {
  const Value x = input("x", {DType::f32, {1, 8, 6, 3}});
  const Value w = make_parameter(layer("grouped"), "kernel", {8, 4, 3, 2}, ParamRole::kernel, 1);
  const Value y = ops::conv(x, w, {}, {.window = {.stride = {2}, .padding = same}, .groups = 2, .activation = tanh_});
  ProgramSpec spec;
  spec.graph.inputs = {x};
  spec.graph.outputs = {ops::activation(ops::add(y, y), sigmoid), ops::activation(ops::sub(y, y), scaled_tanh)};
  spec.inputs = {x.type()};
  Program program = compile(spec, *backend, {.poison = true});
  Program oracle = compile(spec, *make_backend("reference"));
  for (Program* p : {&program, &oracle}) {
    p->input(0).copy_from(random_tensor({1, 8, 6, 3}, 3));
    p->run();
  }
  for (size_t i = 0; i < 2; ++i) EXPECT_LT(largest_difference(program.output(i), oracle.output(i)), 1e-5) << i;
}

// A maximum of f32 whose gradient arrives in bf16: its positions are the forward kernel's, so the backward one computes in f32.
TEST_P(OnBackend, PositionsOfMaximaStayInTheirPrecision) {
  const Value x = input("x", {DType::f32, {1, 8, 5, 4}});
  const Value largest = ops::max_pool(x, {.kernel = {3, 1}, .window = {.stride = {2}, .padding = same_lower}});
  const Value w = make_parameter(layer("head"), "kernel", {4, 48}, ParamRole::kernel, 1);
  ProgramSpec spec;
  spec.graph.inputs = {x};
  spec.graph.outputs = {ops::reduce_sum(ops::dense(ops::flatten(largest), w, {}))};
  spec.inputs = {x.type()};
  spec.wrt = {x};
  Program program = compile(spec, *backend, {.poison = true, .compute = DType::bf16});
  Program oracle = compile(spec, *make_backend("reference"));
  for (Program* p : {&program, &oracle}) {
    p->input(0).copy_from(random_tensor({1, 8, 5, 4}, 3));
    p->run();
  }
  const auto ours = program.gradient(0), theirs = oracle.gradient(0);
  for (size_t i = 0; i < theirs.size(); ++i) ASSERT_NEAR(ours[i], theirs[i], 0.01) << i;
}

TEST_P(OnBackend, WrongInputsAreNamed) {
  const Net net;
  ProgramSpec spec = net.spec(2, Mode::inference);
  spec.inputs[0].shape = {2, 4, 12, 12};
  try {
    compile(spec, *backend);
    FAIL() << "no error";
  } catch (const ShapeError& e) {
    EXPECT_THAT(e.what(), HasSubstr("stem/conv"));
    EXPECT_THAT(e.what(), HasSubstr("[2,4,12,12]"));
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, OnBackend, ::testing::ValuesIn(backend_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ocellus
