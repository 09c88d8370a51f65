// No files needed: train on digits that the library draws, save, load in a fresh object, and read a page of digits.
#include <algorithm>
#include <iostream>

#include <ocellus/ocellus.h>

using namespace ocellus;

int main() {
  // A network of the zoo comes with a way to train it that is known to work.
  Model model = zoo::create("lenet5");
  const zoo::Preset preset = zoo::preset("lenet5");
  model.compile({.optimizer = preset.optimizer, .loss = preset.loss, .metrics = {metric::accuracy()}});
  model.fit(data::digits({.count = 10000}), {.epochs = 3, .batch = preset.batch});
  model.save("digits.safetensors");

  // The file holds everything that prediction needs: the layers, the weights, and how images become inputs.
  Model reader = Model::load("digits.safetensors");
  const data::Page page = data::render_page({.rows = 5, .columns = 12, .seed = 7});
  int right = 0;
  for (size_t i = 0; i < page.cells.size(); ++i) {
    const data::Image digit = data::crop(page.image, page.cells[i]);
    const Tensor p = reader.probabilities(data::apply(reader.preprocess(), digit));
    const auto scores = p.as<float>();
    const auto guess = std::max_element(scores.begin(), scores.end()) - scores.begin();
    right += guess == page.labels[i];
    std::cout << guess << (guess == page.labels[i] ? "  " : "! ") << ((i + 1) % 12 == 0 ? "\n" : "");
  }
  std::cout << right << " of " << page.cells.size() << " digits read right\n";
  return right >= 50 ? 0 : 1;
}
