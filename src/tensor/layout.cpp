#include <ocellus/tensor/layout.h>

namespace ocellus {

Layout::~Layout() = default;

}  // namespace ocellus
