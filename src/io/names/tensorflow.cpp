// TensorFlow variables that were never named: fast style transfer, where each convolution has a kernel, a shift and a scale.
#include "io/name_table.h"

namespace ocellus::io::naming {
namespace {

constexpr NameRow fast_style[] = {{"conv1/kernel", "Variable"},
                                  {"conv{k}/kernel", "Variable_{3*k-3}"},
                                  {"conv{k}_norm/beta", "Variable_{3*k-2}"},
                                  {"conv{k}_norm/gamma", "Variable_{3*k-1}"},
                                  {"residual{r}/conv{c}/kernel", "Variable_{6*r+3*c}"},
                                  {"residual{r}/conv{c}_norm/beta", "Variable_{6*r+3*c+1}"},
                                  {"residual{r}/conv{c}_norm/gamma", "Variable_{6*r+3*c+2}"},
                                  {"up{k}/kernel", "Variable_{3*k+36}"},
                                  {"up{k}_norm/beta", "Variable_{3*k+37}"},
                                  {"up{k}_norm/gamma", "Variable_{3*k+38}"},
                                  {"output/kernel", "Variable_45"},
                                  {"output_norm/beta", "Variable_46"},
                                  {"output_norm/gamma", "Variable_47"}};

constexpr std::string_view fast_style_only[] = {"fast-style"};

}  // namespace

std::span<const NameTable> names_in_tensorflow() {
  static constexpr NameTable tables[] = {
      {.name = "TensorFlow, unnamed",
       .networks = fast_style_only,
       .channels_last = true,
       .rows = fast_style,
       .suffixes = {}},
  };
  return tables;
}

}  // namespace ocellus::io::naming
