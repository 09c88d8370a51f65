// ImageFolder: one folder of image files a class.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/data/dataset.h>
#include <ocellus/data/image.h>

namespace ocellus::data {

struct ImageFolderConfig {
  DecodeConfig decode = {.channels = 3};  ///< colour unless asked otherwise, so that all images are alike
};

/// The images of <folder>/<class>/**, decoded when asked for, as u8 [C,H,W] with the class as i32. Classes are the
/// folders sorted by name, images are sorted by path. Copies share the list of files.
class OCELLUS_API ImageFolder : public Dataset {
 public:
  /// Lists the files. Throws IoError for a missing folder, FormatError when it has no class folders or one is empty.
  explicit ImageFolder(const std::filesystem::path& folder, const ImageFolderConfig& config = {});
  /// The part <folder>/train, <folder>/test or <folder>/val; a folder of classes without such parts is all train.
  ImageFolder(const std::filesystem::path& folder, Split split, const ImageFolderConfig& config = {});

  int64_t size() const override;
  Sample get(int64_t i, Rng& rng) const override;  ///< throws FormatError or IoError naming the file
  std::string name() const override;
  std::vector<std::string> class_names() const override;
  std::string where(int64_t i) const override;  ///< the file's path
  const std::filesystem::path& path(int64_t i) const;

 private:
  struct Listing;
  std::shared_ptr<const Listing> listing_;
};

/// The folder that holds a split's class folders, or an empty path: <folder>/train, /test, /val (also /valid and
/// /validation), or for Split::train the folder itself when it has class folders.
OCELLUS_API std::filesystem::path find_image_folder(const std::filesystem::path& folder, Split split);

}  // namespace ocellus::data
