// What the program tells: help, versions, tables, and JSON for machines.
#include <nlohmann/json.hpp>

#include <ocellus/base/version.h>
#include <ocellus/zoo/zoo.h>

#include "support.h"

namespace ocellus {
namespace {

using namespace testing_cli;
using nlohmann::json;

class CliTells : public testing::Test {
 protected:
  std::string output(const Arguments& arguments) const {
    const Outcome outcome = run(folder_, arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return outcome.out;
  }

  TemporaryFolder folder_;
};

TEST_F(CliTells, version_and_help_of_every_verb) {
  EXPECT_EQ(output({"--version"}), "ocellus " OCELLUS_VERSION "\n");
  const std::string help = output({"--help"});
  EXPECT_THAT(help, testing::HasSubstr("Exit codes:"));
  for (const std::string verb : {"train", "eval", "predict", "summary", "inspect", "bench", "info", "quantize"}) {
    EXPECT_THAT(help, testing::HasSubstr("\n  " + verb));
    EXPECT_THAT(output({verb, "--help"}),
                testing::AllOf(testing::HasSubstr("Usage: ocellus " + verb), testing::HasSubstr("Examples:\n  ")));
  }
}

TEST_F(CliTells, summaries_count_as_the_papers_do) {
  EXPECT_THAT(
      output({"summary", "lenet5-notes"}),
      testing::ContainsRegex("conv2d .* 608 .*\n.*\n.* 3,216 .*\n.*\n.*\n.* 48,120 .*\n.* 10,164 .*\n.* 850 .*\n"
                             "_+\n Total params: 62,958 "));
  EXPECT_THAT(output({"summary", "lenet5-1998"}), testing::HasSubstr("Trainable params: 60,000 "));
  EXPECT_THAT(output({"summary", "resnet20"}), testing::HasSubstr("Trainable params: 269,722 "));
  EXPECT_THAT(output({"summary", "lenet5", "--classes", "3", "--costs", "--channels-first"}),
              testing::AllOf(testing::HasSubstr("(None, 6, 28, 28)"), testing::HasSubstr("MACs"),
                             testing::HasSubstr("(None, 3)")));
}

TEST_F(CliTells, inspect_lists_tensors_and_metadata) {
  zoo::create("lenet5").save(folder_ / "model.safetensors");
  EXPECT_THAT(output({"inspect", "model.safetensors"}),
              testing::AllOf(testing::ContainsRegex("conv2d/kernel +F32 +\\[6,1,5,5\\] +600\n"),
                             testing::HasSubstr("61706 elements"), testing::HasSubstr("architecture")));
  const json j = json::parse(output({"inspect", "model.safetensors", "--json"}));
  EXPECT_EQ(j.at("tensors").size(), 10u);
  EXPECT_EQ(j.at("metadata").at("format"), "ocellus");
  EXPECT_EQ(j.at("bytes"), std::filesystem::file_size(folder_ / "model.safetensors"));
}

TEST_F(CliTells, info_says_which_backend_and_why) {
  const json usual = json::parse(output({"info", "--json"}));
  EXPECT_EQ(usual.at("version"), OCELLUS_VERSION);
  EXPECT_EQ(usual.at("backend").at("name"), "onednn");
  EXPECT_EQ(usual.at("backend").at("origin"), "default");
  const Outcome chosen = run_shell(folder_, "OCELLUS_BACKEND=reference \"$OCELLUS\" info --json");
  ASSERT_EQ(chosen.code, 0) << chosen.err;
  EXPECT_EQ(json::parse(chosen.out).at("backend").at("name"), "reference");
  EXPECT_THAT(json::parse(chosen.out).at("backend").at("origin").get<std::string>(),
              testing::HasSubstr("OCELLUS_BACKEND"));
  std::filesystem::create_directories(folder_ / ".ocellus");
  write_text(folder_ / ".ocellus/ocellus.json", R"({"backend": "reference", "threads": 1})");
  EXPECT_THAT(output({"info"}), testing::AllOf(testing::ContainsRegex("backend +reference \\(.*ocellus.json"),
                                               testing::ContainsRegex("threads +1 \\(")));
}

TEST_F(CliTells, bench_finds_an_arena_close_to_the_bound) {
  for (const bool train : {false, true}) {
    Arguments arguments = {"bench", "lenet5", "--json", "--repeat", "10", "--batch", train ? "16" : "1"};
    if (train) arguments.emplace_back("--train");
    const json j = json::parse(output(arguments));
    EXPECT_GT(j.at("ms").at("median").get<double>(), 0);
    EXPECT_GE(j.at("layers").size(), 5u);
    const double arena = j.at("memory").at("arena_bytes"), live = j.at("memory").at("live_bytes");
    EXPECT_GT(live, 0);
    EXPECT_LE(arena, 1.10 * live) << (train ? "training" : "prediction");
  }
  EXPECT_THAT(output({"bench", "lenet5", "--repeat", "10"}),
              testing::AllOf(testing::HasSubstr("images/s"), testing::HasSubstr("times the live bytes")));
  EXPECT_THAT(output({"bench", "lenet5", "--repeat", "10", "--dtype", "bf16"}),
              testing::AllOf(testing::HasSubstr("bf16, "), testing::HasSubstr("cast")));
  EXPECT_THAT(output({"bench", "lenet5", "--repeat", "10", "--dtype", "int8"}),
              testing::AllOf(testing::HasSubstr("i8, "), testing::HasSubstr("ranges    from random input, for timing only"),
                             testing::HasSubstr("quantize")));
}

}  // namespace
}  // namespace ocellus
