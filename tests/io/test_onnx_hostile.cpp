// ONNX files from strangers: whatever the bytes, reading gives a model or one of our errors.
#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <chrono>
#include <functional>

#include <ocellus/base/rng.h>
#include <ocellus/io/format.h>

#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_files::message_of;
using testing_files::read_text;
using testing_files::TemporaryFolder;
using testing_files::write_text;

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(OCELLUS_TEST_DATA) / "onnx" / name / "model.onnx";
}

/// A golden file with a change.
class Changed {
 public:
  Changed(const std::string& name, const std::function<void(onnx::ModelProto&)>& change) {
    proto_.ParseFromString(read_text(golden(name)));
    change(proto_);
    write_text(folder_ / "m.onnx", proto_.SerializeAsString());
  }
  std::filesystem::path path() const { return folder_ / "m.onnx"; }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  onnx::ModelProto proto_;
};

std::string format_error(const Changed& file) {
  return message_of<FormatError>([&] { io::read_model(file.path()); });
}
std::string unsupported(const Changed& file) {
  return message_of<Unsupported>([&] { io::read_model(file.path()); });
}

TEST(OnnxHostile, an_initialiser_of_another_length_than_its_dimensions) {
  const Changed file("matrices",
                     [](auto& m) { m.mutable_graph()->mutable_initializer(0)->mutable_raw_data()->pop_back(); });
  EXPECT_THAT(format_error(file), AllOf(HasSubstr("initialiser w1"), HasSubstr("holds 119 bytes instead of 120")));
}

TEST(OnnxHostile, dimensions_that_no_memory_holds) {
  const Changed negative("matrices", [](auto& m) { m.mutable_graph()->mutable_initializer(0)->set_dims(0, -5); });
  EXPECT_THAT(format_error(negative), HasSubstr("dimension of -5"));
  const Changed huge("matrices", [](auto& m) {
    m.mutable_graph()->mutable_initializer(0)->set_dims(0, int64_t{1} << 40);
    m.mutable_graph()->mutable_initializer(0)->set_dims(1, int64_t{1} << 40);
  });
  EXPECT_THAT(format_error(huge), HasSubstr("initialiser w1"));
}

TEST(OnnxHostile, a_cycle) {
  const Changed file("matrices",
                     [](auto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, m.graph().node(1).output(0)); });
  EXPECT_THAT(format_error(file), HasSubstr("nodes must be in order of computation"));
}

TEST(OnnxHostile, a_name_that_is_given_twice) {
  const Changed file("matrices",
                     [](auto& m) { m.mutable_graph()->mutable_node(1)->set_output(0, m.graph().node(0).output(0)); });
  EXPECT_THROW(io::read_model(file.path()), FormatError);
}

TEST(OnnxHostile, external_data_outside_of_the_folder_are_not_read) {
  for (const char* location : {"../secret.bin", "/etc/passwd", "a/../../b", ""}) {
    const Changed file("external_weights", [&](auto& m) {
      m.mutable_graph()->mutable_initializer(0)->mutable_external_data(0)->set_value(location);
    });
    EXPECT_THAT(format_error(file), HasSubstr("outside the model's folder")) << location;
  }
}

TEST(OnnxHostile, an_external_link_that_leads_out_is_not_followed) {
  const TemporaryFolder elsewhere;
  write_text(elsewhere / "secret.bin", std::string(4096, 'x'));
  const Changed file("external_weights", [](auto&) {});
  std::filesystem::create_symlink(elsewhere / "secret.bin", file.folder() / "weights.bin");
  EXPECT_THAT(format_error(file), HasSubstr("outside the model's folder"));
}

TEST(OnnxHostile, external_data_that_are_too_short) {
  const Changed file("external_weights", [](auto&) {});
  write_text(file.folder() / "weights.bin", "short");
  EXPECT_THAT(format_error(file), HasSubstr("and has 5"));
}

TEST(OnnxHostile, constants_that_unfold_to_more_than_memory) {
  const Changed file("computed_shapes", [](auto& m) {
    auto& node = *m.mutable_graph()->mutable_node(0);
    node.Clear();
    node.set_op_type("ConstantOfShape");
    node.add_input("big");
    node.add_output(m.graph().node(1).input(0));
    auto& big = *m.mutable_graph()->add_initializer();
    big.set_name("big");
    big.set_data_type(onnx::TensorProto::INT64);
    big.add_dims(2);
    big.add_int64_data(1 << 20);
    big.add_int64_data(1 << 20);
  });
  EXPECT_THAT(format_error(file), HasSubstr("can't be the shape of a constant"));
}

TEST(OnnxHostile, all_that_is_unsupported_is_said_at_once) {
  const Changed file("matrices", [](auto& m) {
    m.mutable_graph()->mutable_node(0)->set_op_type("Unheard");
    m.mutable_graph()->mutable_node(3)->set_op_type("NonMaxSuppression");
    m.mutable_graph()->mutable_node(5)->set_op_type("Unheard");
  });
  EXPECT_THAT(unsupported(file),
              AllOf(HasSubstr("3 nodes are without a counterpart here"), HasSubstr("NonMaxSuppression"),
                    HasSubstr("Unheard (2 nodes, the first: /gemm/3 on f32[N,6], f32[5,6], f32[5])")));
}

TEST(OnnxHostile, versions_that_are_not_known) {
  for (int64_t version : {6, 99}) {
    const Changed file("matrices", [&](auto& m) { m.mutable_opset_import(0)->set_version(version); });
    EXPECT_THAT(unsupported(file), HasSubstr("those from 7 to 28 are known"));
  }
}

/// Flips, cuts, repeats and inserts at random places, for a second or two; every outcome must be a model or an Error.
TEST(OnnxHostile, random_bytes) {
  const TemporaryFolder folder;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  const std::vector<std::string> names = {"matrices",        "versions_7",       "versions_10",
                                          "computed_shapes", "resizes",          "recurrences",
                                          "bytes_by_pairs",  "external_weights", "normalisations"};
  std::vector<std::string> seeds;
  for (const std::string& name : names) seeds.push_back(read_text(golden(name)));
  Rng rng(20);
  int models = 0, errors = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::string bytes = seeds[rng.below(seeds.size())];
    for (uint64_t changes = 1 + rng.below(6); changes > 0; --changes) {
      const size_t at = rng.below(bytes.size());
      switch (rng.below(4)) {
        case 0: bytes[at] = static_cast<char>(rng.below(256)); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.below(8))); break;
        case 2: bytes.insert(at, bytes, at / 2, rng.below(16)); break;
        default: bytes.erase(at, rng.below(8)); break;
      }
      if (bytes.empty()) bytes = "x";
    }
    write_text(folder / "m.onnx", bytes);
    try {
      io::read_model(folder / "m.onnx");
      ++models;
    } catch (const Error&) {
      ++errors;
    }
  }
  EXPECT_GT(models, 0);
  EXPECT_GT(errors, 0);
}

}  // namespace
}  // namespace ocellus
