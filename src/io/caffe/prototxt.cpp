#include "io/caffe/prototxt.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include <ocellus/base/error.h>

namespace ocellus::io::caffe {

namespace {
constexpr int deepest_nesting = 32;
constexpr int64_t largest_number = int64_t{1} << 31;
}  // namespace

/// Names, values and braces, one after the other.
class TextParser {
 public:
  TextParser(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  Message message(int depth) {
    if (depth > deepest_nesting) fail(fmt::format("is nested more than {} deep", deepest_nesting));
    Message result;
    result.source_ = source_;
    for (std::string name = token(); !name.empty() && name != "}"; name = token()) {
      if (!is_name(name)) fail("expected a field's name, found \"" + name + "\"");
      field(name, depth, result);
      skip();
      while (peek() == ',' || peek() == ';') {
        ++at_;
        skip();
      }
    }
    const bool closed = at_ > 0 && closed_;
    closed_ = false;
    if (depth > 0 && !closed) fail("ends inside of a message");
    if (depth == 0 && closed) fail("closes a message that was never opened");
    return result;
  }

 private:
  void field(const std::string& name, int depth, Message& into) {
    skip();
    const bool colon = peek() == ':';
    if (colon) ++at_;
    skip();
    if (peek() == '{' || peek() == '<') {
      ++at_;
      into.fields_.push_back({name, std::make_shared<const Message>(message(depth + 1))});
    } else if (colon && peek() == '[') {
      list(name, into);
    } else if (colon) {
      into.fields_.push_back({name, value()});
    } else {
      fail("expected \":\" or \"{\" behind " + name);
    }
  }

  void list(const std::string& name, Message& into) {
    ++at_;
    for (skip(); peek() != ']'; skip()) {
      if (at_ >= text_.size()) fail("ends inside of a list");
      into.fields_.push_back({name, value()});
      skip();
      if (peek() == ',') ++at_;
    }
    ++at_;
  }

  std::string value() {
    skip();
    if (peek() != '"' && peek() != '\'') {
      const std::string word = token();
      if (word.empty() || word == "}") fail("expected a value");
      return word;
    }
    std::string all;
    while (peek() == '"' || peek() == '\'') {  // texts side by side are one
      all += quoted(text_[at_]);
      skip();
    }
    return all;
  }

  std::string quoted(char quote) {
    std::string result;
    for (++at_; peek() != quote; ++at_) {
      if (at_ >= text_.size() || peek() == '\n') fail("a text is not closed");
      if (peek() == '\\' && at_ + 1 < text_.size()) ++at_;
      result += text_[at_];
    }
    ++at_;
    return result;
  }

  /// A word, or the brace that closes a message.
  std::string token() {
    skip();
    if (peek() == '}' || peek() == '>') {
      ++at_;
      closed_ = true;
      return "}";
    }
    const size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (begin == at_ && at_ < text_.size()) fail(fmt::format("has an unexpected '{}'", text_[at_]));
    return std::string(text_.substr(begin, at_ - begin));
  }

  static bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-' || c == '+';
  }
  static bool is_name(const std::string& word) {
    return std::isalpha(static_cast<unsigned char>(word[0])) || word[0] == '_';
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#')
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      else if (std::isspace(static_cast<unsigned char>(text_[at_])))
        ++at_;
      else
        return;
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(std::min(at_, text_.size())), '\n');
    throw FormatError(source_, fmt::format("line {}", line), what);
  }

  std::string_view text_;
  const std::string& source_;
  size_t at_ = 0;
  bool closed_ = false;
};

Message Message::parse(std::string_view text, const std::string& source) { return TextParser(text, source).message(0); }

void Message::fail(std::string_view name, const std::string& value, const char* wanted) const {
  throw FormatError(source_, fmt::format("{}: \"{}\" is no {}", name, value, wanted));
}

bool Message::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const Field& f) { return f.name == name; });
}

const Message& Message::message(std::string_view name) const {
  static const Message empty;
  const auto all = messages(name);
  return all.empty() ? empty : *all.front();
}

std::vector<const Message*> Message::messages(std::string_view name) const {
  std::vector<const Message*> all;
  for (const Field& f : fields_)
    if (const auto* m = std::get_if<std::shared_ptr<const Message>>(&f.value); m && f.name == name)
      all.push_back(m->get());
  return all;
}

std::vector<std::string> Message::texts(std::string_view name) const {
  std::vector<std::string> all;
  for (const Field& f : fields_)
    if (const auto* text = std::get_if<std::string>(&f.value); text && f.name == name) all.push_back(*text);
  return all;
}

std::string Message::text(std::string_view name, const std::string& otherwise) const {
  const auto all = texts(name);
  return all.empty() ? otherwise : all.back();
}

int64_t Message::integer(std::string_view name, int64_t otherwise) const {
  const auto all = integers(name);
  return all.empty() ? otherwise : all.back();
}

double Message::real(std::string_view name, double otherwise) const {
  const auto all = reals(name);
  return all.empty() ? otherwise : all.back();
}

bool Message::flag(std::string_view name, bool otherwise) const {
  const std::string value = text(name, otherwise ? "true" : "false");
  if (value == "true" || value == "1") return true;
  if (value != "false" && value != "0") fail(name, value, "true or false");
  return false;
}

std::vector<int64_t> Message::integers(std::string_view name) const {
  std::vector<int64_t> all;
  for (const std::string& value : texts(name)) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || std::abs(number) > largest_number)
      fail(name, value, "whole number of a usual size");
    all.push_back(number);
  }
  return all;
}

std::vector<double> Message::reals(std::string_view name) const {
  std::vector<double> all;
  for (std::string value : texts(name)) {
    if (value.ends_with('f')) value.pop_back();
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number))
      fail(name, value, "number");
    all.push_back(number);
  }
  return all;
}

}  // namespace ocellus::io::caffe
