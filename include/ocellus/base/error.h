// The typed exceptions of ocellus. Every error that a user can cause is one of these.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <ocellus/base/export.h>

namespace ocellus {

/// Process exit codes of the command-line program; each exception knows its own.
enum class ExitCode : int {
  ok = 0,           ///< success
  failure = 1,      ///< anything not listed below
  usage = 2,        ///< wrong command line, unknown name
  bad_format = 3,   ///< a damaged or foreign file, bad data
  io = 4,           ///< a file could not be opened, read or written
  shape = 5,        ///< shapes or dtypes that do not fit
  unsupported = 6,  ///< valid, but not implemented
  numeric = 7,      ///< a loss or tensor became NaN or infinite
  interrupted = 130 ///< stopped by Ctrl-C after saving
};

/// Base of all ocellus exceptions; `what()` is one line fit for a user.
class OCELLUS_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ExitCode code = ExitCode::failure)
      : std::runtime_error(message), code_(code) {}
  ~Error() override;
  ExitCode exit_code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// An error raised while an operator is built or run: `[conv2d block1/conv2] message`.
class OCELLUS_API OpError : public Error {
 public:
  OpError(std::string op, std::string layer, std::string message, ExitCode code);
  ~OpError() override;
  const std::string& op() const noexcept { return op_; }
  const std::string& layer() const noexcept { return layer_; }
  const std::string& message() const noexcept { return message_; }

 private:
  std::string op_, layer_, message_;
};

/// Shapes that do not fit together.
class OCELLUS_API ShapeError : public OpError {
 public:
  explicit ShapeError(std::string message) : ShapeError("", "", std::move(message)) {}
  ShapeError(std::string op, std::string layer, std::string message);
  ~ShapeError() override;
};

/// A dtype that an operator or a conversion does not take.
class OCELLUS_API TypeError : public OpError {
 public:
  explicit TypeError(std::string message) : TypeError("", "", std::move(message)) {}
  TypeError(std::string op, std::string layer, std::string message);
  ~TypeError() override;
};

/// A file whose content is damaged or not what it claims: `path: byte 12: message`.
class OCELLUS_API FormatError : public Error {
 public:
  FormatError(std::string_view path, std::string_view message);
  /// `where` names a place in the file: "byte 16", "line 3", "tensor conv1/kernel".
  FormatError(std::string_view path, std::string_view where, std::string_view message);
  ~FormatError() override;
};

/// A file that can't be opened, read or written; carries the system's reason when `errno_value` is not 0.
class OCELLUS_API IoError : public Error {
 public:
  IoError(std::string_view path, std::string_view action, int errno_value = 0);
  ~IoError() override;
};

/// Something valid that this build or backend does not do.
class OCELLUS_API Unsupported : public Error {
 public:
  explicit Unsupported(const std::string& message) : Error(message, ExitCode::unsupported) {}
  ~Unsupported() override;
};

/// A wrong argument or an unknown name given by the caller.
class OCELLUS_API UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(message, ExitCode::usage) {}
  ~UsageError() override;
};

/// A NaN or an infinity where training can't go on.
class OCELLUS_API NumericError : public Error {
 public:
  explicit NumericError(const std::string& message) : Error(message, ExitCode::numeric) {}
  ~NumericError() override;
};

}  // namespace ocellus
