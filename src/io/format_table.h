// The table of formats, generated from the files of src/io/formats.
#pragma once

#include <span>

#include <ocellus/io/format.h>

namespace ocellus::io {

using Lister = std::span<const Format> (*)();
std::span<const Lister> formats_in_listers();

}  // namespace ocellus::io
