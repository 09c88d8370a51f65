// The one header that a program includes: every public header, in the order that data flows through the folders.
#pragma once

#include <ocellus/base/error.h>
#include <ocellus/base/export.h>
#include <ocellus/base/file.h>
#include <ocellus/base/rng.h>
#include <ocellus/base/threads.h>
#include <ocellus/base/version.h>

#include <ocellus/tensor/dtype.h>
#include <ocellus/tensor/shape.h>
#include <ocellus/tensor/tensor.h>
