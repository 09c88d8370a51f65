// Keras files that lie: none may crash, hang, take more memory than its size allows, or lead out of itself.
#include <gmock/gmock.h>

#include <hdf5/serial/hdf5.h>
#include <zip.h>

#include <chrono>
#include <fstream>

#include <ocellus/base/file.h>
#include <ocellus/base/rng.h>

#include "io/keras_files.h"
#include "tensor/files.h"

namespace ocellus {
namespace {

using ::testing::HasSubstr;
using testing_files::TemporaryFolder;
using testing_io::refusal;

const std::string network_text = R"({"class_name": "Sequential", "config": {"name": "s", "layers": [
    {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [null, 4]}},
    {"class_name": "Dense", "config": {"name": "d", "units": 3, "activation": "relu"}}]}})";

/// An .h5 file with this network; `fill` adds the rest.
void write_h5(const std::filesystem::path& path, const std::string& network, const std::function<void(hid_t)>& fill) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t attribute = H5Acreate2(file, "model_config", type, space, H5P_DEFAULT, H5P_DEFAULT);
  const char* text = network.c_str();
  H5Awrite(attribute, type, &text);
  H5Aclose(attribute);
  const hid_t group = H5Gcreate2(file, "model_weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t layer = H5Gcreate2(group, "d", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const char* names[] = {"k", "b"};
  const hsize_t two = 2;
  const hid_t list = H5Screate_simple(1, &two, nullptr);
  const hid_t weight_names = H5Acreate2(layer, "weight_names", type, list, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(weight_names, type, names);
  H5Aclose(weight_names);
  fill(layer);
  for (const hid_t id : {layer, group}) H5Gclose(id);
  for (const hid_t id : {space, list}) H5Sclose(id);
  H5Tclose(type);
  H5Fclose(file);
}

struct Dataset {
  std::vector<hsize_t> shape, chunk = {};
  const char* external = nullptr;
};

/// A dataset of zeros that are never written.
void put(hid_t group, const char* name, const Dataset& d) {
  const hid_t plan = H5Pcreate(H5P_DATASET_CREATE),
              space = H5Screate_simple(static_cast<int>(d.shape.size()), d.shape.data(), nullptr);
  if (!d.chunk.empty()) {
    H5Pset_chunk(plan, static_cast<int>(d.chunk.size()), d.chunk.data());
    H5Pset_deflate(plan, 9);
  }
  if (d.external) H5Pset_external(plan, d.external, 0, H5F_UNLIMITED);
  if (d.chunk.empty() && !d.external) H5Pset_alloc_time(plan, H5D_ALLOC_TIME_EARLY);
  const hid_t made = H5Dcreate2(group, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, plan, H5P_DEFAULT);
  H5Dclose(made);
  H5Sclose(space);
  H5Pclose(plan);
}

TEST(HostileKeras, an_honest_file_is_read) {
  const TemporaryFolder folder;
  write_h5(folder / "m.h5", network_text, [](hid_t g) {
    put(g, "k", {.shape = {4, 3}});
    put(g, "b", {.shape = {3}});
  });
  EXPECT_EQ(refusal(folder / "m.h5"), "");
}

TEST(HostileKeras, data_that_are_larger_than_the_file_are_refused) {
  const TemporaryFolder folder;
  const hsize_t huge = hsize_t{1} << 34;
  write_h5(folder / "bomb.h5", network_text, [&](hid_t g) {
    put(g, "k", {.shape = {huge, 3}, .chunk = {1024, 3}});
    put(g, "b", {.shape = {3}});
  });
  EXPECT_THAT(refusal(folder / "bomb.h5"), HasSubstr("unpack to more than 100 times"));
  write_h5(folder / "chunk.h5", network_text, [&](hid_t g) {
    put(g, "k", {.shape = {1 << 28, 3}, .chunk = {1 << 28, 3}});
  });
  EXPECT_THAT(refusal(folder / "chunk.h5"), HasSubstr("chunks larger"));
}

TEST(HostileKeras, no_link_and_no_file_is_followed) {
  const TemporaryFolder folder;
  write_atomically(folder / "secret", std::string(48, 'x'));
  write_h5(folder / "outside.h5", network_text, [&](hid_t g) {
    put(g, "k", {.shape = {4, 3}, .external = (folder / "secret").c_str()});
  });
  EXPECT_THAT(refusal(folder / "outside.h5"), HasSubstr("another file"));
  write_h5(folder / "link.h5", network_text, [&](hid_t g) {
    H5Lcreate_external((folder / "outside.h5").c_str(), "/model_weights/d/k", g, "k", H5P_DEFAULT, H5P_DEFAULT);
  });
  EXPECT_THAT(refusal(folder / "link.h5"), HasSubstr("is a link"));
  write_h5(folder / "soft.h5", network_text,
           [&](hid_t g) { H5Lcreate_soft("/model_weights", g, "k", H5P_DEFAULT, H5P_DEFAULT); });
  EXPECT_THAT(refusal(folder / "soft.h5"), HasSubstr("is a link"));
}

TEST(HostileKeras, settings_can_claim_no_more_than_the_arrays_have) {
  const TemporaryFolder folder;
  std::string huge = network_text;
  huge.replace(huge.find("\"units\": 3"), 10, "\"units\": 2000000000");
  const auto arrays = [](hid_t g) {
    put(g, "k", {.shape = {4, 3}});
    put(g, "b", {.shape = {3}});
  };
  write_h5(folder / "m.h5", huge, arrays);
  EXPECT_THAT(refusal(folder / "m.h5"), HasSubstr("layer d (Dense)"));
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string(R"({"class_name": "Sequential", "config": {"layers": []}})"),
        std::string(R"({"class_name": "Model", "config": {}})"), std::string(200'000, '['),
        std::string("{\"class_name\": 3}")}) {
    write_h5(folder / "m.h5", text, arrays);
    EXPECT_NE(refusal(folder / "m.h5"), "") << text.substr(0, 60);
  }
}

TEST(HostileKeras, networks_inside_of_networks_end_somewhere) {
  std::string text = R"({"class_name": "Dense", "config": {"name": "d", "units": 3}})";
  for (int i = 0; i < 2000; ++i)
    text = R"({"class_name": "Sequential", "config": {"name": "s", "build_input_shape": [null, 4], "layers": [)" +
           text + "]}}";
  const TemporaryFolder folder;
  write_h5(folder / "m.h5", text, [](hid_t) {});
  EXPECT_THAT(refusal(folder / "m.h5"), HasSubstr("deep"));
}

/// A zip archive of names and contents.
void write_zip(const std::filesystem::path& path, const std::vector<std::pair<std::string, std::string>>& entries) {
  int error = 0;
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  for (const auto& [name, content] : entries)
    zip_file_add(archive, name.c_str(), zip_source_buffer(archive, content.data(), content.size(), 0),
                 ZIP_FL_ENC_UTF_8);
  zip_close(archive);
}

TEST(HostileKeras, archives_that_unpack_to_too_much_are_refused) {
  const TemporaryFolder folder;
  write_zip(folder / "m.keras", {{"config.json", std::string(size_t{64} << 20, ' ')}, {"model.weights.h5", "x"}});
  EXPECT_LT(std::filesystem::file_size(folder / "m.keras"), 100'000u);
  EXPECT_THAT(refusal(folder / "m.keras"), HasSubstr("more than 100 times"));
}

TEST(HostileKeras, names_in_an_archive_lead_nowhere) {
  const TemporaryFolder folder;
  write_zip(folder / "m.keras", {{"../config.json", network_text}, {"/etc/model.weights.h5", "x"}});
  EXPECT_THAT(refusal(folder / "m.keras"), HasSubstr("entry config.json: is missing"));
  EXPECT_FALSE(std::filesystem::exists(folder / "../config.json"));
  write_zip(folder / "n.keras", {{"config.json", network_text}, {"model.weights.h5", "no such thing"}});
  EXPECT_THAT(refusal(folder / "n.keras"), HasSubstr("no HDF5 file"));
}

std::string content_of(const std::filesystem::path& path) { return read_file(path); }

TEST(HostileKeras, files_cut_short_are_refused) {
  const TemporaryFolder folder;
  for (const std::string name : {"m.keras", "m.h5"}) {
    io::write_model(zoo::create("lenet5"), folder / name);
    const std::string whole = content_of(folder / name);
    for (const double part : {0.0, 0.001, 0.1, 0.5, 0.9, 0.999}) {
      write_atomically(folder / ("cut_" + name),
                       whole.substr(0, static_cast<size_t>(part * static_cast<double>(whole.size()))));
      EXPECT_NE(refusal(folder / ("cut_" + name)), "") << name << " " << part;
    }
  }
}

// Bytes that are changed at random: a file is read, or refused by one of our own errors, for as long as the time allows.
TEST(HostileKeras, changed_bytes_are_read_or_refused) {
  const TemporaryFolder folder;
  Rng rng(11);
  for (const std::string name : {"m.keras"}) {
    io::write_model(zoo::create("lenet5"), folder / name);
    const std::string whole = content_of(folder / name);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    int64_t tried = 0;
    for (; std::chrono::steady_clock::now() < end; ++tried) {
      std::string changed = whole;
      // Most of a file is weights: what describes it lies at both ends, and there it is changed.
      const auto reach = static_cast<uint64_t>(tried % 2 == 0 ? whole.size() : 6000);
      for (uint64_t i = 0; i < 1 + rng.below(6); ++i) {
        const auto at = rng.below(std::min<uint64_t>(reach, whole.size()));
        changed[tried % 4 < 2 ? at : whole.size() - 1 - at] = static_cast<char>(rng.below(256));
      }
      std::ofstream(folder / ("changed_" + name), std::ios::binary) << changed;
      EXPECT_NO_THROW(refusal(folder / ("changed_" + name)));
    }
    EXPECT_GT(tried, 20) << name;
  }
}

}  // namespace
}  // namespace ocellus
