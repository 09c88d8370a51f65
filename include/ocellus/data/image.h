// Images of 8 bits: decoding, encoding, resizing, and the way to and from tensors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ocellus/base/export.h>
#include <ocellus/tensor/tensor.h>

namespace ocellus::data {

/// Pixels of 8 bits, row by row, channels innermost: grey (1 channel) or RGB (3).
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<uint8_t> pixels;  ///< height * width * channels bytes

  Image() = default;
  Image(int width, int height, int channels, uint8_t value = 0)
      : width(width),
        height(height),
        channels(channels),
        pixels(static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(channels), value) {}

  bool empty() const { return pixels.empty(); }
  uint8_t* at(int x, int y) { return pixels.data() + offset(x, y); }              ///< the channels of one pixel
  const uint8_t* at(int x, int y) const { return pixels.data() + offset(x, y); }  ///< unchecked
  friend bool operator==(const Image&, const Image&) = default;

 private:
  size_t offset(int x, int y) const {
    return (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) *
           static_cast<size_t>(channels);
  }
};

/// A rectangle in pixels; x and y are its left and top edge.
struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
  friend bool operator==(const Rect&, const Rect&) = default;
};

/// How to read an image.
struct DecodeConfig {
  int channels = 0;                       ///< 1 grey, 3 RGB, 0 as the file has it (an alpha channel is dropped)
  int64_t max_pixels = int64_t{1} << 28;  ///< larger images are refused before any memory is taken
};

/// How to write an image.
struct EncodeConfig {
  int quality = 95;     ///< JPEG, 1 to 100
  int compression = 3;  ///< PNG, 0 to 9
};

enum class ImageFormat : uint8_t { jpeg, png, bmp, pnm, webp };

/// What a file's first bytes say about the image in it.
struct ImageHeader {
  ImageFormat format = ImageFormat::png;
  int64_t width = 0, height = 0;  ///< as stored, before the EXIF orientation
};

/// Reads the header, and checks that the file is whole as far as its format tells without decoding it.
/// `name` is what errors call it. Throws FormatError, Unsupported.
OCELLUS_API ImageHeader read_image_header(std::span<const std::byte> bytes, std::string_view name = "image");

/// Decodes JPEG, PNG, BMP, PNM or WebP to 8 bits, grey or RGB, turned as the EXIF orientation says.
/// Throws FormatError for anything else, and for damaged, truncated, empty (0x0) or too large images.
OCELLUS_API Image decode_image(std::span<const std::byte> bytes, std::string_view name = "image",
                               const DecodeConfig& config = {});

/// Reads and decodes a file; throws IoError and what `decode_image` throws, naming the path.
OCELLUS_API Image load_image(const std::filesystem::path& path, const DecodeConfig& config = {});

/// Encodes to the format that an extension names (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".webp").
OCELLUS_API std::string encode_image(const Image& image, std::string_view extension, const EncodeConfig& config = {});

/// Writes an image atomically, in the format of the path's extension; throws UsageError for an unknown one, IoError.
OCELLUS_API void save_image(const std::filesystem::path& path, const Image& image, const EncodeConfig& config = {});

/// True for the extensions of the formats that can be read, in any case: ".jpg", ".JPEG", ".png", ...
OCELLUS_API bool is_image_extension(std::string_view extension);

/// How pixels between pixels are made. Libraries differ, so rules have the names of theirs. Without a prefix: OpenCV's, which
/// look at a fixed number of neighbours however much is shrunk; only `area` averages. `pillow_`: Pillow's, antialiased, of the
/// same bytes as its. `torch_`: those of PyTorch's interpolate, in floats; `aligned` is align_corners=True, `smooth` is
/// antialias=True.
enum class Interpolation : uint8_t {
  nearest,
  bilinear,
  area,
  bicubic,
  lanczos4,
  pillow_nearest,
  pillow_box,
  pillow_bilinear,
  pillow_hamming,
  pillow_bicubic,
  pillow_lanczos,
  torch_nearest,
  torch_nearest_exact,
  torch_bilinear,
  torch_bilinear_aligned,
  torch_bilinear_smooth,
  torch_bicubic,
  torch_bicubic_aligned,
  torch_bicubic_smooth,
  torch_area,
};
OCELLUS_API std::string_view to_string(Interpolation interpolation);         ///< "bilinear", "pillow_lanczos", ...
OCELLUS_API Interpolation interpolation_from_string(std::string_view name);  ///< throws UsageError

/// Resizes to width x height pixels. Rules that compute in floats round to the nearest byte, halves to the even one.
OCELLUS_API Image resize(const Image& image, int width, int height, Interpolation rule = Interpolation::bilinear);

OCELLUS_API Image crop(const Image& image, const Rect& rect);  ///< throws UsageError when it sticks out
OCELLUS_API Image to_grey(const Image& image);                 ///< ITU-R BT.601 luma of RGB; itself when grey
OCELLUS_API Image to_rgb(const Image& image);                  ///< three equal channels of grey; itself when RGB
OCELLUS_API Image invert(const Image& image);                  ///< 255 minus each value

/// The pixels as u8 [C,H,W].
OCELLUS_API Tensor to_tensor(const Image& image);

/// An image from [C,H,W] or [H,W], u8 or f32 in 0..255 (rounded and clamped), of one or three channels.
OCELLUS_API Image to_image(const Tensor& tensor);

}  // namespace ocellus::data
