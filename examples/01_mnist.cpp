// LeNet-5 on MNIST: from four files to a saved model. Usage: 01_mnist [FOLDER]
#include <cstdlib>
#include <iostream>

#include <ocellus/ocellus.h>

using namespace ocellus;

int main(int argc, char** argv) {
  const char* shared = std::getenv("OCELLUS_SHARED");
  const std::string folder = argc > 1 ? argv[1] : std::string(shared ? shared : "../shared") + "/data/mnist";
  if (!std::filesystem::exists(folder)) {
    std::cout << "skipped: no folder " << folder << " with train-images-idx3-ubyte.gz and its three siblings\n";
    return 77;
  }
  const auto train = data::mnist(folder, Split::train), test = data::mnist(folder, Split::test);

  const Value x = nn::input({1, 28, 28});  // channels, height, width; the batch comes first by itself
  Value y = nn::Conv2D({.filters = 6, .kernel = 5, .padding = same, .activation = relu})(x);
  y = nn::MaxPool2D()(y);
  y = nn::Conv2D({.filters = 16, .kernel = 5, .activation = relu})(y);
  y = nn::MaxPool2D()(y);
  y = nn::Flatten()(y);
  y = nn::Dense({.units = 120, .activation = relu})(y);
  y = nn::Dense({.units = 84, .activation = relu})(y);
  y = nn::Dense({.units = 10})(y);  // logits: the loss applies the softmax

  Model model({x}, {y}, {.name = "lenet5"});
  std::cout << model.summary();
  model.compile(
      {.optimizer = optim::Adam({.lr = 1e-3}), .loss = loss::softmax_cross_entropy(), .metrics = {metric::accuracy()}});
  model.fit(train, {.epochs = 1, .batch = 64, .validation = &test});
  model.save("lenet5.safetensors");
}
