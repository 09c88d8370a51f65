#include <ocellus/base/error.h>

#include <cstring>
#include <utility>

namespace ocellus {
namespace {

std::string op_line(const std::string& op, const std::string& layer, const std::string& message) {
  if (op.empty() && layer.empty()) return message;
  std::string head = op;
  if (!layer.empty()) head += (head.empty() ? "" : " ") + layer;
  return "[" + head + "] " + message;
}

std::string io_line(std::string_view path, std::string_view action, int errno_value) {
  std::string line = std::string(path) + ": " + std::string(action);
  if (errno_value != 0) line += std::string(": ") + std::strerror(errno_value);
  return line;
}

}  // namespace

// The destructors live here so that each exception's type information is emitted once, in the library.
Error::~Error() = default;
OpError::~OpError() = default;
ShapeError::~ShapeError() = default;
TypeError::~TypeError() = default;
FormatError::~FormatError() = default;
IoError::~IoError() = default;
Unsupported::~Unsupported() = default;
UsageError::~UsageError() = default;
NumericError::~NumericError() = default;

OpError::OpError(std::string op, std::string layer, std::string message, ExitCode code)
    : Error(op_line(op, layer, message), code),
      op_(std::move(op)),
      layer_(std::move(layer)),
      message_(std::move(message)) {}

ShapeError::ShapeError(std::string op, std::string layer, std::string message)
    : OpError(std::move(op), std::move(layer), std::move(message), ExitCode::shape) {}

TypeError::TypeError(std::string op, std::string layer, std::string message)
    : OpError(std::move(op), std::move(layer), std::move(message), ExitCode::shape) {}

FormatError::FormatError(std::string_view path, std::string_view message)
    : Error(std::string(path) + ": " + std::string(message), ExitCode::bad_format) {}

FormatError::FormatError(std::string_view path, std::string_view where, std::string_view message)
    : Error(std::string(path) + ": " + std::string(where) + ": " + std::string(message), ExitCode::bad_format) {}

IoError::IoError(std::string_view path, std::string_view action, int errno_value)
    : Error(io_line(path, action, errno_value), ExitCode::io) {}

}  // namespace ocellus
