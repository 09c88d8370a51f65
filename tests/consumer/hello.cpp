#include <iostream>

#include <ocellus/ocellus.h>

int main() {
  const ocellus::Tensor t = ocellus::Tensor::full(ocellus::DType::f32, {2, 3}, 0.5);
  std::cout << "ocellus " << OCELLUS_VERSION << ' ' << t.shape().to_string() << ' ' << t.at(5) << '\n';
  try {
    t.rows(1, 4);
  } catch (const ocellus::ShapeError& error) {  // caught across the library's border: its type information is exported
    std::cout << "caught\n";
    return t.shape() == ocellus::Shape{2, 3} ? 0 : 1;
  }
  return 1;
}
