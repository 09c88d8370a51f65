// The table of operators that can be written, generated from the files of operators/.
#pragma once

#include "io/keras/sheet.h"

namespace ocellus::io::keras::writing {

using KerasOperator = keras::KerasOperator;
using Lister = OperatorLister;
std::span<const Lister> writes_in_listers();

}  // namespace ocellus::io::keras::writing
