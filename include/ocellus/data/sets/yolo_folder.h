// YoloFolder: pictures with boxes, as darknet's and Ultralytics' trainers lay them out.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/data/dataset.h>
#include <ocellus/data/image.h>

namespace ocellus::data {

/// The images of <folder>/images/<part> with a text file each in <folder>/labels/<part> (or labels_boxes), one line a box:
/// class, then centre and size as fractions of the image. Samples are u8 [3,H,W] with f32 [K,5] rows of those five numbers,
/// sorted by path; an image without a text file has no boxes. Names of classes are those of the folder's only .names file.
class OCELLUS_API YoloFolder : public Dataset {
 public:
  /// Parts are told by their names: "train2017" is Split::train. Images directly in images/ are all train. Throws IoError for a
  /// missing folder, FormatError when there is no image.
  YoloFolder(const std::filesystem::path& folder, Split split);

  int64_t size() const override;
  /// Throws FormatError naming file and line for a line of other numbers, a class below 0 or over 2^20, or centres outside of
  /// the image by more than a rounding.
  Sample get(int64_t i, Rng& rng) const override;
  std::string name() const override;
  std::vector<std::string> class_names() const override;
  std::string where(int64_t i) const override;  ///< the image's path
  const std::filesystem::path& path(int64_t i) const;
  Tensor boxes(int64_t i) const;  ///< the sample's target, without decoding its image

 private:
  struct Listing;
  std::shared_ptr<const Listing> listing_;
};

/// The folder of a split's images, or an empty path where there is no such set.
OCELLUS_API std::filesystem::path find_yolo_folder(const std::filesystem::path& folder, Split split);

}  // namespace ocellus::data
