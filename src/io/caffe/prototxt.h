// Protocol buffers as text, as Caffe describes networks: "layer { name: "conv1" convolution_param { num_output: 20 } }".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ocellus::io::caffe {

/// Fields by name, in order, any number of each; a scalar stays the text that it was.
class Message {
 public:
  /// Reads a text. Throws FormatError with the line for one that is no such text, or is nested more than 32 deep.
  static Message parse(std::string_view text, const std::string& source);

  bool has(std::string_view name) const;
  /// The first field of that name that is a message, or an empty message.
  const Message& message(std::string_view name) const;
  std::vector<const Message*> messages(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  /// The last scalar of that name, as protocol buffers have it. Throw FormatError for one of another kind.
  std::string text(std::string_view name, const std::string& otherwise) const;
  int64_t integer(std::string_view name, int64_t otherwise) const;
  double real(std::string_view name, double otherwise) const;
  bool flag(std::string_view name, bool otherwise) const;
  std::vector<int64_t> integers(std::string_view name) const;
  std::vector<double> reals(std::string_view name) const;

 private:
  friend class TextParser;
  struct Field {
    std::string name;
    std::variant<std::string, std::shared_ptr<const Message>> value;
  };
  [[noreturn]] void fail(std::string_view name, const std::string& value, const char* wanted) const;

  std::vector<Field> fields_;
  std::string source_;
};

}  // namespace ocellus::io::caffe
