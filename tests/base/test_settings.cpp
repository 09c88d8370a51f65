#include <gmock/gmock.h>

#include <cstdlib>
#include <optional>

#include <ocellus/base/settings.h>

#include "tensor/files.h"

namespace ocellus {
namespace {

using testing_files::message_of;
using testing_files::TemporaryFolder;
using ::testing::HasSubstr;

/// A variable of the environment, put back at the end.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  }
  ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

class SettingsTest : public ::testing::Test {
 protected:
  void write(std::string_view text) {
    std::filesystem::create_directory(folder_ / ".ocellus");
    testing_files::write_text(folder_ / ".ocellus/ocellus.json", text);
  }
  TemporaryFolder folder_;
  Variable home_{"HOME", folder_.path().c_str()};
  Variable backend_{"OCELLUS_BACKEND", nullptr};
  Variable threads_{"OCELLUS_THREADS", nullptr};
};

TEST_F(SettingsTest, have_defaults) {
  const Settings s = load_settings();
  EXPECT_EQ(s.backend.value, "onednn");
  EXPECT_EQ(s.backend.origin, "default");
  EXPECT_EQ(s.threads.value, 0);
}

TEST_F(SettingsTest, each_source_overrides_the_one_before_and_is_named) {
  write(R"({"backend": "reference", "threads": 3, "image_data_format": "channels_first", "epsilon": 1e-5})");
  Settings s = load_settings();
  EXPECT_EQ(s.backend.value, "reference");
  EXPECT_EQ(s.backend.origin, (folder_ / ".ocellus/ocellus.json").string());
  EXPECT_EQ(s.threads.value, 3);
  EXPECT_EQ(s.image_data_format.value, "channels_first");
  EXPECT_EQ(s.epsilon.value, 1e-5);

  const Variable backend("OCELLUS_BACKEND", "onednn"), threads("OCELLUS_THREADS", "2");
  s = load_settings();
  EXPECT_EQ(s.backend.value, "onednn");
  EXPECT_EQ(s.backend.origin, "environment variable OCELLUS_BACKEND");
  EXPECT_EQ(s.threads.value, 2);
  s = load_settings({.backend = "reference", .threads = 1, .floatx = "bfloat16"});
  EXPECT_EQ(s.floatx.value, "bfloat16");
  EXPECT_EQ(s.backend.value, "reference");
  EXPECT_EQ(s.backend.origin, "argument");
  EXPECT_EQ(s.threads.value, 1);
}

TEST_F(SettingsTest, damaged_files_and_wrong_values_are_refused) {
  write("{\"backend\": ");
  EXPECT_THAT(message_of<FormatError>([] { load_settings(); }), HasSubstr("ocellus.json: byte "));
  write("[]");
  EXPECT_THROW(load_settings(), FormatError);
  write(R"({"threads": "two"})");
  EXPECT_THAT(message_of<FormatError>([] { load_settings(); }), HasSubstr("key threads"));
  write(R"({"floatx": "float16"})");
  EXPECT_THAT(message_of<FormatError>([] { load_settings(); }), HasSubstr("float16"));
  write("{}");
  EXPECT_THAT(message_of<UsageError>([] { load_settings({.floatx = "f8"}); }), HasSubstr("f8"));
  const Variable threads("OCELLUS_THREADS", "two");
  EXPECT_THROW(load_settings(), UsageError);
}

}  // namespace
}  // namespace ocellus
