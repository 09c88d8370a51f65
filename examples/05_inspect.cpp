// Looking inside: the graph that layers build, the program it is compiled to, and the value of any layer.
#include <iostream>

#include <ocellus/ocellus.h>

using namespace ocellus;

int main() {
  const Value x = nn::input({3, 32, 32}, "image");
  Value y = nn::Conv2D({.filters = 16, .padding = same, .use_bias = false, .name = "conv"})(x);
  y = nn::BatchNorm({.activation = relu, .name = "norm"})(y);
  y = nn::GlobalAveragePool2D({.name = "pool"})(y);
  const Model model({x}, {nn::Dense({.units = 10, .name = "scores"})(y)});

  std::cout << "The graph, as the layers wrote it. N is the batch, not known yet:\n" << to_text(model.graph()) << "\n";

  Program& program = model.inference_program(8);
  std::cout << "After all passes, for prediction on 8 images. The norm is part of the convolution now:\n"
            << to_text(program.graph()) << "\n";

  program.profile(20);
  std::cout << "Its kernels; \"once\" means: only when a parameter has changed:\n" << to_text(program.report());
  const MemoryReport memory = program.memory();
  std::cout << "arena " << memory.arena_bytes << " bytes; at least " << memory.live_bytes
            << " are live at one time\n\n";

  const Tensor images = Tensor::full(DType::f32, {8, 3, 32, 32}, 0.5);
  const Tensor features = model.predict(images, {.output = "pool"});
  std::cout << "The output of layer \"pool\": " << features.to_string() << "\n";

  try {
    nn::Conv2D({.filters = 4, .kernel = 64, .name = "too_large"})(x);
  } catch (const ShapeError& e) {
    std::cout << "And what a mistake looks like: " << e.what() << "\n";
  }
}
