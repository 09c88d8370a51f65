// Our side of bench/compare.py: speaks the protocol of bench/peers/serve.py on standard input and output.
//
// A training step does what a step of Model::fit does, but for loading the batch: copy the batch into the program, run it
// (forward, loss, backward), let SGD with momentum update the parameters. A prediction copies the image in and runs. A step
// of style transfer (Gatys et al. 2016) copies the image in and computes the gradient of the loss with respect to it.

#include <chrono>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ocellus/model/model.h>
#include <ocellus/ocellus.h>

namespace ocellus::bench {
namespace {

constexpr int64_t kBatches = 8;  // different ones, so that none is learnt by heart and gradients stay ordinary
constexpr int64_t kClasses = 10;

Value lenet5(Value x) {
  x = nn::Conv2D({.filters = 6, .kernel = 5, .padding = same, .activation = relu})(x);
  x = nn::MaxPool2D()(x);
  x = nn::Conv2D({.filters = 16, .kernel = 5, .activation = relu})(x);
  x = nn::MaxPool2D()(x);
  x = nn::Dense({.units = 120, .activation = relu})(nn::Flatten()(x));
  x = nn::Dense({.units = 84, .activation = relu})(x);
  return nn::Dense({.units = kClasses})(x);
}

Value conv_norm(const Value& x, int64_t filters, int64_t stride, Activation activation) {
  // Pads 1 on either side at stride 2 too, where `same` would pad the end alone.
  const Value y = nn::Conv2D({.filters = filters, .stride = stride, .padding = Padding(1), .use_bias = false})(x);
  return nn::BatchNorm({.epsilon = 1e-5, .momentum = 0.9, .unbiased_variance = true, .activation = activation})(y);
}

// Two convolutions and an option-A shortcut: every other pixel, and zeros for the channels that are new.
Value residual(const Value& x, int64_t filters, int64_t stride) {
  const Value y = conv_norm(conv_norm(x, filters, stride, relu), filters, 1, linear);
  Value shortcut = x;
  if (stride > 1) {
    const int64_t fresh = filters / 4;  // half the channels are new: one half of those before the old ones, one after
    shortcut = nn::MaxPool2D({.size = 1, .stride = stride})(x);
    shortcut = nn::Pad({.before = {fresh, 0, 0}, .after = {fresh, 0, 0}})(shortcut);
  }
  return nn::Add({.activation = relu})({y, shortcut});
}

Value resnet20(Value x) {
  x = conv_norm(x, 16, 1, relu);
  for (const int64_t filters : {16, 32, 64})
    for (int block = 0; block < 3; ++block) x = residual(x, filters, filters > 16 && block == 0 ? 2 : 1);
  return nn::Dense({.units = kClasses})(nn::GlobalAveragePool2D()(x));
}

struct Network {
  Shape sample;
  Value (*build)(Value x);
};

// Throws UsageError for a name that is not known.
Network network(const std::string& name) {
  if (name == "lenet5") return {{1, 28, 28}, lenet5};
  if (name == "resnet20") return {{3, 32, 32}, resnet20};
  throw UsageError("no network named " + name);
}

Tensor random_images(Shape shape, Rng& rng) {
  Tensor images(DType::f32, std::move(shape));
  for (float& value : images.as<float>()) value = rng.normal();
  return images;
}

Tensor random_classes(int64_t batch, Rng& rng) {
  Tensor classes(DType::i32, {batch});
  for (int32_t& value : classes.as<int32_t>()) value = static_cast<int32_t>(rng.below(kClasses));
  return classes;
}

// What a `step` request runs.
class Work {
 public:
  virtual ~Work() = default;
  virtual void run() = 0;
  virtual int64_t parameters() const = 0;
};

// A model, its program, and data that lie ready.
class Step final : public Work {
 public:
  Step(const std::string& name, const std::string& mode, int64_t batch)
      : model_(make_model(name, mode == "train")), program_(program(mode, batch)), train_(mode == "train") {
    Rng rng(1);
    for (int64_t i = 0; i < kBatches; ++i) {
      images_.push_back(random_images(images(batch), rng));
      classes_.push_back(random_classes(batch, rng));
    }
    if (train_) prepare_update();
    for (int64_t i = 0; i < 2 * kBatches; ++i) run();
  }

  void run() override {
    turn_ = (turn_ + 1) % kBatches;
    program_.input(0).copy_from(images_[turn_]);
    if (train_) program_.input(1).copy_from(classes_[turn_]);
    program_.run();
    if (!train_) return;
    sgd_.begin_step(++updates_, sgd_.lr());
    sgd_.step(slices_);
    for (const ParameterPtr& parameter : learning_) parameter->touch();
  }

  int64_t parameters() const override { return model_.count_parameters(); }

 private:
  static Model make_model(const std::string& name, bool train) {
    if (train && name == "resnet50") {
      Model model = zoo::create(name);
      model.compile({.loss = loss::softmax_cross_entropy()});
      return model;
    }
    const auto [sample, build] = network(name);
    const Value x = nn::input(sample);
    const Value logits = build(x);
    Model model({x}, {train ? logits : nn::Softmax()(logits)}, {.name = name, .seed = 1});
    model.compile({.loss = loss::softmax_cross_entropy()});
    return model;
  }

  Program program(const std::string& mode, int64_t batch) const {
    if (mode == "train") return model_.training_program(batch);
    if (mode != "predict") throw UsageError("mode is train, predict or style, not " + mode);
    const ProgramSpec spec{
        .graph = model_.graph(), .inputs = {{DType::f32, images(batch)}}, .mode = Mode::inference, .wrt = {}};
    return compile(spec, *model_.backend());
  }

  Shape images(int64_t batch) const { return model_.graph().inputs[0].shape().with(0, batch); }

  // The program's gradients are in the order in which the graph first uses the parameters that learn.
  void prepare_update() {
    for (const ParameterPtr& parameter : model_.graph().parameters()) {
      if (!parameter->learns()) continue;
      optim::Slice slice{.param = parameter->flat(), .grad = program_.gradient(learning_.size())};
      momentum_.push_back(std::vector<float>(slice.param.size()));
      slice.state[0] = momentum_.back().data();
      slices_.push_back(slice);
      learning_.push_back(parameter);
    }
  }

  Model model_;
  Program program_;
  bool train_;
  int64_t turn_ = 0, updates_ = 0;
  std::vector<Tensor> images_, classes_;
  std::vector<ParameterPtr> learning_;
  std::vector<std::vector<float>> momentum_;
  std::vector<optim::Slice> slices_;
  optim::SGD sgd_{{.lr = 0.01, .momentum = 0.9}};
};

// VGG-19 up to conv4_2: the content is that layer's, the style the Gram matrices of the first layers of four blocks.
class StyleGradient final : public Work {
 public:
  explicit StyleGradient(int64_t batch) : model_(make_model()), program_(gradient_program(model_, batch)) {
    for (int i = 0; i < 2; ++i) run();
  }
  void run() override {
    program_.input(0).copy_from(image_);
    program_.run();
  }
  int64_t parameters() const override { return model_.count_parameters(); }

 private:
  static constexpr int64_t kSize = 512;

  // The outputs are conv1_1, conv2_1, conv3_1, conv4_1 and conv4_2.
  static Model make_model() {
    const Value x = nn::input({3, kSize, kSize});
    Value y = x;
    Values outputs;
    for (const auto& [filters, layers] : {std::pair<int64_t, int>{64, 2}, {128, 2}, {256, 4}, {512, 2}}) {
      if (filters > 64) y = nn::MaxPool2D()(y);
      for (int i = 0; i < layers; ++i) {
        y = nn::Conv2D({.filters = filters, .padding = same, .activation = relu})(y);
        if (i == 0) outputs.push_back(y);
      }
    }
    outputs.push_back(y);
    return Model({x}, outputs, {.name = "vgg19-conv4_2", .seed = 1});
  }

  static Program gradient_program(const Model& model, int64_t batch) {
    const Graph& features = model.graph();
    Rng rng(2);
    Values losses;
    for (size_t i = 0; i < features.outputs.size(); ++i) {
      const bool content = i + 1 == features.outputs.size();
      const Value y = content ? features.outputs[i] : ops::gram(features.outputs[i], GramDivisor::elements);
      const Value difference = ops::sub(y, constant(random_images(y.shape().with(0, batch), rng)));
      losses.push_back(ops::affine(ops::reduce_mean(ops::mul(difference, difference)), content ? 1 : 1000));
    }
    const ProgramSpec spec{.graph = {.inputs = features.inputs, .outputs = {add_n(losses)}, .updates = {}},
                           .inputs = {{DType::f32, {batch, 3, kSize, kSize}}},
                           .mode = Mode::inference,
                           .wrt = {features.inputs[0]}};
    return compile(spec, *make_backend("onednn", {.algorithms = Algorithms::time}));
  }

  Model model_;
  Program program_;
  Tensor image_ = [this] {
    Rng rng(1);
    return random_images(program_.input(0).shape(), rng);
  }();
};

std::unique_ptr<Work> make_work(const std::string& name, const std::string& mode, int64_t batch) {
  if (mode != "style") return std::make_unique<Step>(name, mode, batch);
  if (name != "vgg19-conv4_2") throw UsageError("no style transfer by " + name);
  return std::make_unique<StyleGradient>(batch);
}

std::vector<double> timed(Work& step, int64_t count) {
  using clock = std::chrono::steady_clock;
  std::vector<double> seconds;
  for (int64_t i = 0; i < count; ++i) {
    const clock::time_point begin = clock::now();
    step.run();
    seconds.push_back(std::chrono::duration<double>(clock::now() - begin).count());
  }
  return seconds;
}

nlohmann::json answer(std::istringstream& words, std::unique_ptr<Work>& step) {
  std::string verb;
  words >> verb;
  if (verb == "prepare") {
    std::string name, mode;
    int64_t batch = 0;
    int threads = 0;
    if (!(words >> name >> mode >> batch >> threads)) throw UsageError("prepare NETWORK MODE BATCH THREADS");
    set_num_threads(threads);
    step.reset();
    step = make_work(name, mode, batch);
    return {{"parameters", step->parameters()}};
  }
  int64_t count = 0;
  if (verb != "step" || !step || !(words >> count)) throw UsageError("not understood: " + words.str());
  return {{"seconds", timed(*step, count)}};
}

}  // namespace
}  // namespace ocellus::bench

int main() {
  std::unique_ptr<ocellus::bench::Work> step;
  std::cout << nlohmann::json{{"name", "ocellus"}, {"version", OCELLUS_VERSION}} << std::endl;
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    nlohmann::json reply;
    try {
      std::istringstream words(line);
      reply = ocellus::bench::answer(words, step);
    } catch (const std::exception& error) {
      reply = {{"error", error.what()}};
    }
    std::cout << reply << std::endl;
  }
}
