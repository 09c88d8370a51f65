// HDF5 through the C library, on a copy of the file in memory: nothing that a file says can make the library open another one.
// Every link is looked at before it is followed, every dataset's layout, filters and size before its data are read.
#include "io/keras/hdf5.h"

#include <hdf5/serial/hdf5.h>

#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <ocellus/base/error.h>

#include "io/tensors.h"

namespace ocellus::io::keras {
namespace {

constexpr uint64_t largest_ratio = 100, always_allowed = uint64_t{16} << 20;
constexpr hsize_t most_children = 1'000'000;

/// An identifier of the library, closed by the function that fits.
class Id {
 public:
  using Close = herr_t (*)(hid_t);
  Id(hid_t id, Close close) : id_(id), close_(close) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Id() {
    if (id_ >= 0) close_(id_);
  }
  explicit operator bool() const { return id_ >= 0; }
  operator hid_t() const { return id_; }  // NOLINT: it stands for the library's own handle

 private:
  hid_t id_;
  Close close_;
};

/// The library prints its errors unless told not to, for the whole process: only for the time of a call.
class Quiet {
 public:
  Quiet() {
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Quiet() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

std::string dtype_name(hid_t type) {
  const size_t bits = 8 * H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT: return fmt::format("F{}", bits);
    case H5T_INTEGER: return fmt::format("{}{}", H5Tget_sign(type) == H5T_SGN_NONE ? "U" : "I", bits);
    case H5T_STRING: return "TEXT";
    case H5T_ENUM: return "BOOL";
    default: return "OTHER";
  }
}

std::string fixed_text(const char* data, size_t size) { return std::string(data, strnlen(data, size)); }

}  // namespace

struct Hdf5Reader::State {
  Id file{-1, H5Fclose};
  uint64_t file_bytes = 0;
  uint64_t allowance = 0;  ///< bytes that may still be unpacked

  [[noreturn]] static void fail(const std::string& source, const std::string& path, const std::string& what) {
    throw FormatError(source, path.empty() ? "the root group" : path, what);
  }

  /// Walks a path link by link; an empty Id where a name is missing.
  Id find(const std::string& source, const std::string& path) const {
    Id at(H5Gopen2(file, "/", H5P_DEFAULT), H5Oclose);
    if (!at) fail(source, "", "can't be opened: the file is damaged");
    size_t begin = 0;
    while (begin < path.size()) {
      const size_t end = std::min(path.find('/', begin), path.size());
      const std::string name = path.substr(begin, end - begin);
      begin = end + 1;
      if (name.empty()) continue;
      if (name == "." || H5Iget_type(at) != H5I_GROUP || H5Lexists(at, name.c_str(), H5P_DEFAULT) <= 0)
        return {-1, H5Oclose};
      H5L_info_t link;
      if (H5Lget_info(at, name.c_str(), &link, H5P_DEFAULT) < 0) fail(source, path, "is damaged");
      if (link.type != H5L_TYPE_HARD) fail(source, path, "is a link to another place, which is not followed");
      at = Id(H5Oopen(at, name.c_str(), H5P_DEFAULT), H5Oclose);
      if (!at) fail(source, path, "can't be opened: the file is damaged");
    }
    return at;
  }

  Id expect(const std::string& source, const std::string& path) const {
    Id found = find(source, path);
    if (!found) fail(source, path, "is missing");
    return found;
  }

  Id dataset(const std::string& source, const std::string& path) const {
    Id found = expect(source, path);
    if (H5Iget_type(found) != H5I_DATASET) fail(source, path, "is a group, not a dataset");
    return found;
  }

  static std::vector<int64_t> dims(const std::string& source, const std::string& path, hid_t space) {
    std::array<hsize_t, H5S_MAX_RANK> sizes{};
    const int rank = H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
    if (rank < 0 || H5Sget_simple_extent_type(space) == H5S_NULL) fail(source, path, "has no shape");
    std::vector<int64_t> result;
    for (int i = 0; i < rank; ++i) {
      if (sizes[static_cast<size_t>(i)] > (hsize_t{1} << 40)) fail(source, path, "is impossibly large");
      result.push_back(static_cast<int64_t>(sizes[static_cast<size_t>(i)]));
    }
    return result;
  }

  static uint64_t elements(const std::vector<int64_t>& dims) {
    uint64_t count = 1;
    for (const int64_t d : dims)
      if (__builtin_mul_overflow(count, static_cast<uint64_t>(d), &count)) return UINT64_MAX;
    return count;
  }

  /// Data in this file, in a filter that can't call other code, and no larger than the file can stand for.
  void check_storage(const std::string& source, const std::string& path, hid_t dataset, uint64_t bytes) {
    const Id plan(H5Dget_create_plist(dataset), H5Pclose);
    if (!plan) fail(source, path, "is damaged");
    if (H5Pget_external_count(plan) > 0) fail(source, path, "keeps its data in another file, which is not opened");
    const H5D_layout_t layout = H5Pget_layout(plan);
    if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
      fail(source, path, "is put together of other datasets, which is not supported");
    for (int i = 0; i < H5Pget_nfilters(plan); ++i) {
      unsigned flags = 0, config = 0;
      size_t values = 0;
      const H5Z_filter_t filter =
          H5Pget_filter2(plan, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &config);
      if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
        fail(source, path, fmt::format("is packed by filter {}; deflate, shuffle and checksums are known", filter));
    }
    const hsize_t stored = H5Dget_storage_size(dataset);
    if (stored > file_bytes)
      fail(source, path, fmt::format("says that {} bytes are stored in a file of {}", stored, file_bytes));
    if (layout != H5D_CHUNKED && stored < bytes) fail(source, path, "has fewer bytes than its shape needs");
    if (layout == H5D_CHUNKED) {
      std::array<hsize_t, H5S_MAX_RANK> chunk{};
      const int rank = H5Pget_chunk(plan, H5S_MAX_RANK, chunk.data());
      uint64_t size = H5Tget_size(Id(H5Dget_type(dataset), H5Tclose));
      for (int i = 0; i < rank; ++i)
        if (__builtin_mul_overflow(size, chunk[static_cast<size_t>(i)], &size)) size = UINT64_MAX;
      if (rank < 0 || size > allowance) fail(source, path, "has chunks larger than a file of this size can hold");
    }
    if (bytes > allowance)
      fail(source, path, fmt::format("makes the file unpack to more than {} times its size", largest_ratio));
    allowance -= bytes;
  }

  /// All elements of a text attribute; nothing where there is none.
  std::optional<std::vector<std::string>> read_texts(const std::string& source, const std::string& path,
                                                     const std::string& name) const {
    const Id object = find(source, path);
    if (!object || H5Aexists(object, name.c_str()) <= 0) return std::nullopt;
    const std::string where = path + " attribute " + name;
    const Id attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!attribute) fail(source, where, "is damaged");
    const Id type(H5Aget_type(attribute), H5Tclose), space(H5Aget_space(attribute), H5Sclose);
    const size_t size = H5Tget_size(type);
    // An empty list of names has the type of numbers, as NumPy gives it.
    if (space && H5Sget_simple_extent_npoints(space) == 0) return std::vector<std::string>{};
    if (H5Tget_class(type) != H5T_STRING) fail(source, where, "is no text");
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    const bool variable = H5Tis_variable_str(type) > 0;
    if (count < 0 || static_cast<uint64_t>(count) > file_bytes ||
        (size > 0 && static_cast<uint64_t>(count) > file_bytes / size))
      fail(source, where, "is larger than the file");
    return variable ? variable_texts(source, where, attribute, space, static_cast<size_t>(count))
                    : fixed_texts(source, where, attribute, type, static_cast<size_t>(count));
  }

  static std::vector<std::string> fixed_texts(const std::string& source, const std::string& where, hid_t attribute,
                                              hid_t type, size_t count) {
    const size_t size = H5Tget_size(type);
    std::vector<char> data(size * count + 1);
    if (H5Aread(attribute, type, data.data()) < 0) fail(source, where, "can't be read");
    std::vector<std::string> result;
    for (size_t i = 0; i < count; ++i) result.push_back(fixed_text(data.data() + i * size, size));
    return result;
  }

  static std::vector<std::string> variable_texts(const std::string& source, const std::string& where, hid_t attribute,
                                                 hid_t space, size_t count) {
    const Id memory(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(Id(H5Aget_type(attribute), H5Tclose)));
    std::vector<char*> pointers(count, nullptr);
    if (H5Aread(attribute, memory, pointers.data()) < 0) fail(source, where, "can't be read");
    std::vector<std::string> result;
    for (const char* p : pointers) result.emplace_back(p ? p : "");
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers.data());
    return result;
  }
};

Hdf5Reader::Hdf5Reader(std::span<const std::byte> bytes, std::string source)
    : source_(std::move(source)), state_(std::make_unique<State>()) {
  const Quiet quiet;
  state_->file_bytes = bytes.size();
  state_->allowance = largest_ratio * bytes.size() + always_allowed;
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access, size_t{1} << 20, 0);
  if (bytes.empty() || H5Pset_file_image(access, const_cast<std::byte*>(bytes.data()), bytes.size()) < 0)
    throw FormatError(source_, "can't be read as HDF5");
  state_->file = Id(H5Fopen("image", H5F_ACC_RDONLY, access), H5Fclose);
  if (!state_->file) throw FormatError(source_, "byte 0", "is no HDF5 file, or one that is cut short");
}

Hdf5Reader::~Hdf5Reader() {
  const Quiet quiet;
  state_.reset();
}

bool Hdf5Reader::has(const std::string& path) const {
  const Quiet quiet;
  return static_cast<bool>(state_->find(source_, path));
}

bool Hdf5Reader::is_group(const std::string& path) const {
  const Quiet quiet;
  const Id found = state_->find(source_, path);
  return found && H5Iget_type(found) == H5I_GROUP;
}

std::vector<std::string> Hdf5Reader::children(const std::string& path) const {
  const Quiet quiet;
  const Id group = state_->expect(source_, path);
  H5G_info_t info;
  if (H5Iget_type(group) != H5I_GROUP || H5Gget_info(group, &info) < 0) State::fail(source_, path, "is no group");
  if (info.nlinks > most_children) State::fail(source_, path, fmt::format("has {} members, too many", info.nlinks));
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
    if (length < 0 || length > 4096) State::fail(source_, path, fmt::format("member {} has a damaged name", i));
    std::string name(static_cast<size_t>(length) + 1, '\0');
    H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT);
    name.resize(static_cast<size_t>(length));
    names.push_back(std::move(name));
  }
  return names;
}

std::optional<std::string> Hdf5Reader::text(const std::string& path, const std::string& attribute) const {
  const Quiet quiet;
  const auto all = state_->read_texts(source_, path, attribute);
  if (!all) return std::nullopt;
  if (all->size() != 1) State::fail(source_, path + " attribute " + attribute, "is a list, not one text");
  return all->front();
}

std::optional<std::vector<std::string>> Hdf5Reader::texts(const std::string& path, const std::string& attribute) const {
  const Quiet quiet;
  auto all = state_->read_texts(source_, path, attribute);
  if (all) return all;
  for (int part = 0;; ++part) {
    const auto next = state_->read_texts(source_, path, fmt::format("{}{}", attribute, part));
    if (!next) return all;
    if (!all) all.emplace();
    all->insert(all->end(), next->begin(), next->end());
  }
}

DatasetInfo Hdf5Reader::info(const std::string& path) const {
  const Quiet quiet;
  const Id dataset = state_->dataset(source_, path);
  const Id type(H5Dget_type(dataset), H5Tclose), space(H5Dget_space(dataset), H5Sclose);
  DatasetInfo info;
  info.dtype = dtype_name(type);
  info.shape = State::dims(source_, path, space);
  info.bytes = State::elements(info.shape) * H5Tget_size(type);
  return info;
}

Tensor Hdf5Reader::tensor(const std::string& path) const {
  const Quiet quiet;
  const Id dataset = state_->dataset(source_, path);
  const Id type(H5Dget_type(dataset), H5Tclose), space(H5Dget_space(dataset), H5Sclose);
  const H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_FLOAT && kind != H5T_INTEGER)
    State::fail(source_, path, "holds " + dtype_name(type) + ", not numbers");
  const std::vector<int64_t> dims = State::dims(source_, path, space);
  if (dims.size() > Shape::max_rank) State::fail(source_, path, fmt::format("has {} dimensions", dims.size()));
  const uint64_t count = State::elements(dims), width = std::max<uint64_t>(H5Tget_size(type), sizeof(float));
  if (count > (uint64_t{1} << 40) / width) State::fail(source_, path, "is impossibly large");
  state_->check_storage(source_, path, dataset, count * H5Tget_size(type));
  Tensor result(DType::f32, shape_of(dims));
  if (count > 0 && H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, result.data()) < 0)
    State::fail(source_, path, "can't be read: its data are damaged");
  return result;
}

struct Hdf5Writer::State {
  Id file{-1, H5Fclose};

  Id open(const std::string& path) {
    return Id(H5Oopen(file, path.empty() ? "/" : path.c_str(), H5P_DEFAULT), H5Oclose);
  }

  static void check(bool fine, const std::string& what) {
    if (!fine) throw Error("the HDF5 library can't write " + what);
  }
};

Hdf5Writer::Hdf5Writer() : state_(std::make_unique<State>()) {
  const Quiet quiet;
  const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access, size_t{1} << 20, 0);
  state_->file = Id(H5Fcreate("image", H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
  State::check(static_cast<bool>(state_->file), "a file");
}

Hdf5Writer::~Hdf5Writer() = default;

void Hdf5Writer::group(const std::string& path) {
  const Quiet quiet;
  for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (!part.empty() && H5Lexists(state_->file, part.c_str(), H5P_DEFAULT) <= 0) {
      const Id made(H5Gcreate2(state_->file, part.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      State::check(static_cast<bool>(made), "group " + part);
    }
    if (end == std::string::npos) return;
  }
}

void Hdf5Writer::text(const std::string& path, const std::string& attribute, const std::string& value) {
  const Quiet quiet;
  const Id type(H5Tcopy(H5T_C_S1), H5Tclose), space(H5Screate(H5S_SCALAR), H5Sclose), object = state_->open(path);
  H5Tset_size(type, H5T_VARIABLE);  // a text of any length: others must stay below 64 KB
  H5Tset_cset(type, H5T_CSET_UTF8);
  const Id made(H5Acreate2(object, attribute.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  const char* data = value.c_str();
  State::check(made && H5Awrite(made, type, &data) >= 0, "attribute " + attribute);
}

void Hdf5Writer::texts(const std::string& path, const std::string& attribute, const std::vector<std::string>& values) {
  const Quiet quiet;
  const Id type(H5Tcopy(H5T_C_S1), H5Tclose), object = state_->open(path);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const hsize_t count = values.size();
  const Id space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  std::vector<const char*> data;
  for (const std::string& v : values) data.push_back(v.c_str());
  const Id made(H5Acreate2(object, attribute.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  State::check(made && (values.empty() || H5Awrite(made, type, data.data()) >= 0), "attribute " + attribute);
}

void Hdf5Writer::tensor(const std::string& path, const Tensor& value) {
  if (const size_t slash = path.rfind('/'); slash != std::string::npos) group(path.substr(0, slash));
  const Quiet quiet;
  std::vector<hsize_t> dims;
  for (const int64_t d : value.shape()) dims.push_back(static_cast<hsize_t>(d));
  const Id space(
      dims.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
      H5Sclose);
  const Id made(H5Dcreate2(state_->file, path.c_str(), H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                H5Dclose);
  State::check(made && H5Dwrite(made, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, value.as<float>().data()) >= 0,
               "dataset " + path);
}

std::string Hdf5Writer::bytes() {
  const Quiet quiet;
  State::check(H5Fflush(state_->file, H5F_SCOPE_GLOBAL) >= 0, "a file");
  const ssize_t size = H5Fget_file_image(state_->file, nullptr, 0);
  State::check(size > 0, "a file");
  std::string result(static_cast<size_t>(size), '\0');
  State::check(H5Fget_file_image(state_->file, result.data(), result.size()) == size, "a file");
  return result;
}

}  // namespace ocellus::io::keras
