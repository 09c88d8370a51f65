// Training runs from a shell: what they leave behind, that their figures agree, and that an end at any moment loses
// nothing.
#include <csignal>
#include <cstring>
#include <regex>

#include <nlohmann/json.hpp>

#include <ocellus/model/model.h>
#include <ocellus/tensor/npy.h>
#include <ocellus/tensor/safetensors.h>

#include "support.h"

namespace ocellus {
namespace {

using namespace testing_cli;
using nlohmann::json;
namespace fs = std::filesystem;

/// A run of epochs of 15 steps, with the seed, threads and algorithms that make it repeatable. One thread: two would
/// wait for each other wherever the machine has other work.
Arguments training(const std::string& out, const std::string& epochs) {
  return {"train",  "lenet5", "--data",    "data", "--epochs",     epochs,     "--batch",      "16",   "--lr",  "0.01",
          "--seed", "7",      "--threads", "1",    "--algorithms", "standard", "--validation", "0.25", "--out", out};
}

class CliRuns : public testing::Test {
 protected:
  CliRuns() { write_corners(folder_ / "data", 320, 100); }

  fs::path file(std::string_view name) const { return folder_ / name; }

  TemporaryFolder folder_;
};

void expect_same_tensors(const fs::path& left, const fs::path& right) {
  const SafetensorsFile a = read_safetensors(left), b = read_safetensors(right);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  ASSERT_GE(a.tensors.size(), 20u);  // five layers of kernel and bias, and the momentum of each
  for (const auto& [name, tensor] : a.tensors) {
    const Tensor* other = b.find(name);
    ASSERT_NE(other, nullptr) << name;
    ASSERT_EQ(tensor.bytes(), other->bytes()) << name;
    EXPECT_EQ(std::memcmp(tensor.data(), other->data(), tensor.bytes()), 0) << name;
  }
}

size_t lines_of(const fs::path& path) {
  if (!fs::exists(path)) return 0;
  const std::string text = read_text(path);
  return static_cast<size_t>(std::ranges::count(text, '\n'));
}

TEST_F(CliRuns, leave_a_folder_whose_figures_agree) {
  const Outcome outcome = run(folder_, training("run", "4"));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, testing::HasSubstr("Epoch 4/4"));
  for (const char* name : {"args.json", "log.csv", "curves.png", "confusion.png", "report.txt", "metrics.json",
                           "best.safetensors", "last.safetensors"}) {
    ASSERT_TRUE(fs::exists(file("run") / name)) << name;
    EXPECT_GT(fs::file_size(file("run") / name), 0u) << name;
  }
  EXPECT_EQ(lines_of(file("run/log.csv")), 5u);
  const json arguments = json::parse(read_text(file("run/args.json")));
  EXPECT_EQ(arguments.at("seed"), 7);
  EXPECT_EQ(arguments.at("batch"), 16);

  const json metrics = json::parse(read_text(file("run/metrics.json")));
  EXPECT_GT(metrics.at("accuracy").get<double>(), 0.9);
  const Outcome judged = run(folder_, {"eval", "run/best.safetensors", "--data", "data", "--json"});
  ASSERT_EQ(judged.code, 0) << judged.err;
  const json evaluation = json::parse(judged.out);
  EXPECT_EQ(evaluation.at("accuracy"), metrics.at("accuracy"));
  EXPECT_NEAR(evaluation.at("loss").get<double>(), metrics.at("loss").get<double>(), 1e-5);
  EXPECT_EQ(evaluation.at("samples"), 100);
  EXPECT_EQ(evaluation.at("classes").size(), 4u);
}

TEST_F(CliRuns, predict_gives_what_the_library_gives) {
  ASSERT_EQ(run(folder_, training("run", "1")).code, 0);
  const Model model = Model::load(file("run/best.safetensors"));
  Tensor x(DType::f32, {3, 1, 28, 28});
  Rng rng(5);
  for (float& v : x.as<float>()) v = rng.uniform();
  write_npy(file("x.npy"), x);
  const Outcome outcome = run(folder_, {"predict", "run/best.safetensors", "--input", "x.npy", "--output",
                                        "conv2d_1=features.npy", "--output", "logits.npy"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto expect_near = [](const Tensor& got, const Tensor& wanted) {
    ASSERT_EQ(got.shape(), wanted.shape());
    const auto a = got.as<float>(), b = wanted.as<float>();
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-5f) << i;
  };
  expect_near(read_npy(file("features.npy")), model.predict(x, {.output = "conv2d_1"}));
  expect_near(read_npy(file("logits.npy")), model.predict(x));

  const Outcome drawn = run(folder_, {"predict", "run/best.safetensors", "run/confusion.png", "run/curves.png",
                                      "--json", "--top", "2", "--draw", "drawn.png"});
  ASSERT_EQ(drawn.code, 0) << drawn.err;
  const json guesses = json::parse(drawn.out);
  ASSERT_EQ(guesses.size(), 2u);
  EXPECT_EQ(guesses[1].at("image"), "run/curves.png");
  ASSERT_EQ(guesses[0].at("top").size(), 2u);
  EXPECT_GE(guesses[0]["top"][0].at("probability").get<double>(), guesses[0]["top"][1].at("probability").get<double>());
  EXPECT_GT(fs::file_size(file("drawn.png")), 0u);
}

/// A run that a signal ends at some step, and the same run undisturbed.
class CliResume : public CliRuns, public testing::WithParamInterface<int> {};

TEST_P(CliResume, goes_on_bit_for_bit_with_the_command_that_it_told) {
  const std::string epochs = "30";
  ASSERT_EQ(run(folder_, training("whole", epochs)).code, 0);
  Arguments command = training("broken", epochs);
  std::string resume = "\"$OCELLUS\"";
  for (const std::string& word : command) resume += " " + word;
  resume += " --resume";
  command.insert(command.begin(), OCELLUS_CLI);
  {
    Process process(folder_, command);
    ASSERT_TRUE(eventually(
        [&] { return lines_of(file("broken/log.csv")) >= 4 && fs::exists(file("broken/last.safetensors")); }));
    process.send(GetParam());
    const Outcome outcome = process.wait();
    ASSERT_LT(lines_of(file("broken/log.csv")), 31u) << "it had finished before the signal came";
    EXPECT_EQ(outcome.err, "");
    if (GetParam() == SIGINT) {
      ASSERT_EQ(outcome.code, 130);
      std::smatch found;
      ASSERT_TRUE(std::regex_search(outcome.out, found, std::regex("Go on with:\n  ocellus (.*)\n"))) << outcome.out;
      resume = "\"$OCELLUS\" " + found[1].str();
    } else {
      ASSERT_EQ(outcome.code, 128 + SIGKILL);
    }
  }
  Model::load(file("broken/last.safetensors"));
  const Outcome resumed = run_shell(folder_, resume);
  ASSERT_EQ(resumed.code, 0) << resume << "\n" << resumed.err;
  EXPECT_THAT(resumed.out, testing::Not(testing::HasSubstr("Epoch 1/")));
  expect_same_tensors(file("broken/last.safetensors"), file("whole/last.safetensors"));
  expect_same_tensors(file("broken/best.safetensors"), file("whole/best.safetensors"));
  EXPECT_EQ(read_text(file("broken/log.csv")), read_text(file("whole/log.csv")));
  EXPECT_EQ(read_text(file("broken/metrics.json")), read_text(file("whole/metrics.json")));
}

INSTANTIATE_TEST_SUITE_P(Signals, CliResume, testing::Values(SIGINT, SIGKILL),
                         [](const auto& info) { return info.param == SIGINT ? "interrupt" : "kill"; });

TEST_F(CliRuns, resuming_nothing_or_something_else_is_refused) {
  Arguments arguments = training("run", "2");
  arguments.emplace_back("--resume");
  expect_failure(run(folder_, arguments), 2, {"run/last.safetensors", "nothing to resume"});
  ASSERT_EQ(run(folder_, training("run", "1")).code, 0);
  arguments.insert(arguments.end(), {"--momentum", "0.5"});
  const std::string last = read_text(file("run/last.safetensors"));
  expect_failure(run(folder_, arguments), 2, {"momentum=0.5", "momentum=0.9"});
  EXPECT_EQ(read_text(file("run/last.safetensors")), last);
}

// A tenth of four samples is none: there is nothing to validate on, and the best model is the one that trains best.
TEST_F(CliRuns, a_handful_of_samples_trains_without_validation) {
  write_corners(folder_ / "few", 4, 2);
  const Outcome result = run(folder_, {"train", "lenet5", "--data", "few", "--epochs", "1", "--out", "few_run"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, testing::HasSubstr("4 training samples"));
  EXPECT_TRUE(fs::exists(file("few_run/best.safetensors")));
}

TEST_F(CliRuns, a_loss_that_is_not_finite_is_7_and_keeps_the_last_good_epoch) {
  ASSERT_EQ(run(folder_, training("run", "2")).code, 0);
  const std::string best = read_text(file("run/best.safetensors")), last = read_text(file("run/last.safetensors"));
  const Outcome outcome =
      run(folder_, {"train", "run/last.safetensors", "--data", "data", "--lr", "1e30", "--out", "run"});
  expect_failure(outcome, 7, {"epoch 1", "conv2d"});
  EXPECT_EQ(read_text(file("run/best.safetensors")), best);
  EXPECT_EQ(read_text(file("run/last.safetensors")), last);
  for (const char* name : {"run/best.safetensors", "run/last.safetensors"}) {
    const Outcome judged = run(folder_, {"eval", name, "--data", "data", "--json"});
    ASSERT_EQ(judged.code, 0) << name << ": " << judged.err;
    EXPECT_GT(json::parse(judged.out).at("accuracy").get<double>(), 0.5) << name;
  }
}

TEST_F(CliRuns, a_quantized_model_predicts_with_bytes_by_itself) {
  ASSERT_EQ(run(folder_, training("run", "3")).code, 0);
  const std::string model = "run/best.safetensors", bytes = "run/best-int8.safetensors";
  const auto accuracy = [&](const Arguments& more) {
    Arguments arguments = {"eval", bytes, "--data", "data", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run(folder_, arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return json::parse(outcome.out);
  };
  const Outcome outcome = run(folder_, {"quantize", model, "--data", "data", "--samples", "64", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report.at("file"), bytes);
  EXPECT_EQ(report.at("layers").size(), 5u);
  EXPECT_GE(report.at("result").get<double>(), report.at("f32").get<double>() - 0.005);
  const json in_bytes = accuracy({}), in_f32 = accuracy({"--dtype", "f32"});
  EXPECT_NEAR(in_bytes.at("accuracy").get<double>(), report.at("result").get<double>(), 1e-9);
  EXPECT_NEAR(in_f32.at("accuracy").get<double>(), report.at("f32").get<double>(), 1e-9);
  EXPECT_NE(in_bytes.at("loss"), in_f32.at("loss"));

  const Outcome table = run(folder_, {"quantize", model, "--data", "data", "--method", "minmax", "--out", "q.safetensors"});
  EXPECT_THAT(table.out, testing::AllOf(testing::ContainsRegex("conv2d_1 +i8\n"), testing::HasSubstr("accuracy on 100 samples"),
                                        testing::HasSubstr("saved as q.safetensors")));
  expect_failure(run(folder_, {"quantize", model, "--data", "data", "--method", "guess"}), 2,
                 {"--method is minmax, percentile or entropy, not \"guess\""});
  expect_failure(run(folder_, {"eval", model, "--data", "data", "--dtype", "int8"}), 2, {"only with a calibration"});
  expect_failure(run(folder_, {"bench", "lenet5", "--train", "--dtype", "int8"}), 2, {"int8 is for predictions"});
}

}  // namespace
}  // namespace ocellus
