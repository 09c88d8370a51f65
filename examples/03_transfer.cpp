// Transfer learning: what a network has learnt from the digits 0 to 4 helps it to tell 5 to 9 apart from few examples.
#include <iostream>

#include <ocellus/ocellus.h>

using namespace ocellus;

/// `count` samples of the five digits from `first` on, with labels 0 to 4.
data::AnyDataset five_digits(int first, int64_t count, Split split) {
  const data::AnyDataset all = data::digits({.split = split, .count = 2 * count});  // labels go round from 0 to 9
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < all.size(); ++i)
    if (i % 10 >= first && i % 10 < first + 5) chosen.push_back(i);
  return data::map(data::subset(all, chosen), [first](Sample sample, Rng&) {
    sample.target = Tensor::of<int32_t>({}, {sample.target.as<int32_t>()[0] - first});
    return sample;
  });
}

void learn(Model& model, const Dataset& train) {
  model.compile(
      {.optimizer = optim::Adam({.lr = 3e-3}), .loss = loss::softmax_cross_entropy(), .metrics = {metric::accuracy()}});
  model.fit(train, {.epochs = 5, .batch = 25});
}

int main() {
  const Value x = nn::input({1, 28, 28});
  Value y = nn::Conv2D({.filters = 8, .kernel = 5, .activation = relu, .name = "trunk/conv1"})(x);
  y = nn::MaxPool2D({.name = "trunk/pool1"})(y);
  y = nn::Conv2D({.filters = 16, .kernel = 5, .activation = relu, .name = "trunk/conv2"})(y);
  y = nn::MaxPool2D({.name = "trunk/pool2"})(y);
  y = nn::Flatten("trunk/features")(y);
  Model first({x}, {nn::Dense({.units = 5, .name = "head"})(y)});
  learn(first, five_digits(0, 5000, Split::train));

  // The same trunk, sharing its parameters, under a new head. What does not learn costs no backward pass.
  const Model trunk = first.until("trunk/features");
  const Value image = nn::input({1, 28, 28});
  Model second({image}, {nn::Dense({.units = 5, .name = "new_head"})(trunk(image))});
  second.trainable("trunk", false);
  std::cout << second.summary();
  learn(second, five_digits(5, 250, Split::train));

  const double accuracy = *find(second.evaluate(five_digits(5, 2000, Split::test)), "accuracy");
  std::cout << "digits 5 to 9, learnt from 250 examples: accuracy " << accuracy << "\n";
  return accuracy > 0.7 ? 0 : 1;
}
